"""Lets Terraform reach buckets with dots in their names on the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def path_style(document: Mapping[str, Any]) -> dict[str, Any]:
    """A Terraform override file (`*_override.tf.json`) by which the stack `document` names its buckets in paths.

    AWS finds a bucket by its host name. The provider does likewise with the emulator when a bucket is called like a
    host, and then looks for `static.example.org.127.0.0.1`. Empty when no bucket is.
    """
    buckets = document.get("resource", {}).get("aws_s3_bucket", {}).values()
    if not any("." in bucket.get("bucket", "").split("${", maxsplit=1)[0] for bucket in buckets):
        return {}
    providers = document["provider"]["aws"]
    aliases = [{"alias": provider["alias"]} if "alias" in provider else {} for provider in providers]
    return {"provider": {"aws": [{**alias, "s3_use_path_style": True} for alias in aliases]}}
