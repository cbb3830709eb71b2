"""The policy of a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from constructs import Construct

from modules.policy import allow, deny, document
from modules.stack import DeploymentStack


class BucketPolicy(Construct):
    """The one policy a bucket can have: nobody gets in without TLS, and others may do what was added.

    With `clear_text_reads` only who changes or lists objects needs TLS.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        bucket: S3Bucket,
        after: Sequence[ITerraformDependable],
        clear_text_reads: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        self._bucket = bucket
        self._statements = [
            deny(
                "RefuseClearText",
                actions=["s3:Put*", "s3:Delete*", "s3:List*"] if clear_text_reads else ["s3:*"],
                resources=[bucket.arn, f"{bucket.arn}/*"],
                principals={"AWS": ["*"]},
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        ]
        self._policy = S3BucketPolicy(
            self, "Default", bucket=bucket.bucket, policy=document(*self._statements), depends_on=[*after]
        )
        self.bucket_name: Final[str] = self._policy.bucket
        """Known after the policy stands."""

    def add(self, statement: Mapping[str, Any]) -> None:
        """Adds a statement."""
        self._statements.append(dict(statement))
        self._policy.policy = document(*self._statements)

    def accept_access_logs(self, *, role: str, arn: str) -> None:
        """Lets S3 deliver the access logs of the bucket `arn`, whose id is `role`."""
        account_id = DeploymentStack.of_construct(self).environment.account_id
        self.add(
            allow(
                f"AccessLogsOf{role.title().replace('_', '')}",
                actions=["s3:PutObject"],
                resources=[f"{self._bucket.arn}/*"],
                principals={"Service": ["logging.s3.amazonaws.com"]},
                conditions={
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": arn},
                },
            )
        )
