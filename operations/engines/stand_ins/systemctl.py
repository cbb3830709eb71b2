"""systemctl of a host on this machine: units below $HOST_ROOT run as processes of whoever started the host.

Written from the manual of systemd 252, which Amazon Linux 2023 has, and checked against that version on 2026-11-29
where no running manager is needed (systemctl(1), systemd.service(5), systemd.timer(5), systemd.path(5), and
`systemd-analyze verify`). As the real one it refuses units that do not exist, timers and paths without their service,
paths that watch nothing, unknown verbs and options, and a start that fails. It refuses as well every directive it does
not know, so that no unit relies on one that nothing tried, and a path that the real one would warn of and ignore.

Services start what they require first, then run ExecStartPre, then ExecStart; `Restart=always` starts both again after
RestartSec, however they ended. Accounts and sandboxes of units (`User=`, `ProtectSystem=` …) are read and not applied.
Paths of commands and files are below $HOST_ROOT where they exist there. Timers are started and never elapse.
Paths start their service when the file appears, goes or is written, and not for being there; systemd waits for the
writer to close it, and sees no change while the service starts.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(os.environ["HOST_ROOT"])
UNITS = (ROOT / "etc/systemd/system", ROOT / "usr/lib/systemd/system")
RUN = ROOT / "run/units"
OWNER = int(os.environ["HOST_OWNER"])
"""The process whose host this is: nothing outlives it."""
SPEED = float(os.environ.get("HOST_SPEED", "1"))
"""How many seconds of the units pass in one of this machine's."""
APPLIED = frozenset(
    {"Requires", "Wants", "Type", "ExecStartPre", "ExecStart", "ExecReload", "WorkingDirectory", "EnvironmentFile"}
    | {"Environment", "Restart", "RestartSec", "StandardOutput", "StandardError", "WantedBy", "PathChanged"}
)
READ_ONLY = frozenset(
    {"Description", "After", "User", "UMask", "TimeoutStartSec", "TimeoutStopSec", "PrivateTmp", "NoNewPrivileges"}
    | {"CapabilityBoundingSet", "ProtectSystem", "ReadWritePaths", "ProtectHome", "PrivateDevices", "LockPersonality"}
    | {"ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups", "RestrictAddressFamilies"}
    | {"RestrictNamespaces", "RestrictRealtime", "SystemCallArchitectures", "OnBootSec", "OnUnitActiveSec"}
    | {"OnUnitInactiveSec", "RandomizedDelaySec", "AccuracySec", "Unit"}
)
TARGETS = frozenset({"network-online.target", "multi-user.target", "timers.target"})


class Refused(Exception):
    """Output and exit code of systemctl."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def load(name: str) -> dict[str, list[str]]:
    """Directive → values of a unit; an empty value empties what stood before it."""
    file = next((folder / name for folder in UNITS if (folder / name).exists()), None)
    if file is None:
        raise Refused(f"Unit {name} not found.", 5)
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        text = line.strip()
        if not text or text.startswith(("#", ";", "[")):
            continue
        key, equals, value = text.partition("=")
        if not equals or key not in APPLIED | READ_ONLY:
            raise Refused(f"{file}: this host cannot do {text!r}: teach operations/engines/stand_ins/systemctl.py")
        found[key] = [*found.get(key, []), value] if value else []
    if name.endswith(".service") and found.get("Type", ["simple"])[-1] not in ("simple", "oneshot"):
        raise Refused(f"{file}: this host cannot do Type={found['Type'][-1]}")
    return found


def one(unit: dict[str, list[str]], key: str, default: str = "") -> str:
    """The value of a directive that counts: the last."""
    return next(iter(unit.get(key, [])[-1:]), default)


def seconds(text: str) -> float:
    """A time span such as 5, 5s or 15min, in this machine's seconds."""
    for suffix, factor in (("min", 60), ("ms", 0.001), ("s", 1), ("", 1)):
        if text.endswith(suffix):
            return float(text.removesuffix(suffix) or 0) * factor / SPEED
    raise Refused(f"{text!r} is no time span")


def here(path: str) -> str:
    """A path of the host as a path of this machine."""
    return str(ROOT / path.lstrip("/")) if (ROOT / path.lstrip("/")).exists() else path


def command(text: str) -> list[str]:
    """The words of a command, whose first must be an absolute path."""
    words = shlex.split(text.lstrip("-"))
    if not words[0].startswith("/"):
        raise Refused(f"the command {words[0]} is no absolute path")
    return [here(words[0]), *words[1:]]


