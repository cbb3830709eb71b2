"""Applies under way on this machine, found by later commands when the command that began one has ended."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = "apply.json"
"""In the directory Terraform works in, from the start of an apply to its end."""

OUTPUT = "apply.jsonl"
"""Beside it: the output of Terraform."""


class ApplyRecord(BaseModel):
    """Terraform's process, its stack, and where it finds AWS (empty for AWS itself)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str
    pid: int
    started: str
    """Tells the process from a later one with the same id."""
    endpoint: str
    began: datetime

    @classmethod
    def of_process(cls, stack: str, pid: int, environment: Mapping[str, str]) -> ApplyRecord:
        """The record of a process that has just been started."""
        return cls(
            stack=stack,
            pid=pid,
            started=_start_of(pid),
            endpoint=endpoint_of(environment),
            began=datetime.now(UTC),
        )

    @property
    def alive(self) -> bool:
        """True while Terraform works."""
        return bool(self.started) and _start_of(self.pid) == self.started


@dataclass(frozen=True)
class ApplyUnderWay:
    """An apply that Terraform works on, and its directory below `.runs`."""

    record: ApplyRecord
    directory: Path

    def describe(self) -> str:
        """One sentence: what works, since when, and where its output is."""
        record = self.record
        return (
            f"{record.stack}: Terraform (process {record.pid}) has been applying since"
            f" {record.began.astimezone():%H:%M:%S}; its output: {self.directory / OUTPUT}"
        )


def applies_under_way(root: Path, environment: Mapping[str, str]) -> Iterator[ApplyUnderWay]:
    """Each apply of the checkout at `root` that Terraform works on, against the AWS that `environment` leads to."""
    for file in sorted((root / ".runs").glob(f"*/*/{FILE}")):
        with suppress(OSError, ValidationError):  # gone meanwhile, or cut off while it was written
            record = ApplyRecord.model_validate_json(file.read_text(encoding="utf-8"))
            if record.endpoint == endpoint_of(environment) and record.alive:
                yield ApplyUnderWay(record, file.parent)


def endpoint_of(environment: Mapping[str, str]) -> str:
    """The address of AWS's stand-in; empty for AWS."""
    return environment.get("AWS_ENDPOINT_URL", "")


def _start_of(pid: int) -> str:
    """When the process began, in the system's own words; empty when there is none."""
    with suppress(OSError, IndexError):
        # Fields after the program's name, which may hold spaces: the state is the first, the start the twentieth.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    if Path("/proc/self/stat").exists():
        return ""
    with suppress(OSError):  # macOS
        done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    return ""
