"""Promises of the document about Sync Storage's infrastructure, in the Terraform JSON of each environment."""

from __future__ import annotations

import json
import re

import pytest

from operations.docs.diagram import mermaid
from tests.deployments.stack_json import StackJson, has

ENVIRONMENTS = ("dev", "prod")
NODES = {"dev": ("a",), "prod": ("a", "b")}
DOMAINS = {"dev": "sync-dev.example.org", "prod": "sync.example.org"}


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stack(environment: str) -> StackJson:
    return StackJson(f"sync-storage-{environment}")


def rules_into(stack: StackJson, group: str) -> dict[str, tuple[int, str]]:
    """The rules that open a security group: from which port, for which other group."""
    wanted = f"${{aws_security_group.{group}_security_group.id}}"
    return {
        name: (rule["from_port"], rule.get("referenced_security_group_id", rule.get("cidr_ipv4")))
        for name, rule in stack.resources("aws_vpc_security_group_ingress_rule").items()
        if rule["security_group_id"] == wanted
    }


def group(name: str) -> str:
    return f"${{aws_security_group.{name}_security_group.id}}"


def test_it_is_in_the_documents_region(stack: StackJson) -> None:
    (provider,) = stack.document["provider"]["aws"]
    assert provider["region"] == "us-east-1"


def test_there_are_the_three_documented_security_groups(stack: StackJson) -> None:
    names = {group["name"] for group in stack.resources("aws_security_group").values()}
    assert {"syncstorage-sg-web", "syncstorage-sg-db", "syncstorage-sg-cache"} <= names


def test_webheads_are_reached_by_the_load_balancer_on_port_80_only(stack: StackJson) -> None:
    assert list(rules_into(stack, "webheads").values()) == [(80, group("load_balancer"))]


def test_nodes_are_reached_by_webheads_and_the_functions_only(stack: StackJson) -> None:
    clients = ("webheads", "databases_function", "purge")
    assert set(rules_into(stack, "nodes").values()) == {(3306, group(client)) for client in clients}


def test_expired_rows_are_purged_daily_and_a_purge_that_leaves_rows_raises_an_alarm(stack: StackJson) -> None:
    schedule = stack.resource("aws_scheduler_schedule.purge_schedule")
    has(schedule, schedule_expression="rate(1 day)", state="ENABLED")
    assert schedule["target"]["arn"] == "${aws_lambda_function.purge.arn}"
    alarm = stack.resource("aws_cloudwatch_metric_alarm.alarms_purge_errors")
    has(alarm, metric_name="Errors", threshold=0, dimensions={"FunctionName": f"{stack.folder.name}-purge"})


def test_the_cache_is_reached_by_webheads_only(stack: StackJson) -> None:
    assert list(rules_into(stack, "cache").values()) == [(11211, group("webheads"))]


def test_nothing_opens_port_22_and_webheads_have_no_key_but_session_manager(stack: StackJson) -> None:
    for rule in stack.resources("aws_vpc_security_group_ingress_rule").values():
        assert not rule["from_port"] <= 22 <= rule["to_port"]
    assert "key_name" not in stack.resource("aws_launch_template.webheads_launch_template")
    (statement,) = stack.policy("aws_iam_role_policy.webheads_role_session_manager")
    assert "ssmmessages:OpenDataChannel" in statement["Action"]


def test_the_load_balancer_has_the_documented_name_and_forwards_to_port_80(stack: StackJson) -> None:
    has(stack.resource("aws_lb.load_balancer"), name="syncstorage-lb", load_balancer_type="application", internal=False)
    has(stack.resource("aws_lb_target_group.load_balancer_to_webheads"), port=80, protocol="HTTP")
    has(stack.resource("aws_lb_listener.load_balancer_http"), port=80, protocol="HTTP")


def test_health_is_asked_as_documented(stack: StackJson) -> None:
    has(
        stack.resource("aws_lb_target_group.load_balancer_to_webheads")["health_check"],
        path="/__heartbeat__", interval=10, healthy_threshold=3, unhealthy_threshold=3, matcher="200",
    )  # fmt: skip


def test_https_has_one_certificate_for_all_host_names_and_http_is_redirected(
    stack: StackJson, environment: str
) -> None:
    domain = DOMAINS[environment]
    certificate = stack.resource("aws_acm_certificate.load_balancer_certificate")
    has(certificate, domain_name=domain, subject_alternative_names=[f"*.{domain}"])
    assert len(stack.resources("aws_acm_certificate")) == 1
    has(stack.resource("aws_lb_listener.load_balancer_https"), port=443, protocol="HTTPS")
    (action,) = stack.resource("aws_lb_listener.load_balancer_http")["default_action"]
    assert action["type"] == "redirect"


