"""A run: what one command does with Terraform, in a folder of its own under `.runs/`."""

from __future__ import annotations

import os
import re
import shutil
import time
from datetime import datetime
from typing import TYPE_CHECKING, Self

from operations.errors import OperatorError
from operations.state.errored_state import ERRORED
from operations.terraform.processes import Children
from operations.terraform.prune import prune_runs
from operations.terraform.terraform import Event, Terraform, run_environment
from operations.terraform.toolchain.providers import provider_installation
from operations.terraform.toolchain.terraform_release import find_terraform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from operations.stacks import Stack

_NOT_COPIED = shutil.ignore_patterns(".terraform", "plan", "*.tfplan", "*.tfstate*", "crash*.log")


class Run:
    """A folder with one log per stack, and working copies of stacks that are removed in the end.

    The committed folders are never written to. Working copies hold plans and sometimes state, which contain secrets:
    only their owner may read them, and they go when the block is left, unless `keep`. The logs stay, and so does a
    state that could not be saved.
    """

    def __init__(self, purpose: str, *, root: Path, keep: bool = False) -> None:
        self.root = root
        self.keep = keep
        self.children = Children()
        self.binary = find_terraform(root)
        self.provider = provider_installation(root)
        prune_runs(root / ".runs")
        self.folder = _made_folder(root / ".runs", f"{purpose}-{os.getpid()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.children.end()
        if not self.keep:
            for copy in self.folder.iterdir():
                if copy.is_dir():
                    _remove(copy)

    def terraform(
        self,
        stack: Stack,
        *,
        environment: Mapping[str, str] | None = None,
        on_event: Callable[[Event], None] | None = None,
        lock_timeout_seconds: int = 5,
    ) -> Terraform:
        """Terraform in a fresh working copy of `stack`; `environment` says where AWS is, by default the operator's."""
        copy = self.folder / stack.name
        try:
            shutil.copytree(stack.folder, copy, ignore=_NOT_COPIED)
        except shutil.Error as error:  # one entry for each file, without the number of the error
            reason = re.search(r"\[Errno \d+\] ([^:]+)", str(error))
            raise OperatorError(
                f"{stack.folder} cannot be copied to {copy}: {reason.group(1) if reason else error}.",
                hint="Free some space there, then run the same command again.",
            ) from None
        return Terraform(
            copy,
            stack=stack.name,
            binary=self.binary,
            environment=run_environment(os.environ if environment is None else environment, self.provider),
            log=self.log_of(stack.name),
            init_lock=self.root / ".runs" / "init.lock",
            children=self.children,
            on_event=on_event,
            lock_timeout_seconds=lock_timeout_seconds,
        )

    def log_of(self, name: str) -> Path:
        """Where the output of the stack or step `name` goes."""
        return self.folder / f"{name}.log"


def _made_folder(runs: Path, purpose: str) -> Path:
    """The folder of a run that begins now; a second one of the same second waits for the next."""
    while True:
        started = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        folder = runs / f"{started}-{purpose}"
        try:
            folder.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            time.sleep(0.1)
        else:
            return folder


def _remove(copy: Path) -> None:
    """Delete a working copy, but for a state that could not be saved."""
    if not (copy / ERRORED).is_file():
        shutil.rmtree(copy)
        return
    for path in copy.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != ERRORED:
            path.unlink()
