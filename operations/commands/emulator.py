"""`quintet emulator`: AWS on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import JsonOption
from operations.console import new_console
from operations.listing import Listing, show

app = new_app("AWS on this machine.")

ACCOUNT_HELP = "Twelve digits; the emulator keeps accounts apart."
NOWHERE = "http://127.0.0.1:9"
"""An endpoint where nothing listens: the discard port."""
REGION_HELP = "The region clients use unless they are told another."


@app.command()
def run(
    port: Annotated[int, typer.Option(help="TCP port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 5555,
) -> None:
    """Runs the emulator until Ctrl-C; it forgets everything when it ends."""
    from config.limits import FACTS
    from config.settings import ROOT
    from emulator.announcement import Announcement, announce, withdraw
    from emulator.server import Emulator

    console = new_console()
    log = ROOT / ".runs" / "emulator.log"
    with console.status("Starting …"):
        emulator = Emulator.start(port=port, log=log, facts=FACTS)
    announcement = Announcement(emulator.endpoint, emulator.pid)
    with emulator:
        announce(ROOT, announcement)
        console.print(f"The emulator answers at {emulator.endpoint}; its log is {log}.")
        console.print('In another terminal:  eval "$(quintet emulator env)"   then Terraform, aws or boto3 as usual.')
        console.print("What it holds:        quintet emulator status")
        console.print("Ctrl-C ends it and forgets everything.")
        try:
            code = emulator.wait()
        except KeyboardInterrupt:
            console.print("Ended.")
            return
        finally:
            withdraw(ROOT, announcement)
    console.print(f"The emulator ended by itself (exit code {code}); its log is {log}.")
    raise typer.Exit(1)


@app.command()
def env(
    account: Annotated[str, typer.Option(help=ACCOUNT_HELP)] = "123456789012",
    region: Annotated[str, typer.Option(help=REGION_HELP)] = "eu-central-1",
) -> None:
    """Prints the shell commands that send AWS clients to the running emulator: eval "$(quintet emulator env)".

    Without an emulator they send them nowhere, never to a real account.
    """
    import os
    import shlex

    from config.settings import ROOT
    from emulator.announcement import find
    from emulator.errors import EmulatorError
    from emulator.server import aws_environment, without_aws

    if len(account) != 12 or not account.isdecimal():
        raise typer.BadParameter(f"{account!r} is not an account id: twelve digits.", param_hint="--account")
    try:
        endpoint, missing = find(ROOT).endpoint, None
    except EmulatorError as error:
        endpoint, missing = NOWHERE, error
    wanted = aws_environment(endpoint, account_id=account, region=region)
    superfluous = sorted(set(os.environ) - set(without_aws(os.environ)) - set(wanted))
    for name in superfluous:
        typer.echo(f"unset {name}")
    for name, value in wanted.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    if missing is not None:
        typer.echo("false")  # the eval fails
        raise missing


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Shows whether the emulator runs, what every account holds, and which actions were asked for in vain."""
    from config.settings import ROOT
    from emulator.announcement import find
    from emulator.server import STATUS_PATH, ask

    console = new_console(stderr=as_json)
    running = find(ROOT)
    found = ask(running.endpoint, STATUS_PATH)
    console.print(f"The emulator answers at {running.endpoint} (process {running.pid}, moto {found['moto']}).")
    columns = ("account_id", "region", "service", "kind", "number")
    inventory = Listing("inventory", columns)
    for entry in found["inventory"]:
        inventory.add(*(entry[column] for column in columns))
    if as_json or found["inventory"]:
        show(inventory, console=console, as_json=as_json)
    else:
        console.print("It holds nothing.")
    for target in found["unhealthy"]:
        where = f"{target['account_id']} {target['region']} {target['target_group']}"
        console.print(f"Unhealthy: {where} {target['target']}: {target['reason']}")
    for title, actions in (("Asked for, and not there", found["missing"]), ("Failed in moto", found["failed"])):
        for action, times in actions.items():
            console.print(f"{title}: {action} ({times}×)")
    for denied in found["decisions"]["denied"]:
        call = f"{denied['caller']}: {denied['action']} on {denied['resource']}"
        console.print(f"Refused by IAM: {call}: {denied['reason']} ({denied['times']}×)")
    if not found["missing"] and not found["failed"]:
        console.print("Every action asked for was there.")
