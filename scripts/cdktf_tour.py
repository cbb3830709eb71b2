"""Takes stacks through the CDKTF command line on an emulator, to show that the app works with it as it is.

Usage: cdktf_tour.py [--only-synth] STACK…

`cdktf synth` must write the bytes that are committed, `cdktf deploy` apply them, `cdktf diff` find nothing left to do
and `cdktf destroy` leave nothing. It synthesises into a folder of its own; nothing outlives the run. Exits 1 with the
step that failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from config.environment import load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.path_style import path_style
from operations.demo.prerequisites import make_existing
from operations.demo.unprotect import without_protections
from operations.errors import OperatorError
from operations.review.addresses import read_document
from operations.stacks import Stack, find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.terraform.runs_at_once import runs_at_once
from operations.terraform.toolchain.environment import tool_environment

CDKTF = f"cdktf-cli@{version('cdktf')}"
NOTHING_TO_DO = "No changes. Your infrastructure matches the configuration."


class Cdktf:
    """The CDKTF command line, writing into the folder `output`."""

    def __init__(self, output: Path, environment: Mapping[str, str]) -> None:
        self._output = output
        # npm finds no registry under the options the kernel runs with
        kept = {name: value for name, value in environment.items() if name != "NODE_OPTIONS"}
        self._environment = {**kept, **tool_environment(ROOT), "CI": "1"}

    def __call__(self, command: str, *arguments: str) -> str:
        """Output of `cdktf COMMAND`, which is shown as it comes. Raises OperatorError when it fails."""
        line = ["npx", "--yes", CDKTF, command, *arguments, "--output", str(self._output)]
        said = []
        with subprocess.Popen(
            line, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None  # noqa: S101 - started with a pipe
            for text in process.stdout:
                sys.stdout.write(text)
                said.append(text)
        if process.returncode:
            raise OperatorError(f"cdktf {command} {' '.join(arguments)} failed with {process.returncode}.")
        return "".join(said)


def compare(output: Path, committed: Path) -> None:
    """Raises OperatorError naming the files that differ between two folders of stacks."""
    # what Terraform and cdktf keep there themselves is not git's
    kept = {".terraform", "plan"}
    written, wanted = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (output, committed)
    )
    differing = [
        str(name)
        for name in sorted(written.keys() | wanted.keys())
        if written.get(name) != wanted.get(name) and not kept & set(name.parts)
    ]
    if differing:
        raise OperatorError(f"cdktf synth does not write what is committed: {', '.join(differing)}.")


def tour(cdktf: Cdktf, stacks: Sequence[Stack], output: Path) -> None:
    """Deploys, compares and destroys. Raises OperatorError with the first step that does not do what it should."""
    names = [stack.name for stack in stacks]
    # synthesised already; the provider's hashes are locked in git
    options = ("--skip-synth", "--skip-provider-lock", "--no-color")
    side_by_side = ("--auto-approve", f"--parallelism={runs_at_once()}")
    for name in names:
        _override(output / "stacks" / name, "path_style", path_style)
    cdktf("deploy", *names, *side_by_side, *options)
    for name in names:
        if NOTHING_TO_DO not in cdktf("diff", name, *options):
            raise OperatorError(f"cdktf diff {name} finds something left to do after cdktf deploy.")
    protected = [name for name in names if _override(output / "stacks" / name, "unprotected", without_protections)]
    if protected:
        cdktf("deploy", *protected, *side_by_side, *options)
    cdktf("destroy", *names, *side_by_side, *options)


def _override(folder: Path, name: str, make: Callable[[Mapping[str, Any]], dict[str, Any]]) -> bool:
    """Puts the override file that `make` makes of the stack into its folder; whether there is anything to override."""
    override = make(read_document(folder))
    if override:
        (folder / f"{name}_override.tf.json").write_text(json.dumps(override), encoding="utf-8")
    return bool(override)


def main(arguments: Sequence[str]) -> None:
    """Raises OperatorError when a stack or a tool is missing, or a step fails."""
    stacks = [only(find_stacks(ROOT), name) for name in arguments if not name.startswith("-")]
    with (
        tempfile.TemporaryDirectory(prefix="quintet-cdktf-") as folder,
        Emulator.start(log=Path(folder, "log"), facts=FACTS) as cloud,
    ):
        output, first = Path(folder, "generated"), stacks[0]
        cdktf = Cdktf(output, cloud.full_environment(account_id=first.account_id, region=first.region))
        cdktf("synth")
        compare(output, ROOT / "generated")
        sys.stdout.write("cdktf synth writes what is committed.\n")
        if "--only-synth" in arguments:
            return
        aws = Aws(cloud.environment(account_id=first.account_id, region=first.region))
        bootstrap(aws, load_environment(first.environment))
        make_existing(aws, stacks)
        tour(cdktf, stacks, output)
    sys.stdout.write(f"Deployed, nothing left to do, destroyed: {', '.join(stack.name for stack in stacks)}.\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OperatorError as error:
        sys.exit(f"Error: {error}")
