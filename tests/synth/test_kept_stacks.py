"""Finished stacks are kept under everything that decides them, and never read where that is to be proved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import main
from config.settings import ROOT
from config.stack_settings import StackSettings, load_all
from synth import deciding, kept_stacks
from synth.deciding import common_code, deployment_code
from synth.kept_stacks import SWITCH, FinishedStack, KeptStacks, settings_files, switched_off
from tests.synth.opened import Opened, opened_by

EVERY = {stack.stack_name: stack for stack in load_all()}
NAME = "suai-cloud-app-dev"
STACK = EVERY[NAME]
RECORD = "site/one-1.0.dist-info/RECORD"


def finished(name: str, text: str = "{}") -> FinishedStack:
    """A stack whose JSON is that of the committed one, with a file of its own."""
    document = (ROOT / "generated/stacks" / name / main.STACK_FILE).read_bytes()
    files = {main.STACK_FILE: document, "more/file": text.encode()}
    return FinishedStack(files, {"name": name}, {f"{name}/web": ["stack.py:1"]})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one file in every place that matters, and one that does not, and one installed distribution."""
    for name in (
        *deciding.FILES,
        *(f"{folder}/code.py" for folder in deciding.FOLDERS),
        "deployments/suai_cloud_app/stack.py",
        "deployments/suai_cloud_app/runtime/boot.sh",
        "deployments/suai_cloud_app/environments/dev.toml",
        "deployments/suai_cloud_app/environments/prod.toml",
        "deployments/aquamark/stack.py",
        "config/environments/dev.toml",
        "config/environments/prod.toml",
        "docs/plans.md",
        "modules/__pycache__/code.pyc",
        RECORD,
    ):
        write(tmp_path, name, "one")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def key(root: Path) -> str:
    return KeptStacks(root, []).key(STACK)


@pytest.mark.parametrize(
    "name",
    [
        "main.py",
        "cdktf.json",
        ".terraform-version",
        ".terraform.lock.hcl",
        "requirements.lock",
        "config/code.py",
        "modules/code.py",
        "modules/new.py",
        "synth/code.py",
        "deployments/__init__.py",
        "deployments/suai_cloud_app/stack.py",
        "deployments/suai_cloud_app/runtime/boot.sh",
        "deployments/suai_cloud_app/environments/dev.toml",
        "config/environments/dev.toml",
        RECORD,
    ],
)
def test_whatever_decides_a_stack_changes_its_key(root: Path, name: str) -> None:
    before = key(root)
    write(root, name, "two")
    assert key(root) != before


@pytest.mark.parametrize(
    "name",
    [
        "docs/plans.md",
        "modules/__pycache__/code.pyc",
        "deployments/aquamark/stack.py",
        "deployments/suai_cloud_app/environments/prod.toml",
        "config/environments/prod.toml",
    ],
)
def test_what_decides_other_stacks_only_leaves_the_key(root: Path, name: str) -> None:
    before = key(root)
    write(root, name, "two")
    assert key(root) == before


def test_python_node_and_their_variables_change_the_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {key(root)}
    for variable in ("NODE_OPTIONS", "JSII_RUNTIME", "QUINTET_BINDINGS", "PYTHONPATH"):
        monkeypatch.setenv(variable, "another")
        keys.add(key(root))
    node = root / "node"
    for version in ("v20.0.0", "v22.0.0"):
        node.write_text(f"#!/bin/sh\necho {version}\n")
        node.chmod(0o755)
        monkeypatch.setenv("JSII_NODE", str(node))
        keys.add(key(root))
    monkeypatch.setattr(sys, "version", "3.99")
    keys.add(key(root))
    assert len(keys) == 8


def test_a_distribution_without_hashes_of_its_files_keeps_nothing(root: Path) -> None:
    (root / RECORD).rename(root / "site/one-1.0.dist-info/METADATA")
    with pytest.raises(OSError, match="RECORD"):
        KeptStacks(root, [])


def test_a_kept_stack_is_read_whole_and_not_when_it_is_damaged(root: Path, tmp_path: Path) -> None:
    kept = KeptStacks(root, [tmp_path / "cache"])
    assert kept.read(STACK) is None
    kept.keep(STACK, finished(NAME))
    assert kept.read(STACK) == finished(NAME)
    assert kept.read(EVERY["suai-cloud-app-prod"]) is None

    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes().replace(b"stack.py:1", b"stack.py:2"))
    assert kept.read(STACK) is None


