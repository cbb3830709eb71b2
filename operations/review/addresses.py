"""The addresses of what holds data, recorded so that none is ever lost by a rename.

A resource whose address disappears from the Terraform JSON is destroyed by the next apply. For what holds data, this is
to be a decision: `move_from_id` in the construct says where the resource came from, or the record is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.errors import OperatorError
from operations.plans.report.safe_text import shortened
from operations.resource_types import holds_data

_ADDRESS = re.compile(r"\w+\.[\w-]+", re.ASCII)


@dataclass(frozen=True)
class Loss:
    """An address that held data and is gone from a stack."""

    stack: str
    address: str

    def __str__(self) -> str:
        resource_type, name = self.address.split(".")
        return (
            f"{self.stack}: {self.address} held data and is gone. If it was renamed, give the resource with the new "
            f'name move_from_id("{resource_type}.{name}"); if it shall be destroyed, write the record anew: '
            f"quintet addresses record {self.stack}"
        )


def record_file(root: Path, stack: str) -> Path:
    """Where the addresses of `stack` are recorded."""
    deployment, _, environment = stack.rpartition("-")
    return root / "deployments" / deployment.replace("-", "_") / "addresses" / f"{environment}.txt"


def read_record(root: Path, stack: str) -> set[str]:
    """The recorded addresses of `stack`; none for a stack that was never recorded.

    Raises OperatorError for a file that holds something else: what was recorded in it is not known.
    """
    file = record_file(root, stack)
    found = file.read_bytes().decode("utf-8", errors="replace").split() if file.exists() else []
    for each in found:
        if not _ADDRESS.fullmatch(each):
            where = file.relative_to(root)
            raise OperatorError(
                f"{where} holds {shortened(each, 80)}, which is no address: one a line is wanted, as type.name.",
                hint=f"Restore it: git checkout -- {where}",
            )
    return set(found)


def holding_data(document: Mapping[str, Any]) -> set[str]:
    """The addresses in a stack's Terraform JSON that hold data."""
    return {
        f"{resource_type}.{name}"
        for resource_type, resources in document.get("resource", {}).items()
        if holds_data(resource_type)
        for name in resources
    }


def losses(stack: str, document: Mapping[str, Any], recorded: set[str]) -> list[Loss]:
    """The recorded addresses that are neither in the Terraform JSON nor moved from there."""
    moved = {move["from"] for move in document.get("moved", [])}
    return [Loss(stack, address) for address in sorted(recorded - holding_data(document) - moved)]


def read_document(folder: Path) -> dict[str, Any]:
    """The Terraform JSON in a stack's folder."""
    document: dict[str, Any] = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    return document
