"""Templates that Terraform fills in, kept as readable files beside the JSON they belong to."""

from __future__ import annotations

from pathlib import Path

from cdktf import Fn, Token
from constructs import Construct

from modules.stack import DeploymentStack
from modules.user_data import template


def template_file(scope: Construct, path: Path, **values: str) -> str:
    """The text of the template `path` with `values`, which may be known only when Terraform applies.

    The template itself lands in the stack's folder, so a plan's reviewer reads it as a file and not as one long string.
    Raises ValueError as `render` does.
    """
    text, passed = template(path, **values)
    file = DeploymentStack.of_construct(scope).add_file(path.name, text.encode())
    return Token.as_string(Fn.templatefile(file, passed))
