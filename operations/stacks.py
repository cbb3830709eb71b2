"""The committed stacks: `generated/stacks/<deployment>-<environment>`, read as Terraform reads them."""

from __future__ import annotations

import difflib
import fnmatch
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from config.registry import DEPLOYMENTS
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE = "cdk.tf.json"
_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([a-z0-9._/-]+):([\w.-]+)")


@dataclass(frozen=True)
class Backend:
    """Where a stack's state and its locks are, as its `backend "s3"` block says."""

    bucket: str
    key: str
    region: str
    lock_table: str | None
    lock_file: bool

    @property
    def lock_id(self) -> str:
        """The key of this state's lock in the lock table."""
        return f"{self.bucket}/{self.key}"

    @property
    def lock_key(self) -> str:
        """The key of this state's lock file in the bucket."""
        return f"{self.key}.tflock"


@dataclass(frozen=True)
class Stack:
    """One deployment in one environment, as committed in `folder`.

    `region` and `account_id` are those of the stack's default provider; `backend` is None when HCP Terraform keeps the
    state.
    """

    name: str
    deployment: str
    environment: str
    folder: Path
    region: str
    account_id: str
    backend: Backend | None

    @property
    def state(self) -> Backend:
        """The backend. Raises OperatorError when the state is not in S3."""
        if self.backend is None:
            raise OperatorError(
                f"{self.name} keeps its state in HCP Terraform, not in S3.",
                hint="Look at its workspace there: locks are shown and broken on the workspace's page.",
            )
        return self.backend


def find_stacks(root: Path, environment: str | None = None) -> list[Stack]:
    """Every committed stack, or those of one environment, by name. Raises OperatorError for a broken folder."""
    folders = sorted(path.parent for path in (root / "generated" / "stacks").glob(f"*/{FILE}"))
    stacks = [read_stack(folder) for folder in folders]
    return [stack for stack in stacks if environment in (None, stack.environment)]


def select(stacks: Sequence[Stack], patterns: Sequence[str]) -> list[Stack]:
    """The stacks whose name, deployment or alias matches any pattern (`*` and `?` as in a shell); all without patterns.

    Raises OperatorError for a pattern that matches none, with the nearest name, and when there is no stack at all.
    """
    if not stacks:
        raise OperatorError("There is no stack under generated/stacks for this.", hint="Write them with: make synth")
    for pattern in patterns:
        if not any(_matches(stack, pattern) for stack in stacks):
            known = [name for stack in stacks for name in (stack.name, *_deployment_names(stack))]
            raise OperatorError(f"No stack is called {pattern}.{_suggestion(pattern, known, stacks)}")
    return [stack for stack in stacks if not patterns or any(_matches(stack, pattern) for pattern in patterns)]


def only(stacks: Sequence[Stack], name: str) -> Stack:
    """The one stack called `name`, or the only one of the deployment of that name or alias.

    Raises OperatorError, with the names to choose from, when it is none or several.
    """
    found = [stack for stack in stacks if name == stack.name] or [s for s in stacks if name in _deployment_names(s)]
    if len(found) > 1:
        names = ", ".join(stack.name for stack in found)
        raise OperatorError(f"{name} has {len(found)} stacks: {names}.", hint="Name one of them, or add --environment.")
    if not found:
        known = [stack.name for stack in stacks]
        raise OperatorError(f"No stack is called {name}.{_suggestion(name, known, stacks)}")
    return found[0]


def read_stack(folder: Path) -> Stack:
    """The stack committed in `folder`. Raises OperatorError when its JSON is not what this project writes."""
    file = folder / FILE
    try:
        return _stack(folder, file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _broken(file, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _broken(file, f"is not JSON: {error}") from None
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        missing = "the backend, or the provider's region, allowed_account_ids or default_tags"
        raise _broken(file, f"lacks {missing} ({error})") from None


def images_of(stack: Stack) -> set[tuple[str, str, str]]:
    """Region, repository and tag of every image in Amazon ECR that the stack names and has no repository for."""
    return set(_IMAGE.findall((stack.folder / FILE).read_text(encoding="utf-8")))


@lru_cache(maxsize=64)  # commands that wait for something look again and again
def _stack(folder: Path, text: str) -> Stack:
    document = json.loads(text)
    provider = _default_provider(document)
    tags = provider["default_tags"][0]["tags"]
    for kind, named in document.get("resource", {}).items():
        if not isinstance(named, dict) or not all(isinstance(arguments, dict) for arguments in named.values()):
            raise _broken(folder / FILE, f"has resources of {kind} that are no objects by name")
    return Stack(
        name=folder.name,
        deployment=tags["Deployment"],
        environment=tags["Environment"],
        folder=folder,
        region=provider["region"],
        account_id=provider["allowed_account_ids"][0],
        backend=_backend(document["terraform"]),
    )


def _default_provider(document: dict[str, Any]) -> dict[str, Any]:
    providers = document["provider"]["aws"]
    return next(provider for provider in [*providers, {}] if "alias" not in provider)


def _backend(terraform: dict[str, Any]) -> Backend | None:
    if "cloud" in terraform:
        return None
    block = terraform["backend"]["s3"]
    return Backend(
        bucket=block["bucket"],
        key=block["key"],
        region=block["region"],
        lock_table=block.get("dynamodb_table"),
        lock_file=bool(block.get("use_lockfile", False)),
    )


def _matches(stack: Stack, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (stack.name, *_deployment_names(stack)))


def _deployment_names(stack: Stack) -> tuple[str, ...]:
    return (stack.deployment, *(known.alias for known in DEPLOYMENTS if known.name == stack.deployment))


def _suggestion(name: str, known: Sequence[str], stacks: Sequence[Stack]) -> str:
    if not stacks:
        return " There is none under generated/stacks: write them with make synth."
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" There are: {', '.join(stack.name for stack in stacks)}."


def _broken(file: Path, what: str) -> OperatorError:
    return OperatorError(f"{file} {what}.", hint="Write it again with: make synth")
