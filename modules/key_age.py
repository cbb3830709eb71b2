"""The age of an access key that programs fetch from a secret."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from modules.access import Grantable
from modules.policy import allow_metrics, document
from modules.secret import Secret
from modules.watches.watch import Watch

NAMESPACE = "Quintet/AccessKeys"
MOST_DAYS = 90
"""Days that the control IAM.3 of AWS Security Hub allows (2026-11-29)."""


class KeyAge(Construct):
    """Days since the key in `secret` was made, as programs that fetch it report every hour: CloudWatch's `AgeDays`.

    The command that makes a key writes it into the secret at once, so that the secret's version is as old as the key.
    `rotated_by` is that command.
    """

    def __init__(self, scope: Construct, id_: str, *, secret: Secret, rotated_by: str) -> None:
        super().__init__(scope, id_)
        self._secret_name = secret.name
        self._rotated_by = rotated_by

    def grant_report(self, grantee: Grantable) -> None:
        """Lets `grantee` report the age."""
        policy = document(allow_metrics("ReportAgeOfKey", namespace=NAMESPACE))
        grantee.attach_policy(self, f"report_by_{grantee.grantee_role}", policy)

    def watches(self) -> Sequence[Watch]:
        """A key that nobody has rotated for too long."""
        return [
            Watch(
                role="days",
                description=f"The access key is older than {MOST_DAYS} days: {self._rotated_by}",
                namespace=NAMESPACE,
                metric_name="AgeDays",
                dimensions={"Secret": self._secret_name},
                statistic="Maximum",
                threshold=MOST_DAYS,
                period_seconds=21600,
                evaluation_periods=1,
            )
        ]
