"""Text of settings that looks like code reaches AWS's arguments, user data and files as text: the real Terraform says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cdktf import App, TerraformOutput

from config.deployment import DeploymentSettings
from config.environment import Environment, StateSettings
from config.rendering import not_evaluated
from config.settings import Settings
from modules.stack import DeploymentStack
from modules.template import template_file
from operations.terraform.processes import Children
from operations.terraform.terraform import run_environment
from tests.modules.synth import NETWORK, synthesised

HOSTILE = [
    'x@example.org","version":"evil","z":"y',
    '${file("/etc/hostname")}',
    "%{ if true }yes%{ endif }",
    "$${kept} %%{kept}",
    "it's \\ $HOME `id`\n\tand ٣",
    "100% of $5 {a} }",
]


def evaluated(stack: DeploymentStack, folder: Path) -> dict[str, Any]:
    """The outputs that the real Terraform makes of the stack's outputs and files."""
    made = synthesised(stack)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    (folder / "outputs.tf.json").write_text(json.dumps({"output": made.document["output"]}), encoding="utf-8")
    environment = run_environment(os.environ, {})
    with Children() as children:
        for command in (["init"], ["apply", "-auto-approve"], ["output", "-json"]):
            code, output, errors = children.capture(["terraform", *command], cwd=folder, environment=environment)
            assert code == 0, output + errors
    return {name: found["value"] for name, found in json.loads(output).items()}


@pytest.mark.terraform
def test_terraform_evaluates_nothing_that_settings_say(tmp_path: Path) -> None:
    class Texts(Settings):
        texts: tuple[str, ...]

    settings = not_evaluated(Texts(texts=tuple(HOSTILE)))
    stack = sample(tmp_path)
    for number, text in enumerate(settings.texts):
        template = tmp_path / f"{number}.txt"
        template.write_text("""{"json": "@{json:text}", "plain": "@{plain}"}\nshell='@{shell:text}'\n""")
        TerraformOutput(stack, f"argument{number}", value=text).override_logical_id(f"argument{number}")
        TerraformOutput(stack, f"map{number}", value={text: text}).override_logical_id(f"map{number}")
        filled = template_file(stack, template, text=text, plain="eu-central-1")
        TerraformOutput(stack, f"file{number}", value=filled).override_logical_id(f"file{number}")
    found = evaluated(stack, tmp_path / "folder")
    for number, text in enumerate(HOSTILE):
        assert found[f"argument{number}"] == text
        assert found[f"map{number}"] == {text: text}
        first, _, second = found[f"file{number}"].partition("\n")
        assert json.loads(first) == {"json": text, "plain": "eu-central-1"}
        assert second == "shell='{}'\n".format(text.replace("'", "'\"'\"'"))


def test_harmless_values_stay_arguments_so_that_the_file_is_the_same_for_all(tmp_path: Path) -> None:
    template = tmp_path / "a.txt"
    template.write_text('"@{json:name}" @{name}')
    stack = sample(tmp_path)
    TerraformOutput(stack, "a", value=template_file(stack, template, name="x-1"))
    made = synthesised(stack)
    assert made.files == {"a.txt": b'"${name}" ${name}'}
    assert made.document["output"]["a"]["value"] == '${templatefile("a.txt", {"name" = "x-1"})}'


@pytest.mark.parametrize("value", ['a"b', 'a"${aws_s3_bucket.b.id}', "it's"])
def test_values_are_checked_and_not_the_places_they_take(tmp_path: Path, value: str) -> None:
    template = tmp_path / "a.txt"
    template.write_text('"@{name}"')
    with pytest.raises(ValueError, match=r"a\.txt: the value of @\{name\} cannot stand there"):
        template_file(sample(tmp_path), template, name=value)


def sample(folder: Path) -> DeploymentStack:
    (folder / "folder").mkdir()
    return DeploymentStack(
        App(outdir=str(folder / "out")),
        deployment="sample",
        environment=Environment(
            name="test",
            account_id="111122223333",
            state=StateSettings(bucket="sample-state", region="eu-west-1", lock_table="sample-locks"),
        ),
        settings=DeploymentSettings(region="eu-central-1", network=NETWORK),
    )
