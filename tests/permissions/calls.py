"""Calls of a deployment's programs, from `runtime/calls.toml` beside them and `modules/programs.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import ROOT
from iam.request import Context, Principal, Request
from tests.permissions.committed import CommittedStack


@dataclass(frozen=True)
class ProgramCall:
    """One call: the role or user whose keys sign it, the program that makes it, and what IAM is asked."""

    principal: str
    program: str
    request: Request

    def __str__(self) -> str:
        return f"{self.principal} ({self.program}): {self.request.action} on {self.request.resource}"


def declared(stack: CommittedStack) -> Mapping[str, Any]:
    """The file of the stack's deployment: role or user → program → action → resources."""
    deployment, _, _ = stack.name.rpartition("-")
    path = ROOT / "deployments" / deployment.replace("-", "_") / "runtime" / "calls.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def calls(stack: CommittedStack) -> Iterator[ProgramCall]:
    """Every call of the programs of a stack; calls about resources it lacks are left out."""
    common = tomllib.loads((ROOT / "modules" / "programs.toml").read_text(encoding="utf-8"))
    for principal, programs in declared(stack).items():
        if principal not in stack.principals:
            continue
        named = {name: common[name] for name in programs.get("programs", ())}
        for program, actions in {**programs, **named}.items():
            if program != "programs":
                yield from _of_program(stack, principal, program, actions)


def _of_program(
    stack: CommittedStack, principal: str, program: str, actions: Mapping[str, Any]
) -> Iterator[ProgramCall]:
    kind = "user" if principal in stack.resources.get("aws_iam_user", {}) else "role"
    who = Principal(f"arn:aws:iam::{stack.account_id}:{kind}/{principal}", stack.account_id)
    for action, told in actions.items():
        if action == "from_network":
            continue
        given = told if isinstance(told, dict) else {"on": told}
        when = {key: stack.resolved(_here(stack, value)) for key, value in given.get("when", {}).items()}
        templates = given["on"] if isinstance(given["on"], list) else [given["on"]]
        for resource in (each for template in templates for each in stack.every(_here(stack, template))):
            context = _context(stack, who, action, from_network=actions.get("from_network", False)).with_values(when)
            yield ProgramCall(principal, program, Request(action, resource, who, context))


def _here(stack: CommittedStack, text: str) -> str:
    environment = stack.name.rpartition("-")[2]
    return text.replace("REGION", stack.region).replace("ACCOUNT", stack.account_id).replace("ENVIRONMENT", environment)


def _context(stack: CommittedStack, who: Principal, action: str, *, from_network: bool) -> Context:
    endpoint = stack.vpc_of_endpoint(action.partition(":")[0]) if from_network else None
    return Context(
        {
            "aws:principalaccount": who.account_id,
            "aws:principalarn": who.name,
            "aws:resourcetag/*": None,
            "aws:securetransport": "true",
            "aws:sourceaccount": None,
            "aws:sourcearn": None,
            "aws:sourceowner": who.account_id,
            "aws:sourcevpc": endpoint[0] if endpoint else None,
            "lambda:sourcefunctionarn": None,
            "s3:authtype": "REST-HEADER",
            "s3:prefix": None,
            "s3:signatureage": None,
        }
    )
