"""Runs what deployments let be checked on their data plane."""

from __future__ import annotations

from collections.abc import Sequence

from operations.demo.check import Check, CheckContext, CheckFailedError
from operations.errors import OperatorError


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
