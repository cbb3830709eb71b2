"""Cost of a plan of all stacks: `python -m bench.plans [--write] [STACK…]`, four ways in one run, on Linux.

quintet plan, plain Terraform (init and plan, with the project's tools) stack by stack and two at once by xargs, and
cdktf diff. All plan the same stacks against the same emulator, with empty states, one way after the other. CPU seconds
are user and system time of all processes but the emulator; a profile of quintet plan by process is sampled from /proc.
`--write` puts both tables into docs/performance.md. The exit code is 0 when cdktf diff takes at least 2.5 times the CPU
time of quintet plan, and all ways found the same number of changes.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.performance_page import write_part
from config.environment import environment_names, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.console import new_console
from operations.demo.prerequisites import make_existing
from operations.plans.planning import Planning
from operations.stacks import Stack, find_stacks, select
from operations.state.bootstrap import bootstrap
from operations.terraform.toolchain.environment import tool_environment

CDKTF = f"cdktf-cli@{version('cdktf')}"
WANTED_RATIO = 2.5
OURS, LOOP, XARGS, DIFF = "quintet plan", "Terraform in a loop", "Terraform by xargs -P2", "cdktf diff in a loop"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PLAN_SCRIPT = """\
set -e
unset NODE_OPTIONS TF_CLI_ARGS
cd {folder}
terraform init -input=false -lockfile=readonly
terraform plan -input=false -no-color
"""


class Sampler:
    """Looks ten times a second at all processes below this one, the emulator's apart."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._known: dict[int, bool] = {}
        self._kinds: dict[int, str] = {}
        self._ticks: dict[int, int] = {}
        self.peak_bytes = 0
        self.own_seconds = 0.0

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def seconds(self) -> dict[str, float]:
        """Kind of process → its CPU seconds, as sampled."""
        kinds: dict[str, float] = {}
        for pid, ticks in self._ticks.items():
            kinds[self._kinds[pid]] = kinds.get(self._kinds[pid], 0) + ticks / TICKS
        return kinds

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            together = 0
            for process in Path("/proc").glob("[0-9]*"):
                pid = int(process.name)
                try:
                    if not self._descends(pid):
                        continue
                    words = (process / "cmdline").read_text(errors="replace").split("\0")
                    numbers = (process / "stat").read_text().rpartition(")")[2].split()
                    together += int((process / "statm").read_text().split()[1]) * PAGE
                except OSError:  # it has ended meanwhile
                    continue
                kind = kind_of(words) if words[0] else self._kinds.get(pid)  # what has ended has no command line
                if kind:
                    self._kinds[pid], self._ticks[pid] = kind, int(numbers[11]) + int(numbers[12])
            self.peak_bytes = max(self.peak_bytes, together)
        self.own_seconds = time.thread_time()

    def _descends(self, pid: int) -> bool:
        if pid not in self._known:
            above = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            emulator = b"emulator" in Path(f"/proc/{pid}/cmdline").read_bytes()
            self._known[pid] = not emulator and (above == os.getpid() or (above > 1 and self._descends(above)))
        return self._known[pid]


def kind_of(command: list[str]) -> str:
    """A process's kind by its command line: the provider, a command of Terraform, or the program's name."""
    program = Path(command[0]).name
    if program.startswith("terraform-provider"):
        return "the provider"
    if program == "terraform":
        return next((f"`terraform {word}`" for word in command[1:] if not word.startswith("-")), program)
    return program


