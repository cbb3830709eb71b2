"""A value that nobody may read without a grant."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from constructs import Construct

from modules.access import Grantable
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack


class Secret(Construct):
    """A secret in Secrets Manager whose value an operator's command fills in: it never passes through Terraform.

    Destroyed, it can be restored for thirty days, and its name is taken for as long, where the stack protects data;
    elsewhere it is gone at once.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, description: str) -> None:
        super().__init__(scope, id_)
        secret = SecretsmanagerSecret(
            self,
            "Default",
            name=name,
            description=description,
            recovery_window_in_days=30 if DeploymentStack.of_construct(self).protect_data else 0,
        )
        exempt(secret, "CKV_AWS_149", reason="encrypted with aws/secretsmanager, which no other account can use")
        exempt(
            secret, "CKV2_AWS_57", reason="an operator's command sets its value; nothing here could make the next one"
        )
        self.name: Final[str] = secret.name
        self.arn: Final[str] = secret.arn

    def grant_read(self, grantee: Grantable) -> None:
        """Lets `grantee` fetch the value."""
        policy = document(allow("ReadSecret", actions=["secretsmanager:GetSecretValue"], resources=[self.arn]))
        grantee.attach_policy(self, f"read_by_{grantee.grantee_role}", policy)

    def grant_write(self, grantee: Grantable) -> None:
        """Lets `grantee` set another value; the one before it stays readable as AWSPREVIOUS."""
        policy = document(allow("WriteSecret", actions=["secretsmanager:PutSecretValue"], resources=[self.arn]))
        grantee.attach_policy(self, f"written_by_{grantee.grantee_role}", policy)
