"""The committed Terraform JSON of a stack, asked by address."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from operations.review.addresses import read_document
from tests.generated.released import stack_folder


class StackJson:
    """One of `tests.generated.released.NAMES`."""

    def __init__(self, name: str) -> None:
        self.folder: Path = stack_folder(name)
        self.document = read_document(self.folder)

    def resource(self, address: str) -> dict[str, Any]:
        """The resource at `type.name`; KeyError names what there is of that type."""
        resource_type, name = address.split(".")
        resources = self.document["resource"].get(resource_type, {})
        if name not in resources:
            raise KeyError(f"{address} is not there; of that type there are {sorted(resources)}")
        found: dict[str, Any] = resources[name]
        return found

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """All resources of a type by name."""
        found: dict[str, dict[str, Any]] = self.document["resource"].get(resource_type, {})
        return found

    def policy(self, address: str) -> list[dict[str, Any]]:
        """The statements of the policy at `address`."""
        statements: list[dict[str, Any]] = json.loads(self.resource(address)["policy"])["Statement"]
        return statements

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every file of the stack's folder and of the archives there, by name."""
        for path in sorted(self.folder.iterdir()):
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        yield f"{path.name}/{name}", archive.read(name).decode()
            elif path.is_file():
                yield path.name, path.read_text()


def has(resource: Mapping[str, Any], **expected: Any) -> None:
    """Asserts that `resource` has each of `expected`, whatever else it has."""
    assert {key: resource.get(key) for key in expected} == expected
