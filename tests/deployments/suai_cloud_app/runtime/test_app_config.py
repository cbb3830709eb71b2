"""Every mistake in config.toml is named: file, key, value and what is allowed."""

from __future__ import annotations

import copy
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from deployments.suai_cloud_app.runtime.app.config import ConfigError, load

DOCUMENTED: dict[str, dict[str, Any]] = {
    "server": {"host": "0.0.0.0", "port": 8080},
    "aws": {"region": "eu-central-1"},
    "s3": {"bucket": "suaicloudbucket"},
    "database": {
        "host": "database-1.clhbct1n77at.eu-central-1.rds.amazonaws.com",
        "port": 3306,
        "user": "admin",
        "password": "12345678",
        "dbname": "suai",
    },
    "redis": {"host": "r1.c9uznt.clustercfg.euc1.cache.amazonaws.com", "port": 6379},
    "dynamodb": {"table": "suaicloudtable", "partition_key": "id"},
}
"""The example in the document."""
KEYS = [(table, key) for table, values in DOCUMENTED.items() for key in values]
_PORT = "a whole number from 1 to 65535"
of_the_executable = pytest.mark.xdist_group("suai-executable")  # built once


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def changed(table: str, /, **values: Any) -> dict[str, Any]:
    config = copy.deepcopy(DOCUMENTED)
    config[table] |= values
    return config


def problems(path: Path, config: dict[str, Any]) -> list[str]:
    path.write_text(tomli_w.dumps(config))
    with pytest.raises(ConfigError) as refusal:
        load(path)
    lines = str(refusal.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_redis_behind_tls_has_two_keys_more_that_may_be_left_out(path: Path) -> None:
    path.write_text(tomli_w.dumps(changed("redis", tls=True, auth_token="t" * 16)))
    redis = load(path).redis
    assert (redis.tls, redis.auth_token) == (True, "t" * 16)
    assert "t" * 16 not in repr(redis)
    assert problems(path, changed("redis", tls="yes", auth_token="short")) == [
        "redis.tls is 'yes', which is not allowed; it must be true or false",
        "redis.auth_token has a value that is not allowed; it must be a text of 16 to 128 characters (it is not shown here)",
    ]


def test_the_documents_example_is_accepted(path: Path) -> None:
    path.write_text(tomli_w.dumps(DOCUMENTED))
    config = load(path)
    assert (config.server.port, config.aws.region, config.s3.bucket) == (8080, "eu-central-1", "suaicloudbucket")
    assert (config.database.password, config.database.dbname) == ("12345678", "suai")
    assert (config.redis.port, config.dynamodb.partition_key) == (6379, "id")


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_each_missing_key_is_named(path: Path, table: str, key: str) -> None:
    config = changed(table)
    del config[table][key]
    (problem,) = problems(path, config)
    assert re.fullmatch(rf"{table}\.{key} is missing; it must be .+", problem)


@pytest.mark.parametrize(("table", "key"), KEYS)
@pytest.mark.parametrize("value", [True, 1.5, [], {}, "", 0])
def test_each_wrong_type_or_empty_value_is_refused(path: Path, table: str, key: str, value: object) -> None:
    (problem,) = problems(path, changed(table, **{key: value}))
    assert problem.startswith(f"{table}.{key} ")
    assert "is not allowed; it must be" in problem


@pytest.mark.parametrize(
    ("table", "key", "value", "allowed"),
    [
        ("server", "host", "localhost", "an IP address of this machine, or '0.0.0.0' for all of them"),
        ("server", "host", "0.0.0", "an IP address of this machine, or '0.0.0.0' for all of them"),
        ("server", "port", "8080", _PORT),
        ("server", "port", 65536, _PORT),
        ("database", "port", -1, _PORT),
        ("redis", "port", 70000, _PORT),
        ("aws", "region", "Frankfurt", "a region's name such as 'eu-central-1'"),
        ("aws", "region", "eu-central-1a", "a region's name such as 'eu-central-1'"),
        (
            "s3",
            "bucket",
            "s3://suaicloudbucket",
            "a bucket's name: 3 to 63 lower-case letters, digits, hyphens and dots",
        ),
        ("s3", "bucket", "SuaiCloudBucket", "a bucket's name: 3 to 63 lower-case letters, digits, hyphens and dots"),
        ("database", "host", "mysql://db:3306", "a host name or an IP address, without scheme or port"),
        ("redis", "host", "r1:6379", "a host name or an IP address, without scheme or port"),
        ("database", "user", "u" * 33, "a user's name of 1 to 32 characters"),
        ("database", "dbname", "d" * 65, "a database's name of 1 to 64 characters"),
        ("dynamodb", "table", "no spaces", "a table's name: 3 to 255 letters, digits, underscores, hyphens and dots"),
        ("dynamodb", "partition_key", "k" * 256, "an attribute's name of 1 to 255 characters"),
    ],
)
def test_each_wrong_value_is_shown_with_what_is_allowed(
    path: Path, table: str, key: str, value: object, allowed: str
) -> None:
    expected = f"{table}.{key} is {value!r}, which is not allowed; it must be {allowed}"
    assert problems(path, changed(table, **{key: value})) == [expected]


def test_unknown_keys_and_tables_are_named_with_what_was_meant(path: Path) -> None:
    config = changed("database", pasword="secret-by-mistake") | {"dynamo": {"table": "t"}, "debug": True}
    assert sorted(problems(path, config)) == [
        "unknown key database.pasword; did you mean password?",
        "unknown key debug; allowed: server, aws, s3, database, redis, dynamodb",
        "unknown table [dynamo]; did you mean dynamodb?",
    ]


def test_a_table_that_is_none_is_named(path: Path) -> None:
    found = problems(path, DOCUMENTED | {"redis": "r1:6379"})
    assert found == ["redis must be a table, written [redis]"]


@pytest.mark.parametrize("password", [12345678, ["hunter2"], ""])
def test_a_wrong_password_is_never_shown(path: Path, password: object) -> None:
    expected = (
        "database.password has a value that is not allowed; it must be a text that is not empty (it is not shown here)"
    )
    assert problems(path, changed("database", password=password)) == [expected]


def test_the_password_is_not_in_the_configurations_representation(path: Path) -> None:
    path.write_text(tomli_w.dumps(changed("database", password="hunter2")))
    assert "hunter2" not in repr(load(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[server\nhost = 1", r"is not TOML: .*\(at line 1, column 8\)"),
        (b"\xff\xfe", r"is not UTF-8 text \(byte 0\)"),
    ],
)
def test_a_file_that_is_not_toml_is_named(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load(path)


@of_the_executable
def test_the_program_refuses_with_every_problem_at_once_on_stderr_and_in_its_log(executable: Path, path: Path) -> None:
    config = changed("server", port=0) | {"redis": {"host": "r1"}}
    config["database"]["password"] = ["hunter2"]
    path.write_text(tomli_w.dumps(config))
    done = subprocess.run([executable], cwd=path.parent, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    for problem in ("server.port is 0", "redis.port is missing", "database.password has a value"):
        assert f"config.toml: {problem}" in done.stderr
        assert f"config.toml: {problem}" in (path.parent / "output.log").read_text()
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + (path.parent / "output.log").read_text()


@of_the_executable
def test_the_program_takes_no_arguments(executable: Path, tmp_path: Path) -> None:
    done = subprocess.run([executable, "--port=80"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, "takes no arguments" in done.stderr) == (2, True)