@dataclass
class Cost:
    """Cost of one way to plan all stacks."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    changes: dict[str, int]
    profile: dict[str, float] = field(default_factory=dict)
    """Kind of process → CPU seconds, the largest first; those of this process as `this process`."""


def main() -> int:
    """Plan in all ways and compare."""
    parser = argparse.ArgumentParser(description="Compare quintet plan with plain Terraform and with cdktf diff.")
    parser.add_argument("stacks", nargs="*", help="stacks or deployments; all when left out")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args()
    stacks = select(find_stacks(ROOT), arguments.stacks)
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}  # npm's proxy breaks
    subprocess.run(["npx", "--yes", CDKTF, "--version"], cwd=ROOT, env=environment, check=True, capture_output=True)
    with (
        tempfile.TemporaryDirectory(prefix="quintet-bench-") as folder,
        Emulator.start(log=Path(folder, "emulator.log"), facts=FACTS) as emulator,
    ):
        prepare(emulator, stacks)
        scripts = write_scripts(emulator, stacks, Path(folder))
        found = {
            OURS: measured(lambda: plan_ours(emulator, stacks)),
            LOOP: measured(lambda: counted(plain_terraform(scripts(LOOP), at_once=1))),
            XARGS: measured(lambda: counted(plain_terraform(scripts(XARGS), at_once=2))),
            DIFF: measured(lambda: cdktf_diff(emulator, stacks, Path(folder))),
        }
    ours = found[OURS]
    lines = ["| way | CPU s | of quintet plan | seconds | memory together, MB |", "|---|---|---|---|---|"]
    for way, cost in found.items():
        ratio = f"{cost.cpu_seconds / ours.cpu_seconds:.2f}"
        lines.append(
            f"| {way} | {cost.cpu_seconds:.1f} | {ratio} | {cost.seconds:.0f} | {cost.peak_bytes / 2**20:,.0f} |"
        )
    profile = ["| process of quintet plan | CPU s | share |", "|---|---|---|"]
    whole = sum(ours.profile.values())
    profile += [f"| {kind} | {used:.1f} | {used / whole:.0%} |" for kind, used in ours.profile.items() if used >= 0.05]
    print("\n".join([*lines, "", *profile]))
    same = all(cost.changes == ours.changes for cost in found.values())
    print(
        "changes: the same" if same else f"changes: DIFFERENT { ({way: cost.changes for way, cost in found.items()}) }"
    )
    if arguments.write:
        amount = f"{len(stacks)} stacks, {sum(ours.changes.values()):,} resources to create."
        write_part("plans", [amount, "", *lines, "", *profile])
    return 0 if found[DIFF].cpu_seconds / ours.cpu_seconds >= WANTED_RATIO and same else 1


def measured(plan: Callable[[], dict[str, int]]) -> Cost:
    """The cost of `plan`, which returns the number of changes of each stack."""
    begun, before = time.monotonic(), _cpu_seconds()
    with Sampler() as sampler:
        changes = plan()
    own, below = (after - earlier for after, earlier in zip(_cpu_seconds(), before, strict=True))
    own -= sampler.own_seconds
    kinds = {**sampler.seconds(), "this process": own}
    profile = dict(sorted(kinds.items(), key=lambda item: -item[1]))
    return Cost(time.monotonic() - begun, own + below, sampler.peak_bytes, changes, profile)


def _cpu_seconds() -> tuple[float, float]:
    """CPU time of this process, and of all that have ended below it; the emulator has not."""
    own, below = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, below.ru_utime + below.ru_stime


def prepare(emulator: Emulator, stacks: list[Stack]) -> None:
    """Resources that exist before the first plan: the place of states, and what the stacks expect."""
    for name in environment_names():
        settings = load_environment(name)
        aws = Aws(emulator.environment(account_id=settings.account_id, region=settings.state.region))
        bootstrap(aws, settings)
        make_existing(aws, [stack for stack in stacks if stack.environment == name])


def plan_ours(emulator: Emulator, stacks: list[Stack]) -> dict[str, int]:
    """The number of changes of each stack. Raises RuntimeError when a plan fails."""
    planning = Planning([stack.name for stack in stacks], aws=lambda stack: aws_of(emulator, stack))
    planned = planning.run(new_console(file=io.StringIO()))
    if failed := [f"{stack.name}: {stack.failure}" for stack in planned.report.stacks if stack.failure]:
        raise RuntimeError("\n".join(failed))
    return {stack.name: sum(stack.counts.values()) for stack in planned.report.stacks}


def write_scripts(emulator: Emulator, stacks: list[Stack], folder: Path) -> Callable[[str], list[Path]]:
    """Yields, for a name, one script for each stack, which plans it with plain Terraform in a folder of its own."""

    def scripts(name: str) -> list[Path]:
        place, tools, written = folder / name, tool_environment(ROOT), []
        for stack in stacks:
            copy = place / stack.name
            shutil.copytree(stack.folder, copy, ignore=shutil.ignore_patterns(".terraform", "plan"))
            variables = {**aws_of(emulator, stack), **tools}
            exports = [f"export {key}={shlex.quote(value)}\n" for key, value in variables.items() if key.isidentifier()]
            script = place / f"{stack.name}.sh"
            script.write_text("".join(exports) + PLAN_SCRIPT.format(folder=shlex.quote(str(copy))), encoding="utf-8")
            written.append(script)
        return written

    return scripts


def plain_terraform(scripts: list[Path], *, at_once: int) -> list[Path]:
    """Runs the scripts, so many at once; the files that have their output. CalledProcessError when one fails."""
    names = "\n".join(shlex.quote(str(script)) for script in scripts)
    command = ["xargs", f"-P{at_once}", "-n1", "sh", "-c", 'sh "$0" >"$0.out" 2>&1']
    try:
        subprocess.run(command, input=names, text=True, check=True)
    except subprocess.CalledProcessError:
        for script in scripts:
            print(Path(f"{script}.out").read_text(encoding="utf-8")[-2000:])
        raise
    return [Path(f"{script}.out") for script in scripts]


def counted(outputs: list[Path]) -> dict[str, int]:
    """The number of changes that Terraform printed for each stack."""
    return {output.name.partition(".")[0]: changes_in(output.read_text(encoding="utf-8")) for output in outputs}


def changes_in(output: str) -> int:
    """The number of changes that a plan's last line counts."""
    found = re.search(r"Plan: (\d+) to add, (\d+) to change, (\d+) to destroy", re.sub(r"\x1b\[[0-9;]*m", "", output))
    return sum(map(int, found.groups())) if found else 0


def cdktf_diff(emulator: Emulator, stacks: list[Stack], folder: Path) -> dict[str, int]:
    """The number of changes of each stack, planned one by one; each time cdktf synthesises all of them first."""
    tools = tool_environment(ROOT)
    changes = {}
    for stack in stacks:
        command = ["npx", "--yes", CDKTF, "diff", stack.name, "--skip-provider-lock"]
        environment = {**os.environ, **aws_of(emulator, stack), **tools, "CI": "1"}
        environment.pop("NODE_OPTIONS", None)
        run = subprocess.run(
            [*command, "--output", str(folder / "generated")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise RuntimeError(f"cdktf diff {stack.name} failed:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
        changes[stack.name] = changes_in(run.stdout)
    return changes


def aws_of(emulator: Emulator, stack: Stack) -> Mapping[str, str]:
    """The environment that sends a stack's Terraform to the emulator, as the stack's account."""
    environment = emulator.full_environment(account_id=stack.account_id, region=stack.region)
    environment.pop("NODE_OPTIONS", None)
    return environment


if __name__ == "__main__":
    sys.exit(main())
