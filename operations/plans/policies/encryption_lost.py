"""Encryption that is taken off, at rest and in transit, or missing on something new."""

from __future__ import annotations

import re
from collections.abc import Iterator

from iam.document import PolicyDocument
from operations.plans.plan_document import Action, Change
from operations.plans.policies.documents import resource_documents
from operations.plans.policies.policy import UNKNOWN, Leaf, PlanSurroundings, Undecided, before_and_after, name_of

_SWITCH = re.compile(r"encrypt(?!ion_disabled)|^enforce_https$|^require_(tls|ssl)$|^sqs_managed_sse_enabled$")
_KEY = re.compile(r"^kms_(master_)?key(_id|_arn)?$|^kms_data_key.*|^encryption_key(_arn)?$")
_OFF = ("false", "none", "disabled", "unencrypted", "plaintext", "tls_plaintext", "preferred")
_CLEAR_PROTOCOLS = {
    "HTTPS": ("HTTP",),
    "TLS": ("TCP",),
    "SSL": ("TCP", "HTTP"),
    "https": ("http",),
    "https-only": ("allow-all", "http-only", "match-viewer"),
    "redirect-to-https": ("allow-all",),
}
_PROTOCOL = re.compile(r"protocol|policy")
_FORCED = ("rds.force_ssl", "require_secure_transport", "ssl_mode", "require_ssl")
"""Parameters of databases that refuse clear text."""
_FORCING = ("1", "on", "true", "require", "verify_ca", "verify_identity")


def encryption_lost(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about encryption that is lost or missing."""
    if change.action in (Action.DELETE, Action.FORGET):
        if change.type == "aws_s3_bucket_server_side_encryption_configuration" and around.outlives(change):
            yield "the bucket's encryption is no longer set"
    else:
        before, after = before_and_after(change)
        keyed = bool(after.get(("kms_master_key_id",)))
        for path, now in after.items():
            yield from _switched_off(path, before, now, keyed)
            yield from _in_clear(path, before.get(path), now)
        if change.action is not Action.CREATE:
            yield from _keys_lost(before, after)
            yield from _blocks_lost(before, after)
    if (change.action is not Action.DELETE or around.outlives(change)) and _accepts_clear_text(change):
        yield "no longer refuses requests in clear text"


def _switched_off(path: Leaf, before: dict[Leaf, object], now: object, keyed: bool) -> Iterator[str]:
    """A switch that is off and was on, or that is off on something new; a queue may have a key in its place."""
    if now is UNKNOWN or not isinstance(now, str | bool) or str(now).lower() not in _OFF:
        return
    names = [step for step in path if isinstance(step, str)]
    if not names or _KEY.match(names[-1]):
        return
    if not _SWITCH.search(names[-1]) and (names[-1] != "enabled" or not any("encrypt" in name for name in names[:-1])):
        return
    if names[-1] == "sqs_managed_sse_enabled" and (not before or keyed):
        return
    was = before.get(path)
    if str(was).lower() not in _OFF if was is not None else str(now).lower() == "false":
        yield f"{names[-1] if names[-1] != 'enabled' else names[-2]} is off"


def _keys_lost(before: dict[Leaf, object], after: dict[Leaf, object]) -> Iterator[str]:
    for path, was in before.items():
        if _KEY.match(name_of(path)) and was and not after.get(path):
            yield "is no longer encrypted with its key"
            return


def _blocks_lost(before: dict[Leaf, object], after: dict[Leaf, object]) -> Iterator[str]:
    """Blocks about encryption that were there and are not any more."""
    blocks = dict.fromkeys(
        (path[: place + 1], step)
        for path, was in before.items()
        if was not in (None, False, [], {}, "")
        for place, step in enumerate(path[:-1])
        if isinstance(step, str) and "encrypt" in step
    )
    for block, name in blocks:
        inside = [now for path, now in after.items() if path[: len(block)] == block]
        if UNKNOWN in inside:
            yield Undecided(f"{name} is known after the apply")
        elif not any(now not in (None, [], {}, "") for now in inside):
            yield f"{name} is removed"


def _in_clear(path: Leaf, was: object, now: object) -> Iterator[str]:
    """Protocols and database parameters that allow clear text from now on."""
    name = name_of(path)
    if name != "value" and not _PROTOCOL.search(name):
        return
    old, new = str(was), str(now)
    if _PROTOCOL.search(name) and new in _CLEAR_PROTOCOLS.get(old, ()):
        yield f"{name} goes from {old} to {new}"
    forced = next((step for step in path if step in _FORCED), None)
    if forced and name == "value" and old.lower() in _FORCING and new.lower() not in _FORCING:
        yield f"{forced} is off"


def _accepts_clear_text(change: Change) -> bool:
    documents = resource_documents(change)
    return not documents.unknown and _refuses(documents.before) and not _refuses(documents.after)


def _refuses(policy: PolicyDocument) -> bool:
    return any(
        condition.key == "aws:securetransport" and "false" in condition.values
        for statement in policy.statements
        if not statement.allows
        for condition in statement.conditions
    )
