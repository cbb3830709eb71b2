"""One name, one thing: no two public classes share a name, in whatever rooms they are."""

from __future__ import annotations

import ast
from collections import defaultdict

from config.settings import ROOT

ROOMS = ("config", "deployments", "emulator", "iam", "modules", "operations", "synth")


def public_classes() -> dict[str, list[str]]:
    """Name → the files that define a public class of that name."""
    found: dict[str, list[str]] = defaultdict(list)
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(file.relative_to(ROOT)))
    return found


def test_every_public_class_has_a_name_of_its_own() -> None:
    found = public_classes()
    assert len(found) > 300
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
