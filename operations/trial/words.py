"""Words of a trial that are nobody's, as this repository gives them, and those that are the operator's."""

from __future__ import annotations

import getpass
import socket
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.registry import DEPLOYMENTS
from operations.demo.walk import STEPS
from operations.plans.plan_document import read_plan
from operations.plans.report.secrets import Secrets
from operations.review.addresses import read_document
from operations.trial.redaction import names_in
from operations.trial.report import Outcome

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.stacks import Stack


def public_words(stacks: Iterable[Stack]) -> Iterator[str]:
    """Deployments, and addresses, types and names of arguments and outputs in the Terraform JSON of the stacks."""
    for stack in stacks:
        yield from (stack.deployment, stack.region)
        document = read_document(stack.folder)
        for kind, resources in document.get("resource", {}).items():
            yield kind
            for name, arguments in resources.items():
                yield f"{kind}.{name}"
                yield from (argument for argument in arguments if argument != "//")
        yield from document.get("output", {})
    yield from (known.alias for known in DEPLOYMENTS)
    yield from (word for name in (*Outcome, *(step.name for step in STEPS), "census") for word in name.split())


def private_texts(root: Path, aws: Aws, stacks: Sequence[Stack], plans: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Texts of the settings, names of the caller, the user and the machine, and the sensitive values of the plans."""
    for stack in stacks:
        yield from (stack.name, stack.environment, stack.account_id)
        folder = root / "deployments" / stack.deployment.replace("-", "_") / "environments"
        for file in (folder, root / "config" / "environments"):
            with suppress(OSError, ValueError):
                yield from _texts(tomllib.loads((file / f"{stack.environment}.toml").read_text(encoding="utf-8")))
    for shown in plans:
        yield from Secrets(read_plan(shown).changes).values
    with suppress(Exception):  # without a name the texts above stay private all the same
        arn = str(aws.client("sts", region=stacks[0].region).get_caller_identity()["Arn"])
        yield from names_in([arn])
    with suppress(OSError, KeyError):
        yield from {socket.gethostname(), Path.home().name, getpass.getuser()} - {"root"}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "reasons":  # prose
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
