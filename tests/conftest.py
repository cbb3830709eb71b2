"""How the whole suite runs: workers, order, and what is said of skipped tests."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from botocore.loaders import create_loader

from operations.terraform.runs_at_once import available_bytes
from synth import bindings
from synth.kept_stacks import SWITCH

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

os.environ[SWITCH] = "no"  # tests prove what the code does now, not what it did
pytest.MonkeyPatch().setattr(
    "botocore.session.create_loader", functools.cache(create_loader)
)  # AWS's models, read once
bindings.install()  # before any test module imports the provider's bindings

hypothesis.settings.register_profile("suite", deadline=None)  # a loaded machine is no failure
hypothesis.settings.load_profile("suite")

pytest_plugins = ["tests.collection", "tests.engines", "tests.emulator_fixture", "tests.session_manager"]

REPOSITORY = Path(__file__).parents[1]
EMULATOR_TESTS = REPOSITORY / "tests" / "emulator"
WORKER_BYTES = 3 * 2**30
"""A worker with its emulator, and what it runs of Terraform and the provider, with room to spare."""
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
"""There a skipped test is a failure, as something the machine should have had was missing, and a touched file as well."""
CHECKOUT = pytest.StashKey[set[str]]()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Workers for `-n auto`: one more than cores, as tests wait for processes; still more where Terraform takes part."""
    cores = os.cpu_count() or 1
    if "not terraform" in config.option.markexpr:
        return cores + 1
    return max(cores, 6 if available_bytes() >= 6 * WORKER_BYTES else 4)


@pytest.hookimpl(tryfirst=True)  # before what -m leaves out is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the emulator; the longest tests first, so that short ones fill the cores meanwhile and end last."""
    for item in items:
        if "emulator" in getattr(item, "fixturenames", ()) or EMULATOR_TESTS in item.path.parents:
            item.add_marker("emulator")
    items.sort(key=_minutes, reverse=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    if IN_CI and not hasattr(session.config, "workerinput"):
        session.config.stash[CHECKOUT] = _checkout()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if IN_CI and session.exitstatus == pytest.ExitCode.OK and (_skipped(session.config) or _touched(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """List each skipped test and why, always: a skip nobody sees proves nothing. In CI, list what tests left behind."""
    if skipped := _skipped(config):
        terminalreporter.section(f"{len(skipped)} skipped, and why" + (" (CI allows none)" if IN_CI else ""))
        for test, reason in sorted(skipped):
            terminalreporter.line(f"{test}: {reason}")
    if touched := _touched(config):
        terminalreporter.section("Left in the checkout by the tests (CI allows nothing)")
        for file in sorted(touched):
            terminalreporter.line(file)


def _minutes(item: pytest.Item) -> float:
    """How long a test takes, roughly: what its marker `terraform` says, else less than a minute, slow ones first."""
    marker = item.get_closest_marker("terraform")
    if marker is None:
        return 0.1 if item.get_closest_marker("slow") else 0
    return float(marker.kwargs.get("minutes", 0.5))


def _skipped(config: pytest.Config) -> list[tuple[str, str]]:
    """Test and reason; empty in the workers, whose reports all reach the process that started them."""
    reporter: TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return []
    return [
        (report.nodeid, report.longrepr[2].removeprefix("Skipped: "))
        for report in reporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]


def _checkout() -> set[str]:
    """Files that git would show as changed or new; none where this is no checkout."""
    if shutil.which("git") is None:
        return set()
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    return set(subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.splitlines())


def _touched(config: pytest.Config) -> set[str]:
    """Files that the tests changed or left in the checkout, told in CI only: elsewhere somebody may be at work in it."""
    return _checkout() - config.stash[CHECKOUT] if CHECKOUT in config.stash else set()
