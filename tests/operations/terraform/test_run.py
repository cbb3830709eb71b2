"""The folder of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.settings import ROOT
from operations.terraform.run import Run

pytestmark = pytest.mark.terraform


def test_runs_that_begin_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".terraform-version", tmp_path)
    folders = [Run("test", root=tmp_path).folder for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() for folder in folders)
