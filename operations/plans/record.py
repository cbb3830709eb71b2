"""Record of what a plan was made from: it is applied only as long as nothing of that has changed."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.stacks import Stack
    from operations.terraform.documents import State
    from operations.terraform.terraform import Terraform

FILE = "run.json"
LOCK_FILE = ".terraform.lock.hcl"
PLAN_FILE = "plan"
SHOWN_FILE = "plan.json"
"""Both in the working copy of the stack, below the run's folder."""

Outcome = Literal["changes", "no changes", "failed"]
Progress = Literal["planned", "begun", "failed", "applied"]


class PlannedStack(BaseModel):
    """One stack's plan: hashes (SHA-256) of the committed files and of the settings by path, of the plan and of its
    JSON, of the provider's lock file as it was used; the state's lineage and serial; how far it was applied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    outcome: Outcome
    progress: Progress = "planned"
    committed: dict[str, str] = {}
    settings: dict[str, str] = {}
    plan: str = ""
    shown: str = ""
    provider: str = ""
    lineage: str = ""
    serial: int = 0


class RunRecord(BaseModel):
    """A run of `quintet plan` or `quintet drift`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Literal["plan", "destroy", "drift"]
    terraform: str
    """Terraform's version, as in .terraform-version."""
    stacks: tuple[PlannedStack, ...]
    seal: str = ""
    """SHA-256 of all else but how far the stacks were applied; in the file only, which does not fit it once edited."""

    def save(self, folder: Path) -> None:
        """Write the record into the folder of the run, whole or not at all."""
        sealed = self.model_copy(update={"seal": self.expected_seal()})
        new = folder / f"{FILE}.new"
        new.write_text(sealed.model_dump_json(indent=1) + "\n", encoding="utf-8")
        new.replace(folder / FILE)

    def expected_seal(self) -> str:
        """The seal that fits the record."""
        text = self.model_dump_json(exclude={"seal": True, "stacks": {"__all__": {"progress"}}})
        return hashlib.sha256(text.encode()).hexdigest()

    def with_progress(self, name: str, progress: Progress) -> RunRecord:
        """The record with one stack further on."""
        stacks = tuple(s.model_copy(update={"progress": progress}) if s.name == name else s for s in self.stacks)
        return self.model_copy(update={"stacks": stacks})


def read_record(folder: Path) -> RunRecord:
    """The record of a run. Raises OperatorError when there is none, or it is damaged or was edited."""
    try:
        record = RunRecord.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except OSError:
        raise OperatorError(f"{folder} is no run of quintet plan: it has no {FILE}.") from None
    except ValidationError as error:
        raise OperatorError(f"{folder / FILE} is damaged: {error}", hint="Plan again: quintet plan") from None
    if record.seal != record.expected_seal():
        raise OperatorError(f"{folder / FILE} was edited: it does not fit its seal.", hint="Plan again: quintet plan")
    return record.model_copy(update={"seal": ""})


def find_run(root: Path, name: str) -> Path:
    """The folder of the run called `name`. Raises OperatorError, naming the latest plans, when there is none."""
    runs = root / ".runs"
    folder = runs / name
    if name and folder.parent == runs and (folder / FILE).is_file():
        return folder
    known = sorted(path.parent.name for path in runs.glob(f"*/{FILE}") if _is_plan(path.parent))[-5:]
    hint = f"The latest: {', '.join(reversed(known))}" if known else "Make one: quintet plan"
    raise OperatorError(f"There is no run called {name}.", hint=hint)


def _is_plan(folder: Path) -> bool:
    try:
        return read_record(folder).purpose != "drift"
    except OperatorError:
        return False


def untrusted(folder: Path, stack: str) -> Iterator[str]:
    """One line for each part of a run that is a link or somebody else's, and for a folder that others may write to."""
    directory = folder / stack
    files = [directory / name for name in (LOCK_FILE, PLAN_FILE, SHOWN_FILE)]
    for path in (folder, folder / FILE, directory, *files):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(found.st_mode):
            yield f"{stack}: {path} is a link; plans are applied from where they were written."
        elif found.st_uid != os.geteuid():
            yield f"{stack}: {path} belongs to another user (uid {found.st_uid})."
        elif path == folder and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield f"{stack}: {path} may be written by others (mode {stat.S_IMODE(found.st_mode):o})."


def committed_files(stack: Stack) -> dict[str, str]:
    """The hash of every committed file of the stack."""
    skipped = {".terraform", "plan"}
    return {
        str(path.relative_to(stack.folder)): digest(path)
        for path in sorted(stack.folder.rglob("*"))
        if path.is_file() and not skipped & set(path.relative_to(stack.folder).parts)
    }


def settings_files(root: Path, stack: Stack) -> dict[str, str]:
    """The hash of the stack's settings and of its environment's, as far as they exist."""
    files = (
        f"config/environments/{stack.environment}.toml",
        f"deployments/{stack.deployment.replace('-', '_')}/environments/{stack.environment}.toml",
    )
    return {file: digest(root / file) for file in files if (root / file).is_file()}


def terraform_version(root: Path) -> str:
    """The Terraform the repository is for."""
    return (root / ".terraform-version").read_text(encoding="utf-8").strip()


def state_in_plan(plan: Path, *, before_refresh: bool = False) -> State | None:
    """The state a plan file was made on; None where the file does not say (HCP Terraform's).

    It is a zip archive with that state in it, by which Terraform itself tells a stale plan; `state pull` costs more.
    """
    try:
        with zipfile.ZipFile(plan) as archive:
            state: State = json.loads(archive.read("tfstate-prev" if before_refresh else "tfstate"))
        return state if "lineage" in state and "serial" in state else None
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None


def state_now(terraform: Terraform) -> tuple[str, int]:
    """Lineage and serial of the state as it is; those of no state before the first apply."""
    state = terraform.state_pull()
    return state.get("lineage", ""), state.get("serial", 0)


def digest(file: Path) -> str:
    """The SHA-256 of a file, empty when there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
