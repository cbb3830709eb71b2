from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import jsii
import pytest

from synth import assembly, bindings
from synth.assembly import archive_key, cached_archive, cut_down

REPOSITORY = Path(bindings.__file__).parents[1]
UNUSED = f"{bindings.PACKAGE}.xray_group"  # written so that a scan of this file does not find it


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:  # what App() makes its own folders in
        return subprocess.run(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "CDKTF_OUTDIR": folder, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_stock_and_fast_bindings_synthesise_the_same_bytes(tmp_path: Path) -> None:
    for kind in ("fast", "stock"):  # the node that tests/modules/conftest.py has set runs both
        done = run("bench/sample_app.py", QUINTET_BINDINGS=kind, CDKTF_OUTDIR=str(tmp_path / kind))
        assert (done.returncode, done.stderr) == (0, "")

    assert files_under(tmp_path / "fast") == files_under(tmp_path / "stock")
    document = json.loads((tmp_path / "fast/stacks/sample/cdk.tf.json").read_text())
    assert sum(len(resources) for resources in document["resource"].values()) >= 60
    assert len(document["resource"]) + len(document["data"]) >= 25


def test_a_submodule_no_source_names_works_if_it_is_imported_first_and_is_refused_later() -> None:
    script = f"""
from synth.bindings import install
install(roots=[])
from {bindings.PACKAGE}.vpc import Vpc
from cdktf import App, TerraformStack
print(Vpc(TerraformStack(App(), "s"), "v").to_terraform()["resource"]["aws_vpc"].keys())
import {UNUSED}
"""
    done = run("-c", script)

    assert "'v'" in done.stdout
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: {UNUSED} came too late")
    assert "install(roots=" in done.stderr


def test_byte_code_of_the_bindings_is_kept_even_where_python_writes_none(tmp_path: Path) -> None:
    source = tmp_path / "generated.py"
    source.write_text("assert False\nvalue = 1\n")  # checks are left out
    program = f"""
import sys
from importlib.machinery import ModuleSpec
from synth.bindings import _UncheckedLoader
code = _UncheckedLoader("generated", {str(source)!r}).get_code("generated")
print(sys.dont_write_bytecode, eval(code, found := {{}}) or found["value"])
"""
    done = run("-c", program, PYTHONDONTWRITEBYTECODE="1")
    assert done.stdout == "True 1\n", done.stderr
    assert [path.name.split(".", 2)[-1] for path in (tmp_path / "__pycache__").iterdir()] == ["opt-nochecks.pyc"]


def test_what_only_checks_need_is_not_loaded_and_lines_keep_their_numbers() -> None:
    program = f"""
import sys
from synth.bindings import install
install()
from {bindings.PACKAGE}.vpc import Vpc
import inspect
print("typeguard" in sys.modules, inspect.getsource(Vpc.reset_cidr_block).splitlines()[1].strip())
"""
    done = run("-c", program)
    assert done.stdout == "False def reset_cidr_block(self) -> None:\n", done.stderr


def test_only_named_submodules_are_imported() -> None:
    from cdktf_cdktf_provider_aws.vpc import Vpc

    assert Vpc.TF_RESOURCE_TYPE == "aws_vpc"
    assert UNUSED not in sys.modules


def test_every_way_to_name_a_submodule_is_found(tmp_path: Path) -> None:
    package = tmp_path / "package"
    for name in ("vpc", "subnet", "route", "eip", "lb"):
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").touch()
    source = tmp_path / "sources" / "deep" / "network.py"
    source.parent.mkdir(parents=True)
    source.write_text(
        f'"""Example: >>> from {bindings.PACKAGE}.vpc import Vpc"""\n'
        f"from {bindings.PACKAGE} import (\n    subnet,\n    route as r,\n)\n"
        f"import {bindings.PACKAGE}.eip as e\nimport {bindings.PACKAGE}.not_there\nlb = 1\n"
    )

    assert bindings.named_submodules(package, [tmp_path / "sources"]) == {"vpc", "subnet", "route", "eip"}
    assert bindings.named_submodules(package, [source]) == {"vpc", "subnet", "route", "eip"}


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """A provider's package with three submodules, one of which refers to another."""
    return write_package(
        tmp_path / "provider",
        types={
            "vpc.Vpc": {"docs": "a VPC"},
            "vpc.VpcConfig": {},
            "lexv2ModelsBot.Bot": {},
            "route.Route": {"base": f"{assembly.ASSEMBLY}.vpc.Vpc"},
        },
        python_names={"vpc": "vpc", "lexv2_models_bot": "lexv2ModelsBot", "route": "route"},
    )


def write_package(package: Path, *, types: dict[str, Any], python_names: dict[str, str]) -> Path:
    folders = {name: name.replace("_", "-").replace("lexv2-", "lexv2") for name in python_names}
    description = {
        "name": assembly.ASSEMBLY,
        "submodules": {
            f"{assembly.ASSEMBLY}.{jsii_name}": {"symbolId": f"src/{folders[name]}/index:"}
            for name, jsii_name in python_names.items()
        },
        "types": {f"{assembly.ASSEMBLY}.{name}": entry for name, entry in types.items()},
        "version": "1.0.0",
    }
    files = {"package/.jsii": json.dumps(description, indent=2), "package/README.md": "…", "package/package.json": "{}"}
    for name, jsii_name in python_names.items():
        files[f"package/lib/{folders[name]}/index.js"] = f"exports.{jsii_name} = 1;\n//# sourceMappingURL=data:…"
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").write_text(f'@jsii.enum(jsii_type="{assembly.ASSEMBLY}.{jsii_name}.Type")\n')
    (package / "_jsii").mkdir()
    archive = package / "_jsii" / "provider-aws@1.0.0.jsii.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive


def contents(archive: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {name: tar.extractfile(name).read().decode() for name in tar.getnames()}  # type: ignore[union-attr]


def test_a_cut_down_assembly_holds_what_is_wanted_and_nothing_else(stock: Path) -> None:
    files = contents(cut_down(stock, frozenset({"vpc", "lexv2_models_bot"})))

    assert sorted(files) == [
        "package/.jsii",
        "package/lib/index.js",
        "package/lib/lexv2models-bot/index.js",
        "package/lib/vpc/index.js",
        "package/package.json",
    ]
    description = json.loads(files["package/.jsii"])
    assert {name.removeprefix(f"{assembly.ASSEMBLY}.") for name in description["types"]} == {
        "vpc.Vpc",
        "vpc.VpcConfig",
        "lexv2ModelsBot.Bot",
    }
    assert description["version"] == "1.0.0"
    assert (
        "'lexv2ModelsBot', { enumerable: true, get: () => require('./lexv2models-bot')" in files["package/lib/index.js"]
    )
    assert files["package/lib/vpc/index.js"] == "exports.vpc = 1;"


def test_an_assembly_whose_types_would_miss_others_is_refused(stock: Path) -> None:
    with pytest.raises(ValueError, match=r"lacks @cdktf/provider-aws\.vpc\.Vpc"):
        cut_down(stock, frozenset({"route"}))


def test_an_archive_is_made_once_and_again_when_it_is_damaged(stock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    archive = cached_archive(stock, frozenset({"vpc"}), [folder])
    whole = archive.read_bytes()

    made = archive.stat().st_mtime_ns
    assert cached_archive(stock, frozenset({"vpc"}), [folder]) == archive
    assert archive.stat().st_mtime_ns == made

    for damaged in (b"", whole[:-10], whole.replace(whole[40:44], b"????")):
        archive.write_bytes(damaged)
        assert cached_archive(stock, frozenset({"vpc"}), [folder]).read_bytes() == whole


def test_whatever_an_archive_depends_on_changes_its_key(stock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {archive_key(stock, frozenset({"vpc"})), archive_key(stock, frozenset({"vpc", "route"}))}
    stock.write_bytes(stock.read_bytes() + b"\0")
    keys.add(archive_key(stock, frozenset({"vpc"})))
    keys.add(archive_key(stock.rename(stock.with_name("provider-aws@1.0.1.jsii.tgz")), frozenset({"vpc"})))
    monkeypatch.setattr(assembly, "version", lambda distribution: f"another {distribution}")
    keys.add(archive_key(stock.with_name("provider-aws@1.0.1.jsii.tgz"), frozenset({"vpc"})))

    assert len(keys) == 5


def test_processes_that_make_the_same_archive_at_once_all_get_it(stock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    script = f"""
import sys
from pathlib import Path
from synth.assembly import cached_archive
print("ready", flush=True)
sys.stdin.readline()
print(cached_archive(Path({str(stock)!r}), frozenset({{"vpc"}}), [Path({str(folder)!r})]))
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdin=-1, stdout=-1, text=True) for _ in "ab"
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # communicate() would wait for the first before it lets the second go
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate()[0].strip() for process in processes}

    assert [process.returncode for process in processes] == [0, 0]
    assert said == {str(path) for path in folder.iterdir()}
    assert Path(said.pop()).read_bytes() == cut_down(stock, frozenset({"vpc"}))


def test_an_interrupted_run_leaves_nothing(stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cached_archive(stock, frozenset({"vpc"}), [tmp_path / "cache"])

    assert list((tmp_path / "cache").iterdir()) == []


def test_the_next_folder_is_taken_when_one_cannot_be_written(stock: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    unwritable = tmp_path / "a file" / "cache"  # also for root, whom permissions do not stop

    assert cached_archive(stock, frozenset({"vpc"}), [unwritable, tmp_path / "cache"]).parent == tmp_path / "cache"
    with pytest.raises(OSError, match="a file"):
        cached_archive(stock, frozenset({"vpc"}), [unwritable])


def test_only_the_newest_archives_are_kept(stock: Path, tmp_path: Path) -> None:
    for number in range(assembly.ARCHIVES_KEPT + 3):
        (tmp_path / f"old-{number}.tgz").touch()
        os.utime(tmp_path / f"old-{number}.tgz", (number, number))

    archive = cached_archive(stock, frozenset({"vpc"}), [tmp_path])

    left = {path.name for path in tmp_path.glob("*.tgz")}
    assert archive.name in left
    assert "old-0.tgz" not in left
    assert len(left) <= assembly.ARCHIVES_KEPT


def test_the_stock_assembly_is_loaded_with_one_warning_when_there_is_no_cache(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> Path:
        raise OSError("no cache folder can be written:\nread-only file system")

    import cdktf  # noqa: F401 - whose assembly is loaded when it is imported first

    loaded: list[str] = []
    monkeypatch.setattr(bindings, "cached_archive", refuse)
    monkeypatch.setattr(jsii.JSIIAssembly, "load", lambda *arguments: loaded.append(arguments[-1]))
    package = Path(sys.modules[bindings.PACKAGE].__path__[0])
    finder = bindings._SubmoduleFinder(package, frozenset({"vpc"}))

    spec = finder.find_spec(f"{bindings.PACKAGE}._jsii", [str(package)])
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(ModuleType("_jsii"))

    assert loaded == ["provider-aws@20.1.0.jsii.tgz"]
    assert capsys.readouterr().err == (
        "warning: slow start, the bindings of the AWS provider are loaded whole: "
        "no cache folder can be written: read-only file system\n"
    )
    assert finder.find_spec(UNUSED, [str(package)]) is not None  # the whole assembly has it
