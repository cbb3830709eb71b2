"""Runs what deployments let be checked on their data plane."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence

from deployments.checks import Check, CheckContext, CheckFailedError
from operations.errors import OperatorError


def checks_of(deployment: str) -> Sequence[Check]:
    """What `checks()` in `deployments/<deployment>/checks.py` offers; nothing when there is no such file."""
    package = f"deployments.{deployment.replace('-', '_')}"
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(f"{package}.checks") is None:
        return ()
    offered: Sequence[Check] = importlib.import_module(f"{package}.checks").checks()
    return offered


def run_checks(checks: Sequence[Check], context: CheckContext) -> tuple[list[str], list[str]]:
    """Run all checks; returns what the passed ones saw and why the others failed, each as `name: …`.

    What AWS or a server refuses is a failure of the check as well.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    passed, failed = [], []
    for check in checks:
        try:
            passed.append(f"{check.name}: {check.run(context)}")
        except (AssertionError, CheckFailedError, OperatorError, BotoCoreError, ClientError) as error:
            failed.append(f"{check.name}: {error or 'failed without a reason'}")
    return passed, failed
