"""Terraform alone, in the committed folder, makes the plan of `quintet plan`."""

from __future__ import annotations

import json
import re

import pytest

from config.settings import ROOT
from operations.stacks import FILE, Stack, find_stacks


@pytest.mark.parametrize("stack", find_stacks(ROOT), ids=lambda stack: stack.name)
def test_a_stacks_folder_needs_no_other_program_and_no_other_file(stack: Stack) -> None:
    text = (stack.folder / FILE).read_text(encoding="utf-8")
    document = json.loads(text)
    for resources in document["resource"].values():
        assert not [name for name, resource in resources.items() if "provisioner" in resource]
    assert set(document["terraform"]["required_providers"]) == {"aws"}
    assert not document.get("module")
    for file in re.findall(r"\$\{path\.module\}/([\w./-]+)", text):
        assert (stack.folder / file).is_file(), file
