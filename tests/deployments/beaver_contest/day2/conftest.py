"""An applied contest, as far as commands see it: outputs, and the emulator with what they touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from deployments.beaver_contest.day2.contest import Contest
from emulator.server import Emulator
from operations.applied import Outputs
from operations.aws import Aws
from operations.stacks import Stack
from tests.engines import HOST, PASSWORD, USER, MariaDb

REGION = "eu-west-3"
DATABASE = "beaver_contest"

OUTPUTS = {
    "admin_url": "https://coordinateur.castor.example.org",
    "contest_url": "https://concours.castor.example.org",
    "static_url": "https://static.castor.example.org",
    "application": "beaver-contest-test-application",
    "admin_environment": "adminEnv",
    "contest_environment": "contestEnv",
    "static_access": "policy",
    "distribution_id": "",
    "team_table": "team",
    "team_question_table": "team_question",
    "sessions_table": "sessions",
    "database_address": "database.example.org",
    "database_port": "3306",
    "database_name": DATABASE,
    "php_user": "beaver-contest-test-php",
}

KEYS = {
    "team": [("ID", "N", "HASH")],
    "team_question": [("teamID", "N", "HASH"), ("questionID", "N", "RANGE")],
    "sessions": [("id", "S", "HASH")],
}

Made = Callable[..., Contest]


def make_table(dynamodb: Any, name: str, *, read: int | None = None) -> None:
    """A table of the contest, on demand or with `read` units."""
    capacity: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    if read is not None:
        capacity = {
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 5},
        }
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, _, kind in KEYS[name]],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_} for key, type_, _ in KEYS[name]],
        **capacity,
    )


@pytest.fixture
def contest(emulator: Emulator, account: str, tmp_path: Path) -> Made:
    """`contest(static_access="acl")` is a contest with that output, in an account of the test's own."""
    aws = Aws(emulator.environment(account_id=account, region=REGION))

    def made(**outputs: str) -> Contest:
        stack = Stack("beaver-contest-test", "beaver-contest", "test", tmp_path, REGION, account, None)
        named = {"releases_bucket": f"releases-{account}", "static_bucket": f"static-{account}"}
        return Contest(Outputs(stack, {**OUTPUTS, **named, **outputs}), aws)

    return made


@pytest.fixture
def said() -> list[str]:
    """What a command told; `said.append` takes it."""
    return []


@pytest.fixture
def database(mariadb: MariaDb) -> Iterator[pymysql.Connection[Any]]:
    """An empty database of the test's own with the contest's tables of teams and answers."""
    login = {"host": HOST, "port": mariadb.port, "user": USER, "password": PASSWORD, "charset": "utf8mb4"}
    with pymysql.connect(**login) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {DATABASE}")
        cursor.execute(
            "CREATE TABLE team (ID bigint PRIMARY KEY, groupID bigint, password varchar(255), startTime datetime,"
            " nbMinutes int, score int, cached_contestants text)"
        )
        cursor.execute(
            "CREATE TABLE team_question (teamID bigint, questionID bigint, answer mediumtext NOT NULL, score int,"
            " ffScore int, date datetime, PRIMARY KEY (teamID, questionID))"
        )
        connection.commit()
        yield connection
