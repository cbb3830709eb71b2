"""Promises of the document about Aquamark's infrastructure, in the Terraform JSON of each environment."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from deployments.aquamark.settings import MailSettings
from tests.deployments.stack_json import StackJson, has
from tests.generated.released import RELEASES

DEV, PROD = RELEASES


@pytest.fixture(params=("aquamark-dev", "aquamark-prod", DEV, PROD))
def stack(request: pytest.FixtureRequest) -> StackJson:
    """Before the first upgrade and after it."""
    return StackJson(request.param)


@pytest.fixture
def dev() -> StackJson:
    return StackJson(DEV)


@pytest.fixture
def prod() -> StackJson:
    return StackJson(PROD)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_first_apply_makes_a_web_group_without_instances_so_that_it_waits_for_no_image(environment: str) -> None:
    """The repository that the image belongs in is part of the same apply."""
    stack = StackJson(f"aquamark-{environment}")
    group = stack.resource("aws_autoscaling_group.web")
    has(group, name=f"aquamark-{environment}-web-none", min_size=0)
    assert "min_elb_capacity" not in group


def test_the_database_is_postgresql_with_100_gib_of_ssd_not_public_and_seven_days_of_backups(stack: StackJson) -> None:
    has(
        stack.resource("aws_db_instance.database"), engine="postgres", allocated_storage=100, storage_type="gp3",
        publicly_accessible=False, backup_retention_period=7, instance_class="db.t3.medium", port=5432,
        username="postgres", manage_master_user_password=True,
    )  # fmt: skip


def test_daemons_write_dumps_and_do_not_read_them(stack: StackJson) -> None:
    statements = stack.policy("aws_iam_role_policy.dumps_write_by_daemons")
    actions = {action for statement in statements for action in statement["Action"]}
    assert "s3:PutObject" in actions
    assert "s3:GetObject" not in actions
    role = stack.resource("aws_iam_role_policy.dumps_write_by_daemons")["role"]
    assert role == "${aws_iam_role.daemons_role.name}"


def test_the_database_has_a_meaningful_identifier(dev: StackJson, prod: StackJson) -> None:
    assert dev.resource("aws_db_instance.database")["identifier"] == "aquamark-dev-database"
    assert prod.resource("aws_db_instance.database")["identifier"] == "aquamark-prod-database"


def test_the_fleet_grows_and_shrinks_with_its_average_cpu(dev: StackJson, prod: StackJson) -> None:
    for stack, most in ((dev, 4), (prod, 6)):
        has(stack.resource("aws_autoscaling_group.web"), min_size=2, max_size=most)
        tracking = stack.resource("aws_autoscaling_policy.web_cpu")["target_tracking_configuration"]
        assert tracking["target_value"] == 50
        has(tracking["predefined_metric_specification"], predefined_metric_type="ASGAverageCPUUtilization")


def test_only_web_servers_and_daemons_reach_the_database(stack: StackJson) -> None:
    group = "${aws_security_group.database_security_group.id}"
    rules = stack.resources("aws_vpc_security_group_ingress_rule").values()
    peers = {rule["referenced_security_group_id"] for rule in rules if rule["security_group_id"] == group}
    assert peers == {f"${{aws_security_group.{peer}_security_group.id}}" for peer in ("web", "daemons")}


def test_the_documented_release_is_let_in_with_what_its_client_library_speaks(dev: StackJson, prod: StackJson) -> None:
    def parameters(stack: StackJson) -> dict[str, str]:
        listed = stack.resource("aws_db_parameter_group.database_parameter_group")["parameter"]
        return {parameter["name"]: parameter["value"] for parameter in listed}

    has(parameters(dev), **{"password_encryption": "md5", "rds.force_ssl": "0"})
    has(parameters(prod), **{"password_encryption": "scram-sha-256", "rds.force_ssl": "1"})
    assert "libpq 9.3" in dev.resource("aws_db_instance.database")["//"]["exemptions"]["CKV2_AWS_69"]


def test_weekly_snapshots_are_kept_for_years(stack: StackJson) -> None:
    (rule,) = stack.resource("aws_backup_plan.backups")["rule"]
    assert rule["schedule"] == "cron(0 16 ? * SAT *)"
    assert rule["lifecycle"]["delete_after"] == 1096
    assert stack.resource("aws_backup_selection.backups_selection")["resources"] == ["${aws_db_instance.database.arn}"]


def test_images_are_scanned_and_tags_never_change(stack: StackJson) -> None:
    has(
        stack.resource("aws_ecr_repository.repository"), image_tag_mutability="IMMUTABLE",
        image_scanning_configuration={"scan_on_push": True},
    )  # fmt: skip
    rules = json.loads(stack.resource("aws_ecr_lifecycle_policy.repository_lifecycle")["policy"])["rules"]
    kept = {rule["selection"]["tagStatus"]: rule["selection"]["countNumber"] for rule in rules}
    assert kept == {"untagged": 1, "any": 30}


def test_the_load_balancer_redirects_http_and_sends_https_to_port_80_of_the_instances(stack: StackJson) -> None:
    for name, port in (("http", 80), ("https", 443)):
        assert stack.resource(f"aws_lb_listener.load_balancer_{name}")["port"] == port
    (redirect,) = stack.resource("aws_lb_listener.load_balancer_http")["default_action"]
    has(redirect, type="redirect", redirect={"status_code": "HTTP_301", "protocol": "HTTPS", "port": "443"})
    (action,) = stack.resource("aws_lb_listener.load_balancer_https")["default_action"]
    has(action, type="forward", target_group_arn="${aws_lb_target_group.load_balancer_to_web.arn}")
    has(stack.resource("aws_lb_target_group.load_balancer_to_web"), port=80, protocol="HTTP")


def test_the_health_check_asks_for_ping_and_a_database_outage_cycles_no_instances(stack: StackJson) -> None:
    check = stack.resource("aws_lb_target_group.load_balancer_to_web")["health_check"]
    has(check, path="/ping", interval=30, unhealthy_threshold=10)
    assert stack.resource("aws_autoscaling_group.web")["health_check_type"] == "EC2"


def test_the_domain_leads_to_the_load_balancer_with_a_certificate(stack: StackJson) -> None:
    (alias,) = [r for r in stack.resources("aws_route53_record").values() if "alias" in r]
    assert alias["alias"]["name"] == "${aws_lb.load_balancer.dns_name}"
    assert stack.resource("aws_lb_listener.load_balancer_https")["certificate_arn"].startswith("${aws_acm_certificate")


def test_the_groups_name_carries_the_version_and_the_new_group_is_healthy_before_the_old_one_goes(
    dev: StackJson, prod: StackJson
) -> None:
    for stack, version in ((dev, "1.4.7"), (prod, "head-5813fa8")):
        group = stack.resource("aws_autoscaling_group.web")
        assert group["name"].endswith(f"-web-{version}")
        assert group["lifecycle"] == {"create_before_destroy": True}
        assert group["min_elb_capacity"] == group["min_size"] == 2
        assert "aws_lb_listener.load_balancer_https" in group["depends_on"]


def test_nothing_else_carries_the_version(dev: StackJson) -> None:
    named = {
        f"{kind}.{name}"
        for kind, resources in dev.document["resource"].items()
        for name, resource in resources.items()
        if "1.4.7" in str(resource.get("name", "")) + str(resource.get("identifier", ""))
    }
    assert named == {"aws_autoscaling_group.web", "aws_autoscaling_policy.web_cpu"}


def test_web_servers_and_daemons_are_told_the_same_version(stack: StackJson) -> None:
    told = {
        re.findall(r'\\"version\\" = \\"([^"\\]*)|"version" = "([^"]*)"', template["user_data"])[0]
        for template in stack.resources("aws_launch_template").values()
    }
    assert len(stack.resources("aws_launch_template")) == 2
    assert len(told) == 1


def test_instances_have_20_gib_of_general_ssd_and_no_key_pair(stack: StackJson) -> None:
    for template in stack.resources("aws_launch_template").values():
        (disk,) = template["block_device_mappings"]
        has(disk["ebs"], volume_size=20, volume_type="gp3", encrypted="true")
        assert "key_name" not in template


def test_in_dev_instances_have_public_addresses_and_no_nat_and_in_prod_it_is_the_other_way_round(
    dev: StackJson, prod: StackJson
) -> None:
    for stack, public in ((dev, "true"), (prod, "false")):
        (interface,) = stack.resource("aws_launch_template.web_launch_template")["network_interfaces"]
        assert interface["associate_public_ip_address"] == public
    assert not dev.resources("aws_nat_gateway")
    assert len(prod.resources("aws_nat_gateway")) == 3


def test_the_world_reaches_the_load_balancer_and_nothing_else(stack: StackJson) -> None:
    rules = stack.resources("aws_vpc_security_group_ingress_rule").values()
    world = {rule["security_group_id"] for rule in rules if "cidr_ipv4" in rule}
    assert world == {"${aws_security_group.load_balancer_security_group.id}"}
    assert not [rule for rule in rules if rule["from_port"] == 22]


def test_there_is_exactly_one_daemon_host_and_the_old_one_ends_first(stack: StackJson) -> None:
    group = stack.resource("aws_autoscaling_group.daemons")
    has(group, min_size=1, max_size=1, suspended_processes=["AZRebalance"])
    has(group["instance_refresh"]["preferences"], min_healthy_percentage=0, max_healthy_percentage=100)
    assert "aws_autoscaling_group.web" in group["depends_on"]


def test_an_alarm_rings_for_each_daemon_that_does_not_run(stack: StackJson) -> None:
    for name in ("recalc", "notify"):
        alarm = stack.resource(f"aws_cloudwatch_metric_alarm.alarms_containers_{name}")
        has(alarm, metric_name="ContainerRunning", treat_missing_data="breaching", threshold=1)
        assert alarm["dimensions"]["Container"] == name


def test_mail_goes_out_on_587_and_25_is_refused(stack: StackJson) -> None:
    rule = stack.resource("aws_vpc_security_group_egress_rule.daemons_to_internet_587")
    has(rule, from_port=587, to_port=587)
    fine = {"smtp_server": "mail.example.org", "send_from": "a@example.org", "error_send_to": "b@example.org"}
    with pytest.raises(ValidationError, match="must not be 25"):
        MailSettings(**fine, smtp_port=25)  # type: ignore[arg-type]


def test_the_storage_user_adds_and_reads_and_neither_deletes_nor_suspends_versioning(stack: StackJson) -> None:
    statements = stack.policy("aws_iam_user_policy.attachments_add_and_read")
    allowed = {action for statement in statements for action in statement["Action"]}
    assert "s3:PutObject" in allowed
    assert "s3:ListAllMyBuckets" in allowed
    assert not [action for action in allowed if "Delete" in action or "Versioning" in action]
    denied = next(
        s for s in stack.policy("aws_s3_bucket_policy.attachments_bucket_policy") if s["Sid"] == "KeepEveryVersion"
    )
    assert {"s3:PutBucketVersioning", "s3:DeleteObject", "s3:DeleteObjectVersion"} <= set(denied["Action"])
    objects = next(s for s in statements if s["Sid"] == "Objects")
    assert objects["Condition"] == {"StringEquals": {"aws:SourceVpc": "${aws_vpc.network.id}"}}


def test_no_access_key_passes_through_terraform(stack: StackJson) -> None:
    assert not stack.resources("aws_iam_access_key")
    assert not stack.resources("aws_secretsmanager_secret_version")


def test_no_literal_password_stands_in_anything_committed(stack: StackJson) -> None:
    for name, text in stack.texts():
        assert not re.search(r"""password["']?\s*[:=]\s*["'](?!@|\$|\{|scram|md5)\w""", text, re.IGNORECASE), name


def test_user_data_installs_docker_from_the_distribution(stack: StackJson) -> None:
    text = (stack.folder / "user_data.sh").read_text()
    assert "dnf install --assumeyes" in text
    assert not re.search(r"get\.docker\.com|git clone|apt-get|pip install", text)


def test_user_data_names_no_secret_that_the_host_may_not_read(stack: StackJson) -> None:
    for role, other in (("web", "smtp"), ("daemons", "attachments_key")):
        text = stack.resource(f"aws_launch_template.{role}_launch_template")["user_data"]
        assert f"aws_secretsmanager_secret.{other}.arn" not in text
        assert "aws_secretsmanager_secret.login.arn" in text
