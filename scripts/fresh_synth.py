"""Prints what a synth of the code and settings as they are now gives, as JSON. Writes nothing into the repository.

`sources`: construct path → file:line of the code that makes it; `files`: stack → file → SHA-256 of what main.py would
write. Exit code 1, with the reason, when the synth refuses what the settings ask for.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config.settings import SettingsError  # noqa: E402  # the path above makes it importable from anywhere
from config.stack_settings import load_all  # noqa: E402  # as above
from main import finish, kept_stacks  # noqa: E402  # as above

if __name__ == "__main__":
    try:
        every = {stack.stack_name: stack for stack in load_all()}
        finished = finish([*every.values()], every, ROOT / "generated", kept_stacks())
    except (RuntimeError, SettingsError, ValueError) as error:
        sys.exit(str(error))
    sources = {path: places for stack in finished.values() for path, places in stack.sources.items()}
    files = {
        name: {file: hashlib.sha256(content).hexdigest() for file, content in sorted(stack.files.items())}
        for name, stack in finished.items()
    }
    json.dump({"sources": sources, "files": files}, sys.stdout, indent=1, sort_keys=True)
