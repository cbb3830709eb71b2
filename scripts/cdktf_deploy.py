"""Deploys one stack to an emulator with the CDKTF command line, to show that the app works with it as it is.

Usage: cdktf_deploy.py STACK. It synthesises into a folder of its own; nothing outlives the run. Exits as cdktf does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from config.environment import load_environment
from config.settings import ROOT
from operations.aws import Aws
from operations.bootstrap import bootstrap
from operations.emulator.server import Emulator
from operations.errors import OperatorError
from operations.stacks import find_stacks, only
from operations.toolchain.environment import tool_environment

CDKTF = "cdktf-cli@0.21.0"


def deploy(name: str) -> int:
    """0 when the stack was applied. Raises OperatorError when the stack or a tool is missing."""
    stack = only(find_stacks(ROOT), name)
    tools = tool_environment(ROOT)
    with (
        tempfile.TemporaryDirectory(prefix="quintet-cdktf-") as folder,
        Emulator.start(log=Path(folder, "log")) as cloud,
    ):
        aws = cloud.environment(account_id=stack.account_id, region=stack.region)
        bootstrap(Aws(aws), load_environment(stack.environment))
        # its own output folder, as cdktf writes plans and providers into it; the provider's hashes are locked in git
        options = ["--auto-approve", "--skip-provider-lock", "--output", str(Path(folder, "generated"))]
        command = ["npx", "--yes", CDKTF, "deploy", stack.name, *options]
        environment = {**cloud.full_environment(account_id=stack.account_id, region=stack.region), **tools, "CI": "1"}
        environment.pop("NODE_OPTIONS", None)  # npm finds no registry under the one the kernel runs with
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(deploy(*sys.argv[1:]))
    except OperatorError as error:
        sys.exit(f"Error: {error}")
