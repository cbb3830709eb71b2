"""What a deployment lets be checked on its data plane once it is applied."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.stacks import Stack


class CheckFailedError(Exception):
    """A check found that the deployment does not do what it should; the message says what."""


@dataclass(frozen=True)
class CheckContext:
    """An applied stack: its outputs by name, and how to reach the AWS it was applied to."""

    stack: Stack
    outputs: Mapping[str, Any]
    aws: Aws

    def client(self, service: str) -> Any:
        """A boto3 client of `service` in the stack's region and account."""
        return self.aws.client(service, region=self.stack.region)


@dataclass(frozen=True)
class Check:
    """One thing to try on an applied stack.

    `run` returns what it saw, in a few words; it raises CheckFailedError or AssertionError with the reason otherwise.
    """

    name: str
    run: Callable[[CheckContext], str]


def checks_of(deployment: str) -> Sequence[Check]:
    """What `checks()` in `deployments/<deployment>/checks.py` offers; nothing when there is no such file."""
    package = f"deployments.{deployment.replace('-', '_')}"
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(f"{package}.checks") is None:
        return ()
    offered: Sequence[Check] = importlib.import_module(f"{package}.checks").checks()
    return offered


def run_checks(checks: Sequence[Check], context: CheckContext) -> tuple[list[str], list[str]]:
    """Run all checks; returns what the passed ones saw and why the others failed, each as `name: …`.

    What AWS refuses is a failure of the check as well.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    passed, failed = [], []
    for check in checks:
        try:
            passed.append(f"{check.name}: {check.run(context)}")
        except (AssertionError, CheckFailedError, BotoCoreError, ClientError) as error:
            failed.append(f"{check.name}: {error or 'failed without a reason'}")
    return passed, failed
