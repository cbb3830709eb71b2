"""Cost of a synth in other languages and ways: `python -m bench.peers [--runs N] [--write]`, in one run, on Linux.

One program (bench/equal_programs.py) in TypeScript, in Python with our bindings and in Python with the stock ones, with
the resources of one stack once and ten times. All must write the same bytes. TypeScript is run as its compiler writes
it, by the same Node.js, from packages of the versions that Python has, which npm installs once into .venv-typescript.
`--install` does no more than that; `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bench.equal_programs import Infrastructure, Python, TypeScript
from bench.performance_page import write_part
from bench.synths import STACK, files
from config.settings import ROOT
from synth.nodejs import find_node, jsii_environment

TYPESCRIPT = ROOT / ".venv-typescript"
PACKAGES = {"cdktf": "cdktf", "@cdktf/provider-aws": "cdktf-cdktf-provider-aws", "constructs": "constructs"}
"""Packages of npm → the Python packages that are made from them."""
WAYS = ("cdktf in TypeScript", "Python, ours", "Python, stock bindings")
COPIES = (1, 10)


def main() -> int:
    """Exit code 0 when all ways wrote the same bytes, and the attributes of the stack they are made from."""
    parser = argparse.ArgumentParser(description="Compare a synth with the same program in TypeScript.")
    parser.add_argument("--runs", type=int, default=3, help="of each but the stock bindings, which run once")
    parser.add_argument("--install", action="store_true", help="install the packages of npm, and measure nothing")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    install()
    if arguments.install:
        return 0
    infrastructure = Infrastructure(json.loads((ROOT / "generated/stacks" / STACK / "cdk.tf.json").read_text()))
    costs: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="quintet-bench-") as folder:
        place = Path(folder)
        (place / "main.js").write_text(TypeScript(infrastructure).program(), encoding="utf-8")
        (place / "equal.py").write_text(Python(infrastructure).program(), encoding="utf-8")
        synthesise(place, WAYS[1], 1)  # makes what is kept
        for copies in COPIES:
            for run in range(arguments.runs):
                for way in WAYS[: 2 if run else 3]:
                    costs.setdefault((way, copies), []).append(synthesise(place, way, copies))
        outputs = [[files(place / f"{way}, {copies}") for way in WAYS] for copies in COPIES]
        equal = all(output == same[0] and output for same in outputs for output in same)
        written = json.loads((place / f"{WAYS[0]}, 1" / "stacks/equal/cdk.tf.json").read_text())
    same_attributes = attributes_written(written) == infrastructure.resources
    amounts = [len(infrastructure.order) * copies for copies in COPIES]
    lines = [
        f"| way | {amounts[0]} resources, CPU s | of TypeScript | {amounts[1]:,} resources, CPU s | of TypeScript |",
        "|---|---|---|---|---|",
    ]
    for way in WAYS:
        found = [(median(costs[way, copies]), median(costs[WAYS[0], copies])) for copies in COPIES]
        lines.append(f"| {way} | " + " | ".join(f"{cost:.2f} | {cost / least:.1f}" for cost, least in found) + " |")
    print("\n".join(lines))
    print("bytes: the same" if equal else "bytes: DIFFERENT")
    print("attributes: those of the stack" if same_attributes else f"attributes: DIFFERENT from {STACK}")
    if arguments.write:
        write_part("peers", lines)
    return 0 if equal and same_attributes else 1


def install() -> None:
    """Installs the packages of npm, unless they are there with the versions that Python has."""
    wanted = {name: version(package) for name, package in PACKAGES.items()}
    found = {}
    for name in wanted:
        description = TYPESCRIPT / "node_modules" / name / "package.json"
        found[name] = json.loads(description.read_text())["version"] if description.is_file() else ""
    if found == wanted:
        return
    TYPESCRIPT.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    names = [f"{name}@{number}" for name, number in wanted.items()]
    options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(TYPESCRIPT)]
    subprocess.run(["npm", "install", *options, *names], cwd=TYPESCRIPT, env=environment, check=True)


def synthesise(place: Path, way: str, copies: int) -> float:
    """CPU seconds of one synth; CalledProcessError when it fails."""
    node = find_node()
    in_typescript = way == WAYS[0]
    variables = {
        **{
            name: value for name, value in os.environ.items() if name not in ("NODE_OPTIONS", "PYTHONDONTWRITEBYTECODE")
        },
        **{name: value for name, value in jsii_environment().items() if name != "NODE_OPTIONS"},
        "CDKTF_OUTDIR": str(place / f"{way}, {copies}"),
        "COPIES": str(copies),
        "NODE_PATH": str(TYPESCRIPT / "node_modules"),
        "PYTHONPATH": str(ROOT),
        "QUINTET_BINDINGS": "stock" if way == WAYS[2] else "ours",
    }
    command = [str(node), "main.js"] if in_typescript else [sys.executable, "equal.py"]
    with subprocess.Popen(command, cwd=place, env=variables) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def attributes_written(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """The resources that a program wrote once, under the names that they have in the stack."""
    text = re.sub(r"\baws_(\w+)\.\1__(\w+)_0\b", r"aws_\1.\2", json.dumps(document["resource"]))
    return {
        (kind, name.removeprefix(kind.removeprefix("aws_")).removeprefix("__").removesuffix("_0")): {
            key: value for key, value in each.items() if key != "//"
        }
        for kind, named in json.loads(text).items()
        for name, each in named.items()
    }


if __name__ == "__main__":
    raise SystemExit(main())
