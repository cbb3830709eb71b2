"""Cost of a synth, by what changed: `python -m bench.synths [--runs N] [--write]`, all ways in one run, on Linux.

In a copy of this repository: with the stock bindings, with ours and no stack kept, one stack alone, one setting changed
and nothing changed. CPU seconds are user and system time of Python and of Node.js; of several runs the median counts.
Python may write byte code, as it does by default. Memory is the largest process's peak. Every way must write the bytes
that are committed. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.performance_page import write_part
from synth.kept_stacks import SWITCH
from synth.nodejs import jsii_environment

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = ("main.py", "cdktf.json", ".terraform-version", ".terraform.lock.hcl", "requirements.lock")
FOLDERS = ("config", "modules", "synth", "deployments", "generated")
STACK = "suai-cloud-app-dev"
SETTINGS = "deployments/suai_cloud_app/environments/dev.toml"
WANTED = {"ours, all stacks": 4.0, "one setting changed": 9.0, "nothing changed": 35.0}
"""Way → how many times less than all stacks with the stock bindings it must cost."""


@dataclass(frozen=True)
class Way:
    """One way to synthesise."""

    name: str
    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    changes: bool = False
    """Tells that a settings file gets another line before each run."""
    runs: int | None = None


WAYS = (
    Way("stock bindings, all stacks", ("--no-cache",), (("QUINTET_BINDINGS", "stock"),), runs=1),
    Way("ours, all stacks", ("--no-cache",)),
    Way("ours, one stack alone", ("--no-cache", STACK)),
    Way("one setting changed", changes=True),
    Way("nothing changed"),
)


def main() -> int:
    """Exit code 0 when every way wrote the same bytes and the ratios are as wanted."""
    parser = argparse.ArgumentParser(description="Measure what a synth costs.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quintet-bench-") as folder:
        root = copied(Path(folder) / "quintet")
        synthesise(root, Way("first"))  # makes the assembly, and keeps all stacks
        found = {way.name: [synthesise(root, way) for _ in range(way.runs or arguments.runs)] for way in WAYS}
        equal = files(root / "generated") == files(REPOSITORY / "generated")
    costs = {name: median(cost for cost, _ in runs) for name, runs in found.items()}
    peaks = {name: max(peak for _, peak in runs) for name, runs in found.items()}
    ours = costs["ours, all stacks"]
    lines = ["| way | CPU s | of all stacks with ours | largest process, MB |", "|---|---|---|---|"]
    lines += [f"| {name} | {cost:.2f} | {cost / ours:.2f} | {peaks[name]} |" for name, cost in costs.items()]
    print("\n".join(lines))
    print("bytes: as committed" if equal else "bytes: DIFFERENT from generated/")
    if arguments.write:
        write_part("synth", lines)
    stock = costs["stock bindings, all stacks"]
    slow = [name for name, ratio in WANTED.items() if stock / costs[name] < ratio]
    for name in slow:
        print(f"{name}: {stock / costs[name]:.1f} times less than the stock bindings, wanted {WANTED[name]:g}")
    return 0 if equal and not slow else 1


def copied(root: Path) -> Path:
    """A copy of what decides a synth, and of its output."""
    root.mkdir()
    for name in COPIED + FOLDERS:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns(".terraform"))
        else:
            shutil.copy(REPOSITORY / name, root)
    return root


def synthesise(root: Path, way: Way) -> tuple[float, int]:
    """CPU seconds, and the peak in MB; CalledProcessError when the synth fails."""
    if way.changes:
        with (root / SETTINGS).open("a", encoding="utf-8") as settings:
            settings.write("# one more line\n")
    node = {name: value for name, value in jsii_environment().items() if name != "NODE_OPTIONS"}  # the same for all
    others = ("CI", "CDKTF_OUTDIR", "PYTHONDONTWRITEBYTECODE", SWITCH)
    variables = {name: value for name, value in os.environ.items() if name not in others} | node
    command = [sys.executable, "main.py", *way.arguments]
    with subprocess.Popen(command, cwd=root, env=variables | dict(way.variables)) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def files(folder: Path) -> dict[str, bytes]:
    """The files of the stacks in `folder`, by name."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".terraform" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


if __name__ == "__main__":
    raise SystemExit(main())
