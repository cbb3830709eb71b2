from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from synth import bindings, kernel
from synth.kernel import direct_kernel, kernel_environment

REPOSITORY = Path(bindings.__file__).parents[1]


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which starts a kernel of its own."""
    variables = {name: value for name, value in os.environ.items() if name not in ("JSII_RUNTIME", "NODE_OPTIONS")}
    with tempfile.TemporaryDirectory() as folder:  # what App() makes its own folders in
        return subprocess.run(
            [sys.executable, "-c", f"from synth.bindings import install; install()\n{script}"],
            cwd=REPOSITORY,
            env={**variables, "CDKTF_OUTDIR": folder, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_kernel_is_the_only_process_that_jsii_starts() -> None:
    done = run("""
from pathlib import Path
import jsii
from cdktf import App
App()
node = jsii.kernel.provider._process._process.pid
print(Path(f"/proc/{node}/task/{node}/children").read_text().split())
""")
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_what_constructs_print_reaches_the_terminal_and_not_the_channel(tmp_path: Path) -> None:
    script = tmp_path / "prints.js"
    script.write_text("process.on('exit', () => { console.log('to out'); console.error('to err'); });")
    done = run("from cdktf import App; App(); print('whole')", NODE_OPTIONS=f"--require {script}")
    assert sorted(done.stdout.splitlines()) == ["to out", "whole"]
    assert done.stderr == "to err\n"


def test_what_zips_assets_is_loaded_when_it_is_called(tmp_path: Path) -> None:
    script = tmp_path / "loaded.js"
    script.write_text("""
const modules = require("module")._cache;
const loaded = () => Object.keys(modules).some((file) => file.includes("/node_modules/archiver/"));
process.on("exit", () => {
  const before = loaded();
  const zip = Object.values(modules).find(({ id }) => id.endsWith("/cdktf/lib/private/fs.js")).require("archiver")("zip");
  console.log(before, loaded(), typeof zip.finalize);
});
""")
    done = run("from cdktf import App; App()", NODE_OPTIONS=f"--require {script}")
    assert (done.stdout, done.stderr) == ("false true function\n", "")


def test_strings_without_tokens_are_resolved_at_once_and_tokens_as_ever(tmp_path: Path) -> None:
    script = tmp_path / "resolved.js"
    script.write_text("""
process.on("exit", () => {
  const file = Object.keys(require("module")._cache).find((name) => name.endsWith("/cdktf/lib/tokens/private/resolve.js"));
  console.log(require(file).resolve.toString().split("plain(").length - 1);
});
""")
    done = run(
        f"""
from {bindings.PACKAGE}.vpc import Vpc
from cdktf import App, Fn, TerraformOutput, TerraformStack, Token
stack = TerraformStack(App(), "s")
vpc = Vpc(stack, "v")
number = Token.as_number(vpc.id)
values = [vpc.id, [vpc.id, "1e5"], {{vpc.id: "a"}}, f"at {{number}}", "$${{x}}", "{{", Fn.join("-", [vpc.id, "-e"]), "Token"]
TerraformOutput(stack, "o", value=values)
print(stack.to_terraform()["output"]["o"]["value"], flush=True)
""",
        NODE_OPTIONS=f"--require {script}",
    )
    reference = "${aws_vpc.v.id}"
    joined = '${join("-", [aws_vpc.v.id, "-e"])}'
    values = [reference, [reference, "1e5"], {reference: "a"}, f"at {reference}", "$${x}", "{", joined, "Token"]
    assert done.stdout == f"{values}\n3\n", done.stderr


def test_an_asset_is_zipped(tmp_path: Path) -> None:
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset" / "file").write_text("content")
    done = run(f"""
from cdktf import App, AssetType, TerraformAsset, TerraformStack
app = App(outdir={str(tmp_path / "out")!r})
TerraformAsset(TerraformStack(app, "s"), "a", path={str(tmp_path / "asset")!r}, type=AssetType.ARCHIVE)
app.synth()
""")
    assert (done.stdout, done.stderr) == ("", "")
    (archive,) = (tmp_path / "out").rglob("archive.zip")
    assert zipfile.ZipFile(archive).namelist() == ["file"]


def test_a_value_of_the_wrong_type_is_refused_by_the_kernel() -> None:
    done = run(f"""
from {bindings.PACKAGE}.vpc import Vpc
from cdktf import App, TerraformStack
Vpc(TerraformStack(App(), "s"), "v", cidr_block=5)
""")
    assert "Value is not a string" in done.stderr


def test_the_program_is_kept_and_made_again_when_it_is_damaged(tmp_path: Path) -> None:
    program = direct_kernel([tmp_path])
    whole, made = program.read_bytes(), program.stat().st_mtime_ns
    assert direct_kernel([tmp_path]).stat().st_mtime_ns == made
    assert (program.parent / "runtime-index-worker.js").is_file()

    program.write_bytes(whole[:-10])
    assert direct_kernel([tmp_path]).read_bytes() == whole


def test_the_next_folder_is_taken_when_one_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    unwritable = tmp_path / "a file" / "cache"
    assert direct_kernel([unwritable, tmp_path / "cache"]).is_relative_to(tmp_path / "cache")
    with pytest.raises(OSError, match="a file"):
        direct_kernel([unwritable])


def test_another_jsii_is_left_to_start_as_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JSII_RUNTIME", raising=False)
    monkeypatch.setattr(kernel, "_CHANNEL", ("readFD:7,writeFD:7", ""))
    with pytest.raises(ValueError, match=r"lib__program.js does not say readFD:7,writeFD:7 once"):
        kernel_environment([tmp_path])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bindings_used", ["fast", "stock"])
def test_a_program_that_inherits_one_variable_without_the_other_works_as_well(bindings_used: str) -> None:
    made = "from cdktf import App, TerraformStack; print(TerraformStack(App(), 's').node.id)"
    done = run(made, JSII_RUNTIME=str(direct_kernel()), QUINTET_BINDINGS=bindings_used)
    assert (done.stdout, done.returncode) == ("s\n", 0), done.stderr


def test_a_kernel_that_the_user_names_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JSII_RUNTIME", "/mine.js")
    assert kernel_environment([tmp_path]) == {}
