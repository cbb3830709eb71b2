"""Synthesised stacks, kept until anything changes that decides them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.stack_settings import StackSettings
from synth import kept_files
from synth.deciding import ENVIRONMENTS, common_code, deployment_code, digest, toolchain
from synth.kept_files import cache_folders

STACKS_KEPT: Final = 64
SWITCH: Final = "QUINTET_KEPT_STACKS"
_NO: Final = ("", "0", "no", "false", "off")


@dataclass(frozen=True)
class FinishedStack:
    """One stack as it was synthesised."""

    files: Mapping[str, bytes]
    """Relative path in the stack's folder → content."""
    manifest: Mapping[str, Any]
    """The stack's entry in manifest.json."""
    sources: Mapping[str, Sequence[str]]
    """Construct path → `file:line`s of the code that creates it."""

    def packed(self) -> bytes:
        """The stack as bytes that unpacked() reads."""
        files = {name: base64.b64encode(content).decode("ascii") for name, content in self.files.items()}
        return json.dumps({"files": files, "manifest": self.manifest, "sources": self.sources}).encode()

    @classmethod
    def unpacked(cls, content: bytes) -> FinishedStack:
        """The stack that was packed."""
        found = json.loads(content)
        files = {name: base64.b64decode(text) for name, text in found["files"].items()}
        return cls(files, found["manifest"], found["sources"])


class KeptStacks:
    """The kept stacks of the repository at `root`, as its code and its tools are when this is created.

    Raises OSError when the tools do not tell what they are.
    """

    def __init__(self, root: Path, folders: Sequence[Path] | None = None) -> None:
        self._root = root
        self._folders = cache_folders("stacks") if folders is None else folders
        self._common = [toolchain(), digest(root, common_code(root))]

    def key(self, stack: StackSettings) -> str:
        """Stands for everything that decides the bytes of `stack`."""
        files = [*deployment_code(self._root, stack.deployment.folder), *settings_files(self._root, stack)]
        decided_by = [*self._common, stack.stack_name, digest(self._root, files)]
        return hashlib.sha256(json.dumps(decided_by).encode()).hexdigest()[:32]

    def read(self, stack: StackSettings) -> FinishedStack | None:
        """The stack as an earlier run finished it from the same; None when none has."""
        file = kept_files.find(self._folders, self.key(stack), ".json")
        return FinishedStack.unpacked(file.read_bytes()) if file else None

    def keep(self, stack: StackSettings, finished: FinishedStack) -> None:
        """Keeps a stack for later runs. Raises OSError when no cache folder can be written."""
        kept_files.keep(self._folders, self.key(stack), finished.packed(), ".json", most=STACKS_KEPT)


def settings_files(root: Path, stack: StackSettings) -> tuple[Path, Path]:
    """The files that say what operators set for `stack`."""
    return root / stack.file, root / ENVIRONMENTS / f"{stack.environment.name}.toml"


def switched_off() -> bool:
    """Tell if every stack is to be synthesised: in CI, with the stock bindings, and with QUINTET_KEPT_STACKS=no."""
    in_ci = os.environ.get("CI", "").lower() not in _NO
    stock = os.environ.get("QUINTET_BINDINGS") == "stock"
    return in_ci or stock or os.environ.get(SWITCH, "yes").lower() in _NO
