"""Things that the Markdown files name exist: tests, commands with their options, make targets, files."""

from __future__ import annotations

import ast
import math
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from config.registry import DEPLOYMENTS
from config.settings import ROOT
from operations.cli import app

PAGES = sorted(
    {*ROOT.glob("*.md"), *(path for folder in ("config", "deployments", "docs", "emulator", "modules", "operations", "tests") for path in (ROOT / folder).rglob("*.md"))}
)  # fmt: skip
TABLE = "| the document says | here | shown by test |"
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_COMMAND = re.compile(
    r"(?:^|[\s`(&;])(?:quintet|python -m operations)((?: +(?:-{1,2}[a-z][\w-]*|[A-Za-z0-9][\w./-]*))+)"
)
_MAKE = re.compile(r"(?:^|[\s`(&;])make((?: +[a-z][a-z-]*)+)(?=$|[\s`);&])")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def pages_named(names: list[Path]) -> Any:
    return pytest.mark.parametrize("page", names, ids=[str(path.relative_to(ROOT)) for path in names])


@cache
def functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text()) if file.is_file() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def statements(page: Path) -> Iterator[list[str]]:
    """The rows of the table of statements: cells; headings within the table left out."""
    text = page.read_text()
    assert text.count(TABLE) == 1, f"{page} needs one table headed {TABLE}"
    for line in text.split(TABLE)[1].lstrip("\n").splitlines()[1:]:
        if not line.startswith("|"):
            return
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == 3, line
        if not (cells[0].startswith("**") and cells[1] == cells[2] == ""):
            yield cells


@pages_named(sorted(ROOT.glob("deployments/*/README.md")))
def test_every_row_of_a_deployments_table_names_a_test_that_exists(page: Path) -> None:
    rows = list(statements(page))
    assert len(rows) > 10
    assert [row[0] for row in rows if not _TEST.search(row[2])] == [], "these statements are shown by no test"
    assert [row[0] for row in rows if not row[1]] == []


@pages_named(sorted(ROOT.glob("deployments/*/README.md")))
def test_every_page_of_a_deployment_has_the_same_sections_in_the_same_order(page: Path) -> None:
    assert re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE) == [
        "The stack",
        "The document says → here → shown by test",
        "What differs, and why",
        "What holds data",
        "Runbook",
        "Settings",
    ]


def test_every_deployment_has_a_page() -> None:
    assert [
        known.name for known in DEPLOYMENTS if not (ROOT / "deployments" / known.folder / "README.md").is_file()
    ] == []


