"""Policy documents of roles: who plans a stack, who applies it, who operates it, who restores its data."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from operations.errors import OperatorError
from operations.roles.companions import companions
from operations.roles.provider_rights import filled, rights_of_stack
from operations.roles.restore_rights import restore_rights
from operations.roles.role import Role
from operations.stacks import FILE

if TYPE_CHECKING:
    from operations.stacks import Stack

CHARACTERS: Final = 6144
"""Size of a managed policy, white space not counted. Source: AWS, IAM User Guide, "IAM and AWS STS quotas", read
2026-11-29."""
DOCUMENTS: Final = 10
"""Managed policies that a role takes without a raised quota. Source: as above."""
_UNSEEN: Final = Path(__file__).with_name("unseen.toml")
_READS: Final = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Query", "Scan", "View")
_EMPTIES: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")
"""Actions on the objects of a bucket that is destroyed with `force_destroy`. Recordings leave buckets almost empty.
Source: hashicorp/aws 5.100.0, internal/service/s3/delete.go, read 2026-11-29."""
_WITH_IDS: Final = ("ec2", "kms")
"""Services whose resources have ids, and tags that conditions may ask about."""
_GLOBAL: Final = ("cloudfront", "iam", "route53", "sts")
"""Services without regions."""

Statement = dict[str, Any]


@dataclass(frozen=True)
class RoleDocument:
    """One of the documents of a role."""

    stack: str
    role: Role
    number: int
    statements: Sequence[Statement]

    @property
    def name(self) -> str:
        """A name for the managed policy."""
        return f"{self.stack}-{self.role}-{self.number}"

    @property
    def text(self) -> str:
        """The document as JSON."""
        return json.dumps({"Version": "2012-10-17", "Statement": list(self.statements)}, indent=2) + "\n"

    @property
    def actions(self) -> int:
        """Actions that it allows."""
        return len({action for statement in self.statements for action in statement["Action"]})

    @property
    def characters(self) -> int:
        """Its size as AWS counts it."""
        return _characters(self.statements)


def role_documents(stack: Stack, role: Role, *, state_key_arn: str = "") -> list[RoleDocument]:
    """The documents of a role, each within AWS's limit.

    `state_key_arn` is the KMS key of the state bucket, where it has one. Raises OperatorError when the deployment was
    not recorded for the role, or when the role would need more documents than it may have.
    """
    rights = _rights(stack, role)
    if not rights:
        raise OperatorError(f"{stack.name} has neither a table nor a bucket with versions to {role}.")
    statements = [*_of_state(stack, role, state_key_arn), *_statements(rights, _regions(stack), _own_tags(stack))]
    statements += _of_sessions(stack) if role is Role.OPERATE else []
    packed = _packed(statements)
    if len(packed) > DOCUMENTS:
        raise OperatorError(f"{stack.name} needs {len(packed)} policies to {role}; a role has at most {DOCUMENTS}.")
    return [RoleDocument(stack.name, role, number, each) for number, each in enumerate(packed, start=1)]


def _rights(stack: Stack, role: Role) -> dict[str, set[str]]:
    if role is Role.RESTORE:
        return restore_rights(stack)
    found = {action: set(resources) for action, resources in rights_of_stack(stack, role).items()}
    if role is Role.APPLY:
        for action, resources in rights_of_stack(stack, Role.PLAN).items():
            found.setdefault(action, set()).update(resources)
        for action in tuple(found):
            for more in companions(action):
                found.setdefault(more, set()).update(found[action])
    for bucket in found.get("s3:DeleteBucket", ()):
        for action, resource in (("s3:ListBucketVersions", bucket), *((each, f"{bucket}/*") for each in _EMPTIES)):
            found.setdefault(action, set()).add(resource)
    for unseen in tomllib.loads(_UNSEEN.read_text(encoding="utf-8"))["right"]:
        if found.keys() & set(unseen["when"]):
            for action in unseen["actions"]:
                found.setdefault(action, set()).update(filled(stack, each) for each in unseen["resources"])
    return {action: resources for action, resources in found.items() if resources}


def _of_state(stack: Stack, role: Role, state_key_arn: str) -> Iterator[Statement]:
    """Rights on the stack's state and its lock; nothing where HCP Terraform keeps the state."""
    place = stack.backend
    if place is None:
        return
    folder = f"{place.key.rpartition('/')[0]}/*"
    objects = f"arn:aws:s3:::{place.bucket}/{folder}"
    reads = ["s3:GetObject", "s3:PutObject"] if role is Role.APPLY else ["s3:GetObject"]
    yield _statement("StateBucket", ["s3:ListBucket"], [f"arn:aws:s3:::{place.bucket}"])
    yield _statement("State", reads, [objects])
    if place.lock_file:
        locks = f"arn:aws:s3:::{place.bucket}/{place.lock_key}"
        yield _statement("StateLockFile", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [locks])
    if place.lock_table:
        table = f"arn:aws:dynamodb:{place.region}:{stack.account_id}:table/{place.lock_table}"
        yield _statement("StateLockTable", ["dynamodb:DescribeTable"], [table])
        lock = _statement("StateLock", ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"], [table])
        yield {**lock, "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": f"{place.bucket}/{folder}"}}}
    if state_key_arn:
        yield _statement("StateKey", ["kms:Decrypt", "kms:GenerateDataKey"], [state_key_arn])


