"""Text of settings stays text in every language it is rendered into: the real readers of each give it back."""

from __future__ import annotations

import configparser
import json
import shlex
import sqlite3
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.rendering import LANGUAGES, ini, json_string, nginx, not_evaluated, php, plain, shell, sql, sql_name
from config.settings import Settings
from operations.engines.server import free_port
from tests.engines import need

HOSTILE = [
    "harmless",
    "it's",
    'end","version":"evil',
    "back\\slash\\",
    "\\'; DROP TABLE x; --",
    "$(id) `id` $HOME ${HOME}",
    "%(here)s 100% %{if true}",
    "?> <?php echo 1;",
    'a"; return 500; #',
    "schlüssel ٣ \u2028",
]


def readable(render: Callable[[str], str], text: str) -> str | None:
    try:
        return render(text)
    except ValueError:
        return None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_toml_and_shells_give_any_text_back(text: str) -> None:
    assert json.loads(f'"{json_string(text)}"') == text
    assert tomllib.loads(f'a = "{json_string(text)}"') == {"a": text}
    if "\0" not in text:
        assert shlex.split(f"'{shell(text)}'") == [text]
        assert shlex.quote(text) in (text, f"'{shell(text)}'")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_an_ini_file_gives_back_what_it_can_hold(text: str) -> None:
    rendered = readable(ini, text)
    if rendered is not None:
        parser = configparser.ConfigParser(inline_comment_prefixes=(";", "#"))
        parser.read_string(f"[a]\nbefore = 1\nx = {rendered}\nafter = 2\n")
        assert dict(parser["a"]) == {"before": "1", "x": text, "after": "2"}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_sql_gives_back_what_every_server_reads_alike(text: str) -> None:
    rendered = readable(sql, text)
    if rendered is not None:
        database = sqlite3.connect(":memory:")
        assert database.execute(f"SELECT '{rendered}', 1 AS {sql_name('a' + text)}").fetchall() == [(text, 1)]


def test_php_gives_any_text_back(tmp_path: Path) -> None:
    (program,) = need("php-cli", "php")
    script = tmp_path / "a.php"
    script.write_text(
        "<?php echo json_encode([" + ",".join(f"'{php(text)}'" for text in HOSTILE) + "]);", encoding="utf-8"
    )
    done = subprocess.run([program, script], capture_output=True, check=True)
    assert json.loads(done.stdout) == HOSTILE


@pytest.mark.engines
def test_nginx_gives_back_what_it_can_hold(tmp_path: Path) -> None:
    (program,) = need("nginx-core", "nginx")
    texts = [text for text in HOSTILE if readable(nginx, text) is not None]
    assert len(texts) == len([text for text in HOSTILE if "$" not in text])
    port = free_port()
    returns = "".join(f'location = /{number} {{ return 200 "{nginx(text)}"; }}\n' for number, text in enumerate(texts))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; daemon off; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port};\n{returns} }} }}",
        encoding="utf-8",
    )
    server = subprocess.Popen([program, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        for number, text in enumerate(texts):
            url = f"http://127.0.0.1:{port}/{number}"
            done = subprocess.run(
                ["curl", "--silent", "--retry", "20", "--retry-connrefused", "--retry-delay", "0", url],
                capture_output=True,
                check=True,
            )
            assert done.stdout.decode() == text
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("render", [plain, *LANGUAGES.values()])
def test_harmless_text_is_left_as_it_is(render: Callable[[str], str]) -> None:
    assert render("arn:aws:s3:::quintet-dev/a_b@c=d+e!, f") == "arn:aws:s3:::quintet-dev/a_b@c=d+e!, f"


class Inner(Settings):
    texts: tuple[str, ...]


class Outer(Settings):
    inner: Inner
    named: dict[str, str]
    number: int = 3


def test_settings_reach_terraform_with_every_text_of_every_part_escaped() -> None:
    outer = not_evaluated(Outer(inner=Inner(texts=("${a}", "b")), named={"${k}": "%{v}"}))
    assert outer == Outer(inner=Inner(texts=("$${a}", "b")), named={"$${k}": "%%{v}"})
