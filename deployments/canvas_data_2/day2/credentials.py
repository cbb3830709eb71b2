"""The DAP API's credentials, put where the functions read them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import ROOT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST = 4096


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
        """Fill both parameters; what holds the same value already is left alone. Raises OperatorError."""
        values = {"dap_client_id": self.client_id, "dap_client_secret": self.client_secret}
        for name, value in values.items():
            if not value or len(value) > _LONGEST or re.search(r"\s", value):
                raise OperatorError(
                    f"The value of {name} is empty, longer than {_LONGEST} characters, or has blanks in it.",
                    hint="Copy it from Instructure's identity service once more; quotes do not belong to it.",
                )
        with refusals_explained():
            canvas = CanvasData2.applied(self.root, self.environment, self.aws)
            ssm = canvas.client("ssm")
            for name, value in values.items():
                path = f"{canvas.outputs.parameter_path}/{name}"
                if ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"] == value:
                    console.print(f"{path} has this value already.")
                elif self.dry_run:
                    console.print(f"{path} would be filled.")
                else:
                    # the key stays the one the parameter was made with
                    ssm.put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
                    console.print(f"{path} is filled.")