def test_the_host_is_kept_and_slow_requests_are_not_cut(stack: StackJson) -> None:
    has(stack.resource("aws_lb.load_balancer"), preserve_host_header=True, idle_timeout=600)


def test_an_instance_that_leaves_may_finish_its_longest_request(stack: StackJson) -> None:
    assert stack.resource("aws_lb_target_group.load_balancer_to_webheads")["deregistration_delay"] == "500"


def test_each_node_is_the_documented_mysql(stack: StackJson, environment: str) -> None:
    assert set(stack.resources("aws_db_instance")) == {f"nodes_{node}_database" for node in NODES[environment]}
    for database in stack.resources("aws_db_instance").values():
        has(
            database, engine="mysql", engine_version="8.4", allocated_storage=100, username="syncstorage", port=3306,
            manage_master_user_password=True, publicly_accessible=False, vpc_security_group_ids=[group("nodes")],
            db_name="syncstorage0",
        )  # fmt: skip


def test_nodes_speak_what_old_clients_do(stack: StackJson, environment: str) -> None:
    for node in NODES[environment]:
        given = stack.resource(f"aws_db_parameter_group.nodes_{node}_database_parameter_group")
        assert given["family"] == "mysql8.4"
        values = {parameter["name"]: parameter["value"] for parameter in given["parameter"]}
        # PyMySQL 0.6.7 dies with KeyError: 255 at MySQL's own collation, and speaks no TLS that RDS takes
        has(values, character_set_server="utf8", collation_server="utf8_general_ci", require_secure_transport="0")
        assert "default_authentication_plugin" not in values  # RDS: cannot be modified in 8.0, unknown in 8.4


def test_each_node_has_ten_host_names_that_lead_to_the_load_balancer(stack: StackJson, environment: str) -> None:
    records = {
        record["name"]: record["records"]
        for record in stack.resources("aws_route53_record").values()
        if record["type"] == "CNAME" and "host_names" in record["//"]["metadata"]["path"]
    }
    assert records == {
        f"{node}-{number}.{DOMAINS[environment]}": ["${aws_lb.load_balancer.dns_name}"]
        for node in NODES[environment]
        for number in range(10)
    }


def test_webheads_look_nodes_and_cache_up_by_name(stack: StackJson, environment: str) -> None:
    for node in NODES[environment]:
        entry = stack.resource(f"aws_ssm_parameter.nodes_{node}_entry")
        assert entry["name"] == f"/sync-storage/{environment}/nodes/{node}"
        value = json.loads(entry["value"])
        assert value["address"] == f"${{aws_db_instance.nodes_{node}_database.address}}"
        assert value["host_names"] == [f"{node}-{number}.{DOMAINS[environment]}" for number in range(10)]
    cache = stack.resource("aws_ssm_parameter.configuration_cache")
    has(
        cache, name=f"/sync-storage/{environment}/cache", value="${aws_elasticache_cluster.cache.cluster_address}:11211"
    )


def test_nothing_a_webhead_starts_from_names_a_node(stack: StackJson) -> None:
    for address in ("aws_launch_template.webheads_launch_template", "aws_autoscaling_group.webheads"):
        started_from = {key: value for key, value in stack.resource(address).items() if key != "depends_on"}
        assert "nodes_" not in json.dumps(started_from)


def test_the_cache_is_one_memcached_node_that_takes_large_items(stack: StackJson) -> None:
    has(stack.resource("aws_elasticache_cluster.cache"), engine="memcached", num_cache_nodes=1, port=11211)
    (parameter,) = stack.resource("aws_elasticache_parameter_group.cache_parameter_group")["parameter"]
    assert parameter == {"name": "max_item_size", "value": str(21 * 2**20)}


def test_webheads_are_a_group_that_follows_its_load(stack: StackJson) -> None:
    fleet = stack.resource("aws_autoscaling_group.webheads")
    assert fleet["target_group_arns"] == ["${aws_lb_target_group.load_balancer_to_webheads.arn}"]
    assert fleet["health_check_type"] == "ELB"
    assert stack.resource("aws_autoscaling_policy.webheads_cpu")["policy_type"] == "TargetTrackingScaling"


def test_webheads_start_from_user_data_that_is_compressed(stack: StackJson) -> None:
    user_data = stack.resource("aws_launch_template.webheads_launch_template")["user_data"]
    assert user_data.startswith('${base64gzip(templatefile("user_data.sh"')


