from __future__ import annotations

from typing import Any

import pytest

from config.components import AdoptedNetwork, DnsSettings, FleetSettings, LoadBalancerSettings
from modules.fleet import Fleet
from modules.load_balancer import HealthCheck, LoadBalancer
from modules.network import Network
from modules.stack import DeploymentStack
from tests.modules.synth import ABSENT, NETWORK, Synthesised, assert_subset, sample_stack, synthesised

DNS = DnsSettings(host_name="suai.example.org", zone_id="Z0123456789ABCDEFGHIJ")
REASON = "the document reaches it by address and port"
PLAIN = LoadBalancerSettings(http_port=8080, reasons={"dns": REASON})
NAMED = LoadBalancerSettings(dns=DNS)
CHECK = HealthCheck(path="/health")


def forwarding(stack: DeploymentStack, settings: LoadBalancerSettings) -> LoadBalancer:
    """A load balancer in front of the fleet `web`, which listens on port 8080."""
    network = Network(stack, "network", name="sample-test-network", settings=NETWORK)
    fleet = FleetSettings(instance_type="t3.micro", min_size=1, max_size=2)
    web = Fleet(stack, "web", name="sample-test-web", network=network, settings=fleet, user_data="")
    made = LoadBalancer(stack, "load_balancer", name="sample-test-web", network=network, settings=settings)
    made.forward_to(web, port=8080, health_check=CHECK)
    return made


def result_of(settings: LoadBalancerSettings, *, protect_data: bool = True) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    forwarding(stack, settings)
    return synthesised(stack)


def test_http_is_served_and_explained_when_there_is_no_host_name():
    result = result_of(PLAIN)
    assert set(result.resources("aws_lb_listener")) == {"load_balancer_http"}
    assert_subset(
        result.resource("aws_lb_listener.load_balancer_http"),
        {
            "port": 8080,
            "protocol": "HTTP",
            "default_action": [
                {"type": "forward", "target_group_arn": "${aws_lb_target_group.load_balancer_to_web.arn}"}
            ],
        },
    )
    assert result.exemptions("aws_lb_listener.load_balancer_http")["CKV_AWS_2"] == REASON
    assert result.resources("aws_acm_certificate") == {}


def test_http_leads_to_https_when_there_is_a_host_name():
    assert_subset(
        result_of(NAMED).resource("aws_lb_listener.load_balancer_http"),
        {
            "port": 80,
            "default_action": [
                {"type": "redirect", "redirect": {"status_code": "HTTP_301", "protocol": "HTTPS", "port": "443"}}
            ],
        },
    )


def test_https_takes_tls_1_2_or_newer_with_a_certificate_for_the_host_name():
    result = result_of(NAMED)
    assert_subset(
        result.resource("aws_lb_listener.load_balancer_https"),
        {
            "port": 443,
            "protocol": "HTTPS",
            "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificate_arn": (
                "${aws_acm_certificate_validation.load_balancer_certificate_validation.certificate_arn}"
            ),
            "default_action": [{"type": "forward"}],
        },
    )
    assert_subset(result.resource("aws_acm_certificate.load_balancer_certificate"), {"domain_name": "suai.example.org"})


def test_a_certificate_that_exists_is_used():
    arn = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-0000-0000-000000000000"
    dns = DNS.model_copy(update={"certificate_arn": arn})
    result = result_of(LoadBalancerSettings(dns=dns))
    assert_subset(result.resource("aws_lb_listener.load_balancer_https"), {"certificate_arn": arn})
    assert result.resources("aws_acm_certificate") == {}


def test_the_host_name_leads_to_the_load_balancer():
    assert_subset(
        result_of(NAMED).resource("aws_route53_record.load_balancer_alias"),
        {
            "name": "suai.example.org",
            "alias": {"name": "${aws_lb.load_balancer.dns_name}", "zone_id": "${aws_lb.load_balancer.zone_id}"},
        },
    )