@pages_named(PAGES)
def test_every_test_a_page_names_exists(page: Path) -> None:
    named = _TEST.findall(page.read_text())
    assert [f"{file}::{name}" for file, name in named if name not in functions(ROOT / file)] == []


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after `quintet` in code."""
    for code in _CODE.findall(text):
        for found in _COMMAND.findall(code):
            yield found.split()


def command_exists(words: list[str]) -> bool:
    """True when the command line knows the subcommands and the options, and takes arguments where there are some."""
    command: Any = typer.main.get_command(app)
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            options = [option for option in command.params if word in (*option.opts, *option.secondary_opts)]
            if not options:
                return word == "--help"
            if not options[0].is_flag:
                next(rest, None)
        elif hasattr(command, "commands"):
            command = command.get_command(typer.Context(command), word)
            if command is None:
                return False
        elif not any(parameter.param_type_name == "argument" for parameter in command.params):
            return False
    return True


@pages_named(PAGES)
def test_every_command_a_page_names_exists(page: Path) -> None:
    assert [f"quintet {' '.join(words)}" for words in commands_in(page.read_text()) if not command_exists(words)] == []


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def targets_in(text: str) -> Iterator[str]:
    for code in _CODE.findall(text):
        for found in _MAKE.findall(code):
            yield from found.split()


@pages_named(PAGES)
def test_every_make_target_a_page_names_exists(page: Path) -> None:
    assert sorted(set(targets_in(page.read_text())) - make_targets()) == []


@pages_named(PAGES)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_decisions_are_numbered_in_order_and_have_their_four_parts() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in [ROOT / "docs/decisions/template.md", *decisions]:
        text = path.read_text()
        number = "N" if path.name == "template.md" else int(path.name[:4])
        assert re.match(rf"# {number}\. .*\n\n\S+ · (accepted|superseded by \d+)\n", text), path
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Alternatives", "Consequences"]


def test_the_readme_fits_two_screens_of_eighty_columns() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert sum(max(1, math.ceil(len(line) / 80)) for line in lines) <= 100


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs/README.md"
    named = {(index.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+)", index.read_text())}
    wanted = {*ROOT.glob("docs/*.md"), *ROOT.glob("deployments/*/README.md"), ROOT / "docs/decisions/README.md"}
    assert sorted(str(page.relative_to(ROOT)) for page in wanted - named - {index}) == []


def lines_with_two_sentences(text: str) -> list[str]:
    """Lines of prose in which a second sentence begins; tables, code and parentheses left out."""
    prose = re.sub(
        r"^<!-- (?:generated|bench):.*?^<!-- end|^ *```.*?```|^ *\|.*?$", "", text, flags=re.DOTALL | re.MULTILINE
    )
    return [
        line
        for line in prose.splitlines()
        if re.search(r"[a-z`][.!?]\*{0,2} [A-Z`\[]", re.sub(r"`[^`]*`|\([^()]*\)", "`", line))
    ]


@pages_named(
    [*(page for page in PAGES if page.name == "README.md"), ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
)
def test_a_page_has_one_sentence_on_each_line(page: Path) -> None:
    assert lines_with_two_sentences(page.read_text()) == []


def test_a_second_sentence_on_a_line_is_found() -> None:
    assert lines_with_two_sentences("One. Two.\n\nOne (A. b).\n| a. B |\n```sh\na. B\n```\n- `x`. Two.\n") == [
        "One. Two.",
        "- `x`. Two.",
    ]


def test_the_changelog_says_what_an_apply_does_to_what_exists() -> None:
    for release in (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1:]:
        assert {"Addresses moved", "Replaces"} <= set(re.findall(r"^### (.*)$", release, re.MULTILINE))


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    unreleased, newest = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[:2]
    assert (unreleased, newest) == ("Unreleased", project["version"])


def test_what_does_not_exist_is_found() -> None:
    text = "Run `quintet settings check --fast`, `quintet suai publish dev`, `quintet sate status dev` or:\n```sh\nmake demo-all && make test\n```\n"
    assert [words for words in commands_in(text) if not command_exists(words)] == [
        ["settings", "check", "--fast"],
        ["suai", "publish", "dev"],
        ["sate", "status", "dev"],
    ]
    assert set(targets_in(text)) - make_targets() == {"demo-all"}
    assert command_exists(["state", "bootstrap", "dev", "--dry-run"])
    assert command_exists(["suai", "publish", "--environment", "dev"])


def sources() -> list[Path]:
    packages = (
        "bench",
        "config",
        "deployments",
        "emulator",
        "iam",
        "modules",
        "operations",
        "scripts",
        "synth",
        "tests",
    )
    found = (path for package in packages for path in (ROOT / package).rglob("*.py"))
    # a program in AWS is packed with its docstrings: another one would replace what runs
    return sorted(path for path in found if "runtime" not in path.relative_to(ROOT).parts[:3])


def test_the_docstring_of_a_module_begins_with_a_noun_or_a_verb() -> None:
    words = r"(What|Who|Whom|Whose|Whether|Of|By)\b"
    first, quoted = re.compile(words), re.compile(rf"[\"'][\s\\]*{words}")
    texts = {path: path.read_text() for path in sources()}
    assert len(texts) > 400
    docstrings = {path: ast.get_docstring(ast.parse(text)) or "" for path, text in texts.items() if quoted.search(text)}
    assert [str(path.relative_to(ROOT)) for path, text in docstrings.items() if first.match(text)] == []
