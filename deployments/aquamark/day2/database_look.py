"""Contents of a database, queried from the daemon host, which alone reaches it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.aquamark.day2.site import Site
    from operations.restore.instances import Instance

POLICY = "quintet-restore"
_PROPAGATION_SECONDS = 120


@dataclass(frozen=True)
class Contents:
    """The revision of the schema, and table → rows."""

    schema: str
    tables: dict[str, int]

    def __str__(self) -> str:
        return f"schema {self.schema or 'none'}, {len(self.tables)} tables, {sum(self.tables.values())} rows"


@dataclass(frozen=True)
class DatabaseLook:
    """Looks into databases as their master user.

    The daemon host may read the secret of its own database only; to look into another, it is let read that one's as
    well, by a policy of its own until `close`.
    """

    site: Site

    def open(self, instance: Instance) -> None:
        """Let the daemon host read the master user's password of `instance`."""
        statement = {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": instance["MasterUserSecret"]["SecretArn"],
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._iam().put_role_policy(RoleName=self._role(), PolicyName=POLICY, PolicyDocument=document)

    def close(self) -> None:
        """Take that right away again."""
        iam = self._iam()
        try:
            iam.delete_role_policy(RoleName=self._role(), PolicyName=POLICY)
        except iam.exceptions.NoSuchEntityException:
            return

    def contents(self, instance: Instance) -> Contents:
        """Contents of `instance`. Raises OperatorError when it does not answer."""
        arguments = ("look", instance["Endpoint"]["Address"], instance["MasterUserSecret"]["SecretArn"])
        give_up = time.monotonic() + _PROPAGATION_SECONDS
        while True:
            try:
                said = self.site.task(*arguments, what=f"looking into {instance['DBInstanceIdentifier']}")
                break
            except OperatorError as error:  # a new policy takes its time to be known everywhere
                if "AccessDenied" not in str(error) or time.monotonic() >= give_up:
                    raise
                time.sleep(self.site.poll_seconds)
        try:
            found = json.loads(said)
            return Contents(found["schema"], found["tables"])
        except (ValueError, KeyError, TypeError):
            raise OperatorError(f"The daemon host says of the database: {said[:200] or 'nothing'}") from None

    def _role(self) -> str:
        return self.site.outputs().daemon_role_arn.rpartition("/")[2]

    def _iam(self) -> Any:
        return self.site.client("iam")
