"""The PHP code's key is exchanged while the one in the secret works at every moment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.day2.keys import AccessKeys
from deployments.beaver_contest.day2.tasks_password import protect_tasks
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import Made


@pytest.fixture
def applied(contest: Made) -> Contest:
    made = contest()
    made.client("iam").create_user(UserName=made.outputs.php_user)
    secrets = made.client("secretsmanager")
    arns = {name: secrets.create_secret(Name=name)["ARN"] for name in ("key", "tasks")}
    return contest(key_secret_arn=arns["key"], tasks_password_secret_arn=arns["tasks"])


def keys(contest: Contest) -> dict[str, str]:
    found = contest.client("iam").list_access_keys(UserName=contest.outputs.php_user)["AccessKeyMetadata"]
    return {key["AccessKeyId"]: key["Status"] for key in found}


def stored(contest: Contest) -> dict[str, str]:
    secret = contest.client("secretsmanager").get_secret_value(SecretId=contest.outputs.key_secret_arn)
    value: dict[str, str] = json.loads(secret["SecretString"])
    return value


def rotate(contest: Contest, said: list[str], pauses: list[float] | None = None) -> None:
    taken = [] if pauses is None else pauses
    AccessKeys(contest, say=said.append, pause=taken.append).rotate(grace_seconds=10, dry_run=False)


def test_the_first_rotation_makes_the_first_key(applied: Contest, said: list[str]) -> None:
    rotate(applied, said)
    assert keys(applied) == {stored(applied)["key"]: "Active"}
    assert len(stored(applied)["secret"]) == 40


def test_the_old_key_works_until_instances_have_the_new_one(applied: Contest, said: list[str]) -> None:
    rotate(applied, said)
    old = stored(applied)["key"]
    during: list[dict[str, str]] = []
    AccessKeys(applied, say=said.append, pause=lambda _: during.append(keys(applied))).rotate(
        grace_seconds=10, dry_run=False
    )
    new = stored(applied)["key"]
    assert during == [{old: "Active", new: "Active"}] * 2
    assert keys(applied) == {old: "Inactive", new: "Active"}


def test_the_next_rotation_deletes_the_one_before(applied: Contest, said: list[str]) -> None:
    seen = []
    for _ in range(3):
        rotate(applied, said)
        seen.append(stored(applied)["key"])
    assert keys(applied) == {seen[1]: "Inactive", seen[2]: "Active"}


def test_a_key_that_an_interrupted_run_left_is_removed(applied: Contest, said: list[str]) -> None:
    rotate(applied, said)
    lost = applied.client("iam").create_access_key(UserName=applied.outputs.php_user)["AccessKey"]["AccessKeyId"]
    rotate(applied, said)
    assert lost not in keys(applied)


def test_a_key_that_cannot_be_stored_is_not_left(
    applied: Contest, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(applied.client("secretsmanager"), "put_secret_value", refuse)
    with pytest.raises(KeyboardInterrupt):
        rotate(applied, said)
    assert keys(applied) == {}


def test_no_secret_is_ever_told(applied: Contest, said: list[str]) -> None:
    for _ in range(2):
        rotate(applied, said)
        assert stored(applied)["secret"] not in "\n".join(said)


def test_a_dry_run_changes_nothing(applied: Contest, said: list[str]) -> None:
    AccessKeys(applied, say=said.append).rotate(dry_run=True)
    assert keys(applied) == {}
    assert said == ["A new key would be made"]


BCRYPT = "teacher:$2y$05$" + "a" * 53


def test_hashes_are_stored_for_the_instances(applied: Contest) -> None:
    assert protect_tasks(applied, f"{BCRYPT}\n\nsecond:$apr1$salt$" + "b" * 22, dry_run=False) == ["teacher", "second"]
    secret = applied.client("secretsmanager").get_secret_value(SecretId=applied.outputs.tasks_password_secret_arn)
    assert secret["SecretString"].splitlines()[0] == BCRYPT


@pytest.mark.parametrize("lines", ["", "teacher:secret", "teacher", f"{BCRYPT}\nanother:clear text", "t:{SHA}abc="])
def test_clear_passwords_are_refused(applied: Contest, lines: str) -> None:
    with pytest.raises(OperatorError) as refused:
        protect_tasks(applied, lines, dry_run=False)
    assert "secret" not in str(refused.value)
