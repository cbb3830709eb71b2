"""A restore of Canvas Data 2's cluster on the emulator with the real Terraform, cut off after every step."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from config.limits import FACTS
from deployments.canvas_data_2.day2.executions import Executions
from deployments.canvas_data_2.day2.rehearsal.replica import make_replica
from deployments.canvas_data_2.day2.restore import RestoredCanvas
from deployments.canvas_data_2.day2.user import DatabaseUser
from emulator.server import Emulator
from operations.console import new_console
from operations.engines.postgresql import PostgreSql
from operations.errors import OperatorError
from operations.restore.cluster_source import ClusterMoment, ClusterSnapshot
from operations.restore.contents import TableContents
from operations.restore.database import BEFORE, DatabaseRestore
from operations.restore.source import Source
from tests.deployments.applied_stack import AppliedStack, CutOff

pytestmark = [
    pytest.mark.engines,
    pytest.mark.terraform(minutes=7),
    pytest.mark.xdist_group("canvas-data-2-restore"),
]
NAME = "canvas-data-2-dev-database"
DATABASE = "cd2"
STEPS = (*BEFORE, *RestoredCanvas.steps, "end")


class Restoring:
    """Restores of an applied Canvas Data 2; one PostgreSQL stands behind all its clusters."""

    def __init__(self, applied: AppliedStack, server: PostgreSql, behind: Path) -> None:
        self.applied = applied
        self.rds: Any = applied.aws.client("rds", region=applied.stack.region)
        self.secrets = applied.aws.client("secretsmanager", region=applied.stack.region)
        self.server = server
        self.behind = behind
        self.password = self.login(self.serving())["password"]
        self.let_in()

    def let_in(self) -> None:
        """Have PostgreSQL answer for every cluster, each with the master password of the first one."""
        there = {"host": self.server.host, "port": self.server.port, "database": DATABASE}
        names = []
        for cluster in self.clusters().values():
            names.append(cluster["DBClusterIdentifier"])
            if cluster.get("MasterUserSecret"):
                login = self.login(cluster) | {"password": self.password}
                self.secrets.put_secret_value(
                    SecretId=cluster["MasterUserSecret"]["SecretArn"], SecretString=json.dumps(login)
                )
        self.behind.write_text(json.dumps({"databases": dict.fromkeys(names, there)}))

    def login(self, cluster: dict[str, Any]) -> dict[str, Any]:
        """The master user of a cluster."""
        found = self.secrets.get_secret_value(SecretId=cluster["MasterUserSecret"]["SecretArn"])
        login: dict[str, Any] = json.loads(found["SecretString"])
        return login

    def restore(self, source: Source, *, cut_after: str | None = None, **asked: Any) -> str:
        """Lines of a restore; CutOff once the named step is done."""

        def cut(step: str) -> None:
            if step in ("settings", "old", "new"):  # there is a new name or password
                self.let_in()
            if step == cut_after:
                raise CutOff(step)

        said = io.StringIO()
        asked = {"timeout_seconds": 60, **asked}
        DatabaseRestore(self.application(), source, after_step=cut, **asked).run(new_console(file=said, width=200))
        return said.getvalue()

    def abandon(self) -> str:
        """Lines when the restore under way is given up."""
        said = io.StringIO()
        DatabaseRestore(self.application(), ClusterSnapshot("")).abandon(new_console(file=said, width=200))
        return said.getvalue()

    def application(self) -> RestoredCanvas:
        """Canvas Data 2, with Terraform led to the emulator."""
        found = RestoredCanvas.applied(self.applied.root, "dev", self.applied.aws, poll_seconds=0.2)
        return replace(found, place=replace(found.place, terraform_environment=self.applied.environment))

    def clusters(self) -> dict[str, dict[str, Any]]:
        """Every cluster by its lasting id."""
        return {found["DbClusterResourceId"]: found for found in self.rds.describe_db_clusters()["DBClusters"]}

    def serving(self) -> dict[str, Any]:
        """The cluster that has the database's name."""
        (found,) = self.rds.describe_db_clusters(DBClusterIdentifier=NAME)["DBClusters"]
        cluster: dict[str, Any] = found
        return cluster


async def signs_in(server: PostgreSql, login: dict[str, Any]) -> bool:
    """True when PostgreSQL takes the password; raises what asyncpg raises."""
    connection = await asyncpg.connect(
        host=server.host, port=server.port, user=login["username"], password=login["password"], database=DATABASE
    )
    await connection.close()
    return True


