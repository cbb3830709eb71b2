"""`quintet sync-storage rehearse`: the demo of this one stack, with the operator's own application if there is one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.sync_storage.day2.deployed import DEPLOYMENT
from deployments.sync_storage.day2.rehearsal.checks import checks
from operations.demo.demo import Demo
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console


def play(console: Console, environment: str, checkout: Path | None) -> bool:
    """Apply the stack to an emulator and play it through; whether all went well.

    Raises OperatorError when the checkout lacks its packages or the demo cannot begin.
    """
    program = None if checkout is None else [str(gunicorn_of(checkout))]
    rehearsal = functools.partial(checks, program=program)
    return Demo((f"{DEPLOYMENT}-{environment}",), environment, rehearsal_of=lambda _: rehearsal).run(console)


def gunicorn_of(checkout: Path) -> Path:
    """The gunicorn among the checkout's packages. Raises OperatorError when there is none."""
    gunicorn = checkout.absolute() / "local" / "bin" / "gunicorn"
    if not gunicorn.exists():
        raise OperatorError(
            f"{gunicorn} is not there.",
            hint=f"With Python 2.7: cd {checkout} && virtualenv --python python2.7 local && "
            "local/bin/pip install --requirement requirements.txt --editable .",
        )
    return gunicorn
