"""Policies over what Terraform would really change, and over drift.

The refusals made while synthesising judge what is written; these judge the step from what exists to what is written,
with every value resolved. An exemption at the resource (`exempt`, in the committed JSON) or a dated silence
(config/silences.toml) makes a finding silent; it is then shown with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from operations.errors import OperatorError
from operations.plans.finding import ALL, Finding
from operations.plans.plan_document import Action, Change, PlanDocument
from operations.plans.policies.data_destroyed import data_destroyed
from operations.plans.policies.encryption_lost import encryption_lost
from operations.plans.policies.iam_wildcard import iam_wildcard
from operations.plans.policies.policy import Policy, Undecided, surroundings, with_configured
from operations.plans.policies.protection_lost import protection_lost
from operations.plans.policies.public_bucket import public_bucket
from operations.plans.policies.retention_shortened import retention_shortened
from operations.plans.policies.world_open_ingress import world_open_ingress
from operations.plans.renames import rename_findings

POLICIES: tuple[Policy, ...] = (
    Policy("data-destroyed", "Resources that hold data are destroyed, replaced or forgotten", data_destroyed, True),
    Policy("iam-wildcard", "A policy grows: a whole service, wider resources, trust for everybody", iam_wildcard),
    Policy("public-bucket", "A bucket, queue, topic, key, secret or function becomes public", public_bucket),
    Policy("encryption-lost", "Encryption is taken off, or missing on something new", encryption_lost),
    Policy("retention-shortened", "Backups, logs or deleted things are kept for less time", retention_shortened),
    Policy("protection-lost", "Protection from destruction is taken off", protection_lost, True),
)
OPEN = "world-open-ingress"
RENAME = "accidental-rename"
DESCRIPTIONS: Mapping[str, str] = {policy.id: policy.description for policy in POLICIES} | {
    OPEN: "A port becomes open to the whole internet",
    RENAME: "Resources are destroyed and made again under other names, instead of moved",
}
"""Every policy by id."""
EXEMPTED_BY: Mapping[str, tuple[str, ...]] = {
    "iam-wildcard": ("wildcard-action",),
    "encryption-lost": ("unencrypted-database", "unencrypted-cache", "clear-text-cache", "unencrypted-disk"),
}
"""Refusals made while synthesising that judge the same: an exemption from one of them holds here too."""

Silenced = Callable[[str, str], str]
"""(policy, address) → the reason of a silence, or nothing."""


def check_policies(policies: Iterable[str]) -> None:
    """Raises OperatorError for the id of a policy that does not exist."""
    unknown = sorted(set(policies) - {ALL, *DESCRIPTIONS})
    if unknown:
        raise OperatorError(f"No policy is called {unknown[0]}.", hint=f"There are: {', '.join(DESCRIPTIONS)}, {ALL}.")


def judge(
    plan: PlanDocument,
    *,
    protect_data: bool,
    configured: Mapping[str, Mapping[str, object]] | None = None,
    silenced: Silenced = lambda policy, address: "",
) -> list[Finding]:
    """Findings at the changes of a plan.

    `configured` holds arguments by address, as the stack's Terraform JSON has them: with it, documents can be judged
    in which only an id is not known yet. `silenced` gives the reason of a silence.
    """
    found = [*_broken(plan.changes, configured or {}, protect_data)]
    found += [Finding(RENAME, address, message, fix) for address, message, fix in rename_findings(plan.changes)]
    return [_with_silence(finding, silenced) for finding in found]


def judge_drift(
    plan: PlanDocument, *, protect_data: bool, silenced: Silenced = lambda policy, address: ""
) -> list[Finding]:
    """Findings at what was done without Terraform."""
    return [_with_silence(finding, silenced) for finding in _broken(plan.drift, {}, protect_data)]


def _broken(
    changes: Sequence[Change], configured: Mapping[str, Mapping[str, object]], protect_data: bool
) -> Iterator[Finding]:
    around = surroundings(changes)
    for change in changes:
        if change.action in (Action.NO_OP, Action.READ):
            continue
        judged = with_configured(change, configured.get(change.address, {}))
        for policy in POLICIES:
            if protect_data or not policy.protected_only:
                yield from _finding(policy.id, change, policy.check(judged, around))
    for change, message in world_open_ingress(changes, configured):
        yield from _finding(OPEN, change, [message])


def _finding(policy: str, change: Change, messages: Iterable[str]) -> Iterator[Finding]:
    """One finding for everything that a policy says of a change."""
    said = list(dict.fromkeys(messages))
    certain = [message for message in said if not isinstance(message, Undecided)]
    if said:
        text = "; ".join(certain or said)
        yield Finding(policy, change.address, text, deposed=change.deposed, undecided=not certain)


def _with_silence(finding: Finding, silenced: Silenced) -> Finding:
    return replace(finding, silenced=silenced(finding.policy, finding.address))
