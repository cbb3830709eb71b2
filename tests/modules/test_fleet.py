from __future__ import annotations

from typing import Any

import pytest

from config.components import AdoptedNetwork, FixedImage, FleetSettings, LatestImage
from modules.fleet import Fleet, log_group_name
from modules.network import Network
from modules.policy import allow, document
from modules.stack import DeploymentStack
from tests.modules.synth import ABSENT, NETWORK, assert_subset, sample_stack, synthesised

SETTINGS = FleetSettings(instance_type="t3.micro", min_size=2, max_size=4)


def fleet(stack: DeploymentStack, *, changes: dict[str, Any] | None = None, **arguments: Any) -> Fleet:
    given = {"user_data": "#!/bin/sh\necho hello\n", "settings": SETTINGS.model_copy(update=changes or {})} | arguments
    network = Network(stack, "network", name="sample-test-network", settings=NETWORK)
    return Fleet(stack, "web", name="sample-test-web", network=network, **given)


def test_instances_are_asked_for_credentials_with_a_token_and_from_no_further_than_themselves():
    stack = sample_stack()
    fleet(stack)
    assert_subset(
        synthesised(stack).resource("aws_launch_template.web_launch_template"),
        {
            "metadata_options": {
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            }
        },
    )


def test_imdsv1_is_refused_without_the_reason_in_the_settings():
    stack = sample_stack()
    fleet(stack, settings=FleetSettings.model_construct(**{**dict(SETTINGS), "http_tokens": "optional"}))
    with pytest.raises(RuntimeError, match="imdsv1"):
        synthesised(stack)


def test_settings_that_code_changes_are_checked_as_those_of_files():
    with pytest.raises(ValueError, match=r"needs a reason: add reasons\.http_tokens"):
        SETTINGS.model_copy(update={"http_tokens": "optional"})


def test_imdsv1_carries_its_reason():
    stack = sample_stack()
    reason = "the application reads its host name without a token"
    fleet(
        stack,
        settings=FleetSettings(
            **SETTINGS.model_dump() | {"http_tokens": "optional", "reasons": {"http_tokens": reason}}
        ),
    )
    result = synthesised(stack)
    assert result.exemptions("aws_launch_template.web_launch_template")["imdsv1"] == reason


def test_disks_are_encrypted_gp3_of_the_size_in_the_settings():
    stack = sample_stack()
    fleet(stack, changes={"root_volume_size_gib": 33})
    assert_subset(
        synthesised(stack).resource("aws_launch_template.web_launch_template"),
        {"block_device_mappings": [{"ebs": {"encrypted": "true", "volume_type": "gp3", "volume_size": 33}}]},
    )


def test_instances_have_no_key_pair_and_no_public_address():
    stack = sample_stack()
    fleet(stack)
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_launch_template.web_launch_template"),
        {"key_name": ABSENT, "network_interfaces": [{"associate_public_ip_address": "false"}]},
    )
    assert_subset(
        result.resource("aws_autoscaling_group.web"),
        {"vpc_zone_identifier": ["${aws_subnet.network_private_a.id}", "${aws_subnet.network_private_b.id}"]},
    )


def test_instances_in_public_subnets_have_an_address():
    stack = sample_stack()
    fleet(stack, subnets="public")
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_launch_template.web_launch_template"),
        {"network_interfaces": [{"associate_public_ip_address": "true"}]},
    )
    assert_subset(
        result.resource("aws_autoscaling_group.web"),
        {"vpc_zone_identifier": ["${aws_subnet.network_public_a.id}", "${aws_subnet.network_public_b.id}"]},
    )


def test_public_instances_need_public_subnets():
    stack = sample_stack()
    adopted = AdoptedNetwork(
        vpc_id="vpc-0a1b2c3d4e5f60718",
        private_subnet_ids={"eu-central-1a": "subnet-1111111111111111a", "eu-central-1b": "subnet-1111111111111111b"},
    )
    network = Network(stack, "network", name="n", settings=adopted)
    with pytest.raises(ValueError, match="web has no public subnets"):
        Fleet(stack, "web", name="w", network=network, settings=SETTINGS, user_data="", subnets="public")


def test_the_newest_image_of_a_line_is_found_when_an_instance_starts():
    stack = sample_stack()
    fleet(stack)
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_launch_template.web_launch_template"),
        {"image_id": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
    )
    assert "data" not in result.document


