"""All rules, as one stage of the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.rules import (
    awslambda,
    cloudwatch,
    ec2,
    elasticache,
    elasticbeanstalk,
    elbv2,
    iam,
    kms,
    logs,
    rds,
    s3,
    sqs,
    stepfunctions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.call import Call
    from emulator.facts import Facts
    from emulator.rules.rule import Rules

_RULES: dict[str, Rules] = {
    module.RULES.service: module.RULES
    for module in (
        awslambda,
        cloudwatch,
        ec2,
        elasticache,
        elasticbeanstalk,
        elbv2,
        iam,
        kms,
        logs,
        rds,
        s3,
        sqs,
        stepfunctions,
    )
}


def rules_stage(facts: Facts | None) -> Callable[[Call], None]:
    """The stage that asks the rules of a call's service; rules about what changes with time need `facts`."""

    def check_rules(call: Call) -> None:
        rules = _RULES.get(call.service)
        if rules is not None:
            rules.check(call, facts)

    return check_rules