def test_only_the_addresses_in_the_settings_reach_the_listeners():
    settings = LoadBalancerSettings(dns=DNS, source_cidr_blocks=("192.0.2.0/24", "198.51.100.7/32"))
    rules = [
        rule
        for rule in result_of(settings).resources("aws_vpc_security_group_ingress_rule").values()
        if rule["security_group_id"] == "${aws_security_group.load_balancer_security_group.id}"
    ]
    assert {(rule["cidr_ipv4"], rule["from_port"], rule["to_port"]) for rule in rules} == {
        ("192.0.2.0/24", 80, 80),
        ("192.0.2.0/24", 443, 443),
        ("198.51.100.7/32", 80, 80),
        ("198.51.100.7/32", 443, 443),
    }


def test_being_open_to_the_world_is_explained_at_the_rule():
    exemptions = result_of(NAMED).exemptions("aws_vpc_security_group_ingress_rule.load_balancer_from_anywhere_80")
    assert exemptions["world-open-ingress"] == "a load balancer is the one thing the world may reach"


def test_only_the_load_balancer_reaches_the_instances():
    result = result_of(NAMED)
    to_web = [
        rule
        for rule in result.resources("aws_vpc_security_group_ingress_rule").values()
        if rule["security_group_id"] == "${aws_security_group.web_security_group.id}"
    ]
    assert_subset(
        to_web,
        [
            {
                "referenced_security_group_id": "${aws_security_group.load_balancer_security_group.id}",
                "from_port": 8080,
                "to_port": 8080,
            }
        ],
    )
    assert (
        result.resource("aws_security_group.load_balancer_security_group")["name"]
        != (result.resource("aws_security_group.web_security_group")["name"])
    )


def test_the_health_check_of_the_load_balancer_decides_which_instances_stay():
    result = result_of(NAMED)
    assert_subset(
        result.resource("aws_lb_target_group.load_balancer_to_web"),
        {
            "port": 8080,
            "protocol": "HTTP",
            "health_check": {"path": "/health", "matcher": "200", "interval": 15, "timeout": 5},
        },
    )
    assert_subset(
        result.resource("aws_autoscaling_group.web"),
        {
            "health_check_type": "ELB",
            "target_group_arns": ["${aws_lb_target_group.load_balancer_to_web.arn}"],
        },
    )


def test_another_port_gets_another_target_group_before_the_old_one_goes():
    group = result_of(NAMED).resource("aws_lb_target_group.load_balancer_to_web")
    assert_subset(group, {"name": "sample-test-web-8080", "lifecycle": {"create_before_destroy": True}})


def test_names_are_cut_at_what_load_balancers_may_have():
    stack = sample_stack()
    network = Network(stack, "network", name="sample-test-network", settings=NETWORK)
    LoadBalancer(stack, "load_balancer", name="a" * 40, network=network, settings=NAMED)
    assert len(synthesised(stack).resource("aws_lb.load_balancer")["name"]) == 32


def test_a_protected_load_balancer_cannot_be_deleted():
    assert_subset(result_of(NAMED).resource("aws_lb.load_balancer"), {"enable_deletion_protection": True})
    result = result_of(NAMED, protect_data=False)
    assert_subset(result.resource("aws_lb.load_balancer"), {"enable_deletion_protection": False})
    assert "CKV_AWS_150" in result.exemptions("aws_lb.load_balancer")


def test_requests_that_are_not_clean_http_are_dropped():
    assert_subset(
        result_of(NAMED).resource("aws_lb.load_balancer"),
        {"drop_invalid_header_fields": True, "desync_mitigation_mode": "defensive", "idle_timeout": 60},
    )


