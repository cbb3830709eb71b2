"""The databases of a node and the webheads' user on it, by the function in the network that makes what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError
from operations.instances.database_user import call_function

if TYPE_CHECKING:
    from deployments.sync_storage.day2.deployed import Deployed, DeployedNode

DATABASE_SECONDS = 1800.0
POLL_SECONDS = 10.0


@dataclass(frozen=True)
class NodeDatabases:
    """The databases of one node; `say` is told while its instance is waited for."""

    deployed: Deployed
    node: DeployedNode
    say: Callable[[str], None]
    poll_seconds: float = POLL_SECONDS
    timeout_seconds: float = DATABASE_SECONDS

    def make(self) -> str:
        """Make what is missing, once RDS says that the instance is up. Raises OperatorError when that fails."""
        self._wait_until_available()
        asked = {
            "host": self.node.address,
            "port": self.node.port,
            "master_secret_arn": self._master_secret(),
            "databases": [f"syncstorage{number}" for number in range(len(self.node.host_names))],
            "user": self.deployed.outputs.application_user,
            "user_secret_arn": self.deployed.outputs.application_secret,
        }
        said = call_function(
            self.deployed.client,
            self.deployed.outputs.databases_function,
            asked,
            failure=f"The databases of node {self.node.name} were not made",
        )
        return f"{len(said['created'])} databases made, {len(said['present'])} were there; user {said['user']}"

    def _wait_until_available(self) -> None:
        give_up = time.monotonic() + self.timeout_seconds
        while (status := self._instance()["DBInstanceStatus"]) != "available":
            if time.monotonic() >= give_up:
                raise OperatorError(f"The database of node {self.node.name} is {status}, not available.")
            self.say(f"   the database is {status}")
            time.sleep(self.poll_seconds)

    def _master_secret(self) -> str:
        arn: str = self._instance()["MasterUserSecret"]["SecretArn"]
        return arn

    def _instance(self) -> dict[str, Any]:
        rds = self.deployed.client("rds")
        try:
            found = rds.describe_db_instances(DBInstanceIdentifier=self.node.identifier)["DBInstances"]
        except rds.exceptions.DBInstanceNotFoundFault:
            raise OperatorError(
                f"There is no database {self.node.identifier}.",
                hint=f"Apply generated/stacks/{self.deployed.stack.name} again.",
            ) from None
        instance: dict[str, Any] = found[0]
        return instance
