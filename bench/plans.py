"""Cost of a plan of all stacks: `python -m bench.plans [STACK…]`, quintet plan against cdktf diff, stack by stack.

Both plan the same stacks against the same emulator, with empty states, one after the other in one run. Wall time is
measured around each; CPU seconds and peak memory of each stack (Terraform and its provider: the largest sum of their
resident memory) are sampled from /proc, of cdktf also Node.js and the synth it begins with. Linux only.
The exit code is 0 when quintet plan is at least five times faster and found the same number of changes.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from config.environment import environment_names, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.console import new_console
from operations.demo.prerequisites import make_existing
from operations.plans.planning import Planned, Planning
from operations.stacks import Stack, find_stacks, select
from operations.state.bootstrap import bootstrap
from operations.terraform.toolchain.environment import tool_environment

CDKTF = f"cdktf-cli@{version('cdktf')}"
WANTED_RATIO = 5
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Usage:
    """Resources that the processes of one group have used."""

    cpu_ticks: dict[int, int] = field(default_factory=dict)
    peak_bytes: int = 0

    def __str__(self) -> str:
        return f"{sum(self.cpu_ticks.values()) / TICKS:6.1f} s CPU  {self.peak_bytes / 2**20:5.0f} MB"


class Sampler:
    """Looks ten times a second at all processes; `group_of` gives the group of a pid, None for none of ours."""

    def __init__(self, group_of: Callable[[int], str | None]) -> None:
        self._group_of = group_of
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.usage: dict[str, Usage] = {}

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            together: dict[str, int] = {}
            for process in Path("/proc").glob("[0-9]*"):
                pid = int(process.name)
                try:
                    group = self._group_of(pid)
                    if group is None:
                        continue
                    numbers = (process / "stat").read_text().rpartition(")")[2].split()
                    resident = int((process / "statm").read_text().split()[1]) * PAGE
                except OSError:  # it has ended meanwhile
                    continue
                usage = self.usage.setdefault(group, Usage())
                usage.cpu_ticks[pid] = int(numbers[11]) + int(numbers[12])
                together[group] = together.get(group, 0) + resident
            for group, size in together.items():
                self.usage[group].peak_bytes = max(self.usage[group].peak_bytes, size)


def main() -> int:
    """Plan both ways and compare."""
    parser = argparse.ArgumentParser(description="Compare quintet plan with cdktf diff, stack by stack.")
    parser.add_argument("stacks", nargs="*", help="stacks or deployments; all when left out")
    stacks = select(find_stacks(ROOT), parser.parse_args().stacks)
    with (
        tempfile.TemporaryDirectory(prefix="quintet-bench-") as folder,
        Emulator.start(log=Path(folder, "emulator.log"), facts=FACTS) as emulator,
    ):
        prepare(emulator, stacks)
        ours, planned = plan_ours(emulator, stacks)
        theirs, changes = plan_theirs(emulator, stacks, Path(folder))
    found = {stack.name: sum(stack.counts.values()) for stack in planned.report.stacks}
    print(
        f"quintet plan, all at once: {ours:.1f} s   cdktf diff, one by one: {theirs:.1f} s   {theirs / ours:.1f} times"
    )
    print(f"changes found by both: {found}" if found == changes else f"DIFFERENT changes: {found} and {changes}")
    return 0 if theirs / ours >= WANTED_RATIO and found == changes else 1


def prepare(emulator: Emulator, stacks: list[Stack]) -> None:
    """Resources that exist before the first plan: the place of states, and what the stacks expect."""
    for name in environment_names():
        settings = load_environment(name)
        aws = Aws(emulator.environment(account_id=settings.account_id, region=settings.state.region))
        bootstrap(aws, settings)
        make_existing(aws, [stack for stack in stacks if stack.environment == name])


def plan_ours(emulator: Emulator, stacks: list[Stack]) -> tuple[float, Planned]:
    """Seconds, and what was planned; prints the cost of each stack."""
    names = {stack.name for stack in stacks}

    def working_copy(pid: int) -> str | None:
        place = Path(f"/proc/{pid}/cwd").readlink()
        return place.name if place.name in names and ".runs" in place.parts else None

    planning = Planning([stack.name for stack in stacks], aws=lambda stack: aws_of(emulator, stack))
    begun = time.monotonic()
    with Sampler(working_copy) as sampler:
        planned = planning.run(new_console(file=io.StringIO()))
    seconds = time.monotonic() - begun
    for stack in planned.report.stacks:
        print(f"quintet plan  {stack.name:24} {stack.seconds:6.1f} s  {sampler.usage[stack.name]}  {stack.failure}")
    return seconds, planned


def plan_theirs(emulator: Emulator, stacks: list[Stack], folder: Path) -> tuple[float, dict[str, int]]:
    """Seconds, and how many changes cdktf counted in each stack; prints the cost of each. No download counts."""
    tools = tool_environment(ROOT)
    environment = {**os.environ, **tools, "CI": "1"}
    environment.pop("NODE_OPTIONS", None)  # npm finds no registry under the one the kernel runs with
    subprocess.run(["npx", "--yes", CDKTF, "--version"], cwd=ROOT, env=environment, check=True, capture_output=True)
    total, changes = 0.0, {}
    for stack in stacks:
        command = [
            "npx",
            "--yes",
            CDKTF,
            "diff",
            stack.name,
            "--skip-provider-lock",
            "--output",
            str(folder / "generated"),
        ]
        begun = time.monotonic()
        with Sampler(session_of_children(os.getpid(), stack.name)) as sampler:
            run = subprocess.run(
                command, cwd=ROOT, env={**environment, **aws_of(emulator, stack), **tools, "CI": "1"},
                capture_output=True, text=True, start_new_session=True, check=False,
            )  # fmt: skip
        seconds = time.monotonic() - begun
        total += seconds
        plain = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)
        counted = re.search(r"Plan: (\d+) to add, (\d+) to change, (\d+) to destroy", plain)
        changes[stack.name] = sum(map(int, counted.groups())) if counted else 0
        failure = "" if run.returncode == 0 else f"FAILED\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
        print(f"cdktf diff    {stack.name:24} {seconds:6.1f} s  {sampler.usage[stack.name]}  {failure}")
    return total, changes


def session_of_children(parent: int, group: str) -> Callable[[int], str | None]:
    """Everything that descends from `parent`, the emulator and this program apart."""
    known: dict[int, bool] = {}

    def descends(pid: int) -> bool:
        if pid not in known:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            above = int(fields[1])
            emulator = b"emulator" in Path(f"/proc/{pid}/cmdline").read_bytes()
            known[pid] = not emulator and (above == parent or (above > 1 and descends(above)))
        return known[pid]

    return lambda pid: group if pid != parent and descends(pid) else None


def aws_of(emulator: Emulator, stack: Stack) -> Mapping[str, str]:
    """The environment that sends a stack's Terraform to the emulator, as the stack's account."""
    environment = emulator.full_environment(account_id=stack.account_id, region=stack.region)
    environment.pop("NODE_OPTIONS", None)
    return environment


if __name__ == "__main__":
    sys.exit(main())
