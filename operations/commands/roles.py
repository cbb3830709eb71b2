"""`quintet roles`: policies of those who plan, apply and operate a stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, JsonOption, StacksArgument
from operations.roles.role import Role

app = new_app("Policies of those who plan, apply and operate a stack.")


@app.command()
def roles(
    stacks: StacksArgument = None,
    environment: EnvironmentFilter = None,
    role: Annotated[list[Role] | None, typer.Option(help="Only this role. Repeatable.")] = None,
    write_to: Annotated[
        Path | None,
        typer.Option(help="Write each document into this folder, as STACK-ROLE-NUMBER.json.", file_okay=False),
    ] = None,
    state_key_arn: Annotated[
        str, typer.Option(help="The KMS key of the state bucket, where it has one.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Lists the managed policies of each role with their sizes, and writes them with --write-to.

    They hold the rights that the AWS provider used when the deployment was applied to the emulator, bound to the
    account, the region, the stack's names and its place in the state bucket: docs/permissions.md.
    """
    from config.settings import ROOT
    from operations.console import new_console
    from operations.listing import Column, Listing, show
    from operations.roles.documents import role_documents
    from operations.roles.provider_rights import roles_of
    from operations.stacks import find_stacks, select

    console, listing = new_console(), Listing("policies", (Column("policy", "whole"), "role", "characters", "actions"))
    for stack in select(find_stacks(ROOT, environment), stacks or []):
        for each in role or roles_of(stack):
            for document in role_documents(stack, each, state_key_arn=state_key_arn):
                listing.add(document.name, each.value, document.characters, document.actions)
                if write_to is not None:
                    write_to.mkdir(parents=True, exist_ok=True)
                    (write_to / f"{document.name}.json").write_text(document.text, encoding="utf-8")
    show(listing, console=console, as_json=as_json)
