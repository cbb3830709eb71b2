"""The files users attach, and the key the application stores them with."""

from __future__ import annotations

from typing import Final

from constructs import Construct

from deployments.aquamark.settings import AttachmentSettings
from modules.access import Grantable
from modules.bucket import Bucket
from modules.key_age import KeyAge
from modules.network import Network
from modules.policy import allow, deny, document
from modules.secret import Secret
from modules.service_user import ServiceUser

_NEVER = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:DeleteBucket",
)


class Attachments(Construct):
    """A versioned bucket, an IAM user that adds to it and reads it, and the secret that holds that user's access key.

    The application takes nothing but a key: with an instance's role alone it silently stores files in the database. The
    user deletes nothing and cannot suspend versioning, whatever else it may be allowed one day.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        settings: AttachmentSettings,
        access_log_bucket: Bucket,
    ) -> None:
        super().__init__(scope, id_)
        bucket = Bucket(self, "bucket", name=settings.bucket, access_log_bucket=access_log_bucket)
        user = ServiceUser(
            self,
            "user",
            name=name,
            reason="The application takes an access key only: with a role it stores files in the database instead",
        )
        conditions = {"StringEquals": {"aws:SourceVpc": network.vpc_id}} if settings.only_from_network else None
        user.attach_policy(
            self,
            "add_and_read",
            document(
                allow(
                    "Bucket",
                    actions=["s3:ListBucket"],
                    resources=[bucket.arn],
                    conditions=conditions,
                ),
                allow(
                    "Objects",
                    actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                    resources=[f"{bucket.arn}/*"],
                    conditions=conditions,
                ),
                # the application looks for its bucket among all when it starts, and stops when it may not
                allow("FindBucket", actions=["s3:ListAllMyBuckets"], resources=["*"]),
            ),
        )
        bucket.add_policy_statement(
            deny(
                "KeepEveryVersion",
                actions=_NEVER,
                resources=[bucket.arn, f"{bucket.arn}/*"],
                principals={"AWS": [user.arn]},
            )
        )
        self._secret = Secret(
            self,
            "key",
            name=name,
            description="Access key of the attachments' IAM user: JSON with access_key_id and secret_access_key",
        )
        self.key_age: Final[KeyAge] = KeyAge(
            self, "key_age", secret=self._secret, rotated_by="quintet aquamark rotate-storage-key"
        )
        self.bucket_name: Final[str] = bucket.name
        self.user_name: Final[str] = user.name
        self.secret_arn: Final[str] = self._secret.arn

    def grant_read_key(self, grantee: Grantable) -> None:
        """Lets `grantee` fetch the access key, and report its age."""
        self._secret.grant_read(grantee)
        self.key_age.grant_report(grantee)
