"""Terraform JSON of a stack by name, Aquamark's with a release as well: the committed settings name none."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import main
from config.settings import ROOT
from config.stack_settings import load_all
from operations.review.addresses import read_document

RELEASES = {"aquamark-dev@1.4.7": "1.4.7", "aquamark-prod@head-5813fa8": "head-5813fa8"}
"""Stacks with the version that their settings would name after the first upgrade."""
COMMITTED = sorted(path.parent.name for path in (ROOT / "generated" / "stacks").glob("*/cdk.tf.json"))
NAMES = [*COMMITTED, *RELEASES]


def stack_folder(name: str) -> Path:
    """The folder of one of NAMES."""
    folder = _released() if name in RELEASES else ROOT / "generated" / "stacks"
    return folder / name.partition("@")[0]


def stack_document(name: str) -> dict[str, Any]:
    """The Terraform JSON of one of NAMES."""
    return read_document(stack_folder(name))


@cache
def _released() -> Path:
    folder = Path(_FOLDER.name)
    versions = {name.partition("@")[0]: version for name, version in RELEASES.items()}
    wanted = [
        dataclasses.replace(stack, settings=stack.settings.model_copy(update={"version": versions[stack.stack_name]}))
        for stack in load_all()
        if stack.stack_name in versions
    ]
    main.synthesise(wanted, folder, context={})
    return folder / "stacks"


_FOLDER = tempfile.TemporaryDirectory(prefix="released-")
