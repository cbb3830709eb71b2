"""A key of our own, where AWS's managed keys will not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from modules.access import Grantable
from modules.policy import allow, document
from modules.stack import DeploymentStack

USE = ("kms:Decrypt", "kms:GenerateDataKey*")

_ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:Create*",
    "kms:Delete*",
    "kms:Describe*",
    "kms:Disable*",
    "kms:Enable*",
    "kms:Get*",
    "kms:List*",
    "kms:Put*",
    "kms:Revoke*",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:Update*",
)


class EncryptionKey(Construct):
    """A KMS key under the alias `name` that changes its material every year.

    The account's own identities use it as far as IAM policies let them; `services` are AWS services, such as
    `cloudwatch.amazonaws.com`, that use it on behalf of this account alone. A protected key cannot be destroyed: what
    it encrypted would be lost with it. Another one can be restored for thirty days. `protect` is for a key that
    encrypts no data at rest; by default the stack decides.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        description: str,
        services: Sequence[str] = (),
        protect: bool | None = None,
    ) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data if protect is None else protect
        key = KmsKey(
            self,
            "Default",
            description=description,
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=document(*self._statements(services)),
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if protect else None,
        )
        KmsAlias(self, "alias", name=f"alias/{name}", target_key_id=key.key_id)
        self.arn: Final[str] = key.arn
        self._granted: set[str] = set()

    def grant_decrypt(self, grantee: Grantable) -> None:
        """Lets `grantee` read what the key encrypts; granted again, nothing is added."""
        self._grant(grantee, "decrypt", "Decrypt", ("kms:Decrypt",))

    def grant_use(self, grantee: Grantable) -> None:
        """Lets `grantee` read and write what the key encrypts; granted again, nothing is added."""
        self._grant(grantee, "use", "UseKey", USE)

    def _grant(self, grantee: Grantable, kind: str, sid: str, actions: Sequence[str]) -> None:
        id_ = f"{kind}_by_{grantee.grantee_role}"
        if id_ not in self._granted:
            self._granted.add(id_)
            grantee.attach_policy(self, id_, document(allow(sid, actions=actions, resources=[self.arn])))

    def _statements(self, services: Sequence[str]) -> list[dict[str, Any]]:
        account_id = DeploymentStack.of_construct(self).environment.account_id
        statements = [
            allow(
                "IamPoliciesDecide",
                actions=[*_ADMINISTER, "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                resources=["*"],
                principals={"AWS": [f"arn:aws:iam::{account_id}:root"]},
            )
        ]
        if services:
            statements.append(
                allow(
                    "ServicesOfThisAccount",
                    actions=[*USE],
                    resources=["*"],
                    principals={"Service": services},
                    conditions={"StringEquals": {"aws:SourceAccount": account_id}},
                )
            )
        return statements
