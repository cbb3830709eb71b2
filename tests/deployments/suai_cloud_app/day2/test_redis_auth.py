"""A token for Redis is added beside the one before, and then the only one, on the emulator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployments.suai_cloud_app.day2 import commands
from deployments.suai_cloud_app.day2.redis_auth import RedisAuth
from emulator.server import Emulator
from operations.errors import OperatorError
from operations.stacks import find_stacks, only
from operations.state.one_operator import one_operator
from tests.deployments.suai_cloud_app.day2.suai_support import deploy


class Recorder:
    """A client that keeps what it is asked to modify."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.modified: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def modify_replication_group(self, **asked: Any) -> Any:
        self.modified.append(asked)
        return self._client.modify_replication_group(**asked)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def auth(tmp_path: Path, emulator: Emulator, account: str, told: list[str]) -> RedisAuth:
    deployed = deploy(tmp_path, emulator, account)
    cache = deployed.client("elasticache")
    cache.create_replication_group(
        ReplicationGroupId="suai-redis", ReplicationGroupDescription="x", TransitEncryptionEnabled=True,
        CacheNodeType="cache.t4g.micro", Engine="redis", NumNodeGroups=1, ReplicasPerNodeGroup=1,
    )  # fmt: skip
    arn = deployed.client("secretsmanager").create_secret(Name="suai-redis-auth")["ARN"]
    return RedisAuth(
        Recorder(cache), deployed.client("secretsmanager"), "suai-redis", arn, told.append, poll_seconds=0.01
    )


def test_changing_the_token_is_one_operators_at_a_time(
    tmp_path: Path, emulator: Emulator, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = deploy(tmp_path, emulator, account)
    monkeypatch.setattr("config.settings.ROOT", tmp_path)
    monkeypatch.setattr("operations.aws.Aws", lambda: deployed.aws)
    monkeypatch.setattr("operations.commands.options.complete_environments", lambda: ["test"])
    with one_operator(deployed.aws, only(find_stacks(tmp_path), "suai-cloud-app-test"), "somebody-elses"):
        done = CliRunner().invoke(commands.app, ["redis-auth", "--environment", "test"])
    assert re.search(r"is locked: .*somebody-elses", str(done.exception)), done.output


def stages(auth: RedisAuth) -> list[list[str]]:
    found = auth.secrets_manager.describe_secret(SecretId=auth.secret_arn)["VersionIdsToStages"]
    return sorted(found.values())


def test_a_token_is_taken_beside_what_was_taken_before_and_then_alone(auth: RedisAuth, told: list[str]) -> None:
    auth.add()
    token = auth.secrets_manager.get_secret_value(SecretId=auth.secret_arn)["SecretString"]
    assert len(token) == 64
    auth.finish()
    assert [(asked["AuthToken"], asked["AuthTokenUpdateStrategy"]) for asked in auth.elasticache.modified] == [
        (token, "ROTATE"),
        (token, "SET"),
    ]
    assert token not in "".join(told)
    auth.add()
    assert auth.secrets_manager.get_secret_value(SecretId=auth.secret_arn)["SecretString"] != token
    assert stages(auth) == [["AWSCURRENT"], ["AWSPREVIOUS"]]


def test_an_interrupted_run_goes_on_with_the_same_token(auth: RedisAuth) -> None:
    _, token = auth._pending()
    auth.add()
    assert auth.elasticache.modified[-1]["AuthToken"] == token
    assert auth.secrets_manager.get_secret_value(SecretId=auth.secret_arn)["SecretString"] == token


def test_nothing_is_finished_before_there_is_a_token(auth: RedisAuth) -> None:
    with pytest.raises(OperatorError, match="holds no token yet; nothing was changed"):
        auth.finish()
    assert auth.elasticache.modified == []
