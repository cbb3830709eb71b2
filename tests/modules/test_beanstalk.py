from __future__ import annotations

from typing import Any

import pytest

from config.beanstalk import BeanstalkEnvironmentSettings
from modules.beanstalk_application import BeanstalkApplication
from modules.beanstalk_environment import BeanstalkEnvironment
from modules.bucket import Bucket
from modules.network import Network
from modules.stack import DeploymentStack
from tests.modules.synth import NETWORK, Synthesised, assert_subset, sample_stack, synthesised

HTTP = {"https": False, "reasons": {"https": "nothing secret passes in this sample"}}


def settings(**changes: Any) -> BeanstalkEnvironmentSettings:
    given = {
        "name": "webEnv",
        "host_name": "web.example.org",
        "platform_branch": "PHP 8.4 running on 64bit Amazon Linux 2023",
        "platform_version": "4.13.7",
        "instance_type": "t3.small",
        "min_size": 1,
        "max_size": 2,
    }
    return BeanstalkEnvironmentSettings(**{**given, **changes})


def add_environment(stack: DeploymentStack, *, certificate_arn: str | None = "arn:example", **changes: Any) -> None:
    logs = Bucket.for_access_logs(stack, "logs", name="sample-logs")
    releases = Bucket(stack, "releases", name="sample-releases", access_log_bucket=logs)
    BeanstalkEnvironment(
        stack,
        "web",
        application=BeanstalkApplication(
            stack, "application", name="sample", releases=releases, release_prefix="releases/", placeholder=b"zip"
        ),
        network=Network(stack, "network", name="sample", settings=NETWORK),
        settings=settings(**changes),
        document_root="/public",
        properties={"HELLO": "world", "NOTHING": ""},
        zone_id="Z00SAMPLE",
        certificate_arn=certificate_arn,
        access_log_bucket=logs,
    )


def environment(**arguments: Any) -> Synthesised:
    stack = sample_stack()
    add_environment(stack, **arguments)
    return synthesised(stack)


def options(result: Synthesised) -> dict[tuple[str, str], str]:
    found = result.resource("aws_elastic_beanstalk_environment.web")["setting"]
    return {(option["namespace"], option["name"]): option["value"] for option in found}


def test_outward_only_https_is_open() -> None:
    rules = environment().document["resource"]["aws_vpc_security_group_egress_rule"].values()
    assert {rule["from_port"] for rule in rules if rule.get("cidr_ipv4") == "0.0.0.0/0"} == {443}


def test_only_the_load_balancer_reaches_the_instances() -> None:
    result = environment()
    rules = result.resources("aws_vpc_security_group_ingress_rule")
    group = "${aws_security_group.web_security_group.id}"
    (rule,) = [rule for rule in rules.values() if rule["security_group_id"] == group]
    assert_subset(
        rule,
        {
            "from_port": 80,
            "to_port": 80,
            "referenced_security_group_id": "${aws_security_group.web_load_balancer_security_group.id}",
        },
    )
    assert options(result)["aws:autoscaling:launchconfiguration", "SecurityGroups"] == group


def test_https_has_a_listener_with_the_certificate_and_without_it_there_is_none() -> None:
    found = options(environment())
    assert found["aws:elbv2:listener:443", "SSLCertificateArns"] == "arn:example"
    assert found["aws:elbv2:listener:443", "Protocol"] == "HTTPS"
    plain = environment(certificate_arn=None, **HTTP)
    assert not [place for place, _ in options(plain) if place == "aws:elbv2:listener:443"]
    world = [r for r in plain.resources("aws_vpc_security_group_ingress_rule").values() if "cidr_ipv4" in r]
    assert [rule["from_port"] for rule in world] == [80]


def test_https_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="speaks HTTPS and needs a certificate"):
        add_environment(sample_stack(), certificate_arn=None)


def test_plain_http_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        settings(https=False)


def test_the_first_version_is_the_placeholder_and_later_ones_are_left_alone() -> None:
    result = environment()
    assert_subset(
        result.resource("aws_elastic_beanstalk_environment.web"),
        {
            "version_label": "${aws_elastic_beanstalk_application_version.application_placeholder.name}",
            "lifecycle": {"ignore_changes": ["solution_stack_name", "version_label"]},
        },
    )
    assert result.files["placeholder.zip"] == b"zip"


def test_a_move_to_another_platform_branch_is_a_change_that_a_plan_shows() -> None:
    moving = environment(platform_branch_before="PHP 8.3 running on 64bit Amazon Linux 2023")
    assert_subset(
        moving.resource("aws_elastic_beanstalk_environment.web"),
        {
            "solution_stack_name": "64bit Amazon Linux 2023 v4.13.7 running PHP 8.4",
            "lifecycle": {"ignore_changes": ["version_label"]},
        },
    )


def test_the_branch_before_is_another_one() -> None:
    with pytest.raises(ValueError, match="is platform_branch itself; leave it out"):
        settings(platform_branch_before="PHP 8.4 running on 64bit Amazon Linux 2023")


def test_no_option_is_empty_and_beanstalk_adds_no_security_group() -> None:
    options = environment().resource("aws_elastic_beanstalk_environment.web")["setting"]
    assert [option for option in options if option["value"] == ""] == []
    found = {(option["namespace"], option["name"]): option["value"] for option in options}
    assert found["aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup"] == "true"


def test_an_environment_waits_for_what_its_instances_may_do() -> None:
    awaited = environment().resource("aws_elastic_beanstalk_environment.web")["depends_on"]
    assert "aws_iam_role_policy.releases_read_by_web" in awaited
    assert "aws_iam_role_policy.web_web_tier" in awaited


def test_access_logs_are_accepted_from_this_account_s_load_balancers() -> None:
    result = environment()
    statement = result.policy("aws_s3_bucket_policy.logs_policy")["DeliverAccessLogsOfWeb"]
    assert statement["Resource"] == ["${aws_s3_bucket.logs.arn}/web/AWSLogs/111122223333/*"]
    assert options(result)["aws:elbv2:loadbalancer", "AccessLogsS3Prefix"] == "web"


def test_health_errors_and_latency_are_what_the_environment_reports() -> None:
    from modules.watches.beanstalk import ENVIRONMENT_METRICS, beanstalk_watches

    metrics = {watch.metric_name for watch in beanstalk_watches("webEnv")}
    assert metrics <= {*ENVIRONMENT_METRICS, "EnvironmentHealth"}
