"""Roles and users behind access keys: who they are, what their policies say, and temporary keys for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from emulator.call import Refusal
from emulator.code_rights import RIGHTS
from iam.document import PolicyDocument, parse
from iam.request import Principal

_PARTITION = "aws"
_OF_IAM = re.compile(r"A[KS]IA[A-Z0-9]{16}")
"""Keys of users and sessions: one that no user or session has was deleted, or is none of this emulator."""


@dataclass(frozen=True)
class Identity:
    """A role or user that signed a call."""

    principal: Principal
    policies: Sequence[PolicyDocument]
    boundary: Sequence[PolicyDocument] | None
    user_name: str
    """Empty for roles."""
    vpc_id: str
    """The VPC its program runs in; empty when the key was not handed out for one."""
    function_arn: str
    """The Lambda function whose code holds the key; empty when none does."""


def temporary_keys(
    arn: str, *, region: str, session_name: str, vpc_id: str = "", function_arn: str = ""
) -> dict[str, str]:
    """Environment variables with keys of a role or user, for a program in the VPC or the code of a function.

    A role that does not exist has keys as well, which allow nothing. The program was started with the emulator's
    secret, so its keys may run code. Raises LookupError for a user that does not exist.
    """
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    key: Any
    account_id, name = arn.split(":", 5)[4:]
    token = "emulator"  # noqa: S105  # no secret: the emulator checks none
    if name.startswith("role/"):
        session = sts_backends[account_id][_PARTITION].assume_role(
            region_name=region, role_session_name=session_name, role_arn=arn, policy="", duration=3600, external_id=""
        )
        key, token = session.access_key, session.session_token
    elif (user_name := name.rpartition("/")[2]) in iam_backends[account_id][_PARTITION].users:
        key = iam_backends[account_id][_PARTITION].create_temp_access_key()
        key.user_name = user_name
    else:
        raise LookupError(f"There is no {name} in account {account_id}.")
    key.vpc_id, key.function_arn = vpc_id, function_arn
    RIGHTS.include(key.access_key_id)
    return {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_SESSION_TOKEN": token,
    }


def keys_page(asked: Mapping[str, str]) -> dict[str, str]:
    """Temporary keys of the role or user whose `arn` is asked for; `missing` says why there are none."""
    from moto.iam.models import iam_backends

    arn = asked["arn"]
    account_id, name = arn.split(":", 5)[4:]
    roles = list(iam_backends[account_id][_PARTITION].roles.values())
    if name.startswith("role/") and all(role.arn != arn for role in roles):
        return {"missing": f"There is no {name} in account {account_id}."}
    try:
        return temporary_keys(arn, region=asked["region"], session_name="program", vpc_id=asked.get("vpc_id", ""))
    except LookupError as missing:
        return {"missing": str(missing)}


def vpc_of_subnets(subnet_ids: Sequence[str], account_id: str, region: str) -> str:
    """The VPC of subnets; empty when there are none."""
    from moto.ec2.models import ec2_backends

    subnets = ec2_backends[account_id][region].subnets
    zones = list(subnets.values())
    found = (by_zone[subnet_id] for by_zone in zones for subnet_id in subnet_ids if subnet_id in by_zone)
    return next((str(subnet.vpc_id) for subnet in found), "")


def identity_of(access_key: str, account_id: str) -> Identity | None:
    """The role or user of an access key; None for keys that stand for a whole account.

    Raises Refusal for a key of a user or session that was deleted, was switched off or is of another AWS.
    """
    from moto.iam.models import iam_backends

    backend = iam_backends[account_id][_PARTITION]
    key = backend.access_keys.get(access_key)
    if key is None:
        if _OF_IAM.fullmatch(access_key):
            raise _invalid()
        return None
    if key.role_arn is not None:
        return _role(backend, key, account_id)
    user = backend.users.get(str(key.user_name))
    temporary = access_key.startswith("ASIA")
    if user is None or key.status != "Active" or not (temporary or key in user.access_keys):
        raise _invalid()
    groups = [group for group in list(backend.groups.values()) if user in group.users]
    policies = tuple(policy for owner in (user, *groups) for policy in policies_of(owner))
    boundary = _boundary(backend, getattr(user, "permissions_boundary_arn", None))
    return Identity(Principal(user.arn, account_id), policies, boundary, user.name, *_place(key))


def _invalid() -> Refusal:
    message = "The security token included in the request is invalid."
    return Refusal("InvalidClientTokenId", message, status=HTTPStatus.FORBIDDEN)


def _place(key: Any) -> tuple[str, str]:
    """The VPC and the function a key was handed out for."""
    return getattr(key, "vpc_id", ""), getattr(key, "function_arn", "")


def _role(backend: Any, key: Any, account_id: str) -> Identity:
    from moto.sts.models import sts_backends

    session = sts_backends[account_id][_PARTITION].get_assumed_role_from_access_key(key.access_key_id)
    role = next((role for role in list(backend.roles.values()) if role.arn == key.role_arn), None)
    return Identity(
        Principal(key.role_arn, account_id, session.arn if session else ""),
        tuple(policies_of(role)) if role else (),
        _boundary(backend, role.permissions_boundary_arn) if role else None,
        "",
        *_place(key),
    )


def policies_of(owner: Any) -> Iterator[PolicyDocument]:
    """Inline and attached policies of moto's role, user or group."""
    for name, text in list(owner.policies.items()):
        yield parsed(text if text.lstrip().startswith("{") else unquote(text), name)
    for policy in list(owner.managed_policies.values()):
        yield _default_version(policy)


def _boundary(backend: Any, arn: str | None) -> Sequence[PolicyDocument] | None:
    return (_default_version(backend.get_policy(arn)),) if arn else None


def _default_version(policy: Any) -> PolicyDocument:
    document = next(version.document for version in policy.versions if version.is_default)
    return parsed(document if isinstance(document, str) else str(document), policy.name)


@lru_cache(maxsize=1024)
def parsed(text: str, name: str) -> PolicyDocument:
    """The policy in a JSON text, read once."""
    return parse(text, name=name)