@pytest.mark.parametrize(
    ("image", "ports"),
    [
        (LatestImage(), {443}),
        (LatestImage(ssm_parameter="/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"), {80, 443}),
        (FixedImage(ami_id="ami-047e03b8591f2d48a"), {80, 443}),
    ],
)
def test_port_80_is_open_outward_only_for_images_that_may_be_amazon_linux_2(image, ports):
    stack = sample_stack()
    fleet(stack, changes={"image": image})
    rules = synthesised(stack).document["resource"]["aws_vpc_security_group_egress_rule"].values()
    assert {rule["from_port"] for rule in rules if rule.get("cidr_ipv4") == "0.0.0.0/0"} == ports


def test_a_fixed_image_is_taken_as_it_is():
    stack = sample_stack()
    fleet(stack, changes={"image": FixedImage(ami_id="ami-047e03b8591f2d48a")})
    assert_subset(
        synthesised(stack).resource("aws_launch_template.web_launch_template"), {"image_id": "ami-047e03b8591f2d48a"}
    )


def test_a_new_template_version_replaces_instances_one_after_another_before_they_go():
    stack = sample_stack()
    fleet(stack)
    assert_subset(
        synthesised(stack).resource("aws_autoscaling_group.web"),
        {
            "launch_template": {"version": "${aws_launch_template.web_launch_template.latest_version}"},
            "instance_refresh": {
                "strategy": "Rolling",
                "preferences": {
                    "min_healthy_percentage": 100,
                    "max_healthy_percentage": 150,
                    "skip_matching": True,
                },
            },
        },
    )


def test_scaling_is_left_to_the_group():
    stack = sample_stack()
    fleet(stack, changes={"target_cpu_percent": 60})
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_autoscaling_group.web"), {"min_size": 2, "max_size": 4, "desired_capacity": ABSENT}
    )
    assert_subset(
        result.resource("aws_autoscaling_policy.web_cpu"),
        {
            "policy_type": "TargetTrackingScaling",
            "target_tracking_configuration": {
                "target_value": 60,
                "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"},
            },
        },
    )


def test_ec2_decides_who_is_healthy_until_a_load_balancer_does():
    stack = sample_stack()
    fleet(stack)
    assert_subset(
        synthesised(stack).resource("aws_autoscaling_group.web"),
        {"health_check_type": "EC2", "target_group_arns": ABSENT},
    )
    stack = sample_stack()
    web = fleet(stack)
    web.attach_target_group("arn:first")
    web.attach_target_group("arn:second")
    assert_subset(
        synthesised(stack).resource("aws_autoscaling_group.web"),
        {"health_check_type": "ELB", "target_group_arns": ["arn:first", "arn:second"]},
    )


def test_what_is_launched_has_the_tags_of_the_stack():
    stack = sample_stack()
    fleet(stack)
    result = synthesised(stack)
    tags = {"Project": "quintet", "Deployment": "sample", "Environment": "test", "Name": "sample-test-web"}
    assert_subset(
        result.resource("aws_launch_template.web_launch_template"),
        {
            "tag_specifications": [
                {"resource_type": "instance", "tags": tags},
                {"resource_type": "volume", "tags": tags},
            ]
        },
    )
    group = result.resource("aws_autoscaling_group.web")
    assert {tag["key"]: tag["value"] for tag in group["tag"]} == tags
    assert all(tag["propagate_at_launch"] for tag in group["tag"])


def test_instances_are_reached_through_session_manager():
    stack = sample_stack()
    fleet(stack)
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_iam_role_policy.web_role_session_manager"), {"role": "${aws_iam_role.web_role.name}"}
    )
    (statement,) = result.policy("aws_iam_role_policy.web_role_session_manager").values()
    assert {"ssm:UpdateInstanceInformation", "ssmmessages:OpenDataChannel"} <= set(statement["Action"])
    assert not {"ssm:GetParameter", "ssm:GetParameters"} & set(statement["Action"]), "it reads no parameter"
    assert all(rule["from_port"] != 22 for rule in result.resources("aws_vpc_security_group_ingress_rule").values())


def test_the_role_has_the_name_a_document_gives_it():
    stack = sample_stack()
    fleet(stack, role_name="ec2_iam_role-test")
    assert_subset(synthesised(stack).resource("aws_iam_role.web_role"), {"name": "ec2_iam_role-test"})


def test_instances_write_to_their_own_log_groups_only():
    stack = sample_stack()
    web = fleet(stack, log_roles=("app", "boot"), changes={"log_retention_days": 90})
    result = synthesised(stack)
    assert set(web.log_group_names) == {"app", "boot"}
    assert_subset(
        result.resource("aws_cloudwatch_log_group.web_app_log"),
        {"name": log_group_name("sample-test-web", "app"), "retention_in_days": 90},
    )
    statement = result.policy("aws_iam_role_policy.web_boot_log_write_by_web")["WriteLog"]
    assert statement["Resource"] == ["${aws_cloudwatch_log_group.web_boot_log.arn}:*"]


