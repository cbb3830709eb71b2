from __future__ import annotations

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from modules.policy import allow, document
from modules.service_role import ServiceRole
from modules.stack import DeploymentStack
from tests.modules.synth import assert_subset, sample_stack, synthesised

CONDITIONS = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
POLICY = document(allow("Read", actions=["s3:GetObject"], resources=["arn:aws:s3:::sample/*"]))


def role(stack: DeploymentStack, name: str = "sample-starter") -> ServiceRole:
    return ServiceRole(
        stack, "role", name=name, service="ecs-tasks.amazonaws.com", grantee_role="task", conditions=CONDITIONS
    )


def test_only_the_service_takes_it_on_and_only_for_whom_it_was_made() -> None:
    stack = sample_stack()
    role(stack)
    found = synthesised(stack)
    assert found.addresses() == {"aws_iam_role.role"}
    (statement,) = found.policy("aws_iam_role.role", "assume_role_policy").values()
    assert_subset(
        statement,
        {
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": ["ecs-tasks.amazonaws.com"]},
            "Condition": CONDITIONS,
        },
    )


def test_it_may_do_what_is_attached_and_what_needs_it_waits_for_that_whenever_it_is_attached() -> None:
    stack = sample_stack()
    made = role(stack)
    made.attach_policy(stack, "read_by_task", POLICY)
    topic = SnsTopic(stack, "needs_the_role", name="needs-the-role")
    made.rights.hold_back(topic)
    made.attach_policy(stack, "write_by_task", POLICY)
    found = synthesised(stack)
    assert_subset(
        found.resource("aws_iam_role_policy.read_by_task"), {"role": "${aws_iam_role.role.name}", "policy": POLICY}
    )
    assert found.resource("aws_sns_topic.needs_the_role")["depends_on"] == [
        "aws_iam_role_policy.read_by_task",
        "aws_iam_role_policy.write_by_task",
    ]


def test_a_name_too_long_for_iam_is_shortened_and_stays_its_own() -> None:
    names = []
    for ending in ("one", "two"):
        stack = sample_stack()
        role(stack, name="x" * 80 + ending)
        names.append(synthesised(stack).resource("aws_iam_role.role")["name"])
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 64
