"""Promises of the document about the Beaver Contest's infrastructure, in the Terraform JSON of each environment."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from iam.document import parse
from iam.evaluation import Decision, evaluate
from iam.request import Context, Principal, Request
from tests.deployments.stack_json import StackJson, has

ROOTS = {"admin": "/teacherInterface", "contest": "/contestInterface"}
NAMES = {"admin": "adminEnv", "contest": "contestEnv"}
HOSTS = {"admin": "coordinateur.castor.example.org", "contest": "concours.castor.example.org"}


@pytest.fixture(params=("dev", "prod"))
def stack(request: pytest.FixtureRequest) -> StackJson:
    return StackJson(f"beaver-contest-{request.param}")


@pytest.fixture
def dev() -> StackJson:
    return StackJson("beaver-contest-dev")


@pytest.fixture
def prod() -> StackJson:
    return StackJson("beaver-contest-prod")


def options(stack: StackJson, role: str) -> dict[tuple[str, str], str]:
    settings = stack.resource(f"aws_elastic_beanstalk_environment.{role}")["setting"]
    return {(setting["namespace"], setting["name"]): setting["value"] for setting in settings}


def properties(stack: StackJson, role: str) -> dict[str, str]:
    namespace = "aws:elasticbeanstalk:application:environment"
    return {name: value for (place, name), value in options(stack, role).items() if place == namespace}


def user_statements(stack: StackJson) -> list[dict[str, Any]]:
    return [
        statement
        for name in stack.resources("aws_iam_user_policy")
        for statement in stack.policy(f"aws_iam_user_policy.{name}")
    ]


def test_one_application_has_two_php_environments_called_as_in_the_deploy_script(stack: StackJson) -> None:
    assert list(stack.resources("aws_elastic_beanstalk_application")) == ["application"]
    for role, name in NAMES.items():
        environment = stack.resource(f"aws_elastic_beanstalk_environment.{role}")
        has(environment, name=name, application="${aws_elastic_beanstalk_application.application.name}")
        assert re.fullmatch(
            r"64bit Amazon Linux 2023 v4\.\d+\.\d+ running PHP 8\.\d", environment["solution_stack_name"]
        )


def test_each_environment_serves_its_documented_root(stack: StackJson) -> None:
    for role, root in ROOTS.items():
        assert options(stack, role)["aws:elasticbeanstalk:container:php:phpini", "document_root"] == root


def test_apache_is_the_proxy_so_that_htaccess_files_count(stack: StackJson) -> None:
    for role in ROOTS:
        assert options(stack, role)["aws:elasticbeanstalk:environment:proxy", "ProxyServer"] == "apache"


def test_environments_are_load_balanced_and_scale_between_bounds(stack: StackJson) -> None:
    for role in ROOTS:
        found = options(stack, role)
        assert found["aws:elasticbeanstalk:environment", "EnvironmentType"] == "LoadBalanced"
        assert found["aws:elasticbeanstalk:environment", "LoadBalancerType"] == "application"
        assert found["aws:elasticbeanstalk:environment:process:default", "HealthCheckPath"] == "/"
        least, most = (int(found["aws:autoscaling:asg", name]) for name in ("MinSize", "MaxSize"))
        assert 1 <= least < most


def test_instances_are_private_and_known_by_tokens_only(stack: StackJson) -> None:
    for role in ROOTS:
        found = options(stack, role)
        assert found["aws:ec2:vpc", "AssociatePublicIpAddress"] == "false"
        assert "network_private" in found["aws:ec2:vpc", "Subnets"]
        assert "network_public" in found["aws:ec2:vpc", "ELBSubnets"]
        assert found["aws:autoscaling:launchconfiguration", "DisableIMDSv1"] == "true"


def test_terraform_leaves_the_version_to_whoever_deploys(stack: StackJson) -> None:
    for role in ROOTS:
        environment = stack.resource(f"aws_elastic_beanstalk_environment.{role}")
        assert environment["lifecycle"]["ignore_changes"] == ["solution_stack_name", "version_label"]
        assert (
            environment["version_label"] == "${aws_elastic_beanstalk_application_version.application_placeholder.name}"
        )


def test_the_program_is_told_everything_it_configures_itself_with(stack: StackJson) -> None:
    for role in ROOTS:
        told = properties(stack, role)
        has(
            told, RDS_HOSTNAME="${aws_db_instance.database.address}", RDS_PORT="3306", RDS_DB_NAME="beaver_contest",
            DATABASE_USE="dynamoDB", GENERATION_MODE="aws", SESSION_LENGTH_SECONDS="3600", MAX_INPUT_VARS="3000",
            TIMEZONE="Europe/Paris", BEAVER_REGION="eu-west-3",
        )  # fmt: skip
        assert told["STATIC_BUCKET"].startswith("${aws_s3_bucket_policy.static_policy")
        assert not told["STATIC_URL"].endswith("/contest/")


def test_no_secret_stands_in_an_option_and_those_needed_are_named_by_arn(stack: StackJson) -> None:
    for role in ROOTS:
        told = properties(stack, role)
        own = {"TASKS_PASSWORD_SECRET_ARN"} if role == "admin" else set()  # only teachers have the tasks
        assert {name for name in told if "SECRET" in name} == {"DATABASE_SECRET_ARN", "AWS_KEY_SECRET_ARN", *own}
        assert all(told[name].startswith("${aws_") for name in told if "SECRET" in name)
        assert not {"RDS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"} & set(told)
    assert "AKIA" not in (stack.folder / "cdk.tf.json").read_text()


def test_the_bucket_is_in_the_region_of_its_clients(stack: StackJson) -> None:
    (default,) = [provider for provider in stack.document["provider"]["aws"] if "alias" not in provider]
    assert default["region"] == "eu-west-3"
    assert "provider" not in stack.resource("aws_s3_bucket.static")
    assert properties(stack, "contest")["BEAVER_REGION"] == default["region"]


def test_the_database_is_mysql_outside_beanstalks_life_cycle(stack: StackJson) -> None:
    has(stack.resource("aws_db_instance.database"), engine="mysql", port=3306, publicly_accessible=False)
    for role in ROOTS:
        assert not [place for place, _ in options(stack, role) if place.startswith("aws:rds:")]


def test_triggers_can_be_made_while_binary_logging_is_on(stack: StackJson) -> None:
    group = stack.resource("aws_db_parameter_group.database_parameter_group")
    values = {parameter["name"]: parameter["value"] for parameter in group["parameter"]}
    assert values["log_bin_trust_function_creators"] == "1"
    assert stack.resource("aws_db_instance.database")["backup_retention_period"] >= 1


def test_the_database_is_reached_on_3306_from_both_environments_and_the_function_that_makes_their_user_only(
    stack: StackJson,
) -> None:
    group = "${aws_security_group.database_security_group.id}"
    rules = [
        rule
        for rule in stack.resources("aws_vpc_security_group_ingress_rule").values()
        if rule["security_group_id"] == group
    ]
    assert {rule["referenced_security_group_id"] for rule in rules} == {
        f"${{aws_security_group.{peer}_security_group.id}}"
        for peer in ("admin", "contest", "database_user_databases_function")
    }
    for rule in rules:
        has(rule, from_port=3306, to_port=3306, ip_protocol="tcp")
        assert "cidr_ipv4" not in rule


def test_the_php_code_signs_in_as_a_user_of_its_own_that_works_with_rows_only(stack: StackJson) -> None:
    own = "${aws_secretsmanager_secret.database_user_secret.arn}"
    for role in ROOTS:
        assert properties(stack, role)["DATABASE_SECRET_ARN"] == own
        (statement,) = stack.policy(f"aws_iam_role_policy.database_user_secret_read_by_{role}")
        assert statement["Resource"] == [own]
    policies = stack.resources("aws_iam_role_policy")
    master = [name for name, body in policies.items() if re.search("secret:rds!|master_user_secret", body["policy"])]
    assert master == ["database_user_databases_read_master_secrets"]
    function = stack.resource("aws_lambda_function.database_user_databases_function")
    assert function["environment"]["variables"] == {"RIGHTS": "SELECT, INSERT, UPDATE, DELETE"}


def test_the_team_table_has_the_index_whose_name_the_code_has_built_in(stack: StackJson) -> None:
    table = stack.resource("aws_dynamodb_table.team")
    has(table, name="team", hash_key="ID")
    assert "range_key" not in table
    (index,) = table["global_secondary_index"]
    has(index, name="password-index", hash_key="password", projection_type="ALL")
    assert "range_key" not in index
    assert table["attribute"] == [{"name": "ID", "type": "N"}, {"name": "password", "type": "S"}]


def test_the_team_question_table_is_keyed_by_team_and_question(stack: StackJson) -> None:
    table = stack.resource("aws_dynamodb_table.team_question")
    has(table, name="team_question", hash_key="teamID", range_key="questionID")
    assert table["attribute"] == [{"name": "questionID", "type": "N"}, {"name": "teamID", "type": "N"}]


def test_the_sessions_table_expires_what_the_session_handler_writes(stack: StackJson) -> None:
    table = stack.resource("aws_dynamodb_table.sessions")
    has(table, name="sessions", hash_key="id", attribute=[{"name": "id", "type": "S"}])
    assert "range_key" not in table
    assert table["ttl"] == {"attribute_name": "expires", "enabled": True}


def test_read_and_write_units_follow_use_where_they_are_provisioned(dev: StackJson, prod: StackJson) -> None:
    for name in ("sessions", "team_question"):
        assert dev.resource(f"aws_dynamodb_table.{name}")["billing_mode"] == "PROVISIONED"
        assert f"{name}_autoscaling_read_policy" in dev.resources("aws_appautoscaling_policy")
        assert prod.resource(f"aws_dynamodb_table.{name}")["billing_mode"] == "PAY_PER_REQUEST"


def test_the_static_bucket_has_the_documented_cors_rule(stack: StackJson) -> None:
    (rule,) = stack.resource("aws_s3_bucket_cors_configuration.static_cors")["cors_rule"]
    assert rule == {
        "allowed_headers": ["*"],
        "allowed_methods": ["GET"],
        "allowed_origins": ["*"],
        "max_age_seconds": 3000,
    }


def test_the_static_bucket_is_a_website(stack: StackJson) -> None:
    website = stack.resource("aws_s3_bucket_website_configuration.static_website")
    assert website["index_document"] == {"suffix": "index.html"}


def test_solutions_graders_and_htaccess_are_never_public(dev: StackJson, prod: StackJson) -> None:
    for stack, hidden in ((dev, 3), (prod, 4)):
        (statement,) = [s for s in stack.policy("aws_s3_bucket_policy.static_policy") if s["Sid"] == "NeverPublic"]
        has(statement, Effect="Deny", Principal={"AWS": ["*"]})
        assert len(statement["Resource"]) == hidden
        ends = {resource.split("/")[-1] for resource in statement["Resource"]}
        assert ends >= {"*_sols.html", "*.htaccess", "bebras.js"}
        assert list(statement["Condition"]) == ["StringNotEquals"]
    assert any(resource.endswith("*_graders.html") for resource in statement["Resource"])


@pytest.mark.parametrize("reader", ["anonymous", "cloudfront.amazonaws.com"])
def test_no_reader_gets_what_gives_answers_away_and_every_reader_what_a_contest_shows(
    stack: StackJson, prod: StackJson, reader: str
) -> None:
    """Keys as upstream's generateContest.php writes them; an ACL of dev opens all of them but solutions and graders."""
    bucket = "${aws_s3_bucket.static.arn}"
    arn = "arn:aws:s3:::static"
    text = json.dumps({"Version": "2012-10-17", "Statement": stack.policy("aws_s3_bucket_policy.static_policy")})
    policy = parse(re.sub(r"\$\{(?!aws_s3_bucket)[^}]*\}", "known", text.replace(bucket, arn)))
    of_cloudfront = "known" if reader != "anonymous" else None
    context = Context({"aws:securetransport": "true", "aws:principalaccount": None, "aws:sourcearn": of_cloudfront})
    who = Principal(reader, account_id="" if "." in reader else "anonymous")

    def decided(key: str) -> Decision:
        asked = Request("s3:GetObject", f"{arn}/contests/folder.1/{key}", who, context)
        return evaluate(asked, (), resource=policy)

    hidden = ["contest_1_sols.html", ".htaccess", "FR-2026-01/bebras.js"]
    hidden += ["contest_1_graders.html"] if stack.folder == prod.folder else []
    shown = ["contest_1.html", "contest_1.js", "part_0.html", "index.txt", "FR-2026-01/icon.png"]
    assert [key for key in hidden if not decided(key).explicit] == []
    assert [key for key in shown if decided(key).explicit] == []
    if reader != "anonymous" and stack.folder == prod.folder:
        assert all(decided(key).allowed for key in shown)


