"""The outputs of an applied deployment: one frozen class per deployment, which its stack writes and its day 2 reads."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DeploymentOutputs(BaseModel):
    """The outputs of one deployment.

    Each field becomes a Terraform output, its docstring the description. The stack writes them (`stack.offer`) and
    commands read them (`applied.read`): a name that only one of the two knows is an error of the type checker. Fields
    are `str`, as they hold tokens while synthesising; a field that is None has no output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
