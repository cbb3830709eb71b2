"""Restores of three stacks on the emulator with the real Terraform, cut off after every step; MariaDB plays MySQL."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
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
from operations.instances.database_user import ApplicationUser
from operations.restore import mysql_look
from operations.restore.buckets import bring_back, changes_since
from operations.restore.database import DatabaseRestore, RestoredApplication
from operations.restore.record import RestoreRecord
from operations.restore.source import Moment, Snapshot, Source
from operations.restore.tables import TableDifference, TableRestore
from operations.state.difference import resources_of
from operations.state.status import current_state, operators_of, unlock
from tests.deployments.applied_stack import AppliedStack, CutOff

pytestmark = [pytest.mark.engines, pytest.mark.terraform(minutes=10)]


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


KILLED = {"suai-cloud-app-dev": ["suai", "restore"], "sync-storage-dev": ["sync-storage", "restore", "a"]}
"""Commands that are killed once; the emulator starts no instances for Beanstalk, which the contest's asks for."""


class Restoring:
    """Restores of one applied stack, whose databases a MariaDB plays."""

    def __init__(self, applied: AppliedStack, server: MariaDb) -> None:
        self.applied = applied
        self.rds: Any = applied.aws.client("rds", region=applied.stack.region)
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

    def kill(self, words: list[str], programs: Path) -> None:
        """Run the command as operators do, and kill it when it has written down the instance that it restores."""
        place = self.application().place
        for name in ("aws", "session-manager-plugin"):
            (programs / name).touch(mode=0o755)
        variables = {**os.environ, **self.applied.environment, "PYTHONPATH": str(self.applied.root)}
        variables["PATH"] = f"{programs}:{variables['PATH']}"
        process = subprocess.Popen(
            [sys.executable, "-m", "operations", *words, "good"], cwd=self.applied.root, env=variables
        )
        try:
            while (found := RestoreRecord(place).read()) is None or found.new is None:
                assert process.poll() is None, "it ended before it could be killed"
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()

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
        AppliedStack(folder / "repository", emulator, request.param) as applied,
        mariadb.connect() as connection,
        connection.cursor() as cursor,
        pytest.MonkeyPatch.context() as patch,
    ):
        found = Restoring(applied, mariadb)
        patch.setattr(mysql_look, "forwarded", found.forwarded)
        patch.setattr(mysql_look, "check_programs", lambda: None)
        patch.setattr(beaver, "admin_instances", lambda _: ["i-teachers"])  # the emulator starts none for Beanstalk
        patch.setattr(NodeDatabases, "make", lambda self: f"10 were there; user {self.node.name}")  # reaches no MySQL
        patch.setattr(ApplicationUser, "make", lambda self: f"{self.user} is there")  # neither
        cursor.execute("CREATE DATABASE restored_database")
        cursor.execute("CREATE TABLE restored_database.kept (n INT)")
        yield found
        cursor.execute("DROP DATABASE restored_database")


def fill(server: MariaDb) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO restored_database.kept VALUES (1)")


def test_a_restore_survives_a_fault_after_every_step_and_the_next_plan_is_empty(
    restoring: Restoring, tmp_path: Path
) -> None:
    with restoring.applied.provider_held():
        application, old = restoring.application(), restoring.serving()
        restoring.rds.create_db_snapshot(DBInstanceIdentifier=old["DBInstanceIdentifier"], DBSnapshotIdentifier="good")
        assert "rename:" in restoring.restore(Snapshot("good"), dry_run=True)
        assert list(restoring.instances()) == [old["DbiResourceId"]]
        fill(restoring.server)

        steps = [*DatabaseRestore(application, Snapshot("good")).steps]
        steps.insert(steps.index("state"), "state removed")
        words = KILLED.get(restoring.applied.stack.name)
        for step in steps:
            if step == "instance" and words is not None:
                restoring.kill(words, tmp_path)
                with pytest.raises(OperatorError, match=r"is locked: .*restore") as refused:
                    restoring.restore(Snapshot("good"))
                assert "quintet state unlock" in str(refused.value.hint)
                unlock(
                    application.place.aws,
                    application.place.stack,
                    operators_of(application.place.aws, application.place.stack),
                )
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
    # as operators have it, with providers that Terraform and the restore start by themselves
    if new["BackupRetentionPeriod"]:
        said = restoring.restore(Moment(None))
    else:
        with pytest.raises(OperatorError, match="no automated backups"):
            restoring.restore(Moment(None))
        said = restoring.restore(Snapshot("good"), again=True)
    assert "1 tables, 1 of them with rows; until now: 1 tables, 1 of them with rows" in said
    assert restoring.serving()["DbiResourceId"] != new["DbiResourceId"]
    assert restoring.applied.planned() == ()