def members(cluster: dict[str, Any]) -> list[str]:
    """The names of its instances."""
    return sorted(member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"])


def alike(cluster: dict[str, Any]) -> dict[str, Any]:
    """Properties that two clusters share when one stands in for the other."""
    own = ("DbClusterResourceId", "MasterUserSecret", "ClusterCreateTime", "EarliestRestorableTime")
    moving = (*own, "LatestRestorableTime", "HostedZoneId", "TagList", "AvailabilityZones")
    return {key: value for key, value in cluster.items() if key not in moving}


@pytest.fixture(scope="module")
def restoring(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSql) -> Iterator[Restoring]:
    folder = tmp_path_factory.mktemp("restore")
    behind = folder / "behind.json"
    with (
        Emulator.start(log=folder / "emulator.log", behind=behind, facts=FACTS) as emulator,
        AppliedStack(folder / "repository", emulator, "canvas-data-2-dev") as applied,
    ):
        found = Restoring(applied, postgresql, behind)
        make_replica(postgresql, DATABASE, found.password)
        DatabaseUser("dev", root=applied.root, aws=applied.aws).prepare(new_console(file=io.StringIO()))
        yield found


@pytest.fixture
def held(restoring: Restoring) -> Iterator[None]:
    with restoring.applied.provider_held():
        yield


@pytest.mark.usefixtures("held")
def test_an_empty_cluster_is_refused_and_given_up_and_a_running_refresh_is_waited_for(
    restoring: Restoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = restoring.clusters()
    with pytest.raises(OperatorError, match="There is no snapshot missing"):
        restoring.restore(ClusterSnapshot("missing"))
    restoring.rds.create_db_cluster_snapshot(DBClusterIdentifier=NAME, DBClusterSnapshotIdentifier="good")
    with monkeypatch.context() as patch:
        running = SimpleNamespace(name="refresh-1", status="RUNNING")
        patch.setattr(Executions, "recent", lambda *_: [running])
        with pytest.raises(OperatorError, match="The refresh refresh-1 is running"):
            restoring.restore(ClusterSnapshot("good"))
    assert "rename:" in restoring.restore(ClusterSnapshot("good"), dry_run=True)
    assert restoring.clusters().keys() == before.keys()

    def contents(_: RestoredCanvas, cluster: dict[str, Any]) -> TableContents:
        return TableContents({"canvas.users": cluster["DBClusterIdentifier"] == NAME})

    with monkeypatch.context() as patch:
        patch.setattr(RestoredCanvas, "_contents", contents)
        with pytest.raises(OperatorError, match=r"is empty: 1 tables, 0 of them with rows\. Nothing"):
            restoring.restore(ClusterSnapshot("good"))
    said = restoring.abandon()
    assert "was not touched" in said
    (rest,) = restoring.clusters().keys() - before.keys()
    left = restoring.clusters()[rest]
    (writer,) = members(left)
    assert f"delete-db-instance --region {restoring.applied.stack.region} --db-instance-identifier {writer}" in said
    assert restoring.applied.planned() == ()
    restoring.rds.delete_db_instance(DBInstanceIdentifier=writer)
    restoring.rds.delete_db_cluster(DBClusterIdentifier=left["DBClusterIdentifier"], SkipFinalSnapshot=True)


@pytest.mark.usefixtures("held")
def test_a_restore_survives_a_fault_after_every_step_and_the_next_plan_is_empty(restoring: Restoring) -> None:
    source, old = ClusterSnapshot("good"), restoring.serving()
    restoring.server.psql("CREATE TABLE canvas.kept AS SELECT 1 AS n", DATABASE)
    restoring.server.psql("ALTER ROLE canvas PASSWORD 'that of then'")
    for step in STEPS:
        with pytest.raises(CutOff, match=step):
            restoring.restore(source, cut_after=step)
        there = restoring.clusters()
        assert old["DbClusterResourceId"] in there, "the old cluster is gone"
        assert len(there) <= 2, "a restore that went on has made another cluster"
        switched = STEPS.index(step) >= STEPS.index("new")
        if STEPS.index(step) < STEPS.index("old"):
            assert restoring.serving()["DbClusterResourceId"] == old["DbClusterResourceId"]
        assert not switched or restoring.serving()["DbClusterResourceId"] != old["DbClusterResourceId"]
        if switched and step != "end":
            with pytest.raises(OperatorError, match="The switch has begun"):
                restoring.abandon()
    assert "was restored from snapshot good already" in restoring.restore(source)

    new, kept = restoring.serving(), restoring.clusters()[old["DbClusterResourceId"]]
    assert alike(new) == alike(old)
    assert members(new) == members(old) == [f"{NAME}-writer"]
    assert members(kept) == [f"{kept['DBClusterIdentifier']}-writer"]
    assert kept["DBClusterIdentifier"].startswith(f"{NAME}-before-")
    assert not kept.get("EnabledCloudwatchLogsExports")
    assert restoring.applied.planned() == ()
    outputs = restoring.application().canvas.outputs
    assert outputs.admin_secret_arn == new["MasterUserSecret"]["SecretArn"]
    signed_in = restoring.secrets.get_secret_value(SecretId=outputs.user_secret_arn)["SecretString"]
    assert asyncio.run(signs_in(restoring.server, json.loads(signed_in)))


def test_a_later_restore_to_a_moment_names_the_cluster_that_stays(restoring: Restoring) -> None:
    """Restore as operators do, with providers that Terraform and the restore start by themselves."""
    before = restoring.serving()["DbClusterResourceId"]
    said = restoring.restore(ClusterMoment(None))
    assert restoring.serving()["DbClusterResourceId"] != before
    assert before in restoring.clusters()
    assert f"--final-db-snapshot-identifier {NAME}-before-" in said
    assert restoring.applied.planned() == ()