def test_in_dev_the_acl_of_each_object_decides_as_the_generator_writes_it(dev: StackJson) -> None:
    has(
        dev.resource("aws_s3_bucket_public_access_block.static_public_access_block"),
        block_public_acls=False, ignore_public_acls=False, block_public_policy=True, restrict_public_buckets=True,
    )  # fmt: skip
    assert not [s for s in dev.policy("aws_s3_bucket_policy.static_policy") if s["Effect"] == "Allow"]


def test_in_prod_public_acls_are_taken_and_mean_nothing(prod: StackJson) -> None:
    has(
        prod.resource("aws_s3_bucket_public_access_block.static_public_access_block"),
        block_public_acls=False, ignore_public_acls=True, block_public_policy=True, restrict_public_buckets=True,
    )  # fmt: skip
    (allowed,) = [s for s in prod.policy("aws_s3_bucket_policy.static_policy") if s["Effect"] == "Allow"]
    has(allowed, Principal={"Service": ["cloudfront.amazonaws.com"]}, Action=["s3:GetObject"])


def test_in_dev_a_cname_leads_to_the_bucket_called_like_the_host(dev: StackJson) -> None:
    host = "static.dev.castor.example.org"
    has(dev.resource("aws_s3_bucket.static"), bucket=host)
    has(
        dev.resource("aws_route53_record.static_cname_static_dev_castor_example_org"),
        name=host, type="CNAME", records=["${aws_s3_bucket_website_configuration.static_website.website_endpoint}"],
    )  # fmt: skip
    assert dev.resources("aws_cloudfront_distribution") == {}