def test_webheads_may_read_what_they_serve_and_nothing_else(stack: StackJson, environment: str) -> None:
    statements = {
        statement["Sid"]: statement
        for name in stack.resources("aws_iam_role_policy")
        if name.endswith("_by_webheads") and not name.startswith("webheads_")
        for statement in stack.policy(f"aws_iam_role_policy.{name}")
    }
    assert set(statements) == {"ReadParameters", "ReadSecrets", "ReadSeveralAtOnce", "PullImage", "SignIn"}
    assert statements["ReadParameters"]["Resource"][0].endswith(f":parameter/sync-storage/{environment}/*")
    assert statements["ReadSecrets"]["Resource"][1].endswith(f":secret:sync-storage-{environment}-master-secrets-*")
    actions = {action for statement in statements.values() for action in statement["Action"]}
    assert not {action for action in actions if "Put" in action or "Write" in action or action.endswith("*")}


def test_images_are_baked_in_prod_and_not_in_dev() -> None:
    assert not StackJson("sync-storage-dev").resources("aws_imagebuilder_image_pipeline")
    prod = StackJson("sync-storage-prod")
    assert set(prod.resources("aws_imagebuilder_image_pipeline")) == {"image_bake"}
    component = json.loads(prod.resource("aws_imagebuilder_component.image_bake_component")["data"])
    (command,) = component["phases"][0]["steps"][0]["inputs"]["commands"]
    assert "install_webhead" in command
    assert len(json.dumps(component)) < 16000


def test_logs_of_nginx_gunicorn_and_boot_are_kept(stack: StackJson) -> None:
    groups = set(stack.resources("aws_cloudwatch_log_group"))
    assert {"webheads_nginx_log", "webheads_gunicorn_log", "webheads_boot_log"} <= groups


def test_what_matters_rings_an_alarm(stack: StackJson, environment: str) -> None:
    alarms = set(stack.resources("aws_cloudwatch_metric_alarm"))
    wanted = {
        "alarms_load_balancer_5xx", "alarms_load_balancer_target_5xx", "alarms_load_balancer_latency",
        "alarms_load_balancer_unhealthy_hosts", "alarms_cache_evictions_0001", "alarms_cache_swap_0001",
    }  # fmt: skip
    for node in NODES[environment]:
        wanted |= {f"alarms_nodes_{node}_{what}" for what in ("cpu", "free_storage", "connections")}
    assert wanted <= alarms


def test_the_dashboard_shows_all_nodes_in_one_graph_for_each_metric(stack: StackJson, environment: str) -> None:
    body = json.loads(stack.resource("aws_cloudwatch_dashboard.alarms_dashboard")["dashboard_body"])
    graphs = [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]
    (storage,) = [graph for graph in graphs if graph["title"] == "FreeStorageSpace"]
    assert len(storage["metrics"]) == len(NODES[environment])


def test_webheads_are_refreshed_by_a_document_that_takes_no_arguments(stack: StackJson) -> None:
    content = json.loads(stack.resource("aws_ssm_document.render_command")["content"])
    assert "parameters" not in content
    assert content["mainSteps"][0]["inputs"]["runCommand"] == ["/usr/local/sbin/syncstorage-render --reload"]


def test_no_secret_has_a_value_in_anything_committed(stack: StackJson) -> None:
    assert not stack.resources("aws_secretsmanager_secret_version")
    for name, text in [(name, text) for name, text in texts(stack) if not name.endswith(".zip")]:
        assert not re.search(r"\d{9,}:[0-9a-f]{32,}", text), f"a master secret stands in {name}"
        assert not re.search(r"password[\"']?\s*[:=]\s*[\"'](?!@|\$|\{)\w", text, re.IGNORECASE), name


def texts(stack: StackJson) -> list[tuple[str, str]]:
    return [(path.name, path.read_text(errors="replace")) for path in stack.folder.iterdir() if path.is_file()]


def test_in_prod_nodes_have_standbys_and_cannot_be_destroyed() -> None:
    for database in StackJson("sync-storage-prod").resources("aws_db_instance").values():
        has(database, multi_az=True, deletion_protection=True, skip_final_snapshot=False, storage_encrypted=True)
        assert database["lifecycle"]["prevent_destroy"] is True


def test_the_readmes_picture_shows_who_reaches_each_node(stack: StackJson, environment: str) -> None:
    picture = mermaid(stack.document)
    for node in NODES[environment]:
        assert f'webheads -- "TCP 3306" --> nodes_{node}_database' in picture
