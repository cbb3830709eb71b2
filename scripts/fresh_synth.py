"""Prints what a synth of the code and settings as they are now gives, as JSON. Writes nothing into the repository.

`sources`: construct path → file:line of the code that makes it; `files`: stack → file → SHA-256 of what main.py would
write. Exit code 1, with the reason, when the synth refuses what the settings ask for.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.settings import SettingsError  # noqa: E402  # the path above makes it importable from anywhere
from config.stack_settings import load_all  # noqa: E402
from synth import bindings  # noqa: E402

bindings.install()

from main import synthesise  # noqa: E402
from synth.construct_sources import Sources, recorded_sources  # noqa: E402  # after the bindings are installed


def traced(output: Path) -> Sources:
    """Where the constructs are made of all stacks, which are written into `output`."""
    with recorded_sources(ROOT) as sources:
        context = json.loads((ROOT / "cdktf.json").read_text(encoding="utf-8"))["context"]
        synthesise(load_all(), output, context=context)
    return sources


def digests(output: Path) -> dict[str, dict[str, str]]:
    """Stack → file → SHA-256, of the stacks in `output`."""
    return {
        folder.name: {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        for folder in sorted((output / "stacks").iterdir())
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="quintet-synth-") as place:
        generated = Path(place) / "generated"
        try:
            found = {"sources": traced(generated), "files": digests(generated)}
        except (RuntimeError, SettingsError, ValueError) as error:
            sys.exit(str(error))
        json.dump(found, sys.stdout, indent=1, sort_keys=True)
