"""IAM policy documents, written as Python beside their use and checked where they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def allow(
    sid: str,
    *,
    actions: Sequence[str],
    resources: Sequence[str] = (),
    principals: Mapping[str, Sequence[str]] | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """A statement that allows. Raises ValueError for an action with a bare service wildcard such as `s3:*`."""
    return _statement("Allow", sid, actions, resources, principals, conditions)


def deny(
    sid: str,
    *,
    actions: Sequence[str],
    resources: Sequence[str] = (),
    principals: Mapping[str, Sequence[str]] | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """A statement that denies; here `s3:*` is right."""
    return _statement("Deny", sid, actions, resources, principals, conditions)


def allow_metrics(sid: str, *, namespace: str) -> dict[str, Any]:
    """A statement that lets a program write metrics in a namespace of CloudWatch's, which has no resources for them."""
    condition = {"StringEquals": {"cloudwatch:namespace": namespace}}
    return allow(sid, actions=["cloudwatch:PutMetricData"], resources=["*"], conditions=condition)


def document(*statements: Mapping[str, Any]) -> str:
    """The policy document of `statements`, as JSON with stable bytes."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def assumed_by(service: str, *, conditions: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The trust policy that lets the AWS service, such as `ec2.amazonaws.com`, assume a role."""
    return document(
        allow("AssumeRole", actions=["sts:AssumeRole"], principals={"Service": [service]}, conditions=conditions)
    )


def _statement(
    effect: str,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    principals: Mapping[str, Sequence[str]] | None,
    conditions: Mapping[str, Mapping[str, Any]] | None,
) -> dict[str, Any]:
    if not sid.isalnum():
        raise ValueError(f"a statement's sid is letters and digits only, not {sid!r}")
    for action in actions:
        if effect == "Allow" and action.split(":")[-1] == "*":
            raise ValueError(f"statement {sid} allows {action!r}: name the actions it needs")
    statement: dict[str, Any] = {"Sid": sid, "Effect": effect}
    if principals is not None:
        statement["Principal"] = {kind: list(names) for kind, names in principals.items()}
    statement["Action"] = list(actions)
    if resources:
        statement["Resource"] = list(resources)
    if conditions is not None:
        statement["Condition"] = conditions
    return statement
