"""Systems Manager's Run Command: a shell on instances that nobody signs in to."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.console import printable
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.aws import Aws

POLL_SECONDS = 2.0
_UNDER_WAY = ("Pending", "InProgress", "Delayed", "Cancelling")
_DOCUMENT = "AWS-RunShellScript"


@dataclass(frozen=True)
class RunCommand:
    """Runs scripts as root on instances of `region`; what they print stays in Run Command's history."""

    aws: Aws
    region: str
    poll_seconds: float = POLL_SECONDS

    def run(self, instance_ids: Sequence[str], script: str, *, what: str, timeout_seconds: int = 3600) -> list[str]:
        """Output of the script on each instance, in their order.

        Raises OperatorError with the end of its error output when it fails on one, and what botocore raises.
        """
        ssm = self.aws.client("ssm", region=self.region)
        sent = ssm.send_command(
            InstanceIds=list(instance_ids),
            DocumentName=_DOCUMENT,
            Comment=what[:100],
            Parameters={"commands": script.splitlines(), "executionTimeout": [str(timeout_seconds)]},
        )["Command"]
        return [self._answer(sent["CommandId"], instance, what) for instance in instance_ids]

    def _answer(self, command_id: str, instance_id: str, what: str) -> str:
        ssm = self.aws.client("ssm", region=self.region)
        while True:
            with contextlib.suppress(ssm.exceptions.InvocationDoesNotExist):  # not known everywhere yet
                found = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
                if found["Status"] not in _UNDER_WAY:
                    break
            time.sleep(self.poll_seconds)
        if found["Status"] != "Success":
            said = printable(" | ".join(found.get("StandardErrorContent", "").strip().splitlines()[-5:]))
            raise OperatorError(
                f"{what} failed on {instance_id} ({found['Status']}): {said or 'it said nothing'}",
                hint=f"All of its output: aws ssm get-command-invocation --command-id {command_id} "
                f"--instance-id {instance_id} --region {self.region}",
            )
        answer: str = found["StandardOutputContent"]
        return answer.strip()
