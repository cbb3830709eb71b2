"""Applies that are disturbed while they create: `python -m bench.applies [--rounds N] [DISTURBANCE…]`; on the emulator.

In each round `quintet apply` creates a chain of log groups and is disturbed when some of them exist. Then everything
that exists must be in the state, or in the `errored.tfstate` that is kept; what is not is an orphan, and must be named
with its import block when the run is asked for again. A lock that is left must be broken by `quintet state unlock`.

Where Terraform itself survives (the disturbances of MILD) there must be no orphan; elsewhere none that is not named.
A disk is filled on a small file system of its own, which root alone may mount. Exits 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults import Faults, faulty_proxy
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.console import new_console
from operations.errors import OperatorError
from operations.plans.applying import Applying
from operations.plans.planning import Planning
from operations.stacks import Stack
from operations.state.bootstrap import bootstrap
from operations.state.errored_state import errored_states, read_state
from operations.state.status import current_state, locks_of, unlock
from operations.terraform.under_way import applies_under_way
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, STATE, make_repository, write_stack

GROUPS = 24
ENOUGH = 3
"""Log groups that exist before the disturbance."""

_PATIENCE_SECONDS = 600
_ATTEMPTS = 5
"""Applies for a round: on a busy machine one may end between the look at what it has created and the disturbance."""
_NUMBERS = itertools.count(1)
"""Numbers of rounds: several batteries may share an emulator."""
_APPLY = """
import sys
from pathlib import Path
from operations.console import new_console
from operations.errors import OperatorError
from operations.plans.applying import Applying
try:
    sys.exit(0 if Applying(sys.argv[1], root=Path(sys.argv[2])).run(new_console(steady=True)) else 1)
except OperatorError as error:
    sys.exit(f"Error: {error}")
