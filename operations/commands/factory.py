"""The one place where commands and groups of commands are created, so that all of them behave alike."""

from __future__ import annotations

import typer
from typer import _completion_shared
from typer.core import TyperGroup

# typer's own script only registers itself when zsh loads it, and the first Tab of every session would do nothing
_completion_shared._completion_scripts["zsh"] += """
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then %(complete_func)s "$@"; fi
"""


def new_app(help_text: str, *, cls: type[TyperGroup] | None = None, completion: bool = False) -> typer.Typer:
    """A group of commands, or one command alone. Its help is plain text: `[brackets]` are no markup in it.

    Groups print their help when no command is named. `completion` adds the options that install completion: the root's.
    """
    return typer.Typer(
        cls=cls,
        help=help_text,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=completion,
    )
