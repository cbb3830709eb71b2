"""One process of the provider for all that Terraform asks about a stack while planning it.

By itself Terraform hashes the AWS provider's 700 MB in every command and starts it anew for every step of each, which
is half of what a plan costs. Here Terraform compares the provider with the lock file once for all stacks that have the
same one, and is told of a process that runs already (TF_REATTACH_PROVIDERS). That one describes only the types that the
stack and its state name (see provider_proxy.js). Plans come out the same, and are applied in the usual way.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from operations.errors import OperatorError
from operations.plans.record import LOCK_FILE
from operations.review.addresses import read_document
from operations.terraform.processes import dying_with_parent
from synth.nodejs import find_node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.stacks import Stack
    from operations.terraform.documents import State
    from operations.terraform.run import Run
    from operations.terraform.terraform import Terraform

_LINKED = Path(".terraform", "providers")
PROXY = Path(__file__).with_name("provider_proxy.js")
_NAMES_RESOURCES_ONLY = frozenset(
    ["//", "import", "locals", "moved", "output", "provider", "removed", "resource", "terraform", "variable"]
)
"""Blocks that name no data source, no ephemeral resource and no module."""
_guard = threading.Lock()
_compared: dict[tuple[bytes, str], Path] = {}
"""Lock file and CLI configuration → the provider's program that Terraform found and compared, once in this process."""


class StandingProviders:
    """The providers of a run's stacks, for as long as the block lasts."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = run.folder / "provider"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def attached(self, terraform: Terraform, stack: Stack) -> Iterator[None]:
        """Terraform's commands in the block share one provider.

        Each command configures it anew, with the credentials and the endpoint that it was started with: those of
        `terraform` when the block is entered. Enter one for plans, and for applies on an emulator; `terraform.init()`
        before it spares an init of its own.

        A stack with the provider for two regions has a process for each (see provider_proxy.js). A stack with another
        provider is left to Terraform; so is one without a lock file, or whose state, and with it the plan, is in HCP
        Terraform; so are all where there is no Node.js. Raises TerraformError when the provider is not the lock file's.
        """
        if not attachable(stack):
            yield
            return
        document = read_document(stack.folder)
        program = self._program(terraform, stack, document["terraform"]["required_providers"])
        with tempfile.TemporaryDirectory(prefix="quintet-") as folder:  # a socket's path must be short
            socket, types = Path(folder, "socket"), Path(folder, "types")
            provider = dying_with_parent([str(program), "-debug"])
            command = [str(find_node()), str(PROXY), str(socket), str(types), str(_description(program)), *provider]
            serving = self._run.children.serving(command, cwd=terraform.directory, environment=terraform.environment)
            with serving as lines:
                announced = next(lines, None)
                if announced is None:
                    raise OperatorError(f"{stack.name}: the provider did not start: {' '.join(command)}")
                with terraform.using(TF_REATTACH_PROVIDERS=announced):
                    if not (terraform.directory / ".terraform").is_dir():
                        terraform.init()
                    if named := _types(document, terraform.state_pull()):
                        types.write_text("\n".join(sorted(named)), encoding="utf-8")
                    yield

    def _program(self, terraform: Terraform, stack: Stack, required_providers: object) -> Path:
        """The provider's program, found and compared with the stack's lock file by `terraform init`."""
        lock = (stack.folder / LOCK_FILE).read_bytes()
        key = lock, os.path.realpath(terraform.environment.get("TF_CLI_CONFIG_FILE", ""))
        with _guard:
            if key not in _compared or not _compared[key].is_file():
                linked = terraform.directory / _LINKED  # by the stack's own init, which has compared it
                if not linked.is_dir():
                    self._folder.mkdir(mode=0o700, exist_ok=True)
                    folder = Path(tempfile.mkdtemp(dir=self._folder))
                    (folder / LOCK_FILE).write_bytes(lock)
                    required = {"terraform": {"required_providers": required_providers}}
                    (folder / "providers.tf.json").write_text(json.dumps(required), encoding="utf-8")
                    terraform.elsewhere(folder).init()
                    linked = folder / _LINKED
                (program,) = linked.glob("*/*/*/*/*/terraform-provider-*")
                _compared[key] = program.resolve()
            return _compared[key]


def attachable(stack: Stack) -> bool:
    """True unless `attached` leaves the stack to Terraform."""
    alone = len(read_document(stack.folder)["provider"]) == 1
    locked = (stack.folder / LOCK_FILE).is_file()
    return stack.backend is not None and alone and locked and find_node() is not None


@cache
def _descriptions() -> tempfile.TemporaryDirectory[str]:
    """The folder, until this process ends, of what programs have said of themselves."""
    return tempfile.TemporaryDirectory(prefix="quintet-")


def _description(program: Path) -> Path:
    """The file that keeps a program's description."""
    found = program.stat()
    with _guard:  # of two folders that threads make at once, one would be removed while it is used
        folder = _descriptions().name
    return Path(folder, f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}")


def _types(document: Mapping[str, Mapping[str, object]], state: State) -> set[str]:
    """The types of resources that Terraform can ask for.

    Empty where it may ask for something else as well.
    """
    resources = state.get("resources", [])
    known = document.keys() <= _NAMES_RESOURCES_ONLY and all(each["mode"] == "managed" for each in resources)
    if not known or "provider::" in json.dumps(document):
        return set()
    return {*document.get("resource", {}), *(each["type"] for each in resources)}