def test_in_prod_cloudfront_serves_the_own_domain_with_a_certificate_of_us_east_1_and_logs(prod: StackJson) -> None:
    distribution = prod.resource("aws_cloudfront_distribution.static_cdn")
    has(distribution, aliases=["static.castor.example.org"], enabled=True)
    has(
        distribution["viewer_certificate"],
        acm_certificate_arn="${aws_acm_certificate_validation.static_cdn_certificate_validation.certificate_arn}",
    )
    assert distribution["logging_config"]["bucket"].endswith(".s3.amazonaws.com")
    assert prod.resource("aws_acm_certificate.static_cdn_certificate")["provider"] == "aws.us-east-1"
    assert (
        prod.resource("aws_acm_certificate_validation.static_cdn_certificate_validation")["provider"] == "aws.us-east-1"
    )
    (alias,) = [provider for provider in prod.document["provider"]["aws"] if "alias" in provider]
    (default,) = [provider for provider in prod.document["provider"]["aws"] if "alias" not in provider]
    has(
        alias,
        region="us-east-1",
        allowed_account_ids=default["allowed_account_ids"],
        default_tags=default["default_tags"],
    )
    has(prod.resource("aws_route53_record.static_cdn_alias"), name="static.castor.example.org", type="A")


def test_both_environments_and_the_static_host_are_names_in_one_domain(stack: StackJson) -> None:
    domain = "castor.example.org" if stack.folder.name.endswith("prod") else "dev.castor.example.org"
    records = stack.resources("aws_route53_record").values()
    assert {f"{host}.{domain}" for host in ("coordinateur", "concours", "static")} <= {r["name"] for r in records}
    assert len({record["zone_id"] for record in records}) == 1
    for role in ROOTS:
        (record,) = [
            record for name, record in stack.resources("aws_route53_record").items() if name.startswith(f"{role}_dns")
        ]
        has(record, type="CNAME", records=[f"${{aws_elastic_beanstalk_environment.{role}.cname}}"])


