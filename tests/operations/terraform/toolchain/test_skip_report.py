"""The suite's own promise: a skipped test is always named, and fails the run in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[3] / "conftest.py"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = terraform: long\n")
    (tmp_path / "test_passes.py").write_text("def test_passes():\n    pass\n")
    return tmp_path


def add_skips(suite: Path) -> None:
    (suite / "test_skips.py").write_text(
        "import pytest\n@pytest.mark.skip(reason='no server here')\ndef test_needs_server():\n    pass\n"
    )
    (suite / "test_module.py").write_text("import pytest\npytest.skip('no module here', allow_module_level=True)\n")


def run(suite: Path, *options: str, ci: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist.plugin", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("ci", "options", "exit_code"), [("true", ("-n", "1"), 1), ("true", (), 1), ("false", (), 0)])
def test_skipped_tests_are_named_and_fail_only_in_ci(
    suite: Path, ci: str, options: tuple[str, ...], exit_code: int
) -> None:
    add_skips(suite)

    finished = run(suite, *options, ci=ci)

    assert finished.returncode == exit_code, finished.stdout
    assert "2 skipped, and why" in finished.stdout
    assert "test_skips.py::test_needs_server: no server here" in finished.stdout
    assert "test_module.py: no module here" in finished.stdout
    assert ("CI allows none" in finished.stdout) is bool(exit_code)


def test_a_suite_without_skips_passes_in_ci(suite: Path) -> None:
    finished = run(suite, ci="true")

    assert finished.returncode == 0, finished.stdout
    assert "and why" not in finished.stdout


def test_tests_that_wait_for_terraform_start_first_and_slow_ones_next(suite: Path) -> None:
    for name, mark in (("waits", "terraform"), ("takes", "slow"), ("waits_long", "terraform(minutes=9)")):
        text = f"import pytest\n@pytest.mark.{mark}\ndef test_{name}():\n    pass\n"
        (suite / f"test_{name}.py").write_text(text)

    order = run(suite, "--collect-only", ci="").stdout.splitlines()

    assert order[:4] == [f"test_{name}.py::test_{name}" for name in ("waits_long", "waits", "takes", "passes")]
