"""The command line: `quintet`, also `python -m operations`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from config.settings import SettingsError
from operations.errors import OperatorError

COMMANDS = {
    "settings": "Check what operators set.",
    "plan": "Plan every stack at once and report on one page.",
    "apply": "Apply exactly what was reviewed.",
    "drift": "What has changed in AWS without Terraform.",
    "demo": "Apply the committed stacks to the emulator, from nothing to checked.",
    "state": "The bucket and lock table that hold Terraform's state.",
    "emulator": "AWS on this machine.",
    "policy": "Judge the committed Terraform JSON with checkov.",
    "docs": "The generated parts of the documentation.",
    "adopt": "Propose to take over what was made by hand.",
    "addresses": "The recorded addresses of what holds data.",
    "beaver": "Day-2 work on the Beaver Contest.",
    "aquamark": "Day-2 work on Aquamark.",
    "suai": "Day-2 work on the SUAI Cloud App.",
    "sync-storage": "Day-2 work on Sync Storage.",
    "canvas": "Day-2 work on Canvas Data 2.",
}
"""Command → what it is for. Each is the module of that name in operations/commands, imported when it is asked for."""


class _LazyGroup(TyperGroup):
    """Imports a command's module when that command is used, so that no command pays for another's libraries."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"operations.commands.{cmd_name.replace('-', '_')}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=_LazyGroup,
    name="quintet",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _root() -> None:
    """Five documented AWS systems, deployed from Python with CDKTF."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code: 0 fine, 1 refused or failed, 2 wrong usage."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="quintet")
    except SystemExit as stop:  # typer ends every command, wrong usage included, in this way
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except SettingsError as error:
        typer.echo(f"Settings refused:\n{error}", err=True)
        return 1
    except OperatorError as error:
        typer.echo(f"Error: {error}", err=True)
        return 1
    return 0


def main() -> None:
    """The console script."""
    sys.exit(run())
