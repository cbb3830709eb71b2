"""Cost of Sync Storage as nodes are added: `python -m bench.sync_storage_nodes [--write] [NUMBER …]`, on Linux.

In a copy of this repository whose settings have so many nodes: a synth of the stack alone, and quintet plan with its
report, against an empty emulator. CPU seconds are those of all processes but the emulator; the memory of a synth is the
largest process's peak, that of a plan the largest sum of all. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.performance_page import write_part
from bench.plans import Cost, aws_of, measured, prepare
from bench.synths import REPOSITORY, Way, copied, synthesise
from config.limits import FACTS
from emulator.server import Emulator
from operations.console import new_console
from operations.plans.planning import Planning
from operations.stacks import Stack, find_stacks

STACK = "sync-storage-dev"
SETTINGS = "deployments/sync_storage/environments/dev.toml"


@dataclass(frozen=True)
class Measured:
    """Costs of one number of nodes."""

    resources: int
    json_bytes: int
    synth_seconds: float
    synth_megabytes: int
    plan: Cost
    report_bytes: int


def main() -> int:
    """Exit code 0 when every plan creates all resources."""
    parser = argparse.ArgumentParser(description="Synthesise and plan Sync Storage with so many nodes.")
    parser.add_argument("numbers", nargs="*", type=int, default=[1, 200])
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    found = {number: measure(number) for number in arguments.numbers}
    lines = [
        "| nodes | resources | JSON, kB | synth, CPU s | MB | plan and report, CPU s | of it Python | seconds | MB "
        "| report, MB |",
        "|" + "---|" * 10,
    ]
    for number, of in found.items():
        own, peak = of.plan.profile["this process"], of.plan.peak_bytes / 2**20
        lines.append(
            f"| {number} | {of.resources:,} | {of.json_bytes / 1000:,.0f} | {of.synth_seconds:.1f} "
            f"| {of.synth_megabytes} | {of.plan.cpu_seconds:.1f} | {own:.1f} | {of.plan.seconds:.0f} | {peak:,.0f} "
            f"| {of.report_bytes / 1e6:.1f} |"
        )
    print("\n".join(lines))
    if arguments.write:
        write_part("nodes", lines)
    return 0 if all(of.plan.changes == {STACK: of.resources} for of in found.values()) else 1


def measure(number: int) -> Measured:
    """Synthesises and plans the stack once with `number` nodes."""
    with tempfile.TemporaryDirectory(prefix="quintet-bench-") as folder:
        root = copied(Path(folder) / "quintet")
        for name in (".tools", ".terraform-sha256sums"):
            (root / name).symlink_to(REPOSITORY / name)
        (root / SETTINGS).write_text(
            with_nodes((root / SETTINGS).read_text(encoding="utf-8"), number), encoding="utf-8"
        )
        way = Way("one stack alone", ("--no-cache", STACK))
        synthesise(root, way)  # which writes byte code
        seconds, megabytes = synthesise(root, way)
        text = (root / "generated/stacks" / STACK / "cdk.tf.json").read_text(encoding="utf-8")
        (stack,) = (each for each in find_stacks(root) if each.name == STACK)
        with Emulator.start(log=Path(folder, "emulator.log"), facts=FACTS) as emulator:
            prepare(emulator, [stack])
            cost = measured(lambda: plan(root, stack, emulator))
        (report,) = (root / ".runs").glob("*/report.html")
        resources = sum(len(named) for named in json.loads(text)["resource"].values())
        return Measured(resources, len(text), seconds, megabytes, cost, report.stat().st_size)


def with_nodes(settings: str, number: int) -> str:
    """The settings with `number` nodes like node a."""
    sections = re.findall(r"^\[nodes\.a[^\n]*\n(?:[^\[\n][^\n]*\n)+", settings, flags=re.MULTILINE)
    every = [section.replace("[nodes.a", f"[nodes.n{count}") for count in range(number) for section in sections]
    for section in sections:
        settings = settings.replace(section, "")
    return "\n".join([settings, *every])


def plan(root: Path, stack: Stack, emulator: Emulator) -> dict[str, int]:
    """The number of changes. Raises RuntimeError when the plan fails."""
    planned = Planning([stack.name], root=root, aws=lambda each: aws_of(emulator, each)).run(
        new_console(file=io.StringIO())
    )
    (of,) = planned.report.stacks
    if of.failure:
        raise RuntimeError(of.failure)
    return {of.name: sum(of.counts.values())}


if __name__ == "__main__":
    sys.exit(main())
