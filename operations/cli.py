"""The command line: `quintet`, also `python -m operations`."""

from __future__ import annotations

import difflib
import errno
import functools
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from config.registry import DEPLOYMENTS
from config.settings import ROOT, SettingsError
from config.utf8 import use_utf8
from emulator.errors import EmulatorError
from operations.commands.day2 import part
from operations.commands.factory import new_app
from operations.errors import OperatorError
from operations.plans.report.safe_text import visible

COMMANDS = {
    "settings": "Check what operators set.",
    "new": "Write the settings of a new environment.",
    "diff": "Differences between two environments, in settings and in Terraform JSON.",
    "facts": "The dated facts of AWS in config/aws.",
    "preflight": "Ask the account whether an apply can succeed.",
    "plan": "Plan every stack at once and report on one page.",
    "report": "Report on the JSON of plans, whoever made them.",
    "apply": "Apply exactly what was reviewed.",
    "destroy": "Plan the destruction of a stack.",
    "drift": "Report what has changed in AWS without Terraform.",
    "status": "Health, version, alarms, drift and database support of stacks.",
    "output": "The outputs of an applied stack.",
    "logs": "Print what instances, functions, tasks and databases have logged.",
    "shell": "A shell in an instance or task, by way of Session Manager.",
    "trial": "Apply stacks to your own account, check them and destroy them again.",
    "demo": "Apply the committed stacks to the emulator, from nothing to checked.",
    "restore": "Restore a stack's buckets and tables as of a moment.",
    "state": "The bucket and lock table that hold Terraform's state.",
    "emulator": "AWS on this machine.",
    "policy": "Judge the committed Terraform JSON with checkov.",
    "docs": "The generated parts of the documentation.",
    "roles": "Policies of those who plan, apply and operate a stack.",
    "adopt": "Propose to take over what was made by hand.",
    "addresses": "The recorded addresses of what holds data.",
}
"""Command → its one-line help. Each is the module of that name in operations/commands, imported when it is used."""

DAY2 = {name: deployment for deployment in DEPLOYMENTS for name in (deployment.alias, deployment.name)}
"""Command → the deployment whose day-2 work it is; one without `day2/commands.py` has no command."""


def _offered() -> dict[str, str]:
    """Every command and its one-line help; a file's presence says whether a deployment has one, nothing is imported."""
    day2 = {
        deployment.alias: deployment.help
        for deployment in DEPLOYMENTS
        if (ROOT / "deployments" / deployment.folder / "day2" / "commands.py").is_file()
    }
    return {**COMMANDS, **day2}


@functools.cache  # click asks for a command more than once
def _command(name: str) -> Any:
    """The command of this name with all below it; None when there is none."""
    if name in COMMANDS:
        module: ModuleType | None = importlib.import_module(f"operations.commands.{name.replace('-', '_')}")
    else:
        module = part(DAY2[name].name, "commands") if name in DAY2 else None
    if module is None:
        return None
    command = typer.main.get_command(module.app)
    command.name = name
    return command


class _LazyGroup(TyperGroup):
    """Imports a command's module when that command is used, so that no command pays for another's libraries."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_offered())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _command(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, [*_offered(), *DAY2], n=1)
            ctx.fail(f"There is no command {name}.{f' Did you mean {near[0]}?' if near else ''}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_offered().items()))


app = new_app("Five documented AWS systems, deployed from Python with CDKTF.", cls=_LazyGroup, completion=True)


def _version(wanted: bool) -> None:
    if wanted:
        from operations.version import version_lines

        typer.echo("\n".join(version_lines(ROOT)))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Print the versions of Quintet, Terraform, the provider and the bindings.",
        ),
    ] = False,
) -> None:
    """Five documented AWS systems, deployed from Python with CDKTF."""
    del version


_OF_OPERATORS = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM,
    errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP,
)  # fmt: skip
"""Errors of disks, owners and paths that somebody typed; all others are defects here, and keep their traceback."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code: 0 fine, 1 refused or failed, 2 wrong usage."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="quintet")
    except SystemExit as stop:  # typer ends every command, wrong usage included, in this way
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except SettingsError as error:
        _tell(f"Settings refused:\n{error}")
        return 1
    except OSError as error:
        if error.errno not in _OF_OPERATORS:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = f" Free some space below {ROOT}, then run the same command again." if full else _owner()
        _tell(f"Error: {error.filename or 'A file'} cannot be written: {error.strerror}.{hint}")
        return 1
    except (OperatorError, EmulatorError) as error:
        _tell(f"Error: {error}")
        return 1
    return 0


def _tell(text: str) -> None:
    """Print a message that may quote a file, an answer of AWS or an argument."""
    typer.echo(visible(text, lines=True), err=True)


def _owner() -> str:
    """A sentence on whose the checkout is, when it is somebody else's."""
    owner = ROOT.stat().st_uid
    if owner == os.geteuid():
        return ""
    return f" {ROOT} belongs to user {owner}, you are user {os.geteuid()}: work in a clone of your own."


def main() -> None:
    """The console script."""
    use_utf8()
    sys.exit(run())