def state(name: str) -> dict[str, int]:
    """The processes of a running unit; nothing when it does not run."""
    try:
        known: dict[str, int] = json.loads((RUN / name).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known if alive(known["supervisor"]) else {}


def environment(unit: dict[str, list[str]]) -> dict[str, str]:
    """The environment of a unit's commands."""
    found = dict(os.environ)
    for line in unit.get("Environment", []):
        found |= dict(word.partition("=")[::2] for word in shlex.split(line))
    for file in unit.get("EnvironmentFile", []):
        if not Path(here(file.lstrip("-"))).exists():
            if file.startswith("-"):
                continue
            raise Refused(f"Failed to load environment files: {file}: No such file or directory")
        parser = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#", ";"))
        parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
        parser.read_string("[unit]\n" + Path(here(file.lstrip("-"))).read_text())
        found |= {key: value.strip('"') for key, value in parser["unit"].items()}
    return found


def output(unit: dict[str, list[str]], key: str) -> int:
    """The file a unit's output goes to: the journal, or the one after `append:`."""
    kind, _, path = one(unit, key, "journal").partition(":")
    if kind not in ("journal", "append"):
        raise Refused(f"this host cannot do {key}={kind}")
    file = ROOT / (path.lstrip("/") if kind == "append" else "journal")
    file.parent.mkdir(parents=True, exist_ok=True)
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Wait until no other process starts or stops the unit: systemd has one job at a time for each."""
    RUN.mkdir(parents=True, exist_ok=True)
    with (RUN / f".{name}.turn").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def start(name: str) -> None:
    """Start what the unit requires, then the unit. Refused when either fails."""
    if name in TARGETS or state(name):
        return
    unit = load(name)
    for wanted in " ".join(unit.get("Wants", [])).split():
        with contextlib.suppress(Refused), turn(wanted):
            start(wanted)
    for required in " ".join(unit.get("Requires", [])).split():
        try:
            with turn(required):
                start(required)
        except Refused:
            raise Refused(f"A dependency job for {name} failed. See 'journalctl -xe' for details.") from None
    if name.endswith((".timer", ".path")):
        service = f"{name.rpartition('.')[0]}.service"
        load(service)
        if name.endswith(".path"):
            watch(name, watched(name, unit), service)
        else:
            note(name, OWNER)
        return
    ready, started = os.pipe()
    if os.fork() == 0:
        detach(started)
        supervise(name, unit, started)
        os._exit(0)
    os.close(started)
    with os.fdopen(ready) as answer:
        if answer.read() != "started":
            raise Refused(
                f"Job for {name} failed because the control process exited with error code.\n"
                f'See "systemctl status {name}" and "journalctl -xeu {name}" for details.'
            )


def watched(name: str, unit: dict[str, list[str]]) -> list[Path]:
    """The files that a path unit watches."""
    paths = unit.get("PathChanged", [])
    if not paths:
        raise Refused(f"{name}: Path unit lacks path setting. Refusing.")
    for path in paths:
        if not path.startswith("/") or os.path.normpath(path) != path:
            raise Refused(f"{name}: PathChanged= path is not absolute and normalized: {path}")
    return [ROOT / path.lstrip("/") for path in paths]


def watch(name: str, files: list[Path], service: str) -> None:
    """Start the service at every change of the files, in a process of its own, until the unit is stopped."""

    def looks() -> list[tuple[int, int] | None]:
        return [(found.st_ino, found.st_mtime_ns) if (found := look(file)) else None for file in files]

    before = looks()
    process = os.fork()
    if process:
        note(name, process)
        return
    detach()
    while alive(OWNER):
        time.sleep(0.05)
        if (now := looks()) != before:
            before = now
            with contextlib.suppress(Refused), turn(service):  # the service's commands say why, in the journal
                start(service)
    os._exit(0)


def look(file: Path) -> os.stat_result | None:
    """The file's state; nothing when there is no such file."""
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def detach(kept: int = -1) -> None:
    """Let go of all that whoever called systemctl waits for, but the descriptor `kept`."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    for descriptor in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor != kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def note(name: str, main: int, supervisor: int | None = None) -> None:
    """Keep which processes a unit has."""
    RUN.mkdir(parents=True, exist_ok=True)
    unfinished = RUN / f".{name}"
    unfinished.write_text(json.dumps({"main": main, "supervisor": main if supervisor is None else supervisor}))
    unfinished.replace(RUN / name)


def supervise(name: str, unit: dict[str, list[str]], started: int) -> None:
    """Run a service until it ends or is stopped; tell by `started` how its first start went."""
    told = False

    def tell(word: bytes) -> None:
        nonlocal told
        if not told:
            os.write(started, word)
            os.close(started)
            told = True

    variables, where = environment(unit), here(one(unit, "WorkingDirectory", "/"))
    out, errors = output(unit, "StandardOutput"), output(unit, "StandardError")
    children: list[subprocess.Popen[bytes]] = []

    def end(*_: object) -> None:
        for child in children:
            if child.poll() is None:
                child.terminate()
        for child in children:
            child.wait()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)

    def run(text: str) -> int:
        try:
            child = subprocess.Popen(command(text), cwd=where, env=variables, stdin=0, stdout=out, stderr=errors)
        except OSError as error:
            os.write(errors, f"{name}: Failed to execute {text}: {error}\n".encode())
            return 203
        children[:] = [child]
        note(name, child.pid, os.getpid())
        if text == one(unit, "ExecStart") and one(unit, "Type", "simple") == "simple":
            tell(b"started")
        while True:
            try:
                return child.wait(0.2)
            except subprocess.TimeoutExpired:
                if not alive(OWNER):
                    end()

    while True:
        codes = []
        for text in [*unit.get("ExecStartPre", []), *unit["ExecStart"]]:
            codes.append(run(text))
            if codes[-1] and not text.startswith("-"):
                break
        if one(unit, "Type", "simple") == "oneshot" and not any(codes):
            tell(b"started")
        tell(b"failed")
        if one(unit, "Restart", "no") != "always":
            (RUN / name).unlink(missing_ok=True)
            return
        until = time.monotonic() + seconds(one(unit, "RestartSec", "100ms"))
        while time.monotonic() < until:
            if not alive(OWNER):
                end()
            time.sleep(0.02)


def alive(process: int) -> bool:
    """True until the process ends, though it exists until its parent asks: a container's first process asks seldom."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def stop(name: str) -> None:
    """End a unit; one that does not run has ended already."""
    load(name)
    if known := state(name):
        if not name.endswith(".timer"):
            os.kill(known["supervisor"], signal.SIGTERM)
            while state(name):
                time.sleep(0.02)
        (RUN / name).unlink(missing_ok=True)


def reload_or_restart(name: str) -> None:
    """Have a running unit read its files anew, or start it."""
    reloads, known = load(name).get("ExecReload"), state(name)
    if known and reloads:
        for text in reloads:
            subprocess.run(command(text.replace("$MAINPID", str(known["main"]))), check=True)
    else:
        stop(name)
        start(name)


def enable(name: str) -> None:
    """Have a unit start at every boot."""
    try:
        unit = load(name)
    except Refused as refused:
        if refused.code == 5:
            raise Refused(f"Failed to enable unit: Unit file {name} does not exist.") from None
        raise
    if "WantedBy" not in unit:
        sys.stderr.write("The unit files have no installation config\n")  # it says so at length, and succeeds
        return
    enabled = ROOT / "run/enabled" / name
    enabled.parent.mkdir(parents=True, exist_ok=True)
    enabled.touch()


def restart(name: str) -> None:
    """End a unit and start it."""
    stop(name)
    start(name)


def is_active(name: str) -> None:
    """Say whether a unit runs."""
    active = bool(state(name))
    sys.stdout.write("active\n" if active else "inactive\n")
    if not active:
        raise Refused("", 3)


def main(arguments: list[str]) -> None:
    """Do what the arguments say, as the one program of this name does."""
    with (ROOT / "calls").open("a") as calls:
        calls.write(" ".join(["systemctl", *arguments]) + "\n")
    options = [word for word in arguments if word.startswith("--")]
    words = [word for word in arguments if not word.startswith("--")]
    if unknown := set(options) - {"--now", "--no-block", "--quiet"}:
        raise Refused(f"systemctl: unrecognized option '{unknown.pop()}'")
    if words == ["daemon-reload"]:
        return
    actions = {"start": start, "stop": stop, "restart": restart, "enable": enable, "is-active": is_active}
    actions["reload-or-restart"] = reload_or_restart
    if not words or words[0] not in actions:
        raise Refused(f"Unknown command verb {words[0] if words else ''}.")
    if len(words) == 1:
        raise Refused("Too few arguments.")
    for word in words[1:]:
        name = word if "." in word else f"{word}.service"
        if "--no-block" in options and words[0] in ("start", "restart"):
            load(name)
            if os.fork() == 0:
                detach()
                try:
                    with turn(name):
                        actions[words[0]](name)
                except Refused:
                    os._exit(1)
                os._exit(0)
            continue
        with turn(name):
            actions[words[0]](name)
            if words[0] == "enable" and "--now" in options:
                start(name)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        if str(refused):
            sys.stderr.write(f"{refused}\n")
        sys.exit(refused.code)
