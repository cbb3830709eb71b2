"""Promises of the document about the SUAI Cloud App's infrastructure, in the Terraform JSON of each environment."""

from __future__ import annotations

import gzip
import json
import re
import tomllib

import pytest

from config.settings import ROOT
from tests.deployments.stack_json import StackJson, has

ENVIRONMENTS = ("dev", "prod")


@pytest.fixture(params=ENVIRONMENTS)
def stack(request: pytest.FixtureRequest) -> StackJson:
    return StackJson(f"suai-cloud-app-{request.param}")


@pytest.fixture
def dev() -> StackJson:
    return StackJson("suai-cloud-app-dev")


@pytest.fixture
def prod() -> StackJson:
    return StackJson("suai-cloud-app-prod")


def test_everything_runs_in_the_documented_region(stack: StackJson) -> None:
    (provider,) = stack.document["provider"]["aws"]
    assert provider["region"] == "eu-central-1"


def test_the_bucket_is_private(stack: StackJson) -> None:
    has(
        stack.resource("aws_s3_bucket_public_access_block.bucket_public_access_block"),
        block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True,
    )  # fmt: skip
    assert [statement["Effect"] for statement in stack.policy("aws_s3_bucket_policy.bucket_policy")] == ["Deny"]


def test_the_database_is_mysql_for_the_documented_database_and_user(stack: StackJson) -> None:
    has(stack.resource("aws_db_instance.database"), engine="mysql", port=3306, db_name="suai", username="admin")


def test_in_dev_the_database_is_the_documented_free_tier_one(dev: StackJson) -> None:
    database = dev.resource("aws_db_instance.database")
    has(
        database, instance_class="db.t3.micro", allocated_storage=20, multi_az=False, storage_encrypted=False,
        backup_retention_period=0, deletion_protection=False,
    )  # fmt: skip
    reasons = database["//"]["exemptions"]
    assert "document asks for no encryption" in reasons["unencrypted-database"]
    assert "document asks for no backups" in reasons["no-backups"]


def test_in_prod_the_database_is_encrypted_backed_up_and_protected(prod: StackJson) -> None:
    database = prod.resource("aws_db_instance.database")
    has(database, storage_encrypted=True, backup_retention_period=14, multi_az=True, deletion_protection=True)
    assert database["lifecycle"]["prevent_destroy"] is True
    assert database["skip_final_snapshot"] is False


def test_only_the_instances_and_the_function_that_makes_users_reach_the_database_and_only_instances_redis(
    stack: StackJson,
) -> None:
    rules = stack.resources("aws_vpc_security_group_ingress_rule")
    for name, port, peers in (
        ("database", 3306, {"web", "database_user_databases_function"}),
        ("redis", 6379, {"web"}),
    ):
        group = f"${{aws_security_group.{name}_security_group.id}}"
        into = [rule for rule in rules.values() if rule["security_group_id"] == group]
        from_groups = {rule["referenced_security_group_id"] for rule in into}
        assert from_groups == {f"${{aws_security_group.{peer}_security_group.id}}" for peer in peers}
        for rule in into:
            has(rule, ip_protocol="tcp", from_port=port, to_port=port)


def test_the_application_signs_in_as_a_user_of_its_own_that_only_reads(stack: StackJson) -> None:
    (statement,) = stack.policy("aws_iam_role_policy.database_user_secret_read_by_web")
    assert statement["Resource"] == ["${aws_secretsmanager_secret.database_user_secret.arn}"]
    assert "master_user_secret" not in json.dumps(stack.resource("aws_launch_template.web_launch_template"))
    policies = stack.resources("aws_iam_role_policy")
    master = [name for name, body in policies.items() if "secret:rds!" in body["policy"]]
    assert master == ["database_user_databases_read_master_secrets"]
    function = stack.resource("aws_lambda_function.database_user_databases_function")
    assert function["environment"]["variables"] == {"RIGHTS": "SELECT"}


