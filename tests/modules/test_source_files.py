from __future__ import annotations

import os
from pathlib import Path

from modules.source_files import archive, digest, source_files


def folder(root: Path) -> Path:
    (root / "package").mkdir(parents=True)
    (root / "package" / "a.py").write_text("a = 1")
    (root / "b.txt").write_text("b")
    return root


def test_the_same_files_give_the_same_bytes_at_another_place_and_time(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    os.utime(two / "b.txt", (0, 0))
    assert archive(one, source_files(one)) == archive(two, source_files(two))
    assert digest(one) == digest(two)


def test_what_python_leaves_behind_changes_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path / "root")
    before = digest(root)
    (root / "package" / "__pycache__").mkdir()
    (root / "package" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    assert digest(root) == before


def test_a_change_and_a_new_name_change_the_digest(tmp_path: Path) -> None:
    root = folder(tmp_path / "root")
    before = digest(root)
    (root / "b.txt").rename(root / "c.txt")
    renamed = digest(root)
    (root / "c.txt").write_text("c")
    assert len({before, renamed, digest(root)}) == 3
