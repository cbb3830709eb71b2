"""Alarms, their recipients, and a dashboard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from config.components import AlarmSettings
from modules.access import Grantable
from modules.encryption_key import USE, EncryptionKey
from modules.policy import allow, deny, document
from modules.stack import DeploymentStack
from modules.watches.dashboard import dashboard_body
from modules.watches.watch import Watch, Watchable


class Alarms(Construct):
    """One alarm for every watch of `watched`, a topic that reports them by e-mail, and a dashboard of the same metrics.

    Alarms report twice: when the bound is passed and when all is well again.
    """

    def __init__(
        self, scope: Construct, id_: str, *, name: str, settings: AlarmSettings, watched: Sequence[Watchable]
    ) -> None:
        super().__init__(scope, id_)
        # of its own, since CloudWatch may not use the key that SNS brings along (alias/aws/sns)
        self._key = EncryptionKey(
            self,
            "key",
            name=name,
            description=f"Messages of the topic {name}",
            protect=False,
            services=["cloudwatch.amazonaws.com"],
        )
        topic = SnsTopic(self, "Default", name=name, kms_master_key_id=self._key.arn)
        policy = SnsTopicPolicy(self, "policy", arn=topic.arn, policy=document(*self._statements(topic.arn)))
        self.topic_arn: Final[str] = policy.arn
        """Known after CloudWatch may publish to the topic."""
        for address in settings.emails:
            SnsTopicSubscription(self, email_id(address), topic_arn=topic.arn, protocol="email", endpoint=address)
        watches: dict[str, Sequence[Watch]] = {}
        for construct in watched:
            role = construct.node.id
            watches[role] = construct.watches()
            for watch in watches[role]:
                self._alarm(f"{role}_{watch.role}", name, watch)
        region = DeploymentStack.of_construct(self).region
        CloudwatchDashboard(
            self, "dashboard", dashboard_name=name, dashboard_body=dashboard_body(watches, region=region)
        )

    def grant_publish(self, grantee: Grantable) -> None:
        """Lets `grantee` send messages to whoever hears of alarms."""
        policy = document(
            allow("Publish", actions=["sns:Publish"], resources=[self.topic_arn]),
            allow("EncryptMessages", actions=USE, resources=[self._key.arn]),
        )
        grantee.attach_policy(self, f"publish_by_{grantee.grantee_role}", policy)

    def _alarm(self, role: str, name: str, watch: Watch) -> None:
        percentile = watch.statistic.startswith("p")
        CloudwatchMetricAlarm(
            self,
            role,
            alarm_name=f"{name}-{role.replace('_', '-')}",
            alarm_description=watch.description,
            namespace=watch.namespace,
            metric_name=watch.metric_name,
            dimensions=dict(watch.dimensions),
            statistic=None if percentile else watch.statistic,
            extended_statistic=watch.statistic if percentile else None,
            comparison_operator=watch.comparison,
            threshold=watch.threshold,
            period=watch.period_seconds,
            evaluation_periods=watch.evaluation_periods,
            treat_missing_data=watch.missing_data,
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
        )

    def _statements(self, topic_arn: str) -> list[dict[str, Any]]:
        stack = DeploymentStack.of_construct(self)
        account_id = stack.environment.account_id
        return [
            allow(
                "AlarmsOfThisAccount",
                actions=["sns:Publish"],
                resources=[topic_arn],
                principals={"Service": ["cloudwatch.amazonaws.com"]},
                conditions={
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{stack.region}:{account_id}:alarm:*"},
                },
            ),
            deny(
                "RefuseClearText",
                actions=["sns:Publish"],
                resources=[topic_arn],
                principals={"AWS": ["*"]},
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            ),
        ]


def email_id(address: str) -> str:
    """An id that belongs to the address alone, so that adding another moves no subscription.

    >>> email_id("on.call@example.org")
    'email_on_call_at_example_org'
    """
    written = {".": "_", "@": "_at_"}
    return "email_" + re.sub(r"[^A-Za-z0-9]", lambda found: written.get(found[0], f"_{ord(found[0]):x}_"), address)
