from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPTS = Path(__file__).parents[4] / "scripts"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a lock file and our scripts; what is made there is only what fake Pythons make."""
    project = tmp_path / "project"
    shutil.copytree(SCRIPTS, project / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "requirements.lock").write_text("typer==0.29.0\n")
    (tmp_path / "bin").mkdir()
    for tool in ("cksum", "cat"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def make_venv() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_venv", SCRIPTS / "make_venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def add_python(project: Path, name: str, version: str, *, has_venv: bool = True) -> None:
    """A Python that answers venv.sh's questions and writes down what it is asked to make."""
    new_enough = tuple(map(int, version.split("."))) >= (3, 11)
    executable = project.parent / "bin" / name
    executable.write_text(f"""#!/bin/sh
case "$2" in
    *print*) echo {version} ;;
    *sys.exit*) exit {int(not new_enough)} ;;
    *ensurepip*) exit {int(not has_venv)} ;;
    *) echo "{name} $*" > made-by ;;
esac
""")
    executable.chmod(0o755)


def run_script(project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(project.parent / "bin"), **variables}
    command = ["/bin/sh", "scripts/venv.sh", ".venv", "requirements.lock", "."]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_the_newest_named_python_is_taken_before_plain_python3(project: Path) -> None:
    add_python(project, "python3", "3.9")
    add_python(project, "python3.12", "3.12")

    assert run_script(project).returncode == 0
    assert (project / "made-by").read_text().startswith("python3.12 scripts/make_venv.py .venv requirements.lock")


def test_plain_python3_is_taken_when_it_is_new_enough(project: Path) -> None:
    add_python(project, "python3", "3.14")

    assert run_script(project).returncode == 0
    assert (project / "made-by").read_text().startswith("python3 ")


def test_the_python_the_user_names_is_the_only_one_tried(project: Path) -> None:
    add_python(project, "python3.12", "3.12")
    add_python(project, "mine", "3.11")

    assert run_script(project, PYTHON="mine").returncode == 0
    assert (project / "made-by").read_text().startswith("mine ")


def test_an_old_python_is_refused_with_what_was_found(project: Path) -> None:
    add_python(project, "python3", "3.9")

    refused = run_script(project)

    assert refused.returncode == 1
    assert "Python 3.11 or newer is needed, with its venv module. Found: python3 is 3.9." in refused.stderr
    assert "make PYTHON=/path/to/python3.11" in refused.stderr
    assert not (project / "made-by").exists()


def test_a_python_without_venv_is_refused_with_the_package_to_install(project: Path) -> None:
    add_python(project, "python3", "3.11", has_venv=False)

    refused = run_script(project)

    assert refused.returncode == 1
    assert "apt install python3.11-venv" in refused.stderr


def fill(folder: Path, _lock: Path, _project: str | None) -> None:
    """Files that venv and pip leave behind, as far as they are read."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "python").unlink(missing_ok=True)
    (folder / "bin" / "python").symlink_to("/bin/sh")


def complete(project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the environment as the script would, with a stand-in for what pip does."""

    monkeypatch.setattr(make_venv, "fill", fill)
    add_python(project, "python3", "3.11")
    run_script(project)
    stamp = stamp_asked_for(project)
    assert make_venv.main(Path(".venv"), Path("requirements.lock"), stamp, ".") == 0
    (project / "made-by").unlink()


