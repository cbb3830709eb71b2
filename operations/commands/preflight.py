"""`quintet preflight`: would AWS accept the committed stacks in the operator's account?"""

from __future__ import annotations

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, JsonOption, StacksArgument

app = new_app("Ask the account whether an apply can succeed.")


@app.command()
def preflight(
    stacks: StacksArgument = None, environment: EnvironmentFilter = None, as_json: JsonOption = False
) -> None:
    """Asks your AWS account, read-only, whether an apply of the committed stacks can succeed; 1 when it would fail.

    At most 60 calls for a stack. An answer that is not allowed names the permission, and is never taken as fine.
    """
    from config.settings import ROOT
    from operations.aws import Aws, account_of
    from operations.commands.day2 import questions_of
    from operations.console import new_console
    from operations.listing import Cell, Column, Listing, show
    from operations.plans.fresh_synth import fresh_synth
    from operations.review.preflight.findings import Verdict
    from operations.review.preflight.place import committed_json
    from operations.review.preflight.run import preflight as ask
    from operations.stacks import find_stacks, select

    aws, console = Aws(), new_console()
    styles = {Verdict.FINE: "green", Verdict.FAILS: "bold red"}
    columns = (Column("stack", "json"), Column("verdict", "whole"), "subject", "found", Column("hint", "json"))
    chosen = select(find_stacks(ROOT, environment), stacks or [])
    account_of(aws, region=chosen[0].region)  # credentials of no use are refused before the seconds of a synth
    fresh = committed_json(fresh_synth(ROOT).stale_stacks(ROOT))
    listings, failing = [], 0
    for stack in chosen:
        result = ask(aws, stack, more=(fresh, *questions_of(stack.deployment)))
        listing = Listing("findings", columns, title=f"{stack.name} in {stack.region}: {result.calls} calls")
        for each in result.findings:
            verdict = Cell(each.verdict.value, style=styles.get(each.verdict, "yellow"))
            found = Cell(each.found, shown=f"{each.found}\n→ {each.hint}" if each.hint else None)
            listing.add(stack.name, verdict, each.subject, found, each.hint)
        failing += bool(result.count(Verdict.FAILS))
        listings.append(listing)
        if not as_json:
            console.print(listing)
            console.print(", ".join(f"{result.count(verdict)} {verdict.value}" for verdict in Verdict) + "\n")
    if as_json:
        every = Listing("findings", columns)
        every.rows = [row for listing in listings for row in listing.rows]
        show(every, console=console, as_json=True)
    if failing:
        raise typer.Exit(1)
