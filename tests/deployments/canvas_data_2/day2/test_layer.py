"""The layer of sync_table holds every library that the function imports and Lambda does not bring along."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployments.canvas_data_2.day2.publish import CA_BUNDLE, LOCK, build_layer

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.terraform  # it fetches packages, as those tests do
def test_the_layer_alone_is_enough_to_import_the_dap_client(tmp_path: Path) -> None:
    layer = build_layer(tmp_path / "work", python=VERSION, ca_bundle=b"certificates")
    assert len(layer) < 50 * 2**20
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        archive.extractall(tmp_path / "opt")
    assert (tmp_path / "opt" / CA_BUNDLE).read_bytes() == b"certificates"
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'opt' / 'python')!r}); import dap.replicator.sql, asyncpg, tsv"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
    assert not list((tmp_path / "opt" / "python").glob("boto*"))


def test_the_image_has_the_versions_that_the_tests_run_with() -> None:
    def pins(text: str) -> set[str]:
        return {line.split(" ")[0].rstrip("\\") for line in text.splitlines() if "==" in line}

    ours = pins((LOCK.parents[3] / "requirements.lock").read_text())
    assert pins(LOCK.read_text()) <= ours


def test_every_pin_has_a_hash() -> None:
    entries = LOCK.read_text().replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
