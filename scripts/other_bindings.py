"""Synthesises the whole of main.py with other bindings than requirements.lock has; compares the result with generated/.

Usage: other_bindings.py ENVIRONMENT [FOLDER]. ENVIRONMENT is a virtual environment with the bindings, such as
.venv-cdktn or .venv-newest-bindings; FOLDER keeps the sources that were synthesised and their output. Exit code 0 when
every stack is the same but for the fields that name versions, 1 when anything else differs or the synth fails.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = ("main.py", "cdktf.json", ".terraform-version", ".terraform.lock.hcl", "requirements.lock")
FOLDERS = ("config", "modules", "synth", "deployments", "generated")
IMPORTS = {
    r"cdktf_cdktf_provider_aws": "cdktn_provider_aws",
    r"@cdktf/provider-aws": "@cdktn/provider-aws",
    r"\bcdktf\b(?!\.json)": "cdktn",  # the file keeps its name
}
"""CDKTF's names in sources → those of its fork, CDK Terrain."""
VERSIONS = (
    "//.metadata.version",
    "terraform.required_providers.aws.source",
    "terraform.required_providers.aws.version",
)
"""The fields of a stack in which other bindings may differ."""


def main(arguments: list[str]) -> int:
    """Prints what differs; 0 for nothing but versions."""
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)  # noqa: T201 - the answer
        return 2
    with tempfile.TemporaryDirectory(prefix="quintet-bindings-") as place:
        folder = Path(arguments[1] if len(arguments) == 2 else place).resolve()
        version = copied_for(Path(arguments[0]).resolve(), folder)
        command = [Path(arguments[0]).resolve() / "bin" / "python", "main.py", "--no-cache"]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            return 1
        found = list(differences(folder / "generated", ROOT / "generated"))
    for line in found:
        print(line)  # noqa: T201 - the answer
    print(f"{'DIFFERENT' if found else 'equal but for ' + ', '.join(VERSIONS)}; provider hashicorp/aws {version}")  # noqa: T201 - the answer
    return 1 if found else 0


def copied_for(environment: Path, folder: Path) -> str:
    """Copies the sources into `folder`, as the bindings of `environment` want them; the provider's version of these.

    The lock file is given that version; its hashes are Terraform's to renew, and no synth reads them.
    """
    packages = next(environment.glob("lib/python*/site-packages"))
    fork = (packages / "cdktn").is_dir()
    metadata = next(packages.glob("cdkt*provider_aws-*.dist-info")) / "METADATA"
    version = re.findall(r"providers/hashicorp/aws/(\d+\.\d+\.\d+)", metadata.read_text(encoding="utf-8"))[0]
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        left_out = shutil.ignore_patterns("__pycache__", ".terraform")
        shutil.copytree(ROOT / name, folder / name, ignore=left_out, dirs_exist_ok=True)
    if fork:
        for source in folder.rglob("*.py"):
            source.write_text(renamed(source.read_text(encoding="utf-8")), encoding="utf-8")
    lock = folder / ".terraform.lock.hcl"
    text = re.sub(r'(\bversion\s*=\s*")[^"]+', rf"\g<1>{version}", lock.read_text(encoding="utf-8"), count=1)
    lock.write_text(text, encoding="utf-8")
    return version


def renamed(source: str) -> str:
    """A source of this repository that imports the fork in CDKTF's place."""
    for name, other in IMPORTS.items():
        source = re.sub(name, other, source)
    return source


def differences(output: Path, generated: Path) -> Iterator[str]:
    """Differences of two folders of stacks, versions apart: files by their bytes, JSON by its values."""
    names = [_files_below(folder / "stacks") for folder in (output, generated)]
    for name in sorted(names[0] ^ names[1]):
        yield f"{name}: only in {'the new output' if name in names[0] else 'generated'}"
    for name in sorted(names[0] & names[1]):
        ours, theirs = ((folder / "stacks" / name).read_bytes() for folder in (generated, output))
        if name.endswith(".tf.json"):
            yield from _fields(name, _without_versions(json.loads(ours)), _without_versions(json.loads(theirs)))
        elif ours != theirs and not name.endswith(".terraform.lock.hcl"):
            yield f"{name}: other bytes"


def _files_below(folder: Path) -> set[str]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(file) for file in files if ".terraform" not in file.parts}


def _without_versions(document: dict[str, Any]) -> dict[str, Any]:
    for path in VERSIONS:
        *above, last = path.split(".")
        place = document
        for key in above:
            place = place[key]
        del place[last]
    return document


def _fields(path: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from _fields(
                f"{path}: {key}" if path.endswith(".json") else f"{path}.{key}", ours.get(key), theirs.get(key)
            )
    elif ours != theirs:
        yield f"{path} = {json.dumps(theirs)}, was {json.dumps(ours)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