def _of_sessions(stack: Stack) -> list[Statement]:
    """Shells by Session Manager in the stack's own instances.

    Source: AWS, Systems Manager User Guide, "Additional sample IAM policies for Session Manager", read 2026-11-29.
    """
    instances = f"arn:aws:ec2:{stack.region}:{stack.account_id}:instance/*"
    tags = {"ssm:resourceTag/Deployment": stack.deployment, "ssm:resourceTag/Environment": stack.environment}
    document = f"arn:aws:ssm:{stack.region}:{stack.account_id}:document/SSM-SessionManagerRunShell"
    own = f"arn:aws:ssm:{stack.region}:{stack.account_id}:session/${{aws:userid}}-*"
    return [
        {**_statement("Shells", ["ssm:StartSession"], [instances]), "Condition": {"StringEquals": tags}},
        _statement("ShellDocument", ["ssm:StartSession"], [document]),
        _statement("OwnSessions", ["ssm:ResumeSession", "ssm:TerminateSession"], [own]),
    ]


def _own_tags(stack: Stack) -> Mapping[str, Any]:
    """The condition that what has tags is the stack's; what is just created has none yet."""
    tags = {"aws:ResourceTag/Deployment": stack.deployment, "aws:ResourceTag/Environment": stack.environment}
    return {"StringEqualsIfExists": tags}


def _regions(stack: Stack) -> list[str]:
    """Regions of the stack's providers: its own, and that of CloudFront's certificates where it has one."""
    document = json.loads((stack.folder / FILE).read_text(encoding="utf-8"))
    return sorted({provider["region"] for provider in document["provider"]["aws"]})


def _statements(rights: Mapping[str, set[str]], regions: Sequence[str], tags: Mapping[str, Any]) -> Iterator[Statement]:
    """One statement for the reads and one for the writes of each service, and two for actions that know no resource.

    `tags` is the condition for writes where resources have ids and no names.
    """
    everywhere: set[str] = set()
    groups: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for action, resources in rights.items():
        service, _, name = action.partition(":")
        if resources == {"*"}:
            everywhere.add(action)
            continue
        kind = "PassRole" if name == "PassRole" else "Read" if name.startswith(_READS) else "Write"
        of_group = groups.setdefault((service, kind), (set(), set()))
        of_group[0].add(action)
        of_group[1].update(resources - {"*"})
    for (service, kind), (actions, resources) in sorted(groups.items()):
        statement = _statement(f"{service.replace('-', ' ').title().replace(' ', '')}{kind}", actions, resources)
        yield {**statement, "Condition": tags} if service in _WITH_IDS and kind == "Write" else statement
    without_region = {action for action in everywhere if action.startswith(tuple(f"{each}:" for each in _GLOBAL))}
    if in_region := everywhere - without_region:
        bound = {"StringEquals": {"aws:RequestedRegion": regions}}
        yield {**_statement("InRegion", in_region, ["*"]), "Condition": bound}
    if without_region:
        yield _statement("WithoutRegion", without_region, ["*"])


def _statement(sid: str, actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}


def _packed(statements: Iterable[Statement]) -> list[list[Statement]]:
    """The statements in as few documents as they fit into, the largest first."""
    documents: list[list[Statement]] = []
    pieces = [piece for statement in statements for piece in _pieces(statement)]
    for statement in sorted(pieces, key=lambda each: (-_characters([each]), each["Sid"])):
        fitting = [each for each in documents if _characters([*each, statement]) < CHARACTERS]
        if fitting:
            fitting[0].append(statement)
        else:
            documents.append([statement])
    return documents


def _pieces(statement: Statement) -> list[Statement]:
    """The statement, or halves of it that fit into a document."""
    actions = statement["Action"]
    if _characters([statement]) < CHARACTERS or len(actions) == 1:
        return [statement]
    half = len(actions) // 2
    halves = ((f"{statement['Sid']}{part}", several) for part, several in enumerate((actions[:half], actions[half:])))
    return [piece for sid, several in halves for piece in _pieces({**statement, "Sid": sid, "Action": several})]


def _characters(statements: Sequence[Statement]) -> int:
    whole = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))
    return len("".join(whole.split()))
