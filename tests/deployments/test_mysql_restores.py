"""Restores of the MySQL databases on the emulator with the real Terraform, cut off after every step; MariaDB answers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from config.limits import FACTS
from deployments.beaver_contest.day2 import restore as beaver
from deployments.beaver_contest.day2.contest import Contest
from deployments.suai_cloud_app.day2.restore import RestoredSuai
from deployments.sync_storage.day2.deployed import Deployed
from deployments.sync_storage.day2.node_databases import NodeDatabases
from deployments.sync_storage.day2.restore import RestoredNode
from emulator.server import Emulator
from operations.console import new_console
from operations.engines.mariadb import MariaDb
from operations.errors import OperatorError
from operations.restore import mysql_look
from operations.restore.database import DatabaseRestore, RestoredApplication
from operations.restore.source import Moment, Snapshot, Source
from tests.deployments.applied_stack import AppliedStack, CutOff

pytestmark = [pytest.mark.engines, pytest.mark.terraform(minutes=8)]


def contest(applied: AppliedStack) -> RestoredApplication:
    found = beaver.RestoredContest.applied(Contest.applied(applied.root, "dev", applied.aws), applied.root)
    return replace(found, place=fast(found, applied))


def suai(applied: AppliedStack) -> RestoredApplication:
    found = RestoredSuai.applied(applied.root, "dev", applied.aws)
    return replace(found, place=fast(found, applied))


def node(applied: AppliedStack) -> RestoredApplication:
    found = RestoredNode.applied(Deployed.find(applied.root, "dev", applied.aws), "a", applied.root)
    return replace(found, place=fast(found, applied))


def fast(found: RestoredApplication, applied: AppliedStack) -> Any:
    """The place, with Terraform led to the emulator and nothing waited for."""
    return replace(found.place, poll_seconds=0.2, terraform_environment=applied.environment)


CASES: dict[str, Callable[[AppliedStack], RestoredApplication]] = {
    "beaver-contest-dev": contest,
    "suai-cloud-app-dev": suai,
    "sync-storage-dev": node,
}


class Restoring:
    """Restores of one applied stack, whose databases a MariaDB plays."""

    def __init__(self, applied: AppliedStack, server: MariaDb) -> None:
        self.applied = applied
        self.rds = applied.aws.client("rds", region=applied.stack.region)
        self.secrets = applied.aws.client("secretsmanager", region=applied.stack.region)
        self.server = server
        self.looked_into: list[str] = []

    def application(self) -> RestoredApplication:
        return CASES[self.applied.stack.name](self.applied)

    def restore(self, source: Source, *, cut_after: str | None = None, **asked: Any) -> str:
        """Lines of a restore; CutOff once the named step is done."""

        def cut(step: str) -> None:
            if step == cut_after:
                raise CutOff(step)

        said = io.StringIO()
        asked = {"timeout_seconds": 60, **asked}
        DatabaseRestore(self.application(), source, after_step=cut, **asked).run(new_console(file=said, width=200))
        return said.getvalue()

    def instances(self) -> dict[str, dict[str, Any]]:
        """Every instance by its lasting id."""
        return {found["DbiResourceId"]: found for found in self.rds.describe_db_instances()["DBInstances"]}

    def serving(self) -> dict[str, Any]:
        """The instance that has the database's name."""
        (found,) = self.rds.describe_db_instances(DBInstanceIdentifier=self.application().place.identifier)[
            "DBInstances"
        ]
        instance: dict[str, Any] = found
        return instance

    @contextmanager
    def forwarded(self, through: str, host: str, port: int, *, region: str) -> Iterator[int]:
        """MariaDB, which takes the master user's password of the instance at `host`, and no other."""
        assert through.startswith("i-")
        assert (port, region) == (3306, self.applied.stack.region)
        (found,) = [i for i in self.instances().values() if i["Endpoint"]["Address"] == host]
        secret = self.secrets.get_secret_value(SecretId=found["MasterUserSecret"]["SecretArn"])["SecretString"]
        login = json.loads(secret)
        with self.server.connect() as connection, connection.cursor() as cursor:
            user = f"'{login['username']}'@'%'"
            cursor.execute(f"CREATE OR REPLACE USER {user} IDENTIFIED BY '{login['password']}'")
            cursor.execute(f"GRANT SELECT ON *.* TO {user}")
        self.looked_into.append(found["DbiResourceId"])
        yield self.server.port


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(f"{name}-restore")) for name in CASES],
)
def restoring(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDb
) -> Iterator[Restoring]:
    folder = tmp_path_factory.mktemp("restore")
    with (
        Emulator.start(log=folder / "emulator.log", facts=FACTS) as emulator,
        mariadb.connect() as connection,
        connection.cursor() as cursor,
        pytest.MonkeyPatch.context() as patch,
    ):
        found = Restoring(AppliedStack(folder / "repository", emulator, request.param), mariadb)
        patch.setattr(mysql_look, "forwarded", found.forwarded)
        patch.setattr(mysql_look, "check_programs", lambda: None)
        patch.setattr(beaver, "admin_instances", lambda _: ["i-teachers"])  # the emulator starts none for Beanstalk
        patch.setattr(NodeDatabases, "make", lambda self: f"10 were there; user {self.node.name}")  # reaches no MySQL
        cursor.execute("CREATE DATABASE restored_database")
        cursor.execute("CREATE TABLE restored_database.kept (n INT)")
        yield found
        cursor.execute("DROP DATABASE restored_database")


def fill(server: MariaDb) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO restored_database.kept VALUES (1)")


def test_a_restore_survives_a_fault_after_every_step_and_the_next_plan_is_empty(restoring: Restoring) -> None:
    application, old = restoring.application(), restoring.serving()
    restoring.rds.create_db_snapshot(DBInstanceIdentifier=old["DBInstanceIdentifier"], DBSnapshotIdentifier="good")
    assert "rename:" in restoring.restore(Snapshot("good"), dry_run=True)
    assert list(restoring.instances()) == [old["DbiResourceId"]]
    fill(restoring.server)

    steps = [*DatabaseRestore(application, Snapshot("good")).steps]
    steps.insert(steps.index("state"), "state removed")
    for step in steps:
        with pytest.raises(CutOff, match=step):
            restoring.restore(Snapshot("good"), cut_after=step)
        there = restoring.instances()
        assert old["DbiResourceId"] in there, "the old instance is gone"
        assert len(there) <= 2, "a restore that went on has made another instance"
        switched = steps.index(step) >= steps.index("new")
        if steps.index(step) < steps.index("old"):
            assert restoring.serving()["DbiResourceId"] == old["DbiResourceId"]
        assert not switched or restoring.serving()["DbiResourceId"] != old["DbiResourceId"]
    assert "was restored from snapshot good already" in restoring.restore(Snapshot("good"))

    new = restoring.serving()
    assert {new["DbiResourceId"], old["DbiResourceId"]} <= set(restoring.looked_into)
    assert new["Endpoint"] == old["Endpoint"]
    assert new["MasterUserSecret"]["SecretArn"] != old["MasterUserSecret"]["SecretArn"]
    kept = restoring.instances()[old["DbiResourceId"]]
    assert kept["DBInstanceIdentifier"].startswith(f"{old['DBInstanceIdentifier']}-before-")
    assert restoring.applied.planned() == ()
    if new["BackupRetentionPeriod"]:
        said = restoring.restore(Moment(None))
        assert "1 tables, 1 of them with rows; until now: 1 tables, 1 of them with rows" in said
    else:
        with pytest.raises(OperatorError, match="no automated backups"):
            restoring.restore(Moment(None))
