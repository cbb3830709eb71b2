"""Every command's help, and the places that all commands share."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from config.environment import environment_names
from config.registry import DEPLOYMENTS
from config.settings import ROOT
from operations.cli import app, run

PROGRAMS = ("bench", "deployments", "emulator", "operations", "scripts")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if hasattr(command, "list_commands"):
        context = typer.Context(command, info_name=" ".join(("quintet", *path)))
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_every_deployment_with_day_2_commands_is_reached_by_its_alias_and_by_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for deployment in DEPLOYMENTS:
        assert (deployment.alias,) in ALL
        assert run([deployment.name, "--help"]) == 0
        assert f"Usage: quintet {deployment.name} " in capsys.readouterr().out


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_says_every_word_of_its_texts_without_markup_and_colours(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*path, "--help"]) == 0
    said = capsys.readouterr().out
    texts = [ALL[path].help, *(parameter.help for parameter in ALL[path].params)]
    words = "".join(said.split())
    for text in filter(None, texts):
        assert "".join(text.split()) in words
    assert "\x1b" not in said
    assert not re.search("[╭│╰]", said)
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_no_help_names_environments_as_if_there_were_no_others(path: tuple[str, ...]) -> None:
    texts = [ALL[path].help or "", *(parameter.help or "" for parameter in ALL[path].params)]
    assert not [text for text in texts if re.search(r"\b(dev|prod)\b", text)]


def test_an_environment_that_does_not_exist_is_answered_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    asked = 0
    for path, command in ALL.items():
        for parameter in command.params:
            if parameter.name == "environment":
                asked += 1
                option = ["--environment", "qa"] if parameter.param_type_name == "option" else ["qa"]
                others = ["x" for other in command.params if other.required and other.name != "environment"]
                assert run([*path, *others, *option]) == 2
                assert f"there is no environment qa; environments: {', '.join(environment_names())}" in " ".join(
                    capsys.readouterr().err.split()
                )
    assert asked > 40


def test_a_command_that_does_not_exist_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["statee"]) == 2
    assert "There is no command statee. Did you mean state?" in capsys.readouterr().err


def calls(*names: str) -> set[str]:
    """The files below the programs' folders that call one of these."""
    found = set()
    for folder in PROGRAMS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if not any(name.rpartition(".")[2] in text for name in names):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                    found.add(str(file.relative_to(ROOT)))
    return found


def imports(module: str) -> set[str]:
    """The files below the programs' folders that import `module`, not for types only."""
    pattern = re.compile(rf"^\s*from {re.escape(module)} import", re.MULTILINE)
    found = set()
    for folder in PROGRAMS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = re.sub(r"^if TYPE_CHECKING:\n(?:    .*\n|\n)+", "", file.read_text(encoding="utf-8"), flags=re.M)
            if pattern.search(text):
                found.add(str(file.relative_to(ROOT)))
    return found


def test_consoles_commands_and_tables_are_created_in_one_place_each() -> None:
    assert calls("Console", "rich.console.Console") == {"operations/console.py"}
    assert calls("typer.Typer", "Typer") == {"operations/commands/factory.py"}
    # the other one draws what moves while it is worked on
    assert imports("rich.table") == {"operations/listing.py", "operations/terraform/progress.py"}


def test_options_that_many_commands_have_are_defined_in_one_place() -> None:
    for text in ('"--environment"', '"--dry-run", help="Only say what would be done."', 'Option("--json"'):
        places = [
            str(file.relative_to(ROOT))
            for folder in PROGRAMS
            for file in Path(ROOT / folder).rglob("commands*/**/*.py" if folder == "operations" else "day2/commands.py")
            if text in file.read_text(encoding="utf-8")
        ]
        assert places == ["operations/commands/options.py"], text
