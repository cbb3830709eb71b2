"""Encryption that is taken off, at rest and in transit, or missing on something new."""

from __future__ import annotations

import re
from collections.abc import Iterator

from iam.document import PolicyDocument
from operations.plans.plan_document import Action, Change
from operations.plans.policies.documents import resource_documents
from operations.plans.policies.policy import UNKNOWN, Leaf, PlanSurroundings, Undecided, before_and_after, name_of

_SWITCH = re.compile(
    r"encrypt(?!ion_disabled)|^enforce_https$|^require_(tls|ssl)$|^sqs_managed_sse_enabled$|^(client_broker|in_cluster)$"
)
_KEY = re.compile(r"(^|_)kms_(master_)?key(_id|_arn)?$|^kms_data_key.*|^encryption_key(_arn)?$")
_OFF = ("false", "none", "disabled", "unencrypted", "plaintext", "tls_plaintext", "preferred")
_CLEAR_PROTOCOLS = {
    "https": ("http",),
    "tls": ("tcp", "tcp_udp"),
    "ssl": ("tcp", "http"),
    "sftp": ("ftp",),
    "ftps": ("ftp",),
    "https-only": ("allow-all", "http-only", "match-viewer"),
    "redirect-to-https": ("allow-all",),
}
_PROTOCOL = re.compile(r"protocol|policy")
_FORCED = ("rds.force_ssl", "require_secure_transport", "ssl_mode", "require_ssl", "tls", "neptune_enforce_ssl")
"""Parameters of databases that refuse clear text."""
_FORCING = (
    "1", "on", "true", "enabled", "require", "verify_ca", "verify_identity", "fips-140-3", "tls1.2+", "tls1.3+",
)  # fmt: skip
_REMOVED = {
    "aws_s3_bucket_server_side_encryption_configuration": "the bucket's encryption is no longer set",
    "aws_ebs_encryption_by_default": "new volumes are no longer encrypted by themselves",
}


def encryption_lost(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about encryption that is lost or missing."""
    if change.action in (Action.DELETE, Action.FORGET):
        if change.type in _REMOVED and around.outlives(change):
            yield _REMOVED[change.type]
    else:
        before, after = before_and_after(change)
        for path in {**before, **after}:
            yield from _switched_off(change, path, before, after)
            yield from _in_clear(path, before.get(path), after.get(path))
        if change.action is not Action.CREATE:
            yield from _keys_lost(before, after)
            yield from _blocks_lost(before, after)
    if (change.action is not Action.DELETE or around.outlives(change)) and _accepts_clear_text(change):
        yield "no longer refuses requests in clear text"


def _switched_off(change: Change, path: Leaf, before: dict[Leaf, object], after: dict[Leaf, object]) -> Iterator[str]:
    """A switch that is off and was on, or that is off on something new; a queue may have a key in its place."""
    names = [step for step in path if isinstance(step, str)]
    if not names or _KEY.search(names[-1]):
        return
    was, now = before.get(path), after.get(path)
    if names[-1] == "encryption_disabled":
        if now is True and was is not True:
            yield "encryption is disabled"
        return
    inside = names[:-1] or [change.type]
    if not _SWITCH.search(names[-1]) and (names[-1] != "enabled" or not any("encrypt" in name for name in inside)):
        return
    if names[-1] == "sqs_managed_sse_enabled" and (not before or after.get(("kms_master_key_id",))):
        return
    was_on = isinstance(was, str | bool) and str(was).lower() not in (*_OFF, "")
    name = names[-1] if names[-1] != "enabled" else inside[-1]
    if now is UNKNOWN:
        if was_on:
            yield Undecided(f"{name} is known after the apply")
    elif str(now).lower() in _OFF:
        removed = now is None and not any(other[:-1] == path[:-1] for other in after) and len(path) > 1
        if (was_on and not removed) or (was is None and now is not None and str(now).lower() == "false"):
            yield f"{name} is off"


def _keys_lost(before: dict[Leaf, object], after: dict[Leaf, object]) -> Iterator[str]:
    for path, was in before.items():
        if _KEY.search(name_of(path)) and was and not after.get(path):
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
    old, new = str(was).lower(), str(now).lower()
    if _PROTOCOL.search(name) and new in _CLEAR_PROTOCOLS.get(old, ()):
        yield f"{name} goes from {was} to {now}"
    forced = next((step for step in path if step in _FORCED), None)
    if forced and name == "value" and old in _FORCING and new not in _FORCING:
        yield Undecided(f"{forced} is known after the apply") if now is UNKNOWN else f"{forced} is off"


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
