"""Resources that anybody may use: buckets, queues, topics, keys, secrets, functions, snapshots."""

from __future__ import annotations

from collections.abc import Iterator

from iam.document import PolicyDocument, Statement
from iam.review import admits_everybody, widened
from operations.plans.plan_document import Action, Change
from operations.plans.policies.documents import resource_documents
from operations.plans.policies.iam_wildcard import lost_denials, unreadable
from operations.plans.policies.policy import UNKNOWN, Leaf, PlanSurroundings, before_and_after, name_of

_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
_BLOCK_TYPES = ("aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block")
_EVERYBODY = ("/global/AllUsers", "/global/AuthenticatedUsers")
_ACLS = ("public-read", "public-read-write", "authenticated-read")
_NARROWING = ("source_arn", "source_account", "principal_org_id")


def public_bucket(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about what anybody may use from now on."""
    yield from _blocks(change, around)
    documents = resource_documents(change)
    yield from unreadable(documents)
    open_to_all = tuple(s for s in documents.after.statements if admits_everybody(s) or _any_service(s))
    if new := widened(documents.before, PolicyDocument("open", open_to_all)):
        said = ", ".join(sorted({found.action for found in new}))
        yield f"lets anybody do {documents.quoted(said)}"
    if (change.action is not Action.DELETE or around.outlives(change)) and (lost := lost_denials(documents)):
        yield f"no longer denies {lost}"
    yield from _grants(change)
    yield from _functions(change)


def _any_service(statement: Statement) -> bool:
    return statement.allows and statement.principals is not None and "*" in statement.principals.of("Service")


def _blocks(change: Change, around: PlanSurroundings) -> Iterator[str]:
    if change.type in _BLOCK_TYPES and change.action in (Action.DELETE, Action.FORGET):
        if around.outlives(change):
            yield "it is no longer kept from being public"
        return
    before, after = before_and_after(change)
    off = [
        name_of(path)
        for path, value in after.items()
        if name_of(path) in _BLOCKS and before.get(path) is not value
        if value is False or (before.get(path) is True and value is None)
    ]
    if off:
        yield f"switches off {', '.join(off)}"


def _grants(change: Change) -> Iterator[str]:
    """ACLs, and snapshots and images for everybody."""
    before, after = before_and_after(change)
    had = {_everybody(path, value) for path, value in before.items()}
    for path, value in after.items():
        found = _everybody(path, value)
        if found and found not in had:
            yield found


def _everybody(path: Leaf, value: object) -> str:
    name = name_of(path)
    if name == "acl" and value in _ACLS:
        return f"is {value}"
    if name == "uri" and isinstance(value, str) and value.endswith(_EVERYBODY):
        return f"is granted to {value.rpartition('/')[2]}"
    if name in ("shared_accounts", "group", "account_ids", "user_ids") and value == "all":
        return "is shared with everybody"
    return ""


def _functions(change: Change) -> Iterator[str]:
    opened = change.becomes("authorization_type") == "NONE" and change.was("authorization_type") != "NONE"
    if change.type == "aws_lambda_function_url" and opened:
        yield "lets anybody call the function at its URL"
    if change.type == "aws_lambda_permission" and change.becomes("principal") == "*":
        _, after = before_and_after(change)
        bound = any(after.get((name,)) for name in _NARROWING if after.get((name,)) is not UNKNOWN)
        was_bound = change.was("principal") != "*" or any(change.was(name) for name in _NARROWING)
        if not bound and was_bound:
            yield "lets anybody call the function"
