"""The repository's Terraform, provider and Node.js as environment variables, for tools that find theirs on PATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from operations.terraform.toolchain.providers import provider_installation
from operations.terraform.toolchain.terraform_release import find_terraform
from synth.nodejs import find_node

if TYPE_CHECKING:
    from collections.abc import Mapping


def tool_environment(root: Path) -> Mapping[str, str]:
    """Variables to add to the environment; PATH begins with the virtual environment and Terraform.

    Node.js of the environment comes last: cdktf's command line has native parts for older versions, such as a system's.

    The kernel's own settings are left to main.py: npm finds no registry under its NODE_OPTIONS, because its HTTPS agent
    reads stack traces. Raises OperatorError when Terraform or its provider cannot be had.
    """
    terraform = find_terraform(root)
    first, last = [Path(sys.executable), terraform], [*filter(None, [find_node()])]
    folders = [str(program.parent) for program in first]
    folders += [os.environ.get("PATH", os.defpath), *(str(program.parent) for program in last)]
    return {
        "PATH": os.pathsep.join(dict.fromkeys(folders)),
        "TERRAFORM_BINARY_NAME": str(terraform),
        "CHECKPOINT_DISABLE": "1",
        **provider_installation(root),
    }
