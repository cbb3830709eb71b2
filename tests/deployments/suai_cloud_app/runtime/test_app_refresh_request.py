"""The file that asks for the password of now."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deployments.suai_cloud_app.runtime.app.refresh_request import FILE_NAME, request_refresh

UNIT = Path(__file__).parents[4] / "deployments/suai_cloud_app/runtime/systemd/suaicloudapp-refresh.path"


def written_seconds_ago(file: Path, seconds: float) -> int:
    os.utime(file, (time.time() - seconds, time.time() - seconds))
    return file.stat().st_mtime_ns


@pytest.mark.parametrize(("seconds", "asks"), [(1, False), (55, False), (61, True), (-3600, True)])
def test_it_is_written_again_after_a_minute_and_when_the_clock_was_set_back(
    tmp_path: Path, seconds: float, asks: bool
) -> None:
    request_refresh(tmp_path)
    before = written_seconds_ago(tmp_path / FILE_NAME, seconds)
    request_refresh(tmp_path)
    assert ((tmp_path / FILE_NAME).stat().st_mtime_ns != before) == asks


def test_a_folder_that_takes_no_file_is_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    request_refresh(tmp_path / "gone")
    assert f"{tmp_path / 'gone' / FILE_NAME} cannot be written: No such file or directory" in caplog.text


def test_the_unit_watches_the_file_the_application_writes() -> None:
    assert f"PathChanged=/suaicloudapp/{FILE_NAME}" in UNIT.read_text().splitlines()
