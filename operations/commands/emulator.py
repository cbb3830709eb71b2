"""`quintet emulator`: AWS on this machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, JsonOption
from operations.console import new_console
from operations.listing import Listing, show

app = new_app("AWS on this machine.")

ACCOUNT_HELP = "Twelve digits; the account of the stacks the emulator was started for when left out."
NOWHERE = "http://127.0.0.1:9"
"""An endpoint where nothing listens: the discard port."""
NO_ACCOUNT = "000000000000"
DEFAULT_REGION = "eu-central-1"
REGION_HELP = "The region clients use unless they are told another."


class ToNowhere(TyperCommand):
    """Prints commands for `eval` even when it fails: after an empty text the shell would still use real credentials."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the arguments."""
        try:
            return super().make_context(*arguments, **options)
        except TyperException:
            _send_nowhere()
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception:
            _send_nowhere()
            raise


@app.command()
def run(
    port: Annotated[int, typer.Option(help="TCP port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 5555,
) -> None:
    """Runs the emulator until Ctrl-C; it forgets everything when it ends."""
    import signal

    from config.environment import load_environment
    from config.limits import FACTS
    from config.settings import ROOT
    from emulator.announcement import Announcement, announce, withdraw
    from emulator.server import Emulator

    console = new_console()
    account_id = load_environment(DEFAULT_ENVIRONMENT).account_id
    log = ROOT / ".runs" / "emulator.log"
    with console.status("Starting …"):
        emulator = Emulator.start(port=port, log=log, facts=FACTS)
    announcement = Announcement(emulator.endpoint, emulator.pid, emulator.secret, account_id, DEFAULT_REGION)
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
    if code == -signal.SIGTERM:
        console.print("Ended by: quintet emulator stop")
        return
    console.print(f"The emulator ended by itself (exit code {code}); its log is {log}.")
    raise typer.Exit(1)


@app.command()
def stop() -> None:
    """Ends the running emulator, that of `quintet demo --keep` as well; it forgets everything."""
    from config.settings import ROOT
    from emulator.announcement import end

    ended = end(ROOT)
    new_console().print(f"The emulator at {ended.endpoint} (process {ended.pid}) is ended.")


@app.command(cls=ToNowhere)
def env(
    account: Annotated[str | None, typer.Option(help=ACCOUNT_HELP, show_default=False)] = None,
    region: Annotated[str | None, typer.Option(help=REGION_HELP, show_default=False)] = None,
) -> None:
    """Prints the shell commands that send AWS clients to the running emulator: eval "$(quintet emulator env)".

    Without an emulator they send them nowhere, never to a real account.
    """
    import re

    from config.settings import ROOT
    from emulator.announcement import find
    from emulator.server import aws_environment

    if account is not None and not re.fullmatch("[0-9]{12}", account):
        raise typer.BadParameter(f"{account!r} is not an account id: twelve digits.", param_hint="--account")
    running = find(ROOT)
    _send(
        aws_environment(
            running.endpoint,
            account_id=account or running.account_id,
            region=region or running.region,
            secret=running.secret,
        )
    )


def _send_nowhere() -> None:
    """Commands that send AWS clients nowhere; the last one fails, and so does the `eval`."""
    from emulator.server import aws_environment

    _send(aws_environment(NOWHERE, account_id=NO_ACCOUNT, region=DEFAULT_REGION, secret=""))
    typer.echo("false")


def _send(wanted: dict[str, str]) -> None:
    """Print the shell commands that set these variables and unset all others of AWS."""
    import os
    import shlex

    from emulator.server import without_aws

    superfluous = sorted(set(os.environ) - set(without_aws(os.environ)) - set(wanted))
    for name in superfluous:
        typer.echo(f"unset {name}")
    for name, value in wanted.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


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
