"""An applied contest, as far as commands see it: outputs, and the emulator with what they touch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.outputs import BeaverContestOutputs
from emulator.server import Emulator
from operations.aws import Aws
from operations.engines.mariadb import MariaDb
from operations.engines.server import HOST, PASSWORD, USER
from operations.stacks import Stack
from tests.deployments.beaver_contest.day2.made import DATABASE, Made

REGION = "eu-west-3"


def outputs_in(account: str) -> BeaverContestOutputs:
    """The outputs of a contest whose buckets no other test has."""
    return BeaverContestOutputs(
        admin_url="https://coordinateur.castor.example.org",
        contest_url="https://concours.castor.example.org",
        static_url="https://static.castor.example.org",
        application="beaver-contest-test-application",
        admin_environment="adminEnv",
        contest_environment="contestEnv",
        releases_bucket=f"releases-{account}",
        static_bucket=f"static-{account}",
        static_access="policy",
        distribution_id="",
        team_table="team",
        team_question_table="team_question",
        sessions_table="sessions",
        database_address="database.example.org",
        database_port="3306",
        database_name=DATABASE,
        database_secret_arn="not created",
        database_user="contest",
        database_user_secret_arn="not created",
        database_user_function="not created",
        database_security_group="not created",
        php_user="beaver-contest-test-php",
        key_secret_arn="not created",
        tasks_password_secret_arn="not created",
    )


@pytest.fixture
def contest(emulator: Emulator, account: str, tmp_path: Path) -> Made:
    """`contest(static_access="acl")` is a contest with that output, in an account of the test's own."""
    aws = Aws(emulator.environment(account_id=account, region=REGION))

    def made(**outputs: str) -> Contest:
        stack = Stack("beaver-contest-test", "beaver-contest", "test", tmp_path, REGION, account, None)
        return Contest(stack, BeaverContestOutputs(**{**outputs_in(account).model_dump(), **outputs}), aws)

    return made


@pytest.fixture
def said() -> list[str]:
    """Lines of a command; `said.append` takes it."""
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
