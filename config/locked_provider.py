"""The provider that the repository's lock file names."""

from __future__ import annotations

import re
from pathlib import Path

LOCK_FILE = ".terraform.lock.hcl"


def locked_provider_version(root: Path) -> str | None:
    """The version of hashicorp/aws in the lock file at `root`; None when it names none."""
    file = root / LOCK_FILE
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(r'hashicorp/aws"\s*\{\s*version\s*=\s*"([^"]+)"', text)
    return found[1] if found else None
