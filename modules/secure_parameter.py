"""A short secret under a name that a document asks for."""

from __future__ import annotations

from typing import Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

from modules.access import Grantable
from modules.encryption_key import EncryptionKey
from modules.policy import allow, document

UNSET = "not set"
"""What a parameter holds until an operator's command fills it."""


class SecureParameter(Construct):
    """A SecureString in the Parameter Store whose value an operator's command fills in; plans do not look at it."""

    def __init__(self, scope: Construct, id_: str, *, name: str, description: str, key: EncryptionKey) -> None:
        super().__init__(scope, id_)
        self._key = key
        parameter = SsmParameter(
            self,
            "Default",
            name=name,
            description=description,
            type="SecureString",
            key_id=key.arn,
            value=UNSET,
            lifecycle=TerraformResourceLifecycle(ignore_changes=["value"]),
        )
        self.name: Final[str] = name
        self.arn: Final[str] = parameter.arn

    def grant_read(self, grantee: Grantable) -> None:
        """Lets `grantee` fetch the value."""
        policy = document(allow("ReadParameter", actions=["ssm:GetParameter"], resources=[self.arn]))
        grantee.attach_policy(self, f"read_by_{grantee.grantee_role}", policy)
        self._key.grant_decrypt(grantee)
