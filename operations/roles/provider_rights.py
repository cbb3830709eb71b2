"""Rights that the AWS provider and operators' commands use for each deployment, recorded for any environment of it.

`scripts/record_provider_rights.py` writes them. Resources are templates: `{account}`, `{region}`, `{stack}` for names
that begin with the stack's, and `{aws_iam_role.web.name}` for names that the settings give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from iam.patterns import overlap
from iam.reference import resource_patterns
from operations.errors import OperatorError
from operations.roles.restore_rights import restore_rights
from operations.roles.role import Role
from operations.stacks import FILE as STACK_FILE

if TYPE_CHECKING:
    from operations.stacks import Stack

FILE: Final = Path(__file__).with_name("provider_rights.json")
PHASES: Final = ("plan", "apply", "operate")

Rights = Mapping[str, Mapping[str, list[str]]]
"""Phase → action → templates of resources."""

_NAMES: Final = (
    "bucket", "cluster_id", "cluster_identifier", "family", "function_name", "identifier", "name",
    "replication_group_id",
)  # fmt: skip
"""Arguments that name a resource in its ARN."""
_WITHOUT_ARN: Final = ("aws_route53_record",)
_SHORTEST_NAME: Final = 3
_TOKEN: Final = re.compile(r"\{(aws_\w+)\.(\w+)\.(\w+)\}")


@dataclass(frozen=True)
class Name:
    """A name that the stack's Terraform JSON gives a resource."""

    kind: str
    role: str
    argument: str
    value: str

    @property
    def token(self) -> str:
        """The template that stands for it."""
        return f"{{{self.kind}.{self.role}.{self.argument}}}"


def templates(stack: Stack, decisions: Iterable[Mapping[str, Any]]) -> Rights:
    """Rights of the roles called like the phases in the emulator's decisions, those on the state left out."""
    names = sorted(_names(stack), key=lambda name: (-len(name.value), name.token))
    found: dict[str, dict[str, set[str]]] = {phase: {} for phase in PHASES}
    for decision in decisions:
        phase, action, resource = decision["caller"].removeprefix("role/"), decision["action"], decision["resource"]
        if not _of_state(stack, resource):
            found[phase].setdefault(action, set()).add(_template(stack, action, resource, names))
    return {phase: {action: sorted(each) for action, each in actions.items()} for phase, actions in found.items()}


def as_text(known: Mapping[str, Rights]) -> str:
    """The file's text: a line for each action, so that another recording shows what is new."""
    return f"{_lines(known, depth=3)}\n"


def _lines(value: Any, depth: int) -> str:
    if not depth or not value:
        return json.dumps(value)
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(value[key], depth - 1)}" for key in sorted(value)) + "\n}"


def roles_of(stack: Stack) -> list[Role]:
    """The roles that the stack has: plan and apply, operate where that was recorded, restore where there is data."""
    more = {Role.OPERATE: stack.deployment in operated(), Role.RESTORE: bool(restore_rights(stack))}
    return [Role.PLAN, Role.APPLY, *(role for role, wanted in more.items() if wanted)]


def operated() -> list[str]:
    """Deployments whose operators' commands were recorded."""
    known: Mapping[str, Rights] = json.loads(FILE.read_text(encoding="utf-8"))
    return sorted(deployment for deployment, rights in known.items() if rights.get("operate"))


def merged(one: Rights, other: Rights) -> dict[str, dict[str, list[str]]]:
    """The rights of both."""
    return {
        phase: {
            action: sorted({*one.get(phase, {}).get(action, ()), *other.get(phase, {}).get(action, ())})
            for action in sorted({*one.get(phase, {}), *other.get(phase, {})})
        }
        for phase in PHASES
    }


def rights_of_stack(stack: Stack, phase: str) -> dict[str, list[str]]:
    """Action → ARNs, with the stack's own names; those of resources that it does not have are left out.

    Raises OperatorError for a deployment that was never recorded.
    """
    known: Mapping[str, Rights] = json.loads(FILE.read_text(encoding="utf-8"))
    if stack.deployment not in known:
        raise OperatorError(
            f"The rights that {stack.deployment} needs were never recorded.",
            hint=f"Record them: python scripts/record_provider_rights.py {stack.name}",
        )
    if not known[stack.deployment].get(phase):
        raise OperatorError(
            f"No calls of {phase} were recorded for {stack.deployment}.",
            hint=f"There is such a role for: {', '.join(operated())}",
        )
    names = {name.token: name.value for name in _names(stack)}
    return {
        action: sorted(set(filter(None, (filled(stack, template, names) for template in several))))
        for action, several in known[stack.deployment][phase].items()
    }


def _names(stack: Stack) -> Iterator[Name]:
    document = json.loads((stack.folder / STACK_FILE).read_text(encoding="utf-8"))
    for kind, resources in document["resource"].items():
        if kind in _WITHOUT_ARN:
            continue
        for role, resource in resources.items():
            for argument in _NAMES:
                value = resource.get(argument)
                if isinstance(value, str) and "${" not in value and len(value) >= _SHORTEST_NAME:
                    yield Name(kind, role, argument, value.strip("/"))


def _of_state(stack: Stack, resource: str) -> bool:
    place = stack.state
    return resource.startswith(f"arn:aws:s3:::{place.bucket}") or resource.endswith(f":table/{place.lock_table}")


def _template(stack: Stack, action: str, resource: str, names: Iterable[Name]) -> str:
    if resource == "*":
        return resource
    *place, end = resource.split(":", 5)
    if place[2] == "ec2":  # its resources have ids, no names
        return "arn:aws:ec2:{region}:{account}:*"
    place = [{stack.account_id: "{account}", stack.region: "{region}"}.get(part, part) for part in place]
    return ":".join([*place, _template_of_end(stack, action, end, names)])


def _template_of_end(stack: Stack, action: str, end: str, names: Iterable[Name]) -> str:
    if re.search(rf"(?<![\w-]){re.escape(stack.name)}", end):
        return f"{end.partition(stack.name)[0]}{{stack}}*"
    for name in names:
        if re.search(rf"(?<![\w.-]){re.escape(name.value)}(?![\w.-])", end):
            before, _, after = end.partition(name.value)
            return f"{before}{name.token}{after[:1]}{'*' if after else ''}"
    if "*" in end:  # all of a kind
        return end
    kinds = [pattern.split(":", 5)[5] for pattern in resource_patterns(action)]
    return next((kind for kind in kinds if overlap([kind], end)), end)


def filled(stack: Stack, template: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """The ARN; empty when the stack has no resource of that name."""
    token = _TOKEN.search(template)
    if token and token.group() not in names:
        return ""
    filled = template.replace(token.group(), names[token.group()]) if token else template
    return (
        filled.replace("{account}", stack.account_id).replace("{region}", stack.region).replace("{stack}", stack.name)
    )
