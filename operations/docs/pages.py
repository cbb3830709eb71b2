"""The generated parts of the documentation: what stands between `<!-- generated: NAME -->` and `<!-- end -->`.

Everything in them follows from the committed Terraform JSON and from the settings classes, so it cannot tell of a
system other than the one that is deployed.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.environment import Environment
from config.registry import DEPLOYMENTS, Deployment
from config.stack_settings import settings_model
from operations.docs.data_protection import protections
from operations.docs.diagram import mermaid
from operations.docs.layers import picture, rules
from operations.docs.module_reference import reference
from operations.docs.reachability import INTERNET, reachable
from operations.docs.schemas import schemas
from operations.docs.settings_table import HEADER, rows
from operations.errors import OperatorError
from operations.review.addresses import read_document
from operations.roles.documents import role_documents
from operations.roles.provider_rights import roles_of
from operations.roles.role import Role
from operations.stacks import Stack, find_stacks
from operations.trial.report import markdown

TRIAL = "docs/examples/trial/trial.json"
"""Written by `python -m bench.trial`."""
_PART = re.compile(r"(?P<begin><!-- generated: (?P<name>[^>]*?) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)
_BEGIN = re.compile(r"<!-- generated:")


@dataclass(frozen=True)
class Page:
    """A file with generated parts, or generated as a whole: as it is, and as it should be."""

    path: Path
    text: str
    wanted: str

    @property
    def stale(self) -> bool:
        """True when the file is out of date."""
        return self.text != self.wanted


def pages(root: Path) -> list[Page]:
    """Every Markdown file of the repository that has generated parts, and the JSON schemas of settings.

    Raises OperatorError for a part that nothing here generates, and for one without an end.
    """
    files = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("deployments/*/README.md")]
    found = []
    for path in sorted(files):
        text = path.read_text(encoding="utf-8")
        if len(_BEGIN.findall(text)) != len(_PART.findall(text)):
            raise OperatorError(
                f"{path.relative_to(root)} has a generated part that is malformed or has no end.",
                hint="It begins with a line <!-- generated: NAME --> and ends with <!-- end -->.",
            )
        if _BEGIN.search(text):
            found.append(Page(path, text, _PART.sub(partial(_renew, root, path), text)))
    for name, wanted in schemas():
        path = root / name
        found.append(Page(path, path.read_text(encoding="utf-8") if path.is_file() else "", wanted))
    return found


def _renew(root: Path, path: Path, part: re.Match[str]) -> str:
    deployment = next((known for known in DEPLOYMENTS if path.parent == root / "deployments" / known.folder), None)
    name = part["name"]
    if deployment is not None and name in DEPLOYMENT_PARTS:
        text = DEPLOYMENT_PARTS[name](root, deployment)
    elif deployment is None and name in PARTS:
        text = PARTS[name](root)
    else:
        allowed = sorted(PARTS if deployment is None else DEPLOYMENT_PARTS)
        raise OperatorError(
            f"{path.relative_to(root)} asks for a generated part {name!r}.", hint=f"There are: {', '.join(allowed)}."
        )
    return f"{part['begin']}\n{text}\n\n{part['end']}"


def _diagram(root: Path, deployment: Deployment) -> str:
    drawings = []
    for number, stack in enumerate(_stacks_of(root, deployment)):
        drawing = f"```mermaid\n{mermaid(read_document(stack.folder))}\n```"
        folded = f"<details><summary>{stack.environment}</summary>\n\n{drawing}\n\n</details>"
        drawings.append(f"In {stack.environment}:\n\n{drawing}" if number == 0 else folded)
    return "\n\n".join(drawings)


def _data(root: Path, deployment: Deployment) -> str:
    stacks = _stacks_of(root, deployment)
    protected = {stack.environment: protections(read_document(stack.folder)) for stack in stacks}
    addresses = sorted({address for of_one in protected.values() for address in of_one})
    return _table(
        ["resource", *protected],
        ([f"`{address}`", *(of_one.get(address, "–") for of_one in protected.values())] for address in addresses),
    )


def _reach(root: Path, deployment: Deployment) -> str:
    stacks = _stacks_of(root, deployment)
    by_stack = {stack.environment: set(reachable(read_document(stack.folder))) for stack in stacks}
    places: defaultdict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for connection in sorted(set().union(*by_stack.values())):
        where = tuple(name for name, found in by_stack.items() if connection in found)
        places[connection.source, connection.target, where].append(connection.ports)
    return _table(
        ("from", "to", "ports", "in"),
        (
            (f"`{source}`" if source != INTERNET else source, f"`{target}`" if target != INTERNET else target,
             ", ".join(ports), ", ".join(where))
            for (source, target, where), ports in sorted(places.items())
        ),
    )  # fmt: skip


def _settings(root: Path, deployment: Deployment) -> str:
    return _table(HEADER, rows(settings_model(deployment)))


def _environment_settings(root: Path) -> str:
    return _table(HEADER, rows(Environment))


def _exemptions(root: Path) -> str:
    places: defaultdict[tuple[str, str], defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for stack in find_stacks(root):
        for kind, resources in read_document(stack.folder).get("resource", {}).items():
            for name, resource in resources.items():
                for rule, reason in resource["//"].get("exemptions", {}).items():
                    places[rule, reason][f"{kind}.{name}"].append(stack.name)
    return _table(
        ("rule", "reason", "resources"),
        ((f"`{rule}`", reason, _by_stacks(where)) for (rule, reason), where in sorted(places.items())),
    )


def _decisions(root: Path) -> str:
    def row(path: Path) -> tuple[str, str, str]:
        title, _, standing = path.read_text(encoding="utf-8").splitlines()[:3]
        number, _, name = title.removeprefix("# ").partition(". ")
        return number, f"[{name}]({path.name})", standing

    return _table(("", "decision", "standing"), map(row, sorted((root / "docs" / "decisions").glob("[0-9]*.md"))))


def _trial(root: Path) -> str:
    return markdown(json.loads((root / TRIAL).read_text(encoding="utf-8"))).strip()


def _layers(root: Path) -> str:
    return f"{picture(root)}\n\n{_table(('contract', 'rule'), rules(root))}"


def _module_reference(root: Path) -> str:
    return reference(root, _table)


def _roles(root: Path) -> str:
    def sizes(stack: Stack, role: Role) -> str:
        if role not in roles_of(stack):
            return "–"
        return " + ".join(f"{document.characters:,}" for document in role_documents(stack, role))

    return _table(
        ("stack", *(f"to {role}" for role in Role)),
        ([stack.name, *(sizes(stack, role) for role in Role)] for stack in find_stacks(root)),
    )


def _by_stacks(where: Mapping[str, Sequence[str]]) -> str:
    """Resources that are exempted in the same stacks, together."""
    together: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for address, stacks in sorted(where.items()):
        together[tuple(stacks)].append(f"`{address}`")
    return "<br>".join(f"{', '.join(stacks)}: {', '.join(names)}" for stacks, names in sorted(together.items()))


def _stacks_of(root: Path, deployment: Deployment) -> list[Stack]:
    return [stack for stack in find_stacks(root) if stack.deployment == deployment.name]


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    def written() -> Iterator[str]:
        yield f"| {' | '.join(header)} |"
        yield f"|{'---|' * len(header)}"
        yield from (f"| {' | '.join(cells)} |" for cells in lines)

    return "\n".join(written())


PARTS: Mapping[str, Callable[[Path], str]] = {
    "decisions": _decisions,
    "environment settings": _environment_settings,
    "exemptions": _exemptions,
    "layers": _layers,
    "module reference": _module_reference,
    "rehearsed trial": _trial,
    "roles": _roles,
}
"""Parts of any page."""

DEPLOYMENT_PARTS: Mapping[str, Callable[[Path, Deployment], str]] = {
    "data": _data,
    "diagram": _diagram,
    "reach": _reach,
    "settings": _settings,
}
"""Parts of a deployment's README; each has all of them."""
