"""Prints the tools' environment as shell assignments: `eval "$(python -m operations.terraform.toolchain)"`.

After it, plain `terraform` and `cdktf` work as the project's own commands do.
"""

from __future__ import annotations

import shlex
import sys

from config.settings import ROOT
from operations.errors import OperatorError
from operations.terraform.toolchain.environment import tool_environment

if __name__ == "__main__":
    try:
        for name, value in tool_environment(ROOT).items():
            print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - the answer
    except OperatorError as error:
        sys.exit(f"Error: {error}")
