"""amazon-cloudwatch-agent-ctl: takes a configuration, and fails when there is none or it is not in the agent's form.

Written from the CloudWatch user guide, "CloudWatch agent configuration file: Logs section". It sends nothing: that a
boot's log reaches CloudWatch before this agent is there is for user data to see to.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(os.environ["HOST_ROOT"])
FETCH = ["-a", "fetch-config", "-m", "ec2", "-s", "-c"]


def main(arguments: list[str]) -> int:
    """Read the configuration the arguments name."""
    with (ROOT / "calls").open("a") as calls:
        calls.write(" ".join(["agent", *arguments]) + "\n")
    if arguments[:-1] != FETCH or not arguments[-1].startswith("file:"):
        sys.stderr.write(f"this host can only do amazon-cloudwatch-agent-ctl {' '.join(FETCH)} file:PATH\n")
        return 1
    try:
        collected = json.loads(Path(arguments[-1].removeprefix("file:")).read_text())["logs"]["logs_collected"]
        for entry in collected["files"]["collect_list"]:
            entry["file_path"]  # the one key that an entry must have
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"E! Invalid Json input schema or no configuration: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