def test_neither_database_nor_redis_has_a_public_address(stack: StackJson) -> None:
    assert stack.resource("aws_db_instance.database")["publicly_accessible"] is False
    for group in ("aws_db_subnet_group.database_subnet_group", "aws_elasticache_subnet_group.redis_subnet_group"):
        assert all("network_private_" in subnet for subnet in stack.resource(group)["subnet_ids"])


def test_redis_speaks_tls_in_prod_and_instances_read_its_token_from_a_secret(prod: StackJson, dev: StackJson) -> None:
    has(
        prod.resource("aws_elasticache_replication_group.redis"),
        transit_encryption_enabled=True, transit_encryption_mode="required",
    )  # fmt: skip
    assert "auth_token" not in prod.resource("aws_elasticache_replication_group.redis")
    (statement,) = prod.policy("aws_iam_role_policy.redis_auth_read_by_web")
    assert statement["Resource"] == ["${aws_secretsmanager_secret.redis_auth.arn}"]
    reasons = dev.resource("aws_elasticache_replication_group.redis")["//"]["exemptions"]
    assert "a team's own program" in reasons["clear-text-cache"]


def test_redis_is_in_cluster_mode_with_a_private_subnet_in_every_zone(stack: StackJson) -> None:
    has(stack.resource("aws_elasticache_replication_group.redis"), port=6379, automatic_failover_enabled=True)
    (parameter,) = stack.resource("aws_elasticache_parameter_group.redis_parameter_group")["parameter"]
    assert parameter == {"name": "cluster-enabled", "value": "yes"}
    subnets = stack.resource("aws_elasticache_subnet_group.redis_subnet_group")["subnet_ids"]
    zones = {stack.resource(subnet[2:-4])["availability_zone"] for subnet in subnets}
    every_zone = {subnet["availability_zone"] for subnet in stack.resources("aws_subnet").values()}
    assert zones == every_zone
    assert len(every_zone) == 3


def test_the_table_has_a_string_partition_key_and_no_sort_key(stack: StackJson) -> None:
    table = stack.resource("aws_dynamodb_table.table")
    has(table, name="suaicloudtable", hash_key="id", attribute=[{"name": "id", "type": "S"}])
    assert "range_key" not in table


def test_the_instances_have_the_documented_role(stack: StackJson) -> None:
    assert stack.resource("aws_iam_role.web_role")["name"] == "ec2_iam_role"
    assert stack.resource("aws_iam_instance_profile.web_role_profile")["role"] == "${aws_iam_role.web_role.name}"


def test_the_role_reads_the_release_and_uses_the_table_and_nothing_more(stack: StackJson) -> None:
    statements = [
        statement
        for name in stack.resources("aws_iam_role_policy")
        if name.endswith("_by_web")
        for statement in stack.policy(f"aws_iam_role_policy.{name}")
    ]
    actions = {action for statement in statements for action in statement["Action"]}
    assert not {action for action in actions if "*" in action}
    assert {action.split(":")[0] for action in actions} == {"dynamodb", "logs", "s3", "secretsmanager"}
    assert not {"s3:PutObject", "s3:DeleteObject", "dynamodb:DeleteTable", "dynamodb:UpdateTable"} & actions
    assert all(resource.startswith("${aws_") for statement in statements for resource in statement["Resource"])


def test_instances_start_from_a_launch_template_with_user_data(stack: StackJson) -> None:
    template = stack.resource("aws_launch_template.web_launch_template")
    assert template["user_data"].startswith('${base64gzip(templatefile("user_data.sh"')
    assert template["image_id"].startswith("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023")
    assert template["metadata_options"]["http_tokens"] == "required"


def test_the_group_spans_every_zone_and_trusts_the_load_balancers_health_check(stack: StackJson) -> None:
    group = stack.resource("aws_autoscaling_group.web")
    assert group["health_check_type"] == "ELB"
    assert len(group["vpc_zone_identifier"]) == 3
    has(stack.resource("aws_lb_target_group.load_balancer_to_web"), port=8080, protocol="HTTP")
    check = stack.resource("aws_lb_target_group.load_balancer_to_web")["health_check"]
    has(check, path="/health", matcher="200")