def test_the_number_of_kept_stacks_is_bounded(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_stacks, "STACKS_KEPT", 2)
    for size in "abc":
        write(root, "main.py", size)
        KeptStacks(root, [tmp_path / "cache"]).keep(STACK, finished(NAME))
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize(
    "variables", [{"CI": "true"}, {"QUINTET_BINDINGS": "stock"}, {SWITCH: "no"}, {SWITCH: "off"}, {SWITCH: "0"}]
)
def test_ci_and_whoever_says_so_read_no_kept_stack(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    assert switched_off()  # for every test
    for name in ("CI", "QUINTET_BINDINGS", SWITCH):
        monkeypatch.delenv(name, raising=False)
    assert not switched_off()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert switched_off()
    assert main.kept_stacks() is None


class Synth:
    """Stands in for the synth, and notes what was asked of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, refuses: str = "", text: str = "{}") -> None:
        self.asked: list[list[str]] = []
        self.refuses = refuses
        self.text = text
        monkeypatch.setattr(main, "synthesise", self)

    def __call__(self, wanted: Sequence[StackSettings], output: Path, *, context: object) -> dict[str, FinishedStack]:
        self.asked.append([stack.stack_name for stack in wanted])
        if self.refuses:
            raise RuntimeError(self.refuses)
        return {stack.stack_name: finished(stack.stack_name, self.text) for stack in wanted}


def test_only_what_is_not_kept_is_synthesised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synth = Synth(monkeypatch)
    kept = KeptStacks(ROOT, [tmp_path])
    for wanted in ([STACK], [*EVERY.values()], [*EVERY.values()]):
        found = main.finish(wanted, EVERY, ROOT / "generated", kept)
        assert list(found) == [stack.stack_name for stack in wanted]
    assert synth.asked == [[NAME], [name for name in EVERY if name != NAME]]


def test_a_refused_synth_is_never_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptStacks(ROOT, [tmp_path])
    Synth(monkeypatch, refuses="not allowed")
    with pytest.raises(RuntimeError, match="not allowed"):
        main.finish([STACK], EVERY, ROOT / "generated", kept)

    Synth(monkeypatch)
    monkeypatch.setattr(main, "clashes", lambda *_: ["two stacks would share a state"])
    with pytest.raises(ValueError, match="would share a state"):
        main.finish([STACK], EVERY, ROOT / "generated", kept)
    assert list(tmp_path.iterdir()) == []


def test_a_stack_that_clashes_with_one_that_is_not_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "aquamark-dev"
    Synth(monkeypatch)
    document = json.loads((ROOT / "generated/stacks" / NAME / main.STACK_FILE).read_text())
    write(tmp_path, f"stacks/{other}/{main.STACK_FILE}", json.dumps(document))
    with pytest.raises(ValueError, match=f"{NAME} and {other} would share a state"):
        main.finish([STACK], EVERY, tmp_path, None)


def test_stacks_that_are_not_named_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path))
    synth = Synth(monkeypatch)
    assert main.main([]) == 0
    before = (tmp_path / "manifest.json").read_bytes()
    synth.text = "changed"
    assert main.main([NAME]) == 0

    assert synth.asked[1:] == [[NAME]]
    texts = {name: (tmp_path / "stacks" / name / "more/file").read_text() for name in EVERY}
    assert texts == {name: "changed" if name == NAME else "{}" for name in EVERY}
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_a_name_that_no_stack_has_is_wrong_usage_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        main.main(["suai-cloud-ap-dev"])
    assert end.value.code == 2
    assert "no stack is called suai-cloud-ap-dev; stacks: aquamark-dev," in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_stack_alone_gives_the_bytes_it_has_among_all_and_opens_nothing_outside_its_key(tmp_path: Path) -> None:
    for name, stack in EVERY.items():
        if stack.environment.name != "dev":
            continue
        opened = opened_by(name, tmp_path / name)
        folder = tmp_path / name / "stacks" / name
        committed = ROOT / "generated/stacks" / name
        written = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        assert main.STACK_FILE in written
        for file in written:
            assert (folder / file).read_bytes() == (committed / file).read_bytes()
        assert outside(opened, stack) == []


def outside(opened: Opened, stack: StackSettings) -> list[str]:
    """Files that were opened and are neither in the stack's key, nor installed, nor the synth's own."""
    code = {*common_code(ROOT), *deployment_code(ROOT, stack.deployment.folder), *settings_files(ROOT, stack)}
    folders = {folder for file in code for folder in file.parents if folder.is_relative_to(ROOT)}
    installed = [Path(place).resolve() for place in sys.path if "site-packages" in place]
    python = [Path(sys.base_prefix), Path(sys.prefix), *installed]
    own = [ROOT / ".cache", opened.temporary, Path("/proc"), Path("/dev"), Path("/sys")]
    found = []
    for path in opened.paths:
        in_repository = path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / ".venv")
        if path.is_relative_to(ROOT / ".cache") or "__pycache__" in path.parts or path in code | folders:
            continue
        if not in_repository and any(path.is_relative_to(place) for place in [*python, *own]):
            continue
        found.append(str(path))
    return sorted(found)


def test_a_file_outside_the_key_is_found() -> None:
    opened = Opened({ROOT / "README.md", ROOT / "modules/stack.py", ROOT / "deployments/aquamark/stack.py"}, ROOT)
    assert outside(opened, STACK) == [str(ROOT / "README.md"), str(ROOT / "deployments/aquamark/stack.py")]


def test_the_end_of_a_synth_is_the_same_with_kept_stacks(tmp_path: Path) -> None:
    """Without a kernel in the second run, in processes of their own."""
    variables = {name: value for name, value in os.environ.items() if name not in ("CI", SWITCH)}
    script = "import sys, main; print(main.main([sys.argv[1]]), 'jsii' in sys.modules)"
    home = {"HOME": str(tmp_path), "CDKTF_OUTDIR": str(tmp_path / "out"), "QUINTET_TEST": str(tmp_path)}
    said = []
    for _ in range(2):
        command = [sys.executable, "-c", script, NAME]
        done = subprocess.run(command, cwd=ROOT, env={**variables, **home}, capture_output=True, text=True, check=False)
        said.append(done.stdout + done.stderr)
    assert said == ["0 True\n", "0 False\n"]
    for file in (ROOT / "generated/stacks" / NAME).iterdir():
        if file.is_file():
            assert (tmp_path / "out/stacks" / NAME / file.name).read_bytes() == file.read_bytes()
