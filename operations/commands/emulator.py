"""`quintet emulator`: AWS on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="AWS on this machine.", no_args_is_help=True)

ACCOUNT_HELP = "Twelve digits; the emulator keeps accounts apart."
REGION_HELP = "The region clients use unless they are told another."


@app.command()
def run(
    port: Annotated[int, typer.Option(help="TCP port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 5555,
) -> None:
    """Runs the emulator until Ctrl-C; it forgets everything when it ends."""
    from rich.console import Console

    from config.settings import ROOT
    from emulator.announcement import Announcement, announce, withdraw
    from emulator.server import Emulator

    console = Console(highlight=False, soft_wrap=True)
    log = ROOT / ".runs" / "emulator.log"
    with console.status("Starting …"):
        emulator = Emulator.start(port=port, log=log)
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
    """Prints the shell commands that send AWS clients to the running emulator: eval "$(quintet emulator env)"."""
    import os
    import shlex

    from config.settings import ROOT
    from emulator.announcement import find
    from emulator.server import aws_environment, without_aws

    if len(account) != 12 or not account.isdecimal():
        raise typer.BadParameter(f"{account!r} is not an account id: twelve digits.", param_hint="--account")
    wanted = aws_environment(find(ROOT).endpoint, account_id=account, region=region)
    superfluous = sorted(set(os.environ) - set(without_aws(os.environ)) - set(wanted))
    for name in superfluous:
        typer.echo(f"unset {name}")
    for name, value in wanted.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def status() -> None:
    """Shows whether the emulator runs, what every account holds, and which actions were asked for in vain."""
    from rich.console import Console
    from rich.table import Table

    from config.settings import ROOT
    from emulator.announcement import find
    from emulator.server import STATUS_PATH, ask

    console = Console(highlight=False, soft_wrap=True)
    running = find(ROOT)
    found = ask(running.endpoint, STATUS_PATH)
    console.print(f"The emulator answers at {running.endpoint} (process {running.pid}, moto {found['moto']}).")
    if found["inventory"]:
        table = Table("account", "region", "service", "kind", "number")
        for entry in found["inventory"]:
            table.add_row(*(str(entry[column]) for column in ("account_id", "region", "service", "kind", "number")))
        console.print(table)
    else:
        console.print("It holds nothing.")
    for title, actions in (("Asked for, and not there", found["missing"]), ("Failed in moto", found["failed"])):
        for action, times in actions.items():
            console.print(f"{title}: {action} ({times}×)")
    if not found["missing"] and not found["failed"]:
        console.print("Every action asked for was there.")