"""


class BrokenPromiseError(AssertionError):
    """A promise was broken; says which, after which disturbance."""


class TooLateError(Exception):
    """An apply ended before it was disturbed: no round, and no promise was broken."""


@dataclass
class Counts:
    """Rounds, and what was left in all of them together."""

    rounds: int = 0
    created: int = 0
    orphans: int = 0
    unnamed: int = 0
    locks: int = 0
    unbreakable: int = 0
    tracebacks: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.created} created, {self.orphans} orphans ({self.unnamed} unnamed),"
            f" {self.locks} locks left ({self.unbreakable} unbreakable), {self.tracebacks} tracebacks"
        )


@dataclass
class Battery:
    """An emulator with a state bucket, and a repository that is planned in."""

    folder: Path
    emulator: Emulator
    root: Path = field(init=False)
    aws: Aws = field(init=False)
    faults: Faults | None = None
    number: int = 0

    def __post_init__(self) -> None:
        self.root = make_repository(self.folder / "repository")
        self.aws = Aws(self.emulator.environment(account_id=ACCOUNT, region=REGION))
        bootstrap(self.aws, ENVIRONMENT)

    def round(self, disturb: Callable[[Apply], None], counts: Counts, *, disk: Path | None = None) -> str:
        """One apply, disturbed; what it said in the end, the second time it was asked for."""
        self.number = next(_NUMBERS)
        if disk is not None:
            (self.root / ".runs").rename(self.folder / f"runs-{self.number}") if (
                self.root / ".runs"
            ).exists() else None
            (self.root / ".runs").symlink_to(disk)
        stack = write_stack(self.root, _chain(f"r{self.number}"), deployment=f"round-{self.number}")
        planned = Planning([stack.name], root=self.root, aws=self.environment).run(new_console(file=io.StringIO()))
        apply = Apply(self, stack, planned.folder.name)
        try:
            disturb(apply)
        finally:
            apply.finish()
        said = self._judge(apply, counts)
        if disk is not None:
            (self.root / ".runs").unlink()
        return said

    def environment(self, stack: Stack | None = None) -> Mapping[str, str]:
        """The environment of Terraform and of Quintet."""
        del stack
        found = self.emulator.full_environment(account_id=ACCOUNT, region=REGION)
        return {**found, "AWS_ENDPOINT_URL": self.faults.endpoint} if self.faults else found

    def created(self) -> set[str]:
        """The log groups of this round that exist."""
        pages = self.aws.client("logs", region=REGION).get_paginator("describe_log_groups")
        prefix = f"/r{self.number}/"
        found = pages.paginate(logGroupNamePrefix=prefix)
        return {group["logGroupName"] for page in found for group in page["logGroups"]}

    def _judge(self, apply: Apply, counts: Counts) -> str:
        counts.rounds += 1
        stack = apply.stack
        created = self.created()
        known = _names(current_state(self.aws, stack))
        for file in errored_states(self.root, stack):
            known |= _names(read_state(file))
        lost = created - known
        again = self._asked_again(apply)
        counts.created += len(created)
        counts.orphans += len(lost)
        counts.unnamed += sum(f'id = "{name}"' not in again + apply.said for name in lost)
        counts.tracebacks += (apply.said + again).count("Traceback")
        locks = locks_of(self.aws, stack)
        counts.locks += len(locks)
        if locks:
            unlock(self.aws, stack, locks)
            counts.unbreakable += len(locks_of(self.aws, stack))
        return apply.said + again

    def _asked_again(self, apply: Apply) -> str:
        said = io.StringIO()
        with contextlib.suppress(OperatorError):
            Applying(apply.run, root=self.root, aws=self.environment).run(new_console(file=said, width=200))
        return said.getvalue()


@dataclass
class Apply:
    """One `quintet apply` under way."""

    battery: Battery
    stack: Stack
    run: str
    said: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self, stdout: int, **more: Any) -> subprocess.Popen[bytes]:
        """Start it, with its output where the disturbance wants it."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _APPLY, self.run, str(self.battery.root)],
            cwd=ROOT,
            env=dict(self.battery.environment()),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            **more,
        )
        return self.process

    def into_file(self) -> subprocess.Popen[bytes]:
        """Start it with its output in a file, which `finish` reads."""
        with (self.battery.folder / f"{self.run}.out").open("wb") as file:
            return self.start(file.fileno())

    def wait(self) -> None:
        """Wait until enough is created, or nothing will be any more."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while len(self.battery.created()) < ENOUGH:
            if time.monotonic() > give_up or (self.process is not None and self.process.poll() is not None):
                raise BrokenPromiseError(f"{self.run}: nothing was created before the disturbance")
            time.sleep(0.05)

    def terraform(self) -> int:
        """The process id of Terraform. Raises TooLateError."""
        found = list(applies_under_way(self.battery.root, self.battery.environment()))
        if not found:
            raise TooLateError
        (apply,) = found
        return apply.record.pid

    def provider(self) -> int:
        """The process id of the provider that Terraform has started. Raises TooLateError."""
        command = ["pgrep", "-s", str(self.terraform()), "-f", "terraform-provider"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise TooLateError
        return int(done.stdout.split()[0])

    def finish(self) -> None:
        """Wait until Quintet and Terraform have ended."""
        if self.process is not None:
            self.process.wait(_PATIENCE_SECONDS)
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while list(applies_under_way(self.battery.root, self.battery.environment())):
            if time.monotonic() > give_up:
                raise BrokenPromiseError(f"{self.run}: Terraform does not end")
            time.sleep(0.1)
        file = self.battery.folder / f"{self.run}.out"
        if file.exists():
            self.said = file.read_text(errors="replace")


def output_closed(apply: Apply) -> None:
    """`quintet apply RUN | head`."""
    process = apply.start(subprocess.PIPE)
    apply.wait()
    assert process.stdout is not None
    process.stdout.close()


def terminal_gone(apply: Apply) -> None:
    """The window is closed."""
    leader, follower = pty.openpty()
    apply.start(follower, start_new_session=True)
    os.close(follower)
    apply.wait()
    os.close(leader)
    assert apply.process is not None
    apply.process.send_signal(signal.SIGHUP)


def quintet_killed(apply: Apply) -> None:
    """`kill -9` of Quintet."""
    process = apply.into_file()
    apply.wait()
    process.kill()


def terraform_killed(apply: Apply) -> None:
    """`kill -9` of Terraform."""
    apply.into_file()
    apply.wait()
    _kill(apply.terraform())


def provider_killed(apply: Apply) -> None:
    """`kill -9` of the provider."""
    apply.into_file()
    apply.wait()
    _kill(apply.provider())


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        raise TooLateError from None


def interrupted(apply: Apply) -> None:
    """Ctrl-C."""
    process = apply.into_file()
    apply.wait()
    process.send_signal(signal.SIGINT)


def disk_filled(apply: Apply) -> None:
    """The disk of `.runs` is full from some moment on."""
    apply.into_file()
    apply.wait()
    _fill(apply.battery.root / ".runs")


def disk_full(apply: Apply) -> None:
    """The disk of `.runs` is full before the apply begins."""
    _fill(apply.battery.root / ".runs")
    apply.into_file()


def bucket_gone(apply: Apply) -> None:
    """Somebody deletes the bucket of the state, versions and all, in the middle."""
    apply.into_file()
    apply.wait()
    s3 = apply.battery.aws.client("s3", region=REGION)
    with contextlib.suppress(s3.exceptions.ClientError):
        s3.delete_bucket_policy(Bucket=STATE.bucket)
    found = s3.list_object_versions(Bucket=STATE.bucket)
    for entry in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=STATE.bucket, Key=entry["Key"], VersionId=entry["VersionId"])
    s3.delete_bucket(Bucket=STATE.bucket)
    apply.finish()
    bootstrap(apply.battery.aws, ENVIRONMENT)


def aws_gone(apply: Apply) -> None:
    """AWS, the emulator's address that is, stops answering, and comes back when Terraform has given up."""
    apply.into_file()
    apply.wait()
    assert apply.battery.faults is not None
    with apply.battery.faults.gone():
        apply.finish()


