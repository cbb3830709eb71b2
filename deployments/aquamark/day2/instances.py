"""RDS instances by the ids that stay when they are renamed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from deployments.aquamark.day2.site import Site

Instance = dict[str, Any]
_READY = ("available", "storage-optimization")
_BROKEN = ("failed", "incompatible-restore", "incompatible-network", "incompatible-parameters", "storage-full")


@dataclass(frozen=True)
class Instances:
    """The instances of one environment's account and region; a wait takes `timeout_seconds` at most."""

    site: Site
    timeout_seconds: float

    def called(self, identifier: str) -> Instance | None:
        """The one with this name; None when there is none."""
        rds = self.site.client("rds")
        try:
            (found,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
        except rds.exceptions.DBInstanceNotFoundFault:
            return None
        instance: Instance = found
        return instance

    def with_id(self, resource_id: str) -> Instance | None:
        """The one with this `DbiResourceId`, whatever it is called; None when it is gone."""
        filters = [{"Name": "dbi-resource-id", "Values": [resource_id]}]
        found = self.site.client("rds").describe_db_instances(Filters=filters)["DBInstances"]
        return found[0] if found else None

    def rename(self, resource_id: str, identifier: str, console: Console, **changes: Any) -> Instance:
        """Call it `identifier`, and change what else is named, at once; RDS restarts it for that.

        Done already, it only waits until the instance is available. Raises OperatorError when it is gone.
        """
        instance = self._there(resource_id)
        if instance["DBInstanceIdentifier"] != identifier:
            instance = self.wait(resource_id, console)
            self.site.client("rds").modify_db_instance(
                DBInstanceIdentifier=instance["DBInstanceIdentifier"],
                NewDBInstanceIdentifier=identifier,
                ApplyImmediately=True,
                **changes,
            )
        return self.wait(resource_id, console, until=lambda found: found["DBInstanceIdentifier"] == identifier)

    def wait(
        self, resource_id: str, console: Console, *, until: Callable[[Instance], bool] = lambda _: True
    ) -> Instance:
        """Wait until it is available, nothing of it is pending, and `until` holds; what it is like then.

        Raises OperatorError when it fails, is gone, or takes too long.
        """
        give_up = time.monotonic() + self.timeout_seconds
        with console.status("") as shown:
            while True:
                found = self._there(resource_id)
                name, status = found["DBInstanceIdentifier"], found["DBInstanceStatus"]
                if status in _READY and not found.get("PendingModifiedValues") and until(found):
                    return found
                if status in _BROKEN:
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
                time.sleep(self.site.poll_seconds)

    def _there(self, resource_id: str) -> Instance:
        found = self.with_id(resource_id)
        if found is None:
            raise OperatorError(
                f"The instance {resource_id}, which is part of this restore, is gone: somebody has deleted it.",
                hint="Give this restore up with --abandon, then begin anew.",
            )
        return found
