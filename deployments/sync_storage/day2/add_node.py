"""Puts a node that Terraform has made into service, in the one order in which no user ever meets a half-made node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.sync_storage.day2.node_databases import DATABASE_SECONDS, POLL_SECONDS, NodeDatabases
from deployments.sync_storage.day2.rotation import write_private
from deployments.sync_storage.day2.token_server import statements
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.sync_storage.day2.deployed import Deployed, DeployedNode
    from deployments.sync_storage.day2.rotation import Rotation
    from deployments.sync_storage.day2.token_server import TokenServerDatabase


@dataclass(frozen=True)
class AddNode:
    """The steps; each looks at what is there first, so that another run goes on where one was interrupted.

    The hand-over is a secrets file, and rows in the token server's database, or SQL for whoever runs it.
    """

    deployed: Deployed
    node: DeployedNode
    rotation: Rotation
    console: Console
    _: KW_ONLY
    capacity: int
    secrets_file: Path
    confirm: Callable[[], bool]
    token_server: TokenServerDatabase | None
    sql_file: Path | None
    dry_run: bool = False
    poll_seconds: float = POLL_SECONDS
    database_seconds: float = DATABASE_SECONDS

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """The steps, in the document's order."""
        return [
            ("Node is up, its databases and the webheads' user are there", self.make_databases),
            ("Host names lead to the load balancer", self.check_host_names),
            ("Every host name has a master secret", self.make_secrets),
            ("Webheads know node and secrets", self.tell_webheads),
            ("Token server has the secrets", self.publish),
            ("Token server knows the host names", self.add_to_token_server),
        ]

    def run(self) -> None:
        """All steps, in order. Raises OperatorError at the first that fails; nothing after it is done then."""
        for number, (title, step) in enumerate(self.steps(), start=1):
            self._say(f"{number}. {title}")
            if self.dry_run:
                continue
            self._say(f"   {step()}")
        if self.dry_run:
            self._say(f"Nothing was done. Node {self.node.name} at {self.node.address}: {', '.join(self.node.names)}")

    def make_databases(self) -> str:
        """Has the function in the network make what is missing, once RDS says that the instance is up."""
        databases = NodeDatabases(self.deployed, self.node, self._say, self.poll_seconds, self.database_seconds)
        return databases.make()

    def check_host_names(self) -> str:
        """Compares the zone with the node's entry: Terraform has made both."""
        target = self.deployed.outputs.load_balancer_name
        route53 = self.deployed.client("route53")
        zone = self.deployed.outputs.zone_id
        for host_name in self.node.host_names:
            found = route53.list_resource_record_sets(
                HostedZoneId=zone, StartRecordName=host_name, StartRecordType="CNAME", MaxItems="1"
            )["ResourceRecordSets"]
            values = [
                value["Value"].rstrip(".")
                for record in found
                if record["Name"].rstrip(".") == host_name and record["Type"] == "CNAME"
                for value in record["ResourceRecords"]
            ]
            if values != [target]:
                raise OperatorError(
                    f"{host_name} leads to {', '.join(values) or 'nothing'}, not to {target}.",
                    hint=f"Apply generated/stacks/{self.deployed.stack.name} again.",
                )
        return f"{len(self.node.host_names)} CNAME records"

    def make_secrets(self) -> str:
        """Random ones, unless there are some."""
        self.rotation.create(self.node)
        return self.node.master_secrets

    def tell_webheads(self) -> str:
        """All webheads render and reload, unless they have since these secrets were made."""
        self.rotation.bring_to_webheads([self.node])
        return "they serve the node"

    def publish(self) -> str:
        """The whole secrets file is handed over."""
        self.rotation.publish(self.secrets_file, confirm=self.confirm)
        return str(self.secrets_file)

    def add_to_token_server(self) -> str:
        """Rows for those host names that have none, with the capacity given."""
        if self.token_server is not None:
            added = self.token_server.add(self.node.names, self.capacity)
            return f"{len(added)} added, {len(self.node.names) - len(added)} were there"
        if self.sql_file is None:
            raise OperatorError("Neither a database nor a file for the SQL was given.")
        write_private(self.sql_file, statements(self.node.names, self.capacity))
        return f"{self.sql_file} is to be run in the token server's database, which is the last thing to do"

    def _say(self, text: str) -> None:
        self.console.print(text)
