"""Refuses what IAM would refuse: calls signed with keys of roles and users. Keys of a whole account pass.

Permissions boundaries, policies of resources, keys of KMS behind secrets, topics, parameters and objects, and policies
of VPC endpoints count. Nothing unknown is allowed: see `emulator.rights`.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from emulator.call import Refusal
from emulator.identities import Identity, identity_of, parsed
from emulator.rights import Right, rights_of
from iam.errors import IamError
from iam.evaluation import NOTHING, Decision, evaluate
from iam.request import Context, Request

if TYPE_CHECKING:
    from emulator.call import Call

_CODES: Final = {"json": "AccessDeniedException", "rest-json": "AccessDeniedException", "ec2": "UnauthorizedOperation"}
"""Error codes of protocols; others say AccessDenied."""
_WITH_ARTICLE: Final = {
    "identity-based policy": "an identity-based policy",
    "permissions boundary": "a permissions boundary",
    "resource-based policy": "a resource-based policy",
}
_EC2: Final = "You are not authorized to perform this operation. "


@dataclass
class Decisions:
    """Decisions on calls of roles and users since the last reset, with how often."""

    allowed: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Counts by caller, action, resource and the statement that allowed it."""
    denied: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Counts by caller, action, resource and reason."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: Request, decision: Decision) -> None:
        """Count one decision; denials go to the process's log as well."""
        caller = request.principal.name.split(":", 5)[5]
        with self._lock:
            if decision.allowed:
                self.allowed[caller, request.action, request.resource, decision.reason] += 1
                return
            self.denied[caller, request.action, request.resource, _reason(decision)] += 1
        print(f"denied: {caller} {request.action} {request.resource}: {_reason(decision)}", flush=True)  # noqa: T201 - the process's log

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self.allowed.clear()
            self.denied.clear()

    def shown(self) -> dict[str, list[dict[str, object]]]:
        """Both for the status page, as JSON takes them."""
        with self._lock:
            return {
                "allowed": [
                    {"caller": caller, "action": action, "resource": resource, "statement": reason, "times": times}
                    for (caller, action, resource, reason), times in sorted(self.allowed.items())
                ],
                "denied": [
                    {"caller": caller, "action": action, "resource": resource, "reason": reason, "times": times}
                    for (caller, action, resource, reason), times in sorted(self.denied.items())
                ],
            }


def _reason(decision: Decision) -> str:
    return f"{decision.reason} ({decision.policy_type})"


class Authorise:
    """The stage of the pipeline: raises Refusal in AWS's words when a right is missing."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    def __call__(self, call: Call) -> None:
        """Judge every right that the call needs; the first one missing refuses it."""
        identity = identity_of(call.signature.access_key, call.account_id) if call.signature else None
        if identity is None:
            return
        try:
            for right in rights_of(call):
                self._judge(call, identity, right)
        except IamError as unknown:
            raise NotImplementedError(
                f"the rights of {identity.principal.name} cannot be judged: {unknown}"
            ) from unknown

    def _judge(self, call: Call, identity: Identity, right: Right) -> None:
        endpoint = _endpoint(call, identity, right.action.partition(":")[0])
        owner = {"aws:resourceaccount": right.owner or call.account_id}
        context = _context(call, identity, endpoint).with_values({**owner, **right.context})
        request = Request(right.action, right.resource, identity.principal, context)
        decision = evaluate(
            request,
            identity.policies,
            boundary=identity.boundary,
            resource=right.policy,
            resource_account_id=right.owner,
            resource_decides=right.policy_decides,
        )
        if decision.allowed and endpoint is not None:
            through = evaluate(request, (), resource=parsed(endpoint.policy_document, "the VPC endpoint's policy"))
            decision = decision if through.allowed else Decision(False, NOTHING, "VPC endpoint policy")
        self._decisions.add(request, decision)
        if not decision.allowed:
            raise _denied(call, request, decision)


def _endpoint(call: Call, identity: Identity, service: str) -> Any:
    """The VPC endpoint that a call to the service takes; None when its VPC has none, or the caller is in no VPC."""
    from moto.ec2.models import ec2_backends

    called = call.signature.service if call.signature else ""
    if not identity.vpc_id or service != called:
        return None  # AWS itself calls the other services that a call needs
    endpoints = ec2_backends[call.account_id][call.region].vpc_end_points
    name = f"com.amazonaws.{call.region}.{service}"
    return next(
        (each for each in list(endpoints.values()) if each.vpc_id == identity.vpc_id and each.service_name == name),
        None,
    )


def _context(call: Call, identity: Identity, endpoint: Any) -> Context:
    principal = identity.principal
    return Context(
        {
            "aws:principalaccount": principal.account_id,
            "aws:principalarn": principal.name,
            "aws:principaltype": "User" if identity.user_name else "AssumedRole",
            "aws:principalisawsservice": "false",
            "aws:requestedregion": call.region,
            "aws:securetransport": "true",  # clients use TLS on AWS
            "aws:sourceaccount": None,
            "aws:sourcearn": None,
            "aws:sourcevpc": identity.vpc_id if endpoint is not None else None,
            "aws:sourcevpce": endpoint.id if endpoint is not None else None,
            "aws:username": identity.user_name or None,
            "aws:viaawsservice": "false",
            "lambda:sourcefunctionarn": identity.function_arn or None,
            **_of_signature(call),
        }
    )


def _of_signature(call: Call) -> dict[str, str | None]:
    """Properties of a signature that S3's conditions ask for: its place, and its age in milliseconds."""
    if call.service != "s3" or call.signature is None:
        return {}
    if not call.signature.signed_at:
        return {"s3:authtype": "REST-HEADER", "s3:signatureage": None}
    signed_at = datetime.strptime(call.signature.signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    age = (datetime.now(UTC) - signed_at).total_seconds() * 1000
    return {"s3:authtype": "REST-QUERY-STRING", "s3:signatureage": str(max(0, round(age)))}


def _denied(call: Call, request: Request, decision: Decision) -> Refusal:
    caller = request.principal.session_arn or request.principal.name
    protocol = call.operation.service_model.protocol if call.operation else ""
    because = (
        f"with an explicit deny in {_WITH_ARTICLE[decision.policy_type]}"
        if decision.explicit
        else f"because no {decision.policy_type} allows the {request.action} action"
    )
    message = f"User: {caller} is not authorized to perform: {request.action} on resource: {request.resource} {because}"
    return Refusal(
        _CODES.get(protocol, "AccessDenied"),
        (_EC2 if protocol == "ec2" else "") + message,
        status=HTTPStatus.BAD_REQUEST if protocol == "json" else HTTPStatus.FORBIDDEN,
    )