def test_instances_start_after_their_routes_rules_and_rights():
    stack = sample_stack()
    web = fleet(stack)
    policy = document(allow("Read", actions=["s3:GetObject"], resources=["arn:aws:s3:::somewhere/*"]))
    web.attach_policy(stack, "uploads_read_by_web", policy)
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_iam_role_policy.uploads_read_by_web"),
        {"role": "${aws_iam_role.web_role.name}", "policy": policy, "name": "uploads_read_by_web"},
    )
    assert {
        "aws_iam_role_policy.uploads_read_by_web",
        "aws_iam_role_policy.web_role_session_manager",
        "aws_route.network_private_a_to_internet",
        "aws_route_table_association.network_private_a_association",
        "aws_vpc_endpoint.network_s3_endpoint",
        "aws_vpc_security_group_egress_rule.web_to_internet_443",
    } <= set(result.resource("aws_autoscaling_group.web")["depends_on"])


def test_instances_reach_the_web_and_are_reached_by_nobody():
    stack = sample_stack()
    fleet(stack)
    result = synthesised(stack)
    assert result.resources("aws_vpc_security_group_ingress_rule") == {}
    egress = result.resources("aws_vpc_security_group_egress_rule").values()
    assert {(rule["cidr_ipv4"], rule["from_port"], rule["to_port"]) for rule in egress} == {("0.0.0.0/0", 443, 443)}


def test_attributes_in_user_data_are_filled_in_and_the_shells_variables_are_left_alone():
    stack = sample_stack()
    network = Network(stack, "network", name="sample-test-network", settings=NETWORK)
    user_data = f"echo {network.vpc_id} ${{HOME}}"
    Fleet(stack, "web", name="sample-test-web", network=network, settings=SETTINGS, user_data=user_data)
    assert_subset(
        synthesised(stack).resource("aws_launch_template.web_launch_template"),
        {"user_data": '${base64encode("echo ${aws_vpc.network.id} $${HOME}")}'},
    )


def test_too_few_instances_in_service_are_noticed_unless_the_group_may_be_empty():
    watches = {watch.role: watch for watch in fleet(sample_stack()).watches()}
    assert set(watches) == {"cpu", "status_check", "in_service"}
    assert watches["in_service"].threshold == 2
    assert watches["in_service"].missing_data == "breaching"
    idle = fleet(sample_stack(), changes={"min_size": 0}).watches()
    assert {watch.role for watch in idle} == {"cpu", "status_check"}


def test_an_alarm_names_the_boot_log_there_is():
    with_log, without = (
        next(watch for watch in fleet(sample_stack(), log_roles=roles).watches() if watch.role == "in_service")
        for roles in (("boot",), ())
    )
    assert (
        f"the log group {log_group_name('sample-test-web', 'boot')}, stream INSTANCE/first-boot" in with_log.description
    )
    assert without.description.endswith("activities and the boot log")


def test_a_versions_group_carries_it_and_is_made_before_the_old_one_goes():
    stack = sample_stack()
    fleet(stack, version="1.0.1").attach_target_group("arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/t/1")
    assert_subset(
        synthesised(stack).resource("aws_autoscaling_group.web"),
        {
            "name": "sample-test-web-1.0.1",
            "lifecycle": {"create_before_destroy": True},
            "min_elb_capacity": 2,
            "health_check_type": "ELB",
        },
    )


def test_a_singleton_ends_before_the_next_one_starts_and_is_not_moved_between_zones():
    stack = sample_stack()
    fleet(stack, singleton=True, changes={"min_size": 1, "max_size": 1})
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_autoscaling_group.web"),
        {
            "suspended_processes": ["AZRebalance"],
            "instance_refresh": {"preferences": {"min_healthy_percentage": 0, "max_healthy_percentage": 100}},
        },
    )
    assert not result.resources("aws_autoscaling_policy")


def test_a_singleton_of_two_is_refused():
    with pytest.raises(ValueError, match="may run once only, and its settings say max_size = 4"):
        fleet(sample_stack(), singleton=True)


def test_only_ec2_replaces_instances_when_the_load_balancer_shall_not():
    stack = sample_stack()
    fleet(stack, replace_unhealthy_targets=False).attach_target_group(
        "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/t/1"
    )
    assert_subset(synthesised(stack).resource("aws_autoscaling_group.web"), {"health_check_type": "EC2"})
