"""States kept by HCP Terraform instead of a bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from config.environment import Environment, StateSettings
from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

OUTSIDE = {"TF_VAR_TFC_RUN_ID": "outside"}
"""The environment in which a stack of HCP Terraform agrees to run elsewhere."""


def state_in_s3(environment: Environment) -> StateSettings:
    """The bucket and the lock table of the environment. Raises OperatorError when HCP Terraform keeps its state."""
    state = environment.state
    if isinstance(state, StateSettings):
        return state
    raise OperatorError(
        f"{environment.name} keeps its state in the organization {state.organization} of {state.hostname}, not in S3.",
        hint=f"Its workspaces show it: https://{state.hostname}/app/{state.organization}/workspaces",
    )


def keep_state_beside(directory: Path) -> None:
    """Make Terraform keep the state in a file in `directory`, a working copy, whatever the stack says."""
    override: dict[str, object] = {"terraform": {"backend": {"local": {}}}}
    (directory / "local_state_override.tf.json").write_text(json.dumps(override), encoding="utf-8")
