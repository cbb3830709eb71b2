"""Stubs of AWS clients exist for the type checker alone: a program never needs them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from config.settings import ROOT

ROOMS = ("bench", "config", "deployments", "emulator", "iam", "modules", "operations", "scripts", "synth")
STUBS = ("mypy_boto3_", "types_boto3")


def imports(tree: ast.AST, *, checked: bool = False) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether it stands under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                yield from imports(ast.Module([statement], []), checked=True)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", checked
        elif isinstance(node, ast.Import):
            yield from ((alias.name, checked) for alias in node.names)
        else:
            yield from imports(node, checked=checked)


def test_stubs_of_clients_are_imported_for_the_type_checker_alone() -> None:
    found = {
        (str(file.relative_to(ROOT)), module, checked)
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if any(stubs in (text := file.read_text(encoding="utf-8")) for stubs in STUBS)
        for module, checked in imports(ast.parse(text))
        if module.split(".")[0].startswith(STUBS)
    }
    assert len(found) > 10
    assert [each for each in sorted(found) if not each[2]] == []
