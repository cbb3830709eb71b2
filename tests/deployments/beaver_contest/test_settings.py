"""Settings of the Beaver Contest that do not fit together are refused where they stand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from config.settings import ROOT, SettingsError, load
from deployments.beaver_contest.settings import BeaverContestSettings

DEV = tomllib.loads((ROOT / "deployments/beaver_contest/environments/dev.toml").read_text())

MISFITS: list[tuple[str, dict[str, Any], str]] = [
    ("static", {"bucket_name": "another-bucket"}, "static.bucket_name = .*must be static.dev.castor.example.org"),
    ("static", {"host_name": "static.example.com"}, "static.host_name = .*must end with .dev.castor.example.org"),
    ("admin", {"host_name": "admin.example.com"}, "admin.host_name = .*must end with .dev.castor.example.org"),
    ("contest", {"name": "adminEnv"}, "contest.name = .*the name of the admin environment"),
    ("contest", {"host_name": "coordinateur.dev.castor.example.org"}, "contest.host_name = .*the host of the admin"),
    ("admin", {"https": True, "reasons": {}}, "admin.https = true: .*browsers refuse HTTP files on HTTPS pages"),
    ("network", {"nat": "none"}, "network.nat = .*must be single or per_az"),
    ("database", {"require_tls": True, "reasons": {}}, "database.require_tls = true: must be false"),
    ("static", {"reasons": {}}, "static.access = .*needs a reason"),
    ("contest", {"platform_branch": "PHP 5.6 running on 64bit Amazon Linux"}, "is not a PHP platform branch"),
    ("contest", {"name": "-x"}, "is not the name of a Beanstalk environment"),
    ("contest", {"min_size": 9}, "contest.max_size = 4: is below min_size = 9"),
    ("contest", {"scale_in_cpu_percent": 60}, "must be below scale_out_cpu_percent = 60"),
    ("application", {"table_prefix": "no spaces"}, "application.table_prefix"),
    ("application", {"table_prefix": "beaver_"}, "application.table_prefix = .*needs a reason"),
    ("application", {"reasons": {"table_prefix": "shared account"}}, "gives a reason for nothing"),
]


def loaded(path: Path, section: str, changes: dict[str, Any]) -> BeaverContestSettings:
    document = {**DEV, section: {**DEV.get(section, {}), **changes}}
    file = path / "dev.toml"
    file.write_text(tomli_w.dumps(document))
    return load(file, BeaverContestSettings)


@pytest.mark.parametrize(("section", "changes", "message"), MISFITS, ids=[message for *_, message in MISFITS])
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, section: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        loaded(tmp_path, section, changes)


def test_a_prefix_with_a_reason_is_taken(tmp_path: Path) -> None:
    reasons = {"table_prefix": "Two contests share the account"}
    settings = loaded(tmp_path, "application", {"table_prefix": "beaver_", "reasons": reasons})
    assert settings.application.table_prefix == "beaver_"
    assert settings.php_version == "8.4"
