from __future__ import annotations

import json

from config.components import AlarmSettings
from modules.alarms import Alarms
from modules.key_age import KeyAge
from modules.secret import Secret
from modules.service_role import ServiceRole
from tests.modules.synth import assert_subset, sample_stack, synthesised


def test_an_alarm_rings_for_a_key_older_than_90_days_and_says_how_it_is_rotated() -> None:
    stack = sample_stack()
    secret = Secret(stack, "key", name="sample-key", description="A key")
    age = KeyAge(stack, "key_age", secret=secret, rotated_by="quintet sample rotate-key")
    age.grant_report(
        ServiceRole(stack, "web", name="web", service="ec2.amazonaws.com", grantee_role="web", conditions={})
    )
    Alarms(stack, "alarms", name="sample", settings=AlarmSettings(), watched=[age])
    result = synthesised(stack)
    assert_subset(
        result.resource("aws_cloudwatch_metric_alarm.alarms_key_age_days"),
        {
            "namespace": "Quintet/AccessKeys",
            "metric_name": "AgeDays",
            "dimensions": {"Secret": "${aws_secretsmanager_secret.key.name}"},
            "threshold": 90,
            "alarm_description": "The access key is older than 90 days: quintet sample rotate-key",
        },
    )
    policy = json.loads(result.resource("aws_iam_role_policy.key_age_report_by_web")["policy"])
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Quintet/AccessKeys"}}
