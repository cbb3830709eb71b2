"""Log groups that end: every line in CloudWatch Logs is kept for a time somebody chose."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from modules.access import Grantable
from modules.policy import allow, document
from modules.refusals import exempt


class LogGroup(Construct):
    """A CloudWatch log group that only what it is granted to writes to."""

    def __init__(self, scope: Construct, id_: str, *, name: str, retention_days: int) -> None:
        super().__init__(scope, id_)
        group = CloudwatchLogGroup(self, "Default", name=name, retention_in_days=retention_days)
        exempt(group, "CKV_AWS_158", reason="CloudWatch Logs encrypts every group with a key of its own")
        if retention_days < 365:
            exempt(group, "CKV_AWS_338", reason=f"the settings keep these lines for {retention_days} days")
        self.name: Final[str] = group.name
        """Known after the group exists: what uses it waits for it."""
        self.arn: Final[str] = group.arn

    def write_policy(self) -> str:
        """The policy document that lets its holder add streams and lines."""
        return document(
            allow(
                "WriteLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[f"{self.arn}:*"],
            )
        )

    def grant_write(self, grantee: Grantable) -> None:
        """Lets `grantee` write to this group."""
        grantee.attach_policy(self, f"write_by_{grantee.grantee_role}", self.write_policy())
