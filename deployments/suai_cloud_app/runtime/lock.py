"""Writes `requirements.lock` from `requirements.in`: `python -m deployments.suai_cloud_app.runtime.lock`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_HEADER = "# Written by `python -m deployments.suai_cloud_app.runtime.lock`: one wheel each, without compiled parts."
_PYTHON = "3.11"
"""The Python the instances run the application with; user_data.sh installs it."""


def lock() -> None:
    """Have pip resolve the newest versions that need no compiled part, and record each wheel by its SHA-256."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report=-", "--only-binary=:all:", "--platform=any", "--implementation=py"]
    command += [
        "--abi=none",
        f"--python-version={_PYTHON}",
        "--target=unused",
        f"--requirement={_HERE / 'requirements.in'}",
    ]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    pins = sorted(
        (
            f"{package['metadata']['name'].lower()}=={package['metadata']['version']}"
            f" --hash=sha256:{package['download_info']['archive_info']['hashes']['sha256']}"
        )
        for package in report["install"]
    )
    (_HERE / "requirements.lock").write_text("\n".join([_HEADER, *pins]) + "\n")


if __name__ == "__main__":
    lock()
