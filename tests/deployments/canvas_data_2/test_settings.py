"""Refusals in the settings of Canvas Data 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ROOT, SettingsError, load
from deployments.canvas_data_2.settings import CanvasData2Settings

DEV = (ROOT / "deployments/canvas_data_2/environments/dev.toml").read_text()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('nat = "single"', 'nat = "none"', "network.nat"),
        ('expression = "rate(3 hours)"', 'expression = "rate(1 hours)"', "schedule.expression"),
        ('expression = "rate(3 hours)"', 'expression = "hourly"', "schedule.expression"),
        ("max_capacity_acu = 4.0", "max_capacity_acu = 4.3", "aurora.max_capacity_acu"),
        ("min_capacity_acu = 0.5", "min_capacity_acu = 8.0", "is below min_capacity_acu = 8.0"),
        ('engine_version = "16"', 'engine_version = "16.8"', 'aurora.engine_version = "16.8": is not a release series'),
        ('stage = "dev"', 'stage = "test"', "stage"),
        ("[schedule]", '[database]\nuser = "cd2_admin"\n[schedule]', "must be another than admin_user"),
        ("[schedule]", '[dap]\nnamespaces = ["mastery"]\n[schedule]', "dap.namespaces"),
        ("[schedule]", '[dap]\nskipped_tables = ["a", "a"]\n[schedule]', "a is named twice"),
        ("[schedule]", '[dap]\napi_base_url = "http://insecure.example.org"\n[schedule]', "dap.api_base_url"),
        ("[schedule]", "[task]\ncpu_units = 256\nmemory_mib = 8192\n[schedule]", "does not go with cpu_units = 256"),
        ("[schedule]", "[refresh]\nmax_concurrency = 41\n[schedule]", "refresh.max_concurrency"),
        ("[schedule]", "[refresh]\nsync_timeout_seconds = 901\n[schedule]", "refresh.sync_timeout_seconds"),
    ],
)
def test_each_wrong_value_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in DEV
    file = tmp_path / "dev.toml"
    file.write_text(DEV.replace(before, after))
    with pytest.raises(SettingsError) as refused:
        load(file, CanvasData2Settings)
    assert said in str(refused.value)


def test_an_hourly_schedule_is_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "dev.toml"
    file.write_text(DEV.replace("rate(3 hours)", "rate(1 hour)"))
    assert load(file, CanvasData2Settings).schedule.expression == "rate(1 hour)"
