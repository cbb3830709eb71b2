"""Aurora clusters, and their instances, by the ids that stay when they are renamed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError
from operations.restore.cluster_shape import ClusterShape, of_member
from operations.restore.instances import BROKEN, READY, has_password, logs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rich.console import Console

    from operations.restore.place import DatabasePlace, Resources
    from operations.restore.source import Source
    from operations.terraform.terraform import Terraform

Cluster = dict[str, Any]


@dataclass(frozen=True)
class Clusters:
    """The clusters of one environment's account and region; a wait takes `timeout_seconds` at most.

    RDS restores a cluster without instances: they are created like those in Terraform's state, and renamed with it.
    """

    place: DatabasePlace
    timeout_seconds: float

    @property
    def addresses(self) -> Collection[str]:
        """The addresses of the cluster and its instances in Terraform's state."""
        return (self.place.address, *self.place.members.values())

    def named(self, identifier: str) -> Cluster | None:
        """The one with this name; None when there is none."""
        rds = self.place.client("rds")
        try:
            (found,) = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
        except rds.exceptions.DBClusterNotFoundFault:
            return None
        cluster: Cluster = found
        return cluster

    def with_id(self, resource_id: str) -> Cluster | None:
        """The one with this `DbClusterResourceId`, whatever its name; None when it is gone."""
        filters = [{"Name": "db-cluster-resource-id", "Values": [resource_id]}]
        found = self.place.client("rds").describe_db_clusters(Filters=filters)["DBClusters"]
        return found[0] if found else None

    def identifier(self, found: Cluster) -> str:
        """Its name."""
        name: str = found["DBClusterIdentifier"]
        return name

    def resource_id(self, found: Cluster) -> str:
        """Its lasting id."""
        id_: str = found["DbClusterResourceId"]
        return id_

    def resource_id_in(self, state: Resources) -> str | None:
        """The lasting id of the one in Terraform's state; None when it holds none."""
        return state[self.place.address]["cluster_resource_id"] if self.place.address in state else None

    def host(self, found: Cluster) -> str:
        """Its writer's host name."""
        address: str = found["Endpoint"]
        return address

    def restore(self, source: Source, identifier: str, target: str, state: Resources) -> None:
        """Have RDS restore `target` from `source`, in the shape that `state` says."""
        source.restore(self.place.client("rds"), identifier, target, self._shape(state).when_restored())

    def complete(self, resource_id: str, state: Resources, console: Console) -> Cluster:
        """Wait until the restored one is available, and has the instances that Terraform's state holds."""
        cluster = self._wait(resource_id, console)
        there = self._members(cluster)
        for ending, address in self.place.members.items():
            if ending not in there:
                self.place.client("rds").create_db_instance(
                    DBInstanceIdentifier=f"{self.identifier(cluster)}{ending}",
                    DBClusterIdentifier=self.identifier(cluster),
                    **of_member(state[address]),
                )
        return self._wait(
            resource_id, console, until=lambda found: len(self._members(found)) == len(self.place.members)
        )

    def fit(self, new: Cluster, state: Resources, console: Console) -> tuple[Cluster, int]:
        """Change the settings that a restore leaves out; as it is then, and how many there were.

        Raises OperatorError when Terraform would replace it, or it is open to others.
        """
        shape, rds = self._shape(state), self.place.client("rds")
        changes = shape.changes(new)
        if changes:
            rds.modify_db_cluster(DBClusterIdentifier=self.identifier(new), ApplyImmediately=True, **changes)
        data_api = shape.data_api and not new.get("HttpEndpointEnabled")
        if data_api:
            rds.enable_http_endpoint(ResourceArn=new["DBClusterArn"])
        new = self._wait(
            self.resource_id(new),
            console,
            until=lambda found: (
                not shape.changes(found)
                and has_password(found)
                and bool(found.get("HttpEndpointEnabled")) >= shape.data_api
            ),
        )
        shape.check(new)
        return new, len(changes) + data_api

    def make_room(self, old: Cluster, identifier: str, console: Console) -> Cluster:
        """Rename the old one, then its instances; it logs nothing from then on."""
        self._rename(old, identifier, console, **logs(old, []))
        return self._rename_members(old, identifier, console)

    def take_name(self, new: Cluster, identifier: str, state: Resources, console: Console) -> Cluster:
        """Rename the instances of the new one, and last itself: it has the name when all is done."""
        self._rename_members(new, identifier, console)
        return self._rename(new, identifier, console, **logs(new, self._shape(state).log_types))

    def adopt(self, terraform: Terraform, new: Cluster, done: Callable[[str], None]) -> None:
        """Do nothing: Terraform knows clusters and their instances by their names."""

    def deletion(self, identifier: str, region: str) -> str:
        """The commands that delete one, with a last snapshot."""
        found = self.named(identifier)
        members = [member["DBInstanceIdentifier"] for member in found["DBClusterMembers"]] if found else []
        return "\n".join(
            [
                f"  aws rds modify-db-cluster --region {region} --db-cluster-identifier {identifier} "
                "--no-deletion-protection --apply-immediately",
                *(
                    f"  aws rds delete-db-instance --region {region} --db-instance-identifier {name}"
                    for name in members
                ),
                f"  aws rds delete-db-cluster --region {region} --db-cluster-identifier {identifier} "
                f"--final-db-snapshot-identifier {identifier}-final",
            ]
        )

    def _shape(self, state: Resources) -> ClusterShape:
        if self.place.address not in state:
            raise OperatorError(f"The state does not hold {self.place.address}, which the new cluster is made like.")
        return ClusterShape(state[self.place.address])

    def _members(self, cluster: Cluster) -> dict[str, str]:
        """The end of each instance's name, which stays when it is renamed, and the name."""
        names = [member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"]]
        return {ending: name for name in names for ending in self.place.members if name.endswith(ending)}

    def _rename(self, cluster: Cluster, identifier: str, console: Console, **changes: Any) -> Cluster:
        """Call it `identifier`, and change what else is named, at once. Does nothing when it is done."""
        id_ = self.resource_id(cluster)
        cluster = self._wait(id_, console)
        if self.identifier(cluster) != identifier:
            self.place.client("rds").modify_db_cluster(
                DBClusterIdentifier=self.identifier(cluster),
                NewDBClusterIdentifier=identifier,
                ApplyImmediately=True,
                **changes,
            )
        return self._wait(id_, console, until=lambda found: self.identifier(found) == identifier)

    def _rename_members(self, cluster: Cluster, identifier: str, console: Console) -> Cluster:
        """Call its instances after `identifier`; RDS restarts them for that. Does nothing when it is done."""
        id_ = self.resource_id(cluster)
        wanted = {ending: f"{identifier}{ending}" for ending in self.place.members}
        there = self._members(self._wait(id_, console))
        for ending, name in there.items():
            if name != wanted[ending]:
                self.place.client("rds").modify_db_instance(
                    DBInstanceIdentifier=name, NewDBInstanceIdentifier=wanted[ending], ApplyImmediately=True
                )
        return self._wait(id_, console, until=lambda found: set(self._members(found).values()) <= set(wanted.values()))

    def _wait(
        self, resource_id: str, console: Console, *, until: Callable[[Cluster], bool] = lambda _: True
    ) -> Cluster:
        """Wait until it and its instances are available, nothing is pending, and `until` holds.

        Raises OperatorError when one of them fails, is gone, or takes too long.
        """
        give_up = time.monotonic() + self.timeout_seconds
        with console.status("") as shown:
            while True:
                found = self.with_id(resource_id)
                if found is None:
                    raise OperatorError(
                        f"The cluster {resource_id}, which is part of this restore, is gone: somebody has deleted it.",
                        hint="Give this restore up with --abandon, then begin anew.",
                    )
                statuses = {self.identifier(found): found["Status"], **self._statuses(found)}
                busy = {name: status for name, status in statuses.items() if status not in READY}
                if not busy and not found.get("PendingModifiedValues") and until(found):
                    return found
                for name, status in busy.items():
                    if status in BROKEN:
                        raise OperatorError(f"{name} is {status}.", hint="Its events say why: aws rds describe-events")
                said = ", ".join(f"{name} is {status}" for name, status in (busy or statuses).items())
                if time.monotonic() >= give_up:
                    raise OperatorError(f"Still: {said}.", hint="Run the same command again: it goes on waiting.")
                minutes = (give_up - time.monotonic()) / 60
                shown.update(f"{said}; waiting for {minutes:.0f} minutes more at most")
                time.sleep(self.place.poll_seconds)

    def _statuses(self, cluster: Cluster) -> dict[str, str]:
        filters = [{"Name": "db-cluster-id", "Values": [self.identifier(cluster)]}]
        found = self.place.client("rds").describe_db_instances(Filters=filters)["DBInstances"]
        return {instance["DBInstanceIdentifier"]: instance["DBInstanceStatus"] for instance in found}
