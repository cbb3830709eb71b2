"""A short secret under a name that a document asks for."""

from __future__ import annotations

from typing import Final

from constructs import Construct

from modules.access import Grantable
from modules.encryption_key import EncryptionKey
from modules.policy import allow, document
from modules.stack import DeploymentStack


class SecureParameter(Construct):
    """The name of a SecureString that an operator's command creates, updates and deletes.

    It is no resource of Terraform: each refresh would read its value into the state. States that have it from before
    forget it, and AWS keeps it.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, key: EncryptionKey) -> None:
        super().__init__(scope, id_)
        self._key = key
        stack = DeploymentStack.of_construct(self)
        stack.forget(f"aws_ssm_parameter.{id_}")
        self.name: Final[str] = name
        self.arn: Final[str] = f"arn:aws:ssm:{stack.region}:{stack.environment.account_id}:parameter{name}"

    def grant_read(self, grantee: Grantable) -> None:
        """Lets `grantee` fetch the value."""
        policy = document(allow("ReadParameter", actions=["ssm:GetParameter"], resources=[self.arn]))
        grantee.attach_policy(self, f"read_by_{grantee.grantee_role}", policy)
        self._key.grant_decrypt(grantee)
