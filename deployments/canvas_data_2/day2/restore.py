"""Canvas Data 2's part in the restore of its cluster: a look by the Data API, then the pipeline's user."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deployments.canvas_data_2.day2.data_api import DataApi
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.day2.executions import RUNNING, Executions
from deployments.canvas_data_2.day2.user import DatabaseUser
from operations.console import new_console
from operations.errors import OperatorError
from operations.instances.run_command import POLL_SECONDS
from operations.restore.contents import TableContents, comparison
from operations.restore.place import DatabasePlace, identifier_of
from operations.state.difference import resources_of
from operations.state.status import current_state

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.restore.clusters import Cluster

ADDRESS = "aws_rds_cluster.database"
_MEMBER = "aws_rds_cluster_instance."
_TABLES = """
SELECT n.nspname || '.' || c.relname AS name, pg_relation_size(c.oid) > 0 AS has_rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""
"""Sizes and no rows: a restored cluster fetches what is read, and the sizes are known without."""


@dataclass(frozen=True)
class RestoredCanvas:
    """One environment whose cluster is restored; `place` is the cluster."""

    canvas: CanvasData2
    place: DatabasePlace
    steps: ClassVar = ("user",)
    expected: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def applied(cls, root: Path, environment: str, aws: Aws, *, poll_seconds: float = POLL_SECONDS) -> RestoredCanvas:
        """The cluster in `environment`. Raises OperatorError when it is not applied."""
        canvas = CanvasData2.applied(root, environment, aws)
        identifier = identifier_of(canvas.outputs.database_address)
        state = resources_of(current_state(aws, canvas.stack))
        place = DatabasePlace(
            aws,
            canvas.stack,
            root,
            ADDRESS,
            identifier,
            command=f"quintet canvas restore --environment {environment}",
            check_command=f"quintet canvas start --environment {environment}",
            members={
                str(attributes["identifier"]).removeprefix(identifier): address
                for address, attributes in state.items()
                if address.startswith(_MEMBER)
            },
            poll_seconds=poll_seconds,
        )
        return cls(canvas, place)

    def ready(self) -> None:
        """Raises OperatorError while a refresh runs: it would lose its database on the way."""
        running = [execution for execution in Executions(self.canvas).recent(10) if execution.status == RUNNING]
        if running:
            raise OperatorError(
                f"The refresh {running[0].name} is running. Nothing was changed.",
                hint=f"Wait until it has ended: quintet canvas status --environment {self.place.stack.environment}",
            )

    def compare(self, new: Cluster, old: Cluster | None) -> str:
        """The content of the new cluster beside that of the old one. Raises OperatorError when it is empty."""
        return comparison(new["DBClusterIdentifier"], self._contents, new, old)

    def follow(self, new: Cluster) -> Iterator[tuple[str, str]]:
        """Give the pipeline's user the password of now: the restored cluster has the one of then."""
        del new
        place, environment = self.place, self.place.stack.environment
        canvas = CanvasData2.applied(place.root, environment, place.aws)  # whose outputs name the new secret
        DatabaseUser(environment, root=place.root, aws=place.aws).prepare_in(canvas, new_console(file=io.StringIO()))
        yield "user", f"{self.canvas.outputs.database_user} signs in with the password of its secret"

    def close(self) -> None:
        """Nothing was opened."""

    def _contents(self, cluster: Cluster) -> TableContents:
        database = DataApi(
            self.canvas, cluster_arn=cluster["DBClusterArn"], secret_arn=cluster["MasterUserSecret"]["SecretArn"]
        )
        return TableContents({row["name"]: bool(row["has_rows"]) for row in database.execute(_TABLES)})
