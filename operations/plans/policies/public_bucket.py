"""Resources that anybody may use: buckets, queues, topics, keys, secrets, functions, snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iam.document import PolicyDocument, Statement
from iam.review import admits_everybody, widened
from operations.plans.plan_document import Action, Change
from operations.plans.policies.documents import resource_documents
from operations.plans.policies.iam_wildcard import lost_denials, unreadable
from operations.plans.policies.policy import UNKNOWN, Leaf, PlanSurroundings, Undecided, before_and_after, name_of

_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
_SHARING_BLOCKS = ("aws_ec2_image_block_public_access", "aws_ebs_snapshot_block_public_access")
_BLOCK_TYPES = ("aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block", *_SHARING_BLOCKS)
_EVERYBODY = ("AllUsers", "AuthenticatedUsers")
_ACLS = {
    "public-read": {("AllUsers", "READ")},
    "public-read-write": {("AllUsers", "READ"), ("AllUsers", "WRITE")},
    "authenticated-read": {("AuthenticatedUsers", "READ")},
}
_FULL = ("READ", "WRITE", "READ_ACP", "WRITE_ACP")
_PERMISSIONS = {
    "aws_lambda_permission": "call the function",
    "aws_lambda_layer_version_permission": "use the layer",
    "aws_cloudwatch_event_permission": "send events",
}
"""Types that name a principal, and the right that they give."""
_NARROWING = ("source_arn", "source_account", "principal_org_id", "organization_id", "condition")
_BINDING = tuple((name,) for name in _NARROWING)


def public_bucket(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about what anybody may use from now on."""
    yield from _blocks(change, around)
    documents = resource_documents(change)
    yield from unreadable(documents)
    open_to_all = tuple(s for s in documents.after.statements if admits_everybody(s) or _any_other(s))
    if new := widened(documents.before, PolicyDocument("open", open_to_all)):
        said = ", ".join(sorted({found.action for found in new}))
        yield f"lets anybody do {documents.quoted(said)}"
    if (change.action is not Action.DELETE or around.outlives(change)) and (lost := lost_denials(documents)):
        yield f"no longer denies {lost}"
    yield from _grants(change)
    yield from _functions(change)


def _any_other(statement: Statement) -> bool:
    """True when any service, or whoever any identity provider knows, is allowed."""
    named = statement.principals
    return statement.allows and named is not None and "*" in named.of("Service") | named.of("Federated")


def _blocks(change: Change, around: PlanSurroundings) -> Iterator[str]:
    if change.type in _BLOCK_TYPES and change.action in (Action.DELETE, Action.FORGET):
        if around.outlives(change):
            yield "it is no longer kept from being public"
        return
    before, after = before_and_after(change)
    paths = [path for path in {**before, **after} if name_of(path) in _BLOCKS]
    off = [
        name_of(path)
        for path in paths
        if (after.get(path) is False and before.get(path) is not False)
        or (after.get(path) is None and before.get(path) is True)
    ]
    if change.type in _SHARING_BLOCKS and change.becomes("state") == "unblocked" != change.was("state"):
        off.append("the block on sharing with everybody")
    if off:
        yield f"switches off {', '.join(off)}"
    for path in paths:
        if after.get(path) is UNKNOWN and before.get(path) is True:
            yield Undecided(f"{name_of(path)} is known after the apply")


def _grants(change: Change) -> Iterator[str]:
    """ACLs, and snapshots, images and documents for everybody."""
    before, after = before_and_after(change)
    had = {right for path, value in before.items() for right in _rights(path, value, before)[1]}
    had |= {("AuthenticatedUsers", right) for group, right in had if group == "AllUsers"}
    for path, value in after.items():
        said, rights = _rights(path, value, after)
        if rights - had:
            yield said
        if value is UNKNOWN and name_of(path) == "acl" and change.action is Action.UPDATE:
            yield Undecided("acl is known after the apply")


def _rights(path: Leaf, value: object, side: Mapping[Leaf, object]) -> tuple[str, set[tuple[str, str]]]:
    """A leaf that gives rights to everybody, in words and as pairs of a group and a right."""
    name = name_of(path)
    if not isinstance(value, str):
        return "", set()
    if name == "acl":
        return f"is {value}", _ACLS.get(value, set())
    group = value.rpartition("/global/")[2]
    if name == "uri" and group in _EVERYBODY:
        grant = path[: path.index("grant") + 2] if "grant" in path else path[:-1]
        given = {
            str(right)
            for other, right in side.items()
            if other[: len(grant)] == grant and name_of(other) in ("permission", "permissions")
        }
        every = _FULL if "FULL_CONTROL" in given or not given else given
        return f"is granted to {group}", {(group, right) for right in every}
    if name in ("shared_accounts", "group", "account_ids", "user_ids") and value.lower() == "all":
        return "is shared with everybody", {("all", name)}
    return "", set()


def _functions(change: Change) -> Iterator[str]:
    opened = change.becomes("authorization_type") == "NONE" and change.was("authorization_type") != "NONE"
    if change.type == "aws_lambda_function_url" and opened:
        yield "lets anybody call the function at its URL"
    if change.type in _PERMISSIONS and change.becomes("principal") == "*":
        _, after = before_and_after(change)
        bound = any(value for path, value in after.items() if path[:1] in _BINDING and value is not UNKNOWN)
        was_bound = change.was("principal") != "*" or any(change.was(name) for name in _NARROWING)
        if not bound and was_bound:
            yield f"lets anybody {_PERMISSIONS[change.type]}"
