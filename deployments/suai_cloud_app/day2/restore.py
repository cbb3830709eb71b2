"""The SUAI Cloud App's part in the restore of its database: a look through an instance, then the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deployments.suai_cloud_app.day2.releases import DEPLOYMENT
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.applied import find_applied
from operations.errors import OperatorError
from operations.instances.fleet import POLL_SECONDS, SUCCESSFUL, AutoScalingGroup
from operations.restore.mysql_look import MysqlLook
from operations.restore.place import DatabasePlace, identifier_of

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.restore.instances import Instance

FLEET_SECONDS = 3600


@dataclass(frozen=True)
class RestoredSuai:
    """One environment whose database is restored; `place` is its database, `group` its Auto Scaling group."""

    place: DatabasePlace
    group: str
    steps: ClassVar = ("fleet",)
    expected: ClassVar[Mapping[str, str]] = {
        # instances know the master user's secret by its ARN
        "aws_autoscaling_group.web": "update",
        "aws_iam_role_policy.database_secret_read_by_web": "update",
        "aws_launch_template.web_launch_template": "update",
    }

    @classmethod
    def applied(cls, root: Path, environment: str, aws: Aws, *, poll_seconds: float = POLL_SECONDS) -> RestoredSuai:
        """The database of the application in `environment`. Raises OperatorError when it is not applied."""
        applied = find_applied(root, DEPLOYMENT, environment, aws)
        outputs = applied.read(SuaiCloudAppOutputs)
        place = DatabasePlace(
            aws,
            applied.stack,
            root,
            "aws_db_instance.database",
            identifier_of(outputs.database_address),
            command=f"quintet suai restore --environment {environment}",
            check_command=f"quintet suai check {outputs.url}",
            poll_seconds=poll_seconds,
        )
        return cls(place, outputs.group)

    @cached_property
    def _look(self) -> MysqlLook:
        return MysqlLook(self.place, self._fleet.instances)

    @property
    def _fleet(self) -> AutoScalingGroup:
        place = self.place
        return AutoScalingGroup(place.aws, self.group, region=place.stack.region, poll_seconds=place.poll_seconds)

    def ready(self) -> None:
        """Raises OperatorError when nothing leads to the database."""
        self._look.ready()

    def compare(self, new: Instance, old: Instance | None) -> str:
        """The content of the new database beside that of the old one. Raises OperatorError when it is empty."""
        return self._look.compare(new, old)

    def follow(self, new: Instance) -> Iterator[tuple[str, str]]:
        """Wait until the instances, whose replacement the apply began, all know the new secret."""
        del new
        fleet = self._fleet
        while (active := fleet.active_refresh()) or fleet.outdated():
            refresh = fleet.follow(active or fleet.start_refresh(), lambda _: None, timeout_seconds=FLEET_SECONDS)
            if refresh.status != SUCCESSFUL:
                raise OperatorError(
                    f"The instances of {self.group} were not all replaced ({refresh}).",
                    hint=f"See quintet logs {self.place.stack.name} boot, then run the same command again.",
                )
        yield "fleet", f"the {len(fleet.instances())} instances of {self.group} know the new database"

    def close(self) -> None:
        """Nothing was opened."""
