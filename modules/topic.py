"""A topic that tells people what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from modules.access import Grantable
from modules.alarms import email_id
from modules.encryption_key import EncryptionKey
from modules.policy import allow, deny, document


class Topic(Construct):
    """An SNS topic whose messages are encrypted with `key` and go to `emails`, each of which confirms once."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        display_name: str,
        key: EncryptionKey,
        emails: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, id_)
        self._key = key
        topic = SnsTopic(self, "Default", name=name, display_name=display_name, kms_master_key_id=key.arn)
        SnsTopicPolicy(
            self,
            "policy",
            arn=topic.arn,
            policy=document(
                deny(
                    "RefuseClearText",
                    actions=["sns:Publish"],
                    resources=[topic.arn],
                    principals={"AWS": ["*"]},
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                )
            ),
        )
        self.arn: Final[str] = topic.arn
        for address in emails:
            SnsTopicSubscription(self, email_id(address), topic_arn=topic.arn, protocol="email", endpoint=address)

    def grant_publish(self, grantee: Grantable) -> None:
        """Lets `grantee` send messages."""
        policy = document(allow("Publish", actions=["sns:Publish"], resources=[self.arn]))
        grantee.attach_policy(self, f"publish_by_{grantee.grantee_role}", policy)
        self._key.grant_use(grantee)