def test_a_complete_environment_is_left_alone(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(project, make_venv, monkeypatch)

    assert run_script(project).returncode == 0
    assert not (project / "made-by").exists()


@pytest.mark.parametrize("kind", ["link", "link to nothing", "file"])
def test_what_stands_where_the_environment_belongs_is_left_as_it_is(
    project: Path, make_venv: ModuleType, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    elsewhere = project.parent / "elsewhere"
    if kind == "link":
        elsewhere.mkdir()
        (elsewhere / "bin").touch()
    place = project / ".venv"
    place.touch() if kind == "file" else place.symlink_to(elsewhere)

    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "place 1 2", ".") == 1
    found = "no folder" if kind == "file" else f"a link to {elsewhere}"
    told = f".venv is {found}; it is left as it is. Remove it (rm .venv), then run make again.\n"
    assert capsys.readouterr().err == told
    assert [path.name for path in elsewhere.glob("*")] == (["bin"] if kind == "link" else [])


def stamp_asked_for(project: Path) -> str:
    return (project / "made-by").read_text().removesuffix(" .\n").split("requirements.lock ", 1)[1]


@pytest.mark.parametrize("change", ["lock", "unstamped", "interpreter gone"])
def test_an_environment_is_made_again_when(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    complete(project, make_venv, monkeypatch)
    if change == "lock":
        (project / "requirements.lock").write_text("typer==0.29.1\n")
    elif change == "unstamped":
        (project / ".venv" / ".complete").unlink()
    else:
        (project / ".venv" / "bin" / "python").unlink()

    assert run_script(project).returncode == 0
    stamp = stamp_asked_for(project)
    assert make_venv.main(Path(".venv"), Path("requirements.lock"), stamp, ".") == 0
    assert (project / ".venv" / "bin" / "python").exists()
    assert (project / ".venv" / ".complete").read_text() == stamp


def test_a_half_made_environment_never_counts(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(project, make_venv, monkeypatch)

    def fail(*_: object) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(make_venv, "fill", fail)

    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "other lock", None) == 1
    assert not (project / ".venv" / ".complete").exists()


@pytest.mark.parametrize(
    ("words", "variables", "sentence"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            {},
            "The disk is full: .venv takes up to ",
        ),
        (
            "connection broken by 'ProxyError('Cannot connect to proxy.', NewConnectionError('<…>: Failed to establish a"
            " new connection: [Errno 111] Connection refused'))': /simple/typer/\nERROR: No matching distribution found",
            {"HTTPS_PROXY": "http://me:secret@127.0.0.1:9"},
            "The proxy HTTPS_PROXY=http://127.0.0.1:9 does not serve: Connection refused. Correct or unset it, ",
        ),
        (
            "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication"
            " Required'))",
            {},
            "The proxy of pip's configuration does not serve: 407 Proxy Authentication Required. ",
        ),
        (
            "connection broken by 'NewConnectionError('<…>: Failed to establish a new connection: [Errno -2] Name or"
            " service not known')': /simple/typer/\nERROR: No matching distribution found for typer==0.29.0",
            {"PIP_INDEX_URL": "https://me:secret@mirror.example/simple"},
            "The package index PIP_INDEX_URL=https://mirror.example/simple does not answer: Name or service not known. ",
        ),
        (
            "connection broken by 'NewConnectionError('<…>: Failed to establish a new connection: [Errno 111]"
            " Connection refused')': /simple/typer/\nERROR: No matching distribution found for typer==0.29.0",
            {},
            "The package index that pip uses does not answer: Connection refused. Go online or set PIP_INDEX_URL ",
        ),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))",
            {},
            "The package index's certificate is not trusted; set PIP_CERT ",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    typer==0.29.0 from"
            " https://example.org/typer:\n        Expected sha256 0",
            {},
            "The package index gave another typer==0.29.0 than requirements.lock names; ",
        ),
        ("ERROR: something else", {}, "ERROR: something else\n.venv could not be made from requirements.lock; "),
    ],
)
def test_a_failed_installation_is_told_with_its_cause_and_without_passwords(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: str, variables: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise subprocess.CalledProcessError(1, "pip", stderr=words)

    for name in (*make_venv._PROXIES, "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(make_venv, "fill", fail)

    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "stamp", None) == 1
    told = capsys.readouterr().err
    assert told.startswith(sentence)
    assert "secret" not in told


@pytest.mark.slow
def test_pip_itself_behind_a_proxy_that_is_not_there_ends_in_one_sentence(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in (*make_venv._PROXIES, "NO_PROXY", "no_proxy", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")

    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "stamp", None) == 1
    told = capfd.readouterr().err.splitlines()
    assert told[1:] == [
        "The proxy HTTPS_PROXY=http://127.0.0.1:9 does not serve: Connection refused."
        " Correct or unset it, then run make again."
    ]


def test_a_folder_that_cannot_be_written_is_told(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", ".venv")

    monkeypatch.setattr(make_venv, "fill", refuse)

    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "stamp", None) == 1
    assert capsys.readouterr().err == ".venv cannot be written: Permission denied. Work in a clone of your own.\n"


def test_two_at_once_make_it_once(project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    started, may_end, fills = threading.Event(), threading.Event(), []

    def fill_slowly(folder: Path, lock: Path, project: str | None) -> None:
        fills.append(folder)
        started.set()
        may_end.wait(30)
        fill(folder, lock, project)

    def make() -> int:
        result: int = make_venv.main(Path(".venv"), Path("requirements.lock"), "stamp", None)
        return result

    monkeypatch.setattr(make_venv, "fill", fill_slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(make)
        started.wait(30)
        second = pool.submit(make)
        may_end.set()

        assert [first.result(), second.result()] == [0, 0]

    assert len(fills) == 1
    assert (project / ".venv" / ".complete").read_text() == "stamp"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-checkov.lock"])
def test_locks_have_hashes_and_name_neither_hosts_nor_paths(lock: str) -> None:
    text = (SCRIPTS.parent / lock).read_text()
    requirements = [part for part in text.replace(" \\\n", " ").splitlines() if part and not part.startswith("#")]

    assert "://" not in text
    assert "--index-url" not in text
    assert all("==" in requirement and "--hash=sha256:" in requirement for requirement in requirements)


def test_every_stated_requirement_is_locked() -> None:
    from packaging.requirements import Requirement

    root = SCRIPTS.parent
    for stated, locked in (
        ("requirements.in", "requirements.lock"),
        ("requirements-checkov.in", "requirements-checkov.lock"),
    ):
        lines = [line.partition("#")[0].strip() for line in (root / stated).read_text().splitlines()]
        pinned = dict(
            line.split(" ")[0].split("==") for line in (root / locked).read_text().splitlines() if "==" in line
        )
        for requirement in (Requirement(line) for line in lines if line):
            assert requirement.name in pinned, f"{stated}: {requirement} is not in {locked}; run make lock"
            assert requirement.specifier.contains(pinned[requirement.name]), f"{requirement} in {locked}; run make lock"


def test_make_lists_every_target_it_offers() -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=SCRIPTS.parent, capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    names = [line.split()[1] for line in listed.stdout.splitlines() if line.startswith("  make ")]
    assert names == [
        "help",
        "demo",
        "test",
        "test-fast",
        "check",
        "synth",
        "plan",
        "cdktf",
        "bench",
        "soak",
        "mutants",
        "lock",
        "clean",
    ]


def test_a_changed_lock_updates_an_environment_of_the_same_python_and_place(
    project: Path, make_venv: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to(sys.executable)
    (project / ".venv/.complete").write_text("/here 1 10")
    (project / "requirements.lock").write_text(
        "typer==0.29.0 \\\n    --hash=sha256:0\nRich_x==1 ; python_version > '3'\n"
    )
    ran: list[tuple[str, ...]] = []

    def run(_folder: Path, module: str, *arguments: str | Path, check: bool = True) -> SimpleNamespace:
        ran.append((module, *map(str, arguments)))
        return SimpleNamespace(stdout="typer==0.28.0\nrich-x==1\nleft.over==2\npip==23.2\n")

    monkeypatch.setattr(make_venv, "run", run)
    monkeypatch.setattr(make_venv, "fill", fill)

    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "/here 2 11", ".") == 0
    assert (project / ".venv/.complete").read_text() == "/here 2 11"
    assert ("pip", "uninstall", "--quiet", "--yes", "left-over") in ran
    assert ("pip", *make_venv.INSTALL, "--require-hashes", "-r", "requirements.lock") in ran

    ran.clear()
    assert make_venv.main(Path(".venv"), Path("requirements.lock"), "/elsewhere 2 11", ".") == 0
    assert ran == []  # made from nothing, as scripts in it name the old place
