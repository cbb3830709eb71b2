"""Savings of the fast bindings: `python -m bench.bindings [APP] [--runs N]`, stock against fast in one run, on Linux.

Stock is what a plain import costs: the bindings as installed, and Node.js without this project's options (though the
same Node.js). CPU seconds are user and system time of the app and all it started, Node.js included, as the system
counts them. Peak memory is the largest resident set each process reached (VmHWM), for Python and for the larger of the
Node.js processes, and the largest sum over all of them at one moment (Pss: pages that several share count once).
The first fast run starts without a cut-down assembly and is reported apart. Both ways must write the same bytes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from synth.assembly import FOLDERS
from synth.kept_stacks import SWITCH
from synth.nodejs import jsii_environment

REPOSITORY = Path(__file__).resolve().parents[1]
WANTED_MEGABYTES = 150


@dataclass
class Run:
    """One synth of the app, measured."""

    cpu_seconds: float = 0.0
    python_peak: int = 0
    node_peak: int = 0
    sum_peak: int = 0
    files: dict[str, bytes] = field(default_factory=dict)

    def __str__(self) -> str:
        python, node, together = (kib // 1024 for kib in (self.python_peak, self.node_peak, self.sum_peak))
        return f"{self.cpu_seconds:6.2f} s CPU   peak MB: python {python:4}  node {node:4}  together {together:4}"


def main() -> int:
    """Exit code 0 when outputs are equal and the targets met, 1 otherwise."""
    parser = argparse.ArgumentParser(description="Compare the stock bindings of the AWS provider with the fast ones.")
    parser.add_argument("app", nargs="?", type=Path, default=REPOSITORY / "bench" / "sample_app.py")
    parser.add_argument("--runs", type=int, default=3, help="measured runs of each kind; the median CPU time counts")
    parser.add_argument("--wanted", type=float, default=8, help="how many times less CPU time is enough")
    arguments = parser.parse_args()
    app: Path = arguments.app.resolve()

    measured: dict[str, list[Run]] = {"stock": [], "fast": []}
    for kind, runs in measured.items():
        _show(f"{kind}, first", synthesise(app, kind, with_empty_cache=kind == "fast"))  # also warms the disk's cache
        for number in range(arguments.runs):
            runs.append(synthesise(app, kind))
            _show(f"{kind} {number + 1}", runs[-1])

    stock, fast = (sorted(runs, key=lambda run: run.cpu_seconds)[len(runs) // 2] for runs in measured.values())
    outputs = [run.files for runs in measured.values() for run in runs]
    equal = bool(outputs[0]) and all(files == outputs[0] for files in outputs)
    ratio = stock.cpu_seconds / fast.cpu_seconds
    largest = max(max(run.python_peak, run.node_peak) for run in measured["fast"]) // 1024
    print(f"\noutputs: {'equal' if equal else 'DIFFERENT'} ({len(outputs[0])} files)")
    print(f"CPU: {ratio:.1f} times less (wanted: {arguments.wanted:g})")
    print(f"largest process of the fast runs: {largest} MB (wanted: at most {WANTED_MEGABYTES})")
    return 0 if equal and ratio >= arguments.wanted and largest <= WANTED_MEGABYTES else 1


def synthesise(app: Path, kind: str, *, with_empty_cache: bool = False) -> Run:
    """Run the app once; CalledProcessError when it fails."""
    if with_empty_cache:
        for folder in FOLDERS:
            shutil.rmtree(folder, ignore_errors=True)
    run = Run()
    with tempfile.TemporaryDirectory() as output:
        environment = {
            **{name: value for name, value in jsii_environment().items() if name != "NODE_OPTIONS"},
            **os.environ,
            SWITCH: "no",  # what an earlier run synthesised costs nothing
            "QUINTET_BINDINGS": kind,
            "CDKTF_OUTDIR": output,
            "PYTHONPATH": str(REPOSITORY),
        }
        with subprocess.Popen([sys.executable, app], cwd=REPOSITORY, env=environment) as process:
            stop = threading.Event()
            watch = threading.Thread(target=_watch_memory, args=(process.pid, run, stop))
            watch.start()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            stop.set()
            watch.join()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, str(app))
        run.cpu_seconds = usage.ru_utime + usage.ru_stime
        run.files = {
            str(path.relative_to(output)): path.read_bytes() for path in Path(output).rglob("*") if path.is_file()
        }
    return run


def _watch_memory(root: int, run: Run, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        together = 0
        for pid in _tree(root):
            status = _fields(Path(f"/proc/{pid}/status"))
            peak = status.get("VmHWM", 0)
            if pid == root:
                run.python_peak = max(run.python_peak, peak)
            else:
                run.node_peak = max(run.node_peak, peak)
            together += _fields(Path(f"/proc/{pid}/smaps_rollup")).get("Pss", 0)
        run.sum_peak = max(run.sum_peak, together)


def _tree(root: int) -> list[int]:
    try:
        children = Path(f"/proc/{root}/task/{root}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [root, *(pid for child in children for pid in _tree(int(child)))]


def _fields(path: Path) -> dict[str, int]:
    """The `Name: 123 kB` lines of a file under /proc, in KiB; nothing when the process has ended."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.endswith("kB"))
    return {name: int(value.split()[0]) for name, value in pairs if " " not in name}


def _show(label: str, run: Run) -> None:
    print(f"{label:13} {run}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