def test_tables_and_buckets_come_back_in_spite_of_faults_and_the_next_plan_is_empty(restoring: Restoring) -> None:
    applied = restoring.applied
    state = resources_of(current_state(applied.aws, applied.stack))
    dynamodb = applied.aws.client("dynamodb", region=applied.stack.region)
    tables = [str(held["name"]) for address, held in state.items() if address.startswith("aws_dynamodb_table.")]
    for name in tables:
        kept = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        if kept["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED":
            restore_table(dynamodb, name)
            continue
        with pytest.raises(OperatorError, match=f"{name} has no point-in-time recovery"):
            TableRestore(dynamodb, name, datetime.now(UTC)).check()
    s3 = applied.aws.client("s3", region=applied.stack.region)
    buckets = [str(held["bucket"]) for address, held in state.items() if address.startswith("aws_s3_bucket.")]
    for name in buckets:
        if s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled":
            restore_bucket(s3, name)
    assert applied.planned() == ()


def restore_table(dynamodb: Any, name: str) -> None:
    """To the latest moment that can be restored, cut off after every step; the table has its settings afterwards."""
    described = dynamodb.describe_table(TableName=name)["Table"]
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    keys = [each["AttributeName"] for each in described["KeySchema"]]

    def put(number: int, value: str) -> None:
        key = {key: {types[key]: str(number)} for key in keys}
        dynamodb.put_item(TableName=name, Item={**key, "value": {"S": value}})

    for number in range(30):
        put(number, "then")
    settings = table_settings(dynamodb, name)
    window = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    moment = window["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
    TableRestore(dynamodb, name, moment, pause=lambda _: None).restore()  # and cut off
    for number in range(20, 60):
        put(number, "now")

    def resumed() -> TableRestore:
        asked = TableRestore(dynamodb, name, moment, pause=lambda _: None)
        asked.check()
        asked.restore()
        return asked

    asked = resumed()
    difference = asked.difference()
    assert (len(difference.write), len(difference.delete)) == (10, 30)
    half = TableDifference(difference.write[:5], difference.delete[:5])
    asked.bring_over(half)  # and cut off
    asked = resumed()
    asked.bring_over(asked.difference())
    assert asked.difference() == TableDifference((), ())
    values = [item["value"]["S"] for item in dynamodb.scan(TableName=name)["Items"]]
    assert values == ["then"] * 30
    assert table_settings(dynamodb, name) == settings
    dynamodb.delete_table(TableName=asked.restored)


def table_settings(dynamodb: Any, name: str) -> dict[str, Any]:
    """Properties that DynamoDB leaves out of a restored table, and this one has still."""
    table = dynamodb.describe_table(TableName=name)["Table"]
    return {
        "TTL": dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
        "tags": dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"],
        "protection": table["DeletionProtectionEnabled"],
        "billing": table.get("BillingModeSummary", {}).get("BillingMode"),
    }


def restore_bucket(s3: Any, name: str) -> None:
    """To the moment between two changes, cut off in the middle."""
    for key in ("restored/changed", "restored/deleted"):
        s3.put_object(Bucket=name, Key=key, Body=b"then")
    time.sleep(1.5)  # S3 tells whole seconds
    moment = datetime.now(UTC)
    time.sleep(1.5)
    s3.put_object(Bucket=name, Key="restored/changed", Body=b"now")
    s3.delete_object(Bucket=name, Key="restored/deleted")
    s3.put_object(Bucket=name, Key="restored/new", Body=b"now")
    changes = list(changes_since(s3, name, "restored/", moment))
    assert [(change.key, change.action) for change in changes] == [
        ("restored/changed", "copy"),
        ("restored/deleted", "undelete"),
        ("restored/new", "delete"),
    ]
    bring_back(s3, name, changes[:1])  # and cut off
    left = list(changes_since(s3, name, "restored/", moment))
    assert left == changes[1:]
    bring_back(s3, name, left)
    held = {
        entry["Key"]: s3.get_object(Bucket=name, Key=entry["Key"])["Body"].read()
        for entry in s3.list_objects_v2(Bucket=name, Prefix="restored/")["Contents"]
    }
    assert held == {"restored/changed": b"then", "restored/deleted": b"then"}
