"""The pins of the image that is derived from upstream's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployments.aquamark import runtime

IMAGE = Path(runtime.__file__).parent / "image"
FILES = sorted(IMAGE.glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_package_has_one_version_and_a_checksum(file: Path) -> None:
    for line in file.read_text().splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.]+ --hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("release", ["1.4.7", "1.5.0", "head"])
def test_every_release_has_a_yaml_that_its_login_page_can_use_and_a_client_library_with_scram(release: str) -> None:
    pins = dict(re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (IMAGE / f"requirements-{release}.txt").read_text()))
    assert int(pins["PyYAML"].partition(".")[0]) < 6
    assert pins["psycopg2-binary"] == "2.9.8"


def test_1_4_7_has_a_certifi_with_the_function_it_calls_before_it_reaches_s3() -> None:
    """`certifi.old_where`, in server/aws.py:84 and :90: gone since 2018.11.29, and the web server ends without it."""
    pins = dict(re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (IMAGE / "requirements-1.4.7.txt").read_text()))
    assert tuple(map(int, pins["certifi"].split("."))) < (2018, 11, 29)
