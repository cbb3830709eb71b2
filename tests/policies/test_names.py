"""One name, one thing: a class of a deployment's day 2 shares its name with no other public class."""

from __future__ import annotations

import ast
from collections import defaultdict

from config.settings import ROOT

ROOMS = ("config", "deployments", "emulator", "iam", "modules", "operations", "synth")


def public_classes() -> dict[str, list[str]]:
    """Name → the files that define a public class of that name. Programs that run in AWS stand by themselves."""
    found: dict[str, list[str]] = defaultdict(list)
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if "runtime" in file.parts:
                continue
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(file.relative_to(ROOT)))
    return found


def test_a_class_of_day_2_has_a_name_of_its_own() -> None:
    found = public_classes()
    assert len(found) > 300
    assert {name: files for name, files in found.items() if len(files) > 1 and "/day2/" in "".join(files)} == {}
