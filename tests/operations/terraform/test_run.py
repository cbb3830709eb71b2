"""The folder of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.settings import ROOT
from operations.terraform.run import Run
from operations.terraform.terraform import run_environment

pytestmark = pytest.mark.terraform


def test_runs_that_begin_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".terraform-version", tmp_path)
    folders = [Run("test", root=tmp_path).folder for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() for folder in folders)


def test_the_provider_writes_no_trace_unless_the_operator_asks_for_a_log() -> None:
    silent = {"TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_AWS": "OFF"}
    assert run_environment({"HOME": "/"}, {}).items() >= silent.items()
    for name in ("TF_LOG", "TF_LOG_PROVIDER", "TF_LOG_SDK_PROTO"):
        asked = run_environment({name: "DEBUG"}, {})
        assert asked[name] == "DEBUG"
        assert not asked.keys() & silent.keys()
