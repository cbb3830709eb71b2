"""Protection of a stack's data against being destroyed, read from its Terraform JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.review.addresses import holding_data

Document = Mapping[str, Any]


def protections(document: Document) -> dict[str, str]:
    """Protection of each resource that holds data, in words, by address."""
    return {address: ", ".join(_protections_of(document, address)) for address in sorted(holding_data(document))}


def _protections_of(document: Document, address: str) -> Iterator[str]:
    kind, name = address.split(".")
    resource = document["resource"][kind][name]
    if resource.get("lifecycle", {}).get("prevent_destroy"):
        yield "Terraform refuses to destroy it"
    if resource.get("deletion_protection") or resource.get("deletion_protection_enabled"):
        yield "AWS refuses to delete it"
    if resource.get("final_snapshot_identifier"):
        yield "a last snapshot is taken"
    for key in ("backup_retention_period", "snapshot_retention_limit"):
        if resource.get(key):
            yield f"backups of {_days(resource[key])}"
    if resource.get("point_in_time_recovery", {}).get("enabled"):
        yield "any second of the last 35 days can be restored"
    if days := resource.get("deletion_window_in_days"):
        yield f"waits {_days(days)} before it goes"
    if days := resource.get("recovery_window_in_days"):
        yield f"can be restored for {_days(days)}"
    if days := resource.get("retention_in_days"):
        yield f"lines are kept {_days(days)}, and go with the stack"
    elif kind == "aws_s3_bucket":
        yield from _bucket(document, name)
    elif not (resource.get("lifecycle", {}).get("prevent_destroy") or resource.get("deletion_window_in_days")):
        yield "goes with the stack"


def _bucket(document: Document, name: str) -> Iterator[str]:
    for lifecycle in _of_bucket(document, "aws_s3_bucket_lifecycle_configuration", name):
        for rule in lifecycle["rule"]:
            for end in rule.get("noncurrent_version_expiration", []):
                yield f"replaced and deleted objects are kept {_days(end['noncurrent_days'])}"
            for end in rule.get("expiration", []):
                if "days" in end:
                    yield f"objects go after {_days(end['days'])}"
    if document["resource"]["aws_s3_bucket"][name].get("force_destroy"):
        yield "goes with the stack, objects and all"


def _of_bucket(document: Document, kind: str, bucket: str) -> Iterator[Mapping[str, Any]]:
    for resource in document["resource"].get(kind, {}).values():
        if resource["bucket"].startswith(f"${{aws_s3_bucket.{bucket}."):
            yield resource


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"
