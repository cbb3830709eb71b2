"""Options and arguments that several commands have, each with the same words, checks and completion everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from config.registry import DEPLOYMENTS
from config.settings import ROOT

DEFAULT_ENVIRONMENT = "dev"
"""The environment of commands that change or ask one environment and were not given another."""


def known_environment(context: typer.Context, name: str | None) -> str | None:
    """The name as it is. Raises typer.BadParameter, with the environments there are, when it is none of them."""
    names = complete_environments()
    if name is not None and not context.resilient_parsing and name not in names:
        raise typer.BadParameter(f"there is no environment {name}; environments: {', '.join(names)}")
    return name


def complete_environments() -> list[str]:
    """The environments there are."""
    from config.environment import environment_names

    return environment_names()


def _stacks_and_deployments() -> list[str]:
    stacks = sorted(path.parent.name for path in (ROOT / "generated" / "stacks").glob("*/cdk.tf.json"))
    return [*stacks, *dict.fromkeys(name for known in DEPLOYMENTS for name in (known.name, known.alias))]


EnvironmentOption = Annotated[
    str,
    typer.Option(
        help="A file in config/environments, without its ending.",
        callback=known_environment,
        autocompletion=complete_environments,
    ),
]
EnvironmentFilter = Annotated[
    str | None,
    typer.Option(
        "--environment",
        help="Only the stacks of this environment.",
        callback=known_environment,
        autocompletion=complete_environments,
    ),
]
EnvironmentArgument = Annotated[
    str,
    typer.Argument(
        help="A file in config/environments, without its ending.",
        callback=known_environment,
        autocompletion=complete_environments,
        show_default=False,
    ),
]
StacksArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Stacks or deployments, `*` and `?` allowed; all when left out.",
        autocompletion=_stacks_and_deployments,
        show_default=False,
    ),
]
StackArgument = Annotated[
    str,
    typer.Argument(
        help="A stack, or a deployment together with --environment.",
        autocompletion=_stacks_and_deployments,
        show_default=False,
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON; see docs/json.md.")]