def test_the_php_user_may_use_three_tables_and_write_contests_and_nothing_else(stack: StackJson) -> None:
    statements = user_statements(stack)
    actions = {action for statement in statements for action in statement["Action"]}
    assert not [action for action in actions if "*" in action]
    assert {
        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
        "dynamodb:Query", "dynamodb:Scan", "s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:DeleteObject",
        "s3:ListBucket",
    } <= actions  # fmt: skip
    assert {action.split(":")[0] for action in actions} == {"dynamodb", "s3"}
    resources = {resource for statement in statements for resource in statement["Resource"]}
    assert resources == {
        "${aws_dynamodb_table.team.arn}", "${aws_dynamodb_table.team.arn}/index/*",
        "${aws_dynamodb_table.team_question.arn}", "${aws_dynamodb_table.sessions.arn}",
        "${aws_s3_bucket.static.arn}", "${aws_s3_bucket.static.arn}/contests/*",
        "${aws_s3_bucket.static.arn}/contests/*_sols.html", "${aws_s3_bucket.static.arn}/contests/*_graders.html",
    }  # fmt: skip


def test_the_php_users_key_is_of_no_use_outside_the_network_but_for_urls_it_signed(stack: StackJson) -> None:
    for statement in user_statements(stack):
        asked = statement["Condition"]
        if statement["Sid"] == "Presigned":
            assert asked["StringEquals"] == {"s3:authType": "REST-QUERY-STRING"}
            assert asked["NumericLessThanEquals"] == {"s3:signatureAge": "600000"}
            assert statement["Action"] == ["s3:GetObject"]
        else:
            assert asked["StringEquals"] == {"aws:SourceVpc": "${aws_vpc.network.id}"}