def two_operators(apply: Apply) -> None:
    """The same run is applied twice at once."""
    apply.into_file()
    other = Apply(apply.battery, apply.stack, apply.run)
    process = other.start(subprocess.PIPE)
    said, _ = process.communicate(timeout=_PATIENCE_SECONDS)
    apply.finish()
    apply.said += said.decode()


def faults(kind: str) -> Callable[[Apply], None]:
    """A part of all answers is `kind`, from some moment on."""

    def disturb(apply: Apply) -> None:
        apply.into_file()
        apply.wait()
        assert apply.battery.faults is not None
        with apply.battery.faults.happening(kind, share=0.4):
            time.sleep(12)

    return disturb


FAULTS = ("500", "503", "throttling", "reset", "half")
MILD: Mapping[str, Callable[[Apply], None]] = {
    "output closed": output_closed,
    "terminal gone": terminal_gone,
    "Quintet killed": quintet_killed,
    "interrupted": interrupted,
    "bucket gone": bucket_gone,
    "two operators": two_operators,
    **{f"{kind} answers": faults(kind) for kind in FAULTS},
}
"""Terraform survives these: nothing that exists may be unknown to a state."""

DISKS: Mapping[str, Callable[[Apply], None]] = {"disk full before": disk_full, "disk full during": disk_filled}
HARD: Mapping[str, Callable[[Apply], None]] = {
    "Terraform killed": terraform_killed,
    "provider killed": provider_killed,
    "AWS gone": aws_gone,
}


def run_disturbance(battery: Battery, name: str, rounds: int) -> Counts:
    """Disturb `rounds` applies. Raises BrokenPromiseError when a promise is broken, or most of them end too early."""
    counts = Counts()
    said = ""
    for _ in range(_ATTEMPTS * rounds):
        with contextlib.suppress(TooLateError):
            if name in DISKS:
                with _small_disk(battery.folder) as disk:
                    said = battery.round(DISKS[name], counts, disk=disk)
            else:
                said = battery.round({**MILD, **HARD}[name], counts)
        if counts.rounds == rounds:
            break
    else:
        raise BrokenPromiseError(f"{name}: {counts.rounds} of {_ATTEMPTS * rounds} applies were disturbed in time")
    mild = name not in HARD
    if counts.unnamed or counts.unbreakable or counts.tracebacks or (mild and counts.orphans):
        raise BrokenPromiseError(f"{name}: {counts}\n{said}")
    return counts


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


def _chain(name: str) -> dict[str, Any]:
    return {
        "aws_cloudwatch_log_group": {
            f"g{number}": {
                "name": f"/{name}/{number}",
                **({"depends_on": [f"aws_cloudwatch_log_group.g{number - 1}"]} if number else {}),
            }
            for number in range(GROUPS)
        }
    }


def _names(state: Mapping[str, Any]) -> set[str]:
    return set(re.findall(r"'(/r\d+/\d+)'", str(state)))


def main() -> int:
    """Runs the disturbances that are asked for, and prints what was counted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    everything = [*MILD, *DISKS, *HARD]
    parser.add_argument("disturbances", nargs="*", help=f"of: {', '.join(everything)}; all when left out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quintet-applies-"))
    broken = False
    try:
        with (
            Emulator.start(log=folder / "emulator.log", facts=FACTS) as emulator,
            faulty_proxy(emulator.endpoint, random.Random(asked.seed)) as proxy,
        ):
            battery = Battery(folder, emulator, faults=proxy)
            for name in asked.disturbances or everything:
                if name in DISKS and os.geteuid() != 0:
                    print(f"{name}: not tried, as only root may mount a small file system", flush=True)
                    continue
                try:
                    print(f"{name}: {run_disturbance(battery, name, asked.rounds)}", flush=True)
                except BrokenPromiseError as promise:
                    broken = True
                    print(f"Broken: {promise}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
