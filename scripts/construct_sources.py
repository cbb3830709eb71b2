"""Prints where each construct of each stack is made, as JSON: construct path → file:line. Writes nothing.

It makes the constructs as main.py does, from the code and settings as they are now.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.stack_settings import load_all  # noqa: E402  # the path above makes it importable from anywhere
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


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="quintet-sources-") as folder:
        json.dump(traced(Path(folder) / "generated"), sys.stdout, indent=1, sort_keys=True)
