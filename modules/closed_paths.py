"""Pages that are not for everybody."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf_cdktf_provider_aws.lb_listener_rule import (
    LbListenerRule,
    LbListenerRuleAction,
    LbListenerRuleActionFixedResponse,
    LbListenerRuleCondition,
    LbListenerRuleConditionPathPattern,
)
from constructs import Construct

from modules.load_balancer import LoadBalancer


class ClosedPaths(Construct):
    """Paths that a load balancer refuses with 403, so that only those inside the network see them."""

    def __init__(self, scope: Construct, id_: str, *, load_balancer: LoadBalancer, paths: Sequence[str]) -> None:
        super().__init__(scope, id_)
        LbListenerRule(
            self,
            "Default",
            listener_arn=load_balancer.serving_listener_arn,
            priority=1,
            condition=[LbListenerRuleCondition(path_pattern=LbListenerRuleConditionPathPattern(values=list(paths)))],
            action=[
                LbListenerRuleAction(
                    type="fixed-response",
                    fixed_response=LbListenerRuleActionFixedResponse(
                        content_type="text/plain", status_code="403", message_body="not for the public\n"
                    ),
                )
            ],
        )
