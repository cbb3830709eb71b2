"""Outputs of a deployment as if it were applied."""

from __future__ import annotations

from typing import TypeVar

from config.outputs import DeploymentOutputs

_Outputs = TypeVar("_Outputs", bound=DeploymentOutputs)


def sample_outputs(model: type[_Outputs], **values: str) -> _Outputs:
    """The outputs with these values; each other one that is always there has its own name as its value."""
    required = {name: name for name, field in model.model_fields.items() if field.is_required()}
    return model(**{**required, **values})