def test_the_database_takes_upstreams_statements(stack: StackJson) -> None:
    group = stack.resource("aws_db_parameter_group.database_parameter_group")
    values = {parameter["name"]: parameter["value"] for parameter in group["parameter"]}
    assert values["sql_mode"] == "NO_ENGINE_SUBSTITUTION"


def test_no_access_key_is_made_by_terraform(stack: StackJson) -> None:
    assert stack.resources("aws_iam_access_key") == {}
    assert stack.resources("aws_secretsmanager_secret_version") == {}


def test_everything_that_matters_has_alarms_and_the_dashboard_shows_it(stack: StackJson) -> None:
    alarms = set(stack.resources("aws_cloudwatch_metric_alarm"))
    assert {f"alarms_{role}_{what}" for role in ROOTS for what in ("health", "errors", "latency")} <= alarms
    assert {"alarms_database_cpu", "alarms_team_question_write_throttles", "alarms_sessions_read_throttles"} <= alarms
    assert {"alarms_key_age_days", "alarms_database_user_errors"} <= alarms
    body = json.loads(stack.resource("aws_cloudwatch_dashboard.alarms_dashboard")["dashboard_body"])
    assert len(body["widgets"]) > 10


def test_in_prod_everything_speaks_https_and_data_is_protected(prod: StackJson) -> None:
    for role in ROOTS:
        has_listener = options(prod, role)["aws:elbv2:listener:443", "Protocol"]
        assert has_listener == "HTTPS"
        assert properties(prod, role)["HTTPS_HOST"] == HOSTS[role]
    has(prod.resource("aws_db_instance.database"), storage_encrypted=True, multi_az=True, deletion_protection=True)
    for name in ("team", "team_question", "sessions"):
        assert prod.resource(f"aws_dynamodb_table.{name}")["deletion_protection_enabled"] is True
