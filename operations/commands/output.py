"""`quintet output`: the outputs of an applied stack."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, JsonOption, StackArgument
from operations.console import new_console

app = new_app("The outputs of an applied stack.")


@app.command()
def output(
    stack: StackArgument,
    name: Annotated[str | None, typer.Argument(help="One output, printed bare.", show_default=False)] = None,
    environment: EnvironmentFilter = None,
    as_json: JsonOption = False,
) -> None:
    """Prints the outputs of a stack from its state, or the value of one; sensitive ones are left out."""
    import difflib

    from config.settings import ROOT
    from operations.aws import Aws
    from operations.console import printable
    from operations.errors import OperatorError
    from operations.listing import Column, Listing, show
    from operations.running.applied_stack import AppliedStack
    from operations.stacks import find_stacks, only

    outputs = AppliedStack.read(only(find_stacks(ROOT, environment), stack), Aws()).outputs
    if name is None:
        listing = Listing("outputs", (Column("output", "whole"), "value"))
        for each in sorted(outputs):
            listing.add(each, _text(outputs[each]))
        show(listing, console=new_console(), as_json=as_json)
        return
    if name not in outputs:
        near = difflib.get_close_matches(name, outputs, n=1)
        there = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(outputs))}."
        raise OperatorError(f"There is no output {name}. {there}")
    typer.echo(json.dumps(outputs[name]) if as_json else printable(_text(outputs[name])))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
