"""The SUAI Cloud App's part in the restore of its database: a look through an instance, then the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deployments.suai_cloud_app.day2.database_user import database_user
from deployments.suai_cloud_app.day2.releases import DEPLOYMENT
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.applied import find_applied
from operations.instances.fleet import POLL_SECONDS, AutoScalingGroup
from operations.restore.mysql_look import MysqlLook
from operations.restore.place import DatabasePlace, identifier_of

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.instances.database_user import ApplicationUser
    from operations.restore.instances import Instance


@dataclass(frozen=True)
class RestoredSuai:
    """One environment whose database is restored; `group` is the Auto Scaling group, `user` the application's."""

    place: DatabasePlace
    group: str
    user: ApplicationUser
    steps: ClassVar = ("user",)
    expected: ClassVar[Mapping[str, str]] = {}

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
        return cls(place, outputs.group, database_user(aws, applied.stack, outputs))

    @cached_property
    def _look(self) -> MysqlLook:
        fleet = AutoScalingGroup(self.place.aws, self.group, region=self.place.stack.region)
        return MysqlLook(self.place, fleet.instances)

    def ready(self) -> None:
        """Raises OperatorError when nothing leads to the database."""
        self._look.ready()

    def compare(self, new: Instance, old: Instance | None) -> str:
        """The content of the new database beside that of the old one. Raises OperatorError when it is empty."""
        return self._look.compare(new, old)

    def follow(self, new: Instance) -> Iterator[tuple[str, str]]:
        """Give the user the password that its secret has today; the restored database knows the one of then."""
        del new
        yield "user", self.user.make()

    def close(self) -> None:
        """Nothing was opened."""
