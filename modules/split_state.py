"""Keeps a stack's state from being split between S3 and HCP Terraform.

HCP Terraform replaces whatever backend a stack names by its workspace, silently: a stack that keeps its state in S3
would be planned there against an empty state and built a second time, without the lock.
"""

from __future__ import annotations

from collections.abc import Iterator

from cdktf import TerraformStack, TerraformVariable, TerraformVariableValidationConfig

from config.environment import CloudStateSettings, StateSettings

VARIABLE = "TFC_RUN_ID"
"""HCP Terraform sets it in every run, for the environment and for a variable of that name, and nobody else does."""


def refuse_split_state(stack: TerraformStack, state: StateSettings | CloudStateSettings) -> None:
    """Gives `stack` a variable whose validation fails every plan, apply and refresh where its state is not kept.

    A validation needs no resource, so nothing is added to the state, and it is evaluated for destroying as well.
    """
    if isinstance(state, StateSettings):
        condition = f'${{var.{VARIABLE} == ""}}'
        message = (
            f"This stack keeps its state in s3://{state.bucket} and may not run inside HCP Terraform, which would start"
            " an empty state of its own. Nothing was changed. Run it outside, or move its state first:"
            " docs/terraform-cloud.md."
        )
    else:
        condition = f'${{var.{VARIABLE} != ""}}'
        message = (
            f"This stack keeps its state in the organization {state.organization} of {state.hostname} and may only run"
            " there. Nothing was changed. If this workspace runs Terraform locally, or for another good reason, set"
            f" TF_VAR_{VARIABLE}=outside: docs/terraform-cloud.md."
        )
    variable = TerraformVariable(
        stack,
        VARIABLE,
        type="string",
        default="",
        nullable=False,
        description="Set by HCP Terraform in its runs; not to be set by hand",
        validation=[
            TerraformVariableValidationConfig(condition=condition, error_message=message),
            *(_default_workspace(state) if isinstance(state, StateSettings) else ()),
        ],
    )
    variable.override_logical_id(VARIABLE)  # HCP Terraform knows it by this name alone


def _default_workspace(state: StateSettings) -> Iterator[TerraformVariableValidationConfig]:
    """A workspace of Terraform would begin with an empty state beside the stack's, under another key."""
    yield TerraformVariableValidationConfig(
        condition=f'${{var.{VARIABLE} == "" ? terraform.workspace == "default" : true}}',
        error_message=(
            f"This stack has one state, in s3://{state.bucket}; in another workspace than default everything would be"
            " created a second time. Nothing was changed. Unset TF_WORKSPACE, or: terraform workspace select default."
        ),
    )
