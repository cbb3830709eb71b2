"""Sync Storage's part in the restore of a node's database: a look through a webhead, then the webheads' user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deployments.sync_storage.day2.node_databases import NodeDatabases
from deployments.sync_storage.day2.webheads import RunningWebheads
from operations.aws import refusals_explained
from operations.console import new_console
from operations.instances.run_command import POLL_SECONDS
from operations.restore.mysql_look import MysqlLook
from operations.restore.place import DatabasePlace

if TYPE_CHECKING:
    from deployments.sync_storage.day2.deployed import Deployed, DeployedNode
    from operations.restore.instances import Instance


@dataclass(frozen=True)
class RestoredNode:
    """One node whose database is restored; `place` is its database, `webheads` the instances that reach it."""

    deployed: Deployed
    node: DeployedNode
    place: DatabasePlace
    webheads: Callable[[], Sequence[str]]
    steps: ClassVar = ("databases",)
    expected: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def applied(cls, deployed: Deployed, name: str, root: Path, *, poll_seconds: float = POLL_SECONDS) -> RestoredNode:
        """The database of the node `name`. Raises OperatorError when there is no such node."""
        with refusals_explained():
            (node,) = deployed.chosen([name])
        place = DatabasePlace(
            deployed.aws,
            deployed.stack,
            root,
            f"aws_db_instance.nodes_{name}_database",
            node.identifier,
            command=f"quintet sync-storage restore {name} --environment {deployed.environment}",
            check_command=f"quintet sync-storage check --environment {deployed.environment}",
            record=f"restore-{name}",
            poll_seconds=poll_seconds,
        )
        return cls(deployed, node, place, RunningWebheads(deployed, new_console()).instances)

    @cached_property
    def _look(self) -> MysqlLook:
        return MysqlLook(self.place, self.webheads)

    def ready(self) -> None:
        """Raises OperatorError when nothing leads to the database."""
        self._look.ready()

    def compare(self, new: Instance, old: Instance | None) -> str:
        """The content of the new database beside that of the old one. Raises OperatorError when it is empty."""
        return self._look.compare(new, old)

    def follow(self, new: Instance) -> Iterator[tuple[str, str]]:
        """Give the webheads' user the password of now: the restored database has the one of then."""
        del new
        made = NodeDatabases(self.deployed, self.node, lambda _: None, self.place.poll_seconds).make()
        yield "databases", made

    def close(self) -> None:
        """Nothing was opened."""
