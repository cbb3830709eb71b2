"""The contest's part in the restore of its database: a look, then the user and both environments."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deployments.beaver_contest.day2.database_user import database_user
from deployments.beaver_contest.day2.health import environments_of
from deployments.beaver_contest.day2.opening import admin_instances
from operations.errors import OperatorError
from operations.instances.run_command import POLL_SECONDS
from operations.restore.mysql_look import MysqlLook
from operations.restore.place import DatabasePlace, identifier_of

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.contest import Contest
    from operations.restore.instances import Instance

ENVIRONMENT_SECONDS = 1800


@dataclass(frozen=True)
class RestoredContest:
    """One environment whose database is restored; `place` is its database."""

    contest: Contest
    place: DatabasePlace
    steps: ClassVar = ("user", "environments")
    expected: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def applied(cls, contest: Contest, root: Path, *, poll_seconds: float = POLL_SECONDS) -> RestoredContest:
        """The database of an applied contest."""
        environment = f"--environment {contest.stack.environment}"
        place = DatabasePlace(
            contest.aws,
            contest.stack,
            root,
            "aws_db_instance.database",
            identifier_of(contest.outputs.database_address),
            command=f"quintet beaver restore {environment}",
            check_command=f"quintet beaver check {environment}",
            poll_seconds=poll_seconds,
        )
        return cls(contest, place)

    @cached_property
    def _look(self) -> MysqlLook:
        return MysqlLook(self.place, lambda: admin_instances(self.contest))

    def ready(self) -> None:
        """Raises OperatorError when nothing leads to the database."""
        self._look.ready()

    def compare(self, new: Instance, old: Instance | None) -> str:
        """The content of the new database beside that of the old one. Raises OperatorError when it is empty."""
        return self._look.compare(new, old)

    def follow(self, new: Instance) -> Iterator[tuple[str, str]]:
        """Give the user the password that its secret has today, then wait until both environments are well again."""
        del new
        yield "user", database_user(self.contest).make()
        give_up = time.monotonic() + ENVIRONMENT_SECONDS
        while (found := environments_of(self.contest)).wrong:
            if time.monotonic() >= give_up:
                raise OperatorError(
                    f"The environments are not well: {'; '.join(found.wrong)}.", hint="Run the same command again."
                )
            time.sleep(self.place.poll_seconds)
        yield "environments", found.seen

    def close(self) -> None:
        """Nothing was opened."""
