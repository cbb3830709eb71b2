"""The whole of main.py gives the same stacks with CDKTF's fork, and with the newest bindings CDKTF has."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import main
from config.locked_provider import LOCK_FILE, locked_provider_version
from config.settings import ROOT
from config.stack_settings import load_all

SCRIPT = ROOT / "scripts" / "other_bindings.py"
GENERATED = ROOT / "generated"
NAME = "suai-cloud-app-dev"

spec = importlib.util.spec_from_file_location("other_bindings", SCRIPT)
assert spec is not None
assert spec.loader is not None
other_bindings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(other_bindings)


@pytest.mark.slow
@pytest.mark.parametrize("environment", [".venv-cdktn", ".venv-newest-bindings"])
def test_every_stack_is_the_same_but_for_versions(environment: str) -> None:
    if not (ROOT / environment / "bin" / "python").is_file():
        pytest.skip(f"{environment} is not installed: make venv-other-bindings")
    done = subprocess.run([sys.executable, SCRIPT, environment], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("equal but for //.metadata.version, terraform.required_providers.aws.source,")
    assert locked_provider_version(ROOT) not in done.stdout.split()  # it was another provider's


def test_a_field_a_file_and_a_stack_that_differ_are_found(tmp_path: Path) -> None:
    shutil.copytree(GENERATED, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".terraform"))
    assert list(other_bindings.differences(tmp_path, GENERATED)) == []

    file = tmp_path / "stacks" / NAME / main.STACK_FILE
    document = json.loads(file.read_text())
    document["terraform"]["required_providers"]["aws"]["version"] = "6.0.0"
    document["//"]["metadata"]["version"] = "0.24.0"
    file.write_text(json.dumps(document))
    assert list(other_bindings.differences(tmp_path, GENERATED)) == []

    document["terraform"]["required_version"] = "~> 2"
    file.write_text(json.dumps(document))
    (tmp_path / "stacks/aquamark-dev/user_data.sh").write_text("other")
    (tmp_path / "stacks/aquamark-prod/user_data.sh").unlink()
    assert list(other_bindings.differences(tmp_path, GENERATED)) == [
        "aquamark-prod/user_data.sh: only in generated",
        "aquamark-dev/user_data.sh: other bytes",
        f'{NAME}/{main.STACK_FILE}: terraform.required_version = "~> 2", was "~> 1.11.4"',
    ]


def test_one_mapping_renames_every_import() -> None:
    source = (
        'from cdktf import App\nfrom cdktf_cdktf_provider_aws.vpc import Vpc\nimport cdktf._jsii\nFILE = "cdktf.json"\n'
    )
    assert other_bindings.renamed(source) == (
        'from cdktn import App\nfrom cdktn_provider_aws.vpc import Vpc\nimport cdktn._jsii\nFILE = "cdktf.json"\n'
    )


def test_a_lock_file_for_another_provider_is_refused_before_anything_is_kept_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {stack.stack_name: stack for stack in load_all()}
    document = (GENERATED / "stacks" / NAME / main.STACK_FILE).read_bytes()
    finished = {NAME: main.FinishedStack({main.STACK_FILE: document}, {"name": NAME}, {})}
    monkeypatch.setattr(main, "synthesise", lambda *_, **__: finished)
    kept = main.KeptStacks(ROOT, [tmp_path / "cache"])
    lock = (ROOT / LOCK_FILE).read_text()
    monkeypatch.setattr(main, "ROOT", tmp_path)
    shutil.copy(ROOT / "cdktf.json", tmp_path)
    for text, said in (
        (lock.replace("5.100.0", "5.99.0"), "locks hashicorp/aws 5.99.0, and the installed bindings write 5.100.0"),
        ("", "locks hashicorp/aws not at all, and the installed bindings write 5.100.0"),
    ):
        (tmp_path / LOCK_FILE).write_text(text)
        with pytest.raises(ValueError, match=said):
            main.finish([every[NAME]], every, tmp_path / "generated", kept)
    assert not (tmp_path / "cache").exists()

    (tmp_path / LOCK_FILE).write_text(lock)
    assert main.finish([every[NAME]], every, tmp_path / "generated", kept) == finished
