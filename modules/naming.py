"""Physical names: what AWS calls a resource."""

from __future__ import annotations

import hashlib


def physical_name(*words: str, max_length: int = 63) -> str:
    """`words` joined by hyphens, cut at `max_length` with a stable hash of the whole.

    >>> physical_name("sync-storage", "prod", "database")
    'sync-storage-prod-database'
    >>> physical_name("sync-storage", "prod", "database", max_length=20)
    'sync-storage-1126820'
    """
    name = "-".join(words)
    if len(name) <= max_length:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:7]
    return f"{name[: max_length - 8].rstrip('-')}-{digest}"
