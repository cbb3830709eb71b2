"""Versions, generations and databases that go together, and those that are refused."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from config.settings import ROOT, SettingsError, load
from deployments.aquamark.releases import CURRENT, RELEASES, SUPPORTED, release_of
from deployments.aquamark.settings import AquamarkSettings

_ENVIRONMENTS = ROOT / "deployments" / "aquamark" / "environments"


def settings(folder: Path, environment: str, version: str, **changed: str) -> AquamarkSettings:
    """Those of an environment with a version, and safe values, which need no reason, for keys that it sets."""
    text = (_ENVIRONMENTS / f"{environment}.toml").read_text()
    for key, value in changed.items():
        text, found = re.subn(rf"(?m)^{key} = .*\n", "", text)
        assert found == 2, key
        text = text.replace("[database]\n", f"[database]\n{key} = {value}\n")
    path = folder / f"{environment}.toml"
    path.write_text(f'version = "{version}"\n{text}')
    return load(path, AquamarkSettings)


@pytest.mark.parametrize("version", ["1.3.3", "1.4.7", "v1.4.7", "1.5.0", "1.4.7-build1", "own"])
def test_the_documented_generation_takes_the_releases_that_read_a_url(tmp_path: Path, version: str) -> None:
    assert settings(tmp_path, "dev", version).version == version


@pytest.mark.parametrize("version", ["1.0.1", "1.2.0", "1.3.2", "v1.0.4-build1"])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_release_whose_schema_cannot_be_migrated_is_refused(tmp_path: Path, environment: str, version: str) -> None:
    with pytest.raises(SettingsError, match=r"version.*alembic reads no address of a database"):
        settings(tmp_path, environment, version)


@pytest.mark.parametrize("version", ["1.3.3", "1.4.7", "1.5.0", "1.5.0-build1"])
def test_a_release_that_reads_a_url_is_refused_in_the_generation_of_head(tmp_path: Path, version: str) -> None:
    with pytest.raises(SettingsError, match=r'application\.generation.*generation = "documented"'):
        settings(tmp_path, "prod", version)
    assert settings(tmp_path, "prod", "head-5813fa8").version == "head-5813fa8"


def test_what_a_releases_own_client_library_cannot_do_is_refused(tmp_path: Path) -> None:
    for version in ("1.4.7", "1.5.0"):
        with pytest.raises(SettingsError, match=r"password_encryption.*libpq 9\.\d, which cannot sign in by it"):
            settings(tmp_path, "dev", version, password_encryption='"scram-sha-256"')
    with pytest.raises(SettingsError, match=r"require_tls.*libpq 9\.3, which speaks TLS 1\.0"):
        settings(tmp_path, "dev", "1.4.7", require_tls="true")
    assert settings(tmp_path, "dev", "1.5.0", require_tls="true").database.require_tls
    own = settings(tmp_path, "dev", "1.4.7-build1", password_encryption='"scram-sha-256"', require_tls="true")
    assert own.database.require_tls


def test_every_release_is_decided_once_and_head_has_no_number() -> None:
    decided = [(release.first, release.last) for release in RELEASES]
    assert all(first <= last for first, last in decided)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(decided))
    assert release_of("1.5.0") is RELEASES[-1]
    assert CURRENT not in RELEASES
    assert {release.generation for release in SUPPORTED} == {"documented", "current"}
    assert "1.3.3 to 1.4.7" in (ROOT / "deployments" / "aquamark" / "README.md").read_text()
