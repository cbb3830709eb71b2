from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from constructs import Construct

from config.components import AlarmSettings
from modules.alarms import Alarms
from modules.stack import DeploymentStack
from modules.watches.watch import Watch
from tests.modules.peer import Peer
from tests.modules.synth import ABSENT, Synthesised, assert_subset, sample_stack, synthesised


class Watched(Construct):
    def __init__(self, scope: Construct, id_: str, *watches: Watch) -> None:
        super().__init__(scope, id_)
        self._watches = watches

    def watches(self) -> Sequence[Watch]:
        return self._watches


def watch(role: str, **arguments: Any) -> Watch:
    given = {
        "description": f"Look at {role}",
        "namespace": "AWS/Sample",
        "metric_name": role.title(),
        "dimensions": {"Name": "sample"},
        "threshold": 80,
    }
    return Watch(role=role, **{**given, **arguments})


def add_alarms(stack: DeploymentStack, *watched: Watched, emails: tuple[str, ...] = ()) -> Alarms:
    return Alarms(stack, "alarms", name="sample-alarms", settings=AlarmSettings(emails=emails), watched=watched)


def alarms(*watches: Watch, emails: tuple[str, ...] = ()) -> Synthesised:
    stack = sample_stack()
    add_alarms(stack, Watched(stack, "database", *watches), emails=emails)
    return synthesised(stack)


def test_every_watch_becomes_an_alarm_that_reports_both_ways():
    topic = "${aws_sns_topic_policy.alarms_policy.arn}"
    assert_subset(
        alarms(watch("cpu")).resource("aws_cloudwatch_metric_alarm.alarms_database_cpu"),
        {
            "alarm_name": "sample-alarms-database-cpu",
            "alarm_description": "Look at cpu",
            "namespace": "AWS/Sample",
            "metric_name": "Cpu",
            "dimensions": {"Name": "sample"},
            "comparison_operator": "GreaterThanThreshold",
            "threshold": 80,
            "statistic": "Average",
            "period": 60,
            "evaluation_periods": 5,
            "treat_missing_data": "notBreaching",
            "alarm_actions": [topic],
            "ok_actions": [topic],
        },
    )


def test_percentiles_are_extended_statistics():
    assert_subset(
        alarms(watch("latency", statistic="p99")).resource("aws_cloudwatch_metric_alarm.alarms_database_latency"),
        {"statistic": ABSENT, "extended_statistic": "p99"},
    )


def test_messages_are_encrypted_with_a_key_that_cloudwatch_may_use():
    result = alarms(watch("cpu"))
    assert_subset(result.resource("aws_sns_topic.alarms"), {"kms_master_key_id": "${aws_kms_key.alarms_key.arn}"})
    assert_subset(
        result.policy("aws_kms_key.alarms_key")["ServicesOfThisAccount"],
        {"Principal": {"Service": ["cloudwatch.amazonaws.com"]}},
    )


def test_only_alarms_of_this_account_publish_and_only_by_tls():
    assert_subset(
        alarms().policy("aws_sns_topic_policy.alarms_policy"),
        {
            "AlarmsOfThisAccount": {
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
                "Action": ["sns:Publish"],
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "111122223333"},
                    "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:*"},
                },
            },
            "RefuseClearText": {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        },
    )


def test_a_subscription_is_addressed_by_its_e_mail_address():
    both = alarms(emails=("a@example.org", "on.call@example.org"))
    one = alarms(emails=("on.call@example.org",))
    kind = "aws_sns_topic_subscription"
    assert set(both.resources(kind)) == {"alarms_email_a_at_example_org", "alarms_email_on_call_at_example_org"}
    assert one.resource(f"{kind}.alarms_email_on_call_at_example_org") == both.resource(
        f"{kind}.alarms_email_on_call_at_example_org"
    )
    assert_subset(
        one.resource(f"{kind}.alarms_email_on_call_at_example_org"),
        {"protocol": "email", "endpoint": "on.call@example.org"},
    )


def test_addresses_that_look_alike_are_two_subscriptions():
    result = alarms(emails=("a.b@example.org", "a_b@example.org"))
    assert len(result.resources("aws_sns_topic_subscription")) == 2


def test_others_publish_by_grant():
    stack = sample_stack()
    add_alarms(stack).grant_publish(Peer(stack, "worker"))
    assert_subset(
        synthesised(stack).policy("aws_iam_role_policy.alarms_publish_by_worker"),
        {
            "Publish": {"Action": ["sns:Publish"], "Resource": ["${aws_sns_topic_policy.alarms_policy.arn}"]},
            "EncryptMessages": {
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": ["${aws_kms_key.alarms_key.arn}"],
            },
        },
    )


def test_two_constructs_that_would_share_alarms_are_refused():
    stack = sample_stack()
    inner = Watched(Construct(stack, "shard"), "database", watch("cpu"))
    with pytest.raises(RuntimeError, match="database_cpu"):
        add_alarms(stack, Watched(stack, "database", watch("cpu")), inner)


def dashboard(*watched: tuple[str, tuple[Watch, ...]]) -> list[dict[str, Any]]:
    stack = sample_stack()
    add_alarms(stack, *(Watched(stack, id_, *watches) for id_, watches in watched))
    body = synthesised(stack).resource("aws_cloudwatch_dashboard.alarms_dashboard")["dashboard_body"]
    widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
    return widgets


def test_the_dashboard_groups_graphs_by_construct():
    widgets = dashboard(("database", (watch("cpu"), watch("memory"))), ("redis", (watch("cpu"),)))
    shown = [widget["properties"].get("markdown") or widget["properties"]["title"] for widget in widgets]
    assert shown == ["## database", "Cpu", "Memory", "## redis", "Cpu"]


def test_one_metric_of_several_nodes_is_one_graph_with_the_alarm_s_bound():
    nodes = tuple(watch(f"cpu_{n}", metric_name="Cpu", dimensions={"Node": str(n)}) for n in (1, 2))
    _, graph = dashboard(("redis", nodes))
    assert [series[:4] for series in graph["properties"]["metrics"]] == [
        ["AWS/Sample", "Cpu", "Node", "1"],
        ["AWS/Sample", "Cpu", "Node", "2"],
    ]
    assert graph["properties"]["annotations"] == {"horizontal": [{"label": "alarm", "value": 80}]}
    assert graph["properties"]["region"] == "eu-central-1"


def test_graphs_do_not_overlap():
    widgets = dashboard(("database", tuple(watch(f"metric{n}") for n in range(9))), ("redis", (watch("cpu"),)))
    cells = [
        (x, y) for w in widgets for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
