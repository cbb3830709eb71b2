"""An application's own user: who reads which secret."""

from __future__ import annotations

import pytest

from config.components import DatabaseSettings
from modules.database import Database
from modules.engines import MYSQL
from modules.mysql_user import MysqlUser
from modules.network import Network
from tests.modules.peer import Peer
from tests.modules.synth import NETWORK, Synthesised, sample_stack, synthesised

SETTINGS = DatabaseSettings(instance_class="db.t4g.small", engine_version="8.4", allocated_storage_gib=20)


def stack_with(user: str) -> Synthesised:
    sample = sample_stack()
    network = Network(sample, "network", name="sample", settings=NETWORK)
    database = Database(
        sample, "database", name="sample-database", network=network, engine=MYSQL, settings=SETTINGS,
        database_name="one", username="admin",
    )  # fmt: skip
    made = MysqlUser(
        sample, "user", name="sample-user", network=network, database=database, user=user, rights=("SELECT",)
    )
    made.grant_read(Peer(sample, "web"))
    return synthesised(sample)


def test_programs_read_the_users_secret_and_only_the_function_the_masters() -> None:
    stack = stack_with("app")
    readers = {
        address: statement["Resource"]
        for address in (f"aws_iam_role_policy.{name}" for name in stack.resources("aws_iam_role_policy"))
        for statement in stack.policy(address).values()
        if "secretsmanager:GetSecretValue" in statement["Action"]
    }
    own = ["${aws_secretsmanager_secret.user_secret.arn}"]
    assert readers.pop("aws_iam_role_policy.user_secret_read_by_web") == own
    assert readers.pop("aws_iam_role_policy.user_databases_fill_user_secret") == own
    ((address, (master,)),) = readers.items()
    assert address == "aws_iam_role_policy.user_databases_read_master_secrets"
    assert master.endswith(":secret:rds!db-*")


def test_the_database_lets_the_function_in() -> None:
    rule = stack_with("app").resource("aws_vpc_security_group_ingress_rule.database_from_function")
    assert rule["referenced_security_group_id"] == "${aws_security_group.user_databases_function_security_group.id}"
    assert rule["from_port"] == 3306


def test_the_master_user_is_refused() -> None:
    with pytest.raises(ValueError, match="admin is the master user of sample-test/user's database: name another"):
        stack_with("admin")
