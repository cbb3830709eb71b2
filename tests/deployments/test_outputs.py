"""Outputs: each deployment's class and its stacks say the same, and no other file spells an output's name."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.outputs import DeploymentOutputs
from config.registry import DEPLOYMENTS, Deployment
from config.settings import ROOT
from operations.review.addresses import read_document


def outputs_class(deployment: Deployment) -> type[DeploymentOutputs]:
    found: type[DeploymentOutputs] = pkgutil.resolve_name(deployment.outputs)
    return found


def descriptions_in(folder: Path) -> dict[str, str]:
    return {name: output["description"] for name, output in read_document(folder)["output"].items()}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment.name)
def test_the_class_holds_the_outputs_of_the_committed_stacks_and_no_others(deployment: Deployment) -> None:
    fields = outputs_class(deployment).model_fields
    described = {name: (field.description or "").rstrip(".") for name, field in fields.items()}
    required = {name for name, field in fields.items() if field.is_required()}
    offered: dict[str, str] = {}
    for folder in sorted((ROOT / "generated/stacks").glob(f"{deployment.name}-*")):
        found = descriptions_in(folder)
        assert required <= found.keys(), folder.name
        offered |= found
    assert offered == described


def spelt(folder: Path, names: set[str]) -> Iterator[str]:
    """The places below `folder` where a string is one of `names`.

    Single words, such as version, are words of AWS's and Terraform's as well, and left out.
    """
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and "_" in str(node.value) and node.value in names:
                yield f"{file.name}:{node.lineno}: {node.value}"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment.name)
def test_day_2_reads_no_output_of_its_deployment_by_a_bare_string(deployment: Deployment) -> None:
    names = set(outputs_class(deployment).model_fields)
    assert list(spelt(ROOT / "deployments" / deployment.folder / "day2", names)) == []


def test_operations_read_no_output_by_a_bare_string() -> None:
    attributes = {
        name
        for folder in (ROOT / "generated/stacks").iterdir()
        for named in read_document(folder)["resource"].values()
        for resource in named.values()
        for name in resource
    }
    names = {name for deployment in DEPLOYMENTS for name in outputs_class(deployment).model_fields}
    assert list(spelt(ROOT / "operations", names - attributes)) == []


def test_a_bare_string_is_found(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text('group = context.outputs["web_group"]\nversion = "version"\n')
    assert list(spelt(tmp_path, {"web_group", "version"})) == ["checks.py:1: web_group"]
