"""The application is one file that is the same wherever it is built."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from deployments.suai_cloud_app.runtime import package
from deployments.suai_cloud_app.runtime.package import PackageError, build

pytestmark = pytest.mark.xdist_group("suai-executable")  # built once
RUNTIME = Path(package.__file__).parent


@pytest.fixture(scope="module")
def wheels(executable: Path) -> Path:
    """The folder that the fixture `executable` has filled."""
    del executable
    return Path(__file__).parents[4] / ".cache" / "suaicloudapp-wheels"


def test_two_builds_are_the_same_bytes(executable: Path, wheels: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "elsewhere" / "suaicloudapp", wheels=wheels)
    assert again.read_bytes() == executable.read_bytes()


def test_it_is_executable_and_holds_nothing_compiled(executable: Path) -> None:
    assert executable.stat().st_mode & 0o777 == 0o755
    with zipfile.ZipFile(executable) as archive:
        names = archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert names == sorted(names)
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
    assert "suaicloudapp/checks/database.py" in names


def test_it_brings_the_licences_of_its_libraries_and_only_the_aws_services_it_uses(executable: Path) -> None:
    with zipfile.ZipFile(executable) as archive:
        names = archive.namelist()
    libraries = {
        line.split("==")[0] for line in (RUNTIME / "requirements.lock").read_text().splitlines() if "==" in line
    }
    licensed = {
        name.split("-")[0].replace("_", "-") for name in names if re.search(r"\.dist-info/(licenses/)?LICENSE", name)
    }
    assert licensed == libraries
    services = {name.split("/")[2] for name in names if re.match(r"botocore/data/[^/]+/", name)}
    assert services == {"s3", "dynamodb"}


def test_every_wanted_library_is_locked_by_one_hash_and_no_host(executable: Path) -> None:
    del executable
    lines = (RUNTIME / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+ --hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    wanted = {line for line in (RUNTIME / "requirements.in").read_text().splitlines() if not line.startswith("#")}
    assert wanted <= {pin.split("==")[0] for pin in pins}


def test_a_library_with_another_hash_is_refused_and_nothing_is_written(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        re.sub(r"(pymysql\S+ --hash=sha256:)[0-9a-f]{8}", r"\g<1>00000000", (RUNTIME / "requirements.lock").read_text())
    )
    monkeypatch.setattr(package, "_LOCK", lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(PackageError, match=r"(?s)pip cannot fetch the application's libraries.*pymysql"):
        build(tmp_path / "out" / "suaicloudapp")
    assert not (tmp_path / "out").exists()


def test_without_a_suitable_python_it_says_what_it_needs(executable: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    environment = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run([executable], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert done.stderr == f"suaicloudapp cannot start: it needs Python 3.11 or newer on PATH ({tmp_path})\n"