def test_in_dev_the_application_answers_at_the_balancers_address_and_the_documented_port(dev: StackJson) -> None:
    has(dev.resource("aws_lb_listener.load_balancer_http"), port=8080, protocol="HTTP")
    assert dev.document["output"]["url"]["value"] == "http://${aws_lb.load_balancer.dns_name}:8080"


def test_in_prod_the_application_answers_over_https_only(prod: StackJson) -> None:
    has(prod.resource("aws_lb_listener.load_balancer_https"), port=443, protocol="HTTPS")
    (action,) = prod.resource("aws_lb_listener.load_balancer_http")["default_action"]
    assert action["type"] == "redirect"
    assert prod.document["output"]["url"]["value"] == "https://suai.example.org"


def test_the_world_reaches_the_load_balancer_and_nothing_else(stack: StackJson) -> None:
    open_rules = [
        rule for rule in stack.resources("aws_vpc_security_group_ingress_rule").values() if "cidr_ipv4" in rule
    ]
    assert {rule["security_group_id"] for rule in open_rules} == {
        "${aws_security_group.load_balancer_security_group.id}"
    }


def test_the_instances_port_is_open_to_the_load_balancer_only(stack: StackJson) -> None:
    has(
        stack.resource("aws_vpc_security_group_ingress_rule.web_from_load_balancer_8080"),
        from_port=8080, to_port=8080,
        referenced_security_group_id="${aws_security_group.load_balancer_security_group.id}",
    )  # fmt: skip


def test_in_dev_the_log_is_a_page_as_documented_and_in_prod_the_balancer_refuses_it(
    dev: StackJson, prod: StackJson
) -> None:
    assert dev.resources("aws_lb_listener_rule") == {}
    rule = prod.resource("aws_lb_listener_rule.closed_paths")
    has(rule, listener_arn="${aws_lb_listener.load_balancer_https.arn}", priority=1)
    assert rule["condition"] == [{"path_pattern": {"values": ["/logs", "/logs/*"]}}]
    (action,) = rule["action"]
    has(action, type="fixed-response")
    has(action["fixed_response"], status_code="403")


def test_logs_go_to_cloudwatch(stack: StackJson) -> None:
    assert {"web_application_log", "web_boot_log"} <= set(stack.resources("aws_cloudwatch_log_group"))
    user_data = (stack.folder / "user_data.sh").read_text()
    assert '"file_path": "/suaicloudapp/output.log"' in user_data


def test_user_data_fits_into_what_ec2_takes(stack: StackJson) -> None:
    text = (stack.folder / "user_data.sh").read_text()
    names = set(re.findall(r"\$\{(\w+)\}", text))
    filled = re.sub(r"\$\{\w+\}", "x" * 110, text)  # longer than any ARN or host name that is filled in
    assert len(names) >= 10
    assert len(gzip.compress(filled.encode())) <= 12_000


def test_the_configuration_has_exactly_the_documented_keys() -> None:
    template = (ROOT / "deployments/suai_cloud_app/runtime/config.toml.tmpl").read_text()
    written = tomllib.loads(re.sub(r"@\{\w+\}", "1", template))
    document = {
        "server": {"host", "port"},
        "aws": {"region"},
        "s3": {"bucket"},
        "database": {"host", "port", "user", "password", "dbname"},
        "redis": {"host", "port"},
        "dynamodb": {"table", "partition_key"},
    }
    assert {section: set(keys) for section, keys in written.items()} == document


def test_no_password_stands_in_anything_committed(stack: StackJson) -> None:
    has(stack.resource("aws_db_instance.database"), manage_master_user_password=True)
    assert "password" not in stack.resource("aws_db_instance.database")
    for name, text in stack.texts():
        assert "12345678" not in text, f"the document's sample password stands in {name}"
        assert not re.search(r"""password["']?\s*[:=]\s*["'](?!@|\$|\{)\w""", text, re.IGNORECASE), name
