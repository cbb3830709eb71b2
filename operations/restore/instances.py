"""RDS instances by the ids that stay when they are renamed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError
from operations.restore.instance_shape import InstanceShape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rich.console import Console

    from operations.restore.place import DatabasePlace, Resources
    from operations.restore.source import Source
    from operations.terraform.terraform import Terraform

Instance = dict[str, Any]
READY = ("available", "storage-optimization")
BROKEN = ("failed", "incompatible-restore", "incompatible-network", "incompatible-parameters", "storage-full")


@dataclass(frozen=True)
class Instances:
    """The instances of one environment's account and region; a wait takes `timeout_seconds` at most."""

    place: DatabasePlace
    timeout_seconds: float

    @property
    def addresses(self) -> Collection[str]:
        """The address of the instance in Terraform's state."""
        return (self.place.address,)

    def named(self, identifier: str) -> Instance | None:
        """The one with this name; None when there is none."""
        rds = self.place.client("rds")
        try:
            (found,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
        except rds.exceptions.DBInstanceNotFoundFault:
            return None
        instance: Instance = found
        return instance

    def with_id(self, resource_id: str) -> Instance | None:
        """The one with this `DbiResourceId`, whatever its name; None when it is gone."""
        filters = [{"Name": "dbi-resource-id", "Values": [resource_id]}]
        found = self.place.client("rds").describe_db_instances(Filters=filters)["DBInstances"]
        return found[0] if found else None

    def identifier(self, found: Instance) -> str:
        """Its name."""
        name: str = found["DBInstanceIdentifier"]
        return name

    def resource_id(self, found: Instance) -> str:
        """Its lasting id."""
        id_: str = found["DbiResourceId"]
        return id_

    def resource_id_in(self, state: Resources) -> str | None:
        """The lasting id of the one in Terraform's state; None when it holds none."""
        return state[self.place.address]["resource_id"] if self.place.address in state else None

    def host(self, found: Instance) -> str:
        """Its host name."""
        address: str = found["Endpoint"]["Address"]
        return address

    def restore(self, source: Source, identifier: str, target: str, state: Resources) -> None:
        """Have RDS restore `target` from `source`, in the shape that `state` says."""
        source.restore(self.place.client("rds"), identifier, target, self._shape(state).when_restored())

    def complete(self, resource_id: str, state: Resources, console: Console) -> Instance:
        """Wait until the restored one is available."""
        del state
        return self._wait(resource_id, console)

    def fit(self, new: Instance, state: Resources, console: Console) -> tuple[Instance, int]:
        """Change the settings that a restore leaves out; as it is then, and how many there were.

        Raises OperatorError when Terraform would replace it, or it is open to others.
        """
        shape = self._shape(state)
        changes = shape.changes(new)
        if changes:
            self.place.client("rds").modify_db_instance(
                DBInstanceIdentifier=self.identifier(new), ApplyImmediately=True, **changes
            )
        new = self._wait(
            self.resource_id(new), console, until=lambda found: not shape.changes(found) and has_password(found)
        )
        shape.check(new)
        return new, len(changes)

    def make_room(self, old: Instance, identifier: str, console: Console) -> Instance:
        """Rename the old one, which logs nothing from then on."""
        return self._rename(self.resource_id(old), identifier, console, **logs(old, []))

    def take_name(self, new: Instance, identifier: str, state: Resources, console: Console) -> Instance:
        """Rename the new one, which logs from then on."""
        return self._rename(self.resource_id(new), identifier, console, **logs(new, self._shape(state).log_types))

    def adopt(self, terraform: Terraform, new: Instance, done: Callable[[str], None]) -> None:
        """Have Terraform's state follow: it knows instances by the id that renaming does not change."""
        if self.place.address in terraform.state_list():
            terraform.state_remove(self.place.address)
            done("state removed")
        terraform.import_resource(self.place.address, self.resource_id(new))

    def deletion(self, identifier: str, region: str) -> str:
        """The commands that delete one, with a last snapshot."""
        return (
            f"  aws rds modify-db-instance --region {region} --db-instance-identifier {identifier} "
            "--no-deletion-protection --apply-immediately\n"
            f"  aws rds delete-db-instance --region {region} --db-instance-identifier {identifier} "
            f"--final-db-snapshot-identifier {identifier}-final"
        )

    def _shape(self, state: Resources) -> InstanceShape:
        if self.place.address not in state:
            raise OperatorError(f"The state does not hold {self.place.address}, which the new instance is made like.")
        return InstanceShape(state[self.place.address])

    def _rename(self, resource_id: str, identifier: str, console: Console, **changes: Any) -> Instance:
        """Call it `identifier`, and change what else is named, at once; RDS restarts it for that.

        Done already, it only waits until the instance is available. Raises OperatorError when it is gone.
        """
        instance = self._wait(resource_id, console)
        if self.identifier(instance) != identifier:
            self.place.client("rds").modify_db_instance(
                DBInstanceIdentifier=self.identifier(instance),
                NewDBInstanceIdentifier=identifier,
                ApplyImmediately=True,
                **changes,
            )
        return self._wait(resource_id, console, until=lambda found: self.identifier(found) == identifier)

    def _wait(
        self, resource_id: str, console: Console, *, until: Callable[[Instance], bool] = lambda _: True
    ) -> Instance:
        """Wait until it is available, nothing of it is pending, and `until` holds; what it is like then.

        Raises OperatorError when it fails, is gone, or takes too long.
        """
        give_up = time.monotonic() + self.timeout_seconds
        with console.status("") as shown:
            while True:
                found = self._there(resource_id)
                name, status = self.identifier(found), found["DBInstanceStatus"]
                if status in READY and not found.get("PendingModifiedValues") and until(found):
                    return found
                if status in BROKEN:
                    raise OperatorError(
                        f"The instance {name} is {status}.", hint="Its events say why: aws rds describe-events"
                    )
                if time.monotonic() >= give_up:
                    raise OperatorError(
                        f"The instance {name} is still {status}.",
                        hint="Run the same command again: it goes on waiting.",
                    )
                minutes = (give_up - time.monotonic()) / 60
                shown.update(f"{name} is {status}; waiting for {minutes:.0f} minutes more at most")
                time.sleep(self.place.poll_seconds)

    def _there(self, resource_id: str) -> Instance:
        found = self.with_id(resource_id)
        if found is None:
            raise OperatorError(
                f"The instance {resource_id}, which is part of this restore, is gone: somebody has deleted it.",
                hint="Give this restore up with --abandon, then begin anew.",
            )
        return found


def has_password(found: Instance) -> bool:
    """True when AWS manages the master user's password and its secret can be read."""
    return bool(found.get("MasterUserSecret", {}).get("SecretStatus") == "active")


def logs(found: Instance, wanted: list[str]) -> dict[str, Any]:
    """The change that makes it send these logs, and no others, to CloudWatch."""
    now = found.get("EnabledCloudwatchLogsExports", [])
    more, less = [log for log in wanted if log not in now], [log for log in now if log not in wanted]
    change = {"EnableLogTypes": more, "DisableLogTypes": less}
    asked = {key: logs for key, logs in change.items() if logs}
    return {"CloudwatchLogsExportConfiguration": asked} if asked else {}
