"""What a plan should not do without somebody saying so: policies over what Terraform would really change.

The refusals made while synthesising judge what is written; these judge the step from what exists to what is written,
with every value resolved. An exemption at the resource (`exempt`, in the committed JSON) or a dated silence
(config/silences.toml) makes a finding silent; it is then shown with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from operations.demo.unprotect import SWITCHES
from operations.errors import OperatorError
from operations.plans.finding import ALL, Finding
from operations.plans.plan_document import Action, Change, PlanDocument
from operations.plans.renames import rename_findings


@dataclass(frozen=True)
class Policy:
    """A rule about single changes: `check` says what is wrong with one, or None."""

    id: str
    description: str
    check: Callable[[Change], str | None]
    protected_only: bool = False
    """Only in environments that protect data."""


def judge(
    plan: PlanDocument, *, protect_data: bool, silenced: Callable[[str, str], str] = lambda policy, address: ""
) -> list[Finding]:
    """What the changes of a plan break; `silenced(policy, address)` gives the reason of a silence, or nothing."""
    found = [*_broken(plan.changes, protect_data=protect_data)]
    found += [Finding(RENAME, address, message, fix) for address, message, fix in rename_findings(plan.changes)]
    return [_with_silence(finding, silenced) for finding in found]


def judge_drift(
    plan: PlanDocument, *, protect_data: bool, silenced: Callable[[str, str], str] = lambda policy, address: ""
) -> list[Finding]:
    """What was done without Terraform and breaks a policy."""
    return [_with_silence(finding, silenced) for finding in _broken(plan.drift, protect_data=protect_data)]


def _broken(changes: Iterable[Change], *, protect_data: bool) -> Iterator[Finding]:
    for change in changes:
        if change.action in (Action.NO_OP, Action.READ):
            continue
        for policy in POLICIES:
            if protect_data or not policy.protected_only:
                message = policy.check(change)
                if message is not None:
                    yield Finding(policy.id, change.address, message, deposed=change.deposed)


def _with_silence(finding: Finding, silenced: Callable[[str, str], str]) -> Finding:
    return replace(finding, silenced=silenced(finding.policy, finding.address))


def _data_destroyed(change: Change) -> str | None:
    if not change.holds_data:
        return None
    if change.action is Action.FORGET:
        return "Terraform forgets it: the data stays in AWS, where nothing manages or protects it any more"
    if not change.destroys:
        return None
    forced = ", ".join(str(path[0]) for path in change.replace_paths)
    because = f": {forced} cannot be changed in place" if forced else ""
    return f"data is lost: it is {'replaced' if change.action is Action.REPLACE else 'destroyed'}{because}"


def _world_open(change: Change) -> str | None:
    now = _open_ports(change.type, change.after)
    return (
        f"opens {', '.join(sorted(now))} to the whole internet"
        if now - _open_ports(change.type, change.before)
        else None
    )


def _open_ports(kind: str, attributes: Any) -> set[str]:
    if not isinstance(attributes, dict):
        return set()
    rules = [attributes]
    if kind in ("aws_security_group", "aws_default_security_group"):
        rules = attributes.get("ingress") or []
    elif kind != "aws_vpc_security_group_ingress_rule" and not (
        kind == "aws_security_group_rule" and attributes.get("type") == "ingress"
    ):
        return set()
    return {_ports(rule) for rule in rules if "0.0.0.0/0" in _ranges(rule) or "::/0" in _ranges(rule)}


def _ranges(rule: Mapping[str, Any]) -> list[str]:
    several = [*(rule.get("cidr_blocks") or ()), *(rule.get("ipv6_cidr_blocks") or ())]
    return [*several, *filter(None, (rule.get("cidr_ipv4"), rule.get("cidr_ipv6")))]


def _ports(rule: Mapping[str, Any]) -> str:
    low, high = rule.get("from_port"), rule.get("to_port")
    if low is None or low in (0, -1):
        return "every port"
    return f"port {low}" if low == high else f"ports {low}–{high}"


_POLICIES = ("aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy")


def _iam_wildcard(change: Change) -> str | None:
    if change.type not in _POLICIES:
        return None
    new = _wide_actions(change.becomes("policy")) - _wide_actions(change.was("policy"))
    return f"allows {', '.join(sorted(new))}" if new else None


def _wide_actions(policy: Any) -> set[str]:
    return {
        action
        for statement in _allowing(policy)
        for action in _list(statement.get("Action"))
        if action == "*" or action.endswith(":*")
    } | {f"all but {', '.join(_list(s['NotAction']))}" for s in _allowing(policy) if "NotAction" in s}


def _allowing(policy: Any) -> list[dict[str, Any]]:
    try:
        statements = json.loads(policy or "{}").get("Statement", [])
    except (TypeError, ValueError, AttributeError):  # not known before the apply
        return []
    statements = statements if isinstance(statements, list) else [statements]
    return [s for s in statements if isinstance(s, dict) and s.get("Effect") == "Allow"]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


def _public_bucket(change: Change) -> str | None:
    if change.type == "aws_s3_bucket_public_access_block":
        if change.action is Action.DELETE:
            return "the bucket is no longer kept from being public"
        off = [name for name in _BLOCKS if change.becomes(name) is False and change.was(name) is not False]
        return f"switches off {', '.join(off)}" if off else None
    if change.type == "aws_s3_bucket_policy":
        new = _anybody(change.becomes("policy")) - _anybody(change.was("policy"))
        return f"lets anybody do {', '.join(sorted(new))}" if new else None
    if change.type == "aws_s3_bucket_acl" and str(change.becomes("acl")).startswith("public-"):
        return f"is {change.becomes('acl')}"
    return None


def _anybody(policy: Any) -> set[str]:
    anybody = ("*", {"AWS": "*"}, {"AWS": ["*"]})
    open_to_all = [s for s in _allowing(policy) if s.get("Principal") in anybody and not s.get("Condition")]
    return {action for statement in open_to_all for action in _list(statement.get("Action"))}


_ENCRYPTION = ("storage_encrypted", "encrypted", "at_rest_encryption_enabled", "transit_encryption_enabled")


def _encryption_lost(change: Change) -> str | None:
    if change.type == "aws_s3_bucket_server_side_encryption_configuration" and change.action is Action.DELETE:
        return "the bucket's encryption is no longer set"
    if change.action is Action.DELETE:
        return None
    after, before = dict(_leaves(change.after)), dict(_leaves(change.before))
    for path, value in after.items():
        off = path[-1] in _ENCRYPTION and str(value).lower() == "false"
        in_encryption_block = path[-1] == "enabled" and "server_side_encryption" in path and value is False
        if (off or in_encryption_block) and str(before.get(path, "true")).lower() != "false":
            return f"{path[-1] if off else 'server_side_encryption'} is off"
    if before.get(("kms_key_id",)) and change.action is Action.UPDATE and not _known(change, "kms_key_id"):
        return "is no longer encrypted with its key"
    return None


def _known(change: Change, name: str) -> bool:
    unknown = change.after_unknown.get(name) if isinstance(change.after_unknown, dict) else None
    return bool(unknown or change.becomes(name))


_RETENTIONS = (
    "retention_in_days",
    "backup_retention_period",
    "snapshot_retention_limit",
    "deletion_window_in_days",
    "recovery_window_in_days",
    "noncurrent_days",
    "delete_after",
    "recovery_period_in_days",
)
_FOREVER_IS_ZERO = "retention_in_days"


def _retention_shortened(change: Change) -> str | None:
    if change.action not in (Action.UPDATE, Action.REPLACE):
        return None
    after = dict(_leaves(change.after))
    for path, before in _leaves(change.before):
        now = after.get(path)
        if path[-1] in _RETENTIONS and isinstance(before, int) and isinstance(now, int):
            old, new = (float("inf") if path[-1] == _FOREVER_IS_ZERO and days == 0 else days for days in (before, now))
            if new < old:
                return f"{path[-1]} goes from {'for ever' if old == float('inf') else before} to {now} days"
        if path[-2:] == (0, "enabled") and "point_in_time_recovery" in path and before is True and now is False:
            return "point_in_time_recovery is switched off"
    return None


def _protection_lost(change: Change) -> str | None:
    if change.action is not Action.UPDATE:
        return None
    lost = [
        name
        for name, free in SWITCHES.items()
        if isinstance(free, bool) and change.was(name) is not free and change.becomes(name) is free
        if change.was(name) is not None
    ]
    return f"{', '.join(lost)}: nothing keeps it from being destroyed any more" if lost else None


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    elif path:
        yield path, value


POLICIES: tuple[Policy, ...] = (
    Policy("data-destroyed", "Data is destroyed or replaced", _data_destroyed, protected_only=True),
    Policy("world-open-ingress", "A port is opened to the whole internet", _world_open),
    Policy("iam-wildcard", "A policy allows whole services, or everything", _iam_wildcard),
    Policy("public-bucket", "A bucket can be read or written by anybody", _public_bucket),
    Policy("encryption-lost", "What was encrypted is not any more, or something new is not", _encryption_lost),
    Policy("retention-shortened", "Backups, logs or deleted things are kept for less time", _retention_shortened),
    Policy(
        "protection-lost", "What kept data from being destroyed is taken off", _protection_lost, protected_only=True
    ),
)
RENAME = "accidental-rename"
DESCRIPTIONS: Mapping[str, str] = {policy.id: policy.description for policy in POLICIES} | {
    RENAME: "Resources are destroyed and made again under other names, instead of moved"
}
"""Every policy by id."""
EXEMPTED_BY: Mapping[str, tuple[str, ...]] = {
    "iam-wildcard": ("wildcard-action",),
    "encryption-lost": ("unencrypted-database", "unencrypted-cache", "clear-text-cache", "unencrypted-disk"),
}
"""Refusals made while synthesising that judge the same: an exemption from one of them holds here too."""


def check_policies(policies: Iterable[str]) -> None:
    """Raises OperatorError for the id of a policy that does not exist."""
    unknown = sorted(set(policies) - {ALL, *DESCRIPTIONS})
    if unknown:
        raise OperatorError(f"No policy is called {unknown[0]}.", hint=f"There are: {', '.join(DESCRIPTIONS)}, {ALL}.")
