"""The command line reads and writes UTF-8 under every locale, and takes a checkout of another owner in one sentence."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT

PROGRAM = (
    "import sys; from config.utf8 import use_utf8; use_utf8();"
    "from pathlib import Path; print(sys.flags.utf8_mode, Path(sys.argv[1]).read_text(), '\\u2192')"
)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.utf8"])
def test_text_is_utf8_whatever_the_locale(tmp_path: Path, locale: str) -> None:
    (tmp_path / "text").write_text("größer ٣", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "text"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().split(maxsplit=1)[1] == "größer ٣ →\n"


@pytest.mark.parametrize("owner", [0, 1])
def test_a_file_that_may_not_be_written_is_one_sentence_with_the_owner_of_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], owner: int
) -> None:
    from operations import cli

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/x/.cache")

    monkeypatch.setattr(cli, "app", refuse)
    mine = ROOT.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + owner)
    assert cli.run(["settings", "check"]) == 1
    said = capsys.readouterr().err
    expected = f" {ROOT} belongs to user {mine}, you are user {mine + 1}: work in a clone of your own." if owner else ""
    assert said == f"Error: /x/.cache cannot be written: Permission denied.{expected}\n"


@pytest.mark.parametrize("code", [errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP])
def test_a_path_that_cannot_be_written_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    from operations import cli

    def refuse(**_: object) -> None:
        raise OSError(code, os.strerror(code), "/x/report\x1b")

    monkeypatch.setattr(cli, "app", refuse)
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err == f"Error: /x/report\\x1b cannot be written: {os.strerror(code)}.\n"


def test_a_full_disk_is_one_sentence_with_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from operations import cli

    def refuse(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/x/plan")

    monkeypatch.setattr(cli, "app", refuse)
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err == (
        "Error: /x/plan cannot be written: No space left on device."
        f" Free some space below {ROOT}, then run the same command again.\n"
    )
