"""The DAP API's credentials, put where the functions read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import ROOT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.settings import CREDENTIALS
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_LONGEST = 4096
_DESCRIPTION = "Of the DAP API; filled by quintet canvas put-credentials"


@dataclass(frozen=True)
class Credentials:
    """Client id and secret as Instructure's identity service shows them."""

    client_id: str
    client_secret: str = field(repr=False)
    environment: str = "dev"
    dry_run: bool = False
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)

    def put(self, console: Console) -> None:
        """Create or fill both parameters; one that holds the value under the stack's key is left alone.

        Raises OperatorError.
        """
        values = dict(zip(CREDENTIALS, (self.client_id, self.client_secret), strict=True))
        for name, value in values.items():
            if not value or len(value) > _LONGEST or re.search(r"\s", value):
                raise OperatorError(
                    f"The value of {name} is empty, longer than {_LONGEST} characters, or has blanks in it.",
                    hint="Copy it from Instructure's identity service once more; quotes do not belong to it.",
                )
        with refusals_explained():
            canvas = CanvasData2.applied(self.root, self.environment, self.aws)
            with canvas.changed("put-credentials", dry_run=self.dry_run):
                self._fill(canvas, values, console)

    def _fill(self, canvas: CanvasData2, values: Mapping[str, str], console: Console) -> None:
        ssm = canvas.client("ssm")
        for name, value in values.items():
            path = f"{canvas.outputs.parameter_path}/{name}"
            if _held(ssm, path) == (value, canvas.outputs.key_arn):
                console.print(f"{path} has this value already.")
            elif self.dry_run:
                console.print(f"{path} would be filled.")
            else:
                ssm.put_parameter(
                    Name=path,
                    Value=value,
                    Type="SecureString",
                    KeyId=canvas.outputs.key_arn,
                    Description=_DESCRIPTION,
                    Overwrite=True,
                )
                console.print(f"{path} is filled.")


def _held(ssm: Any, path: str) -> tuple[str, str] | None:
    """The value and the key of a parameter; None when there is no such parameter."""
    try:
        value: str = ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    named = [{"Key": "Name", "Option": "Equals", "Values": [path]}]
    (described,) = ssm.describe_parameters(ParameterFilters=named)["Parameters"]
    return value, described.get("KeyId", "")