def test_access_logs_are_delivered_by_load_balancers_of_this_account_only():
    result = result_of(NAMED)
    assert_subset(
        result.resource("aws_lb.load_balancer"),
        {
            "access_logs": {
                "enabled": True,
                "bucket": "${aws_s3_bucket_policy.load_balancer_access_logs_policy.bucket}",
            }
        },
    )
    assert_subset(
        result.policy("aws_s3_bucket_policy.load_balancer_access_logs_policy")["DeliverAccessLogs"],
        {
            "Principal": {"Service": ["logdelivery.elasticloadbalancing.amazonaws.com"]},
            "Action": ["s3:PutObject"],
            "Resource": ["${aws_s3_bucket.load_balancer_access_logs.arn}/AWSLogs/111122223333/*"],
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/*"}
            },
        },
    )


def test_access_logs_go_when_the_settings_say_so():
    rules = result_of(LoadBalancerSettings(dns=DNS, access_log_retention_days=30)).resource(
        "aws_s3_bucket_lifecycle_configuration.load_balancer_access_logs_lifecycle"
    )["rule"]
    assert [rule["expiration"][0]["days"] for rule in rules if "expiration" in rule] == [30]


def test_a_load_balancer_without_access_logs_says_why():
    reason = "a throw-away environment with no users"
    settings = LoadBalancerSettings(dns=DNS, access_logs_enabled=False, reasons={"access_logs_enabled": reason})
    result = result_of(settings)
    assert_subset(result.resource("aws_lb.load_balancer"), {"access_logs": ABSENT})
    assert result.exemptions("aws_lb.load_balancer")["CKV_AWS_91"] == reason
    assert result.resources("aws_s3_bucket") == {}


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (PLAIN, "http://${aws_lb.load_balancer.dns_name}:8080"),
        (LoadBalancerSettings(reasons={"dns": REASON}), "http://${aws_lb.load_balancer.dns_name}"),
        (NAMED, "https://suai.example.org"),
        (LoadBalancerSettings(dns=DNS, https_port=8443), "https://suai.example.org:8443"),
    ],
)
def test_the_url_is_where_users_go(settings: LoadBalancerSettings, url: str):
    stack = sample_stack()
    stack.output("url", forwarding(stack, settings).url, description="Where users go")
    assert synthesised(stack).document["output"]["url"]["value"] == url


def test_it_stands_in_two_public_subnets_or_is_refused():
    stack = sample_stack()
    adopted = AdoptedNetwork(
        vpc_id="vpc-0a1b2c3d4e5f60718",
        public_subnet_ids={"eu-central-1a": "subnet-0000000000000000a"},
        private_subnet_ids={"eu-central-1a": "subnet-1111111111111111a", "eu-central-1b": "subnet-1111111111111111b"},
    )
    network = Network(stack, "network", name="n", settings=adopted)
    with pytest.raises(ValueError, match="public subnets in two availability zones, the network has 1"):
        LoadBalancer(stack, "load_balancer", name="n", network=network, settings=NAMED)


def test_a_second_target_is_refused():
    stack = sample_stack()
    made = forwarding(stack, NAMED)
    other = Fleet(
        stack,
        "other",
        name="sample-test-other",
        network=Network(stack, "other_network", name="other", settings=NETWORK),
        settings=FleetSettings(instance_type="t3.micro", min_size=1, max_size=1),
        user_data="",
    )
    with pytest.raises(ValueError, match="load_balancer forwards already; it cannot forward to sample-test/other"):
        made.forward_to(other, port=80, health_check=CHECK)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"path": "health"}, "begins with a slash, not 'health'"),
        ({"path": "/", "interval_seconds": 5, "timeout_seconds": 5}, "5 s, must be shorter than its interval, 5 s"),
    ],
)
def test_a_health_check_aws_would_refuse_is_refused_here(wrong: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        HealthCheck(**wrong)


def test_alarms_wait_for_what_the_load_balancer_forwards_to() -> None:
    stack = sample_stack()
    load_balancer = LoadBalancer(
        stack,
        "lb",
        name="sample-lb",
        network=Network(stack, "network", name="sample", settings=NETWORK),
        settings=NAMED,
    )
    with pytest.raises(ValueError, match="lb forwards to nobody yet: call forward_to before its alarms are created"):
        load_balancer.watches()


def test_errors_slowness_and_sick_instances_are_noticed():
    watches = {watch.role: watch for watch in forwarding(sample_stack(), NAMED).watches()}
    assert set(watches) == {"5xx", "target_5xx", "latency", "unhealthy_hosts"}
    assert set(watches["unhealthy_hosts"].dimensions) == {"LoadBalancer", "TargetGroup"}
    assert watches["latency"].statistic == "p95"
