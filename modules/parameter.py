"""A value that programs look up by name while they run, so that it stands in no file and no user data."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

from modules.order import address_of
from modules.refusals import exempt


class Parameter(Construct):
    """A text in the Parameter Store, which is no secret; it may be known only when Terraform applies."""

    def __init__(self, scope: Construct, id_: str, *, name: str, description: str, value: str) -> None:
        super().__init__(scope, id_)
        parameter = SsmParameter(self, "Default", name=name, description=description, type="String", value=value)
        exempt(parameter, "CKV2_AWS_34", reason="it holds names and addresses, which are no secrets")
        self.name: Final[str] = name
        self.arn: Final[str] = parameter.arn
        self.address: Final[str] = address_of(parameter)
        """Where it stands in the state: who reads it by its name waits for this."""
