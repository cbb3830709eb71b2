"""Each policy finds its bad plan and passes its good one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.settings import SettingsError
from operations.plans.policies.judging import DESCRIPTIONS, judge
from operations.plans.silences import Silence, Silences, load_silences
from tests.operations.plans.plan_support import change, document_of, recorded, stack_report


def allow(action: str, **more: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*", **more}]})


BLOCK = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
)
GROUP = {"ingress": [{"cidr_blocks": ["0.0.0.0/0"], "from_port": 22, "to_port": 22}]}
OPEN = {"cidr_ipv4": "0.0.0.0/0", "from_port": 22, "to_port": 22}
QUEUE = {"name": "jobs", "delay_seconds": 5, "max_message_size": 1024}

# policy, bad plan, good plan
CASES: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        "data-destroyed",
        [change("aws_db_instance.x", {"id": "x"}, None)],
        [change("aws_sns_topic.x", {"id": "x"}, None)],
    ),
    (
        "data-destroyed",
        [change("aws_dynamodb_table.x", {"hash_key": "a"}, {"hash_key": "b"}, replace="hash_key")],
        [change("aws_dynamodb_table.x", {"ttl": "a"}, {"ttl": "b"})],
    ),
    (
        "data-destroyed",
        [change("aws_efs_file_system.x", {"id": "fs-1"}, None)],
        [change("aws_efs_mount_target.x", {"id": "fsmt-1"}, None)],
    ),
    (
        "data-destroyed",
        [change("aws_db_instance.x", {"id": "x"}, None, actions=["forget"])],
        [change("aws_lb.x", {"id": "x"}, None, actions=["forget"])],
    ),
    (
        "world-open-ingress",
        [change("aws_vpc_security_group_ingress_rule.x", None, OPEN)],
        [change("aws_vpc_security_group_ingress_rule.x", None, {**OPEN, "cidr_ipv4": "10.0.0.0/8"})],
    ),
    (
        "world-open-ingress",
        [change("aws_security_group.x", {"ingress": []}, GROUP)],
        [change("aws_security_group.x", {**GROUP, "name": "a"}, {**GROUP, "name": "b"})],
    ),
    (
        "iam-wildcard",
        [change("aws_iam_role_policy.x", {"policy": allow("s3:GetObject")}, {"policy": allow("s3:*")})],
        [change("aws_iam_role_policy.x", {"policy": allow("s3:GetObject")}, {"policy": allow("s3:PutObject")})],
    ),
    (
        "public-bucket",
        [change("aws_s3_bucket_public_access_block.x", BLOCK, {**BLOCK, "block_public_acls": False})],
        [change("aws_s3_bucket_public_access_block.x", None, BLOCK)],
    ),
    (
        "public-bucket",
        [change("aws_s3_bucket_policy.x", None, {"policy": allow("s3:GetObject", Principal="*")})],
        [
            change(
                "aws_s3_bucket_policy.x",
                None,
                {"policy": allow("s3:GetObject", Principal={"AWS": "arn:aws:iam::1:root"})},
            )
        ],
    ),
    (
        "encryption-lost",
        [change("aws_rds_cluster.x", {"storage_encrypted": True}, {"storage_encrypted": False})],
        [change("aws_rds_cluster.x", {"storage_encrypted": False}, {"storage_encrypted": True})],
    ),
    (
        "encryption-lost",
        [change("aws_db_instance.x", {"kms_key_id": "arn:k"}, {"kms_key_id": None})],
        [change("aws_db_instance.x", {"kms_key_id": "arn:k"}, {}, after_unknown={"kms_key_id": True})],
    ),
    (
        "retention-shortened",
        [change("aws_cloudwatch_log_group.x", {"retention_in_days": 0}, {"retention_in_days": 30})],
        [change("aws_cloudwatch_log_group.x", {"retention_in_days": 30}, {"retention_in_days": 0})],
    ),
    (
        "retention-shortened",
        [change("aws_db_instance.x", {"backup_retention_period": 14}, {"backup_retention_period": 7})],
        [change("aws_db_instance.x", {"backup_retention_period": 7}, {"backup_retention_period": 14})],
    ),
    (
        "retention-shortened",
        [change("aws_db_instance.x", {"backup_retention_period": 2}, {"backup_retention_period": 1})],
        [change("aws_db_instance.x", {"backup_retention_period": 2, "a": 1}, {"backup_retention_period": 2, "a": 2})],
    ),
    (
        "protection-lost",
        [change("aws_db_instance.x", {"deletion_protection": True}, {"deletion_protection": False})],
        [change("aws_db_instance.x", {"deletion_protection": False}, {"deletion_protection": True})],
    ),
    (
        "accidental-rename",
        [change("aws_sqs_queue.old", QUEUE, None), change("aws_sqs_queue.new", None, QUEUE)],
        [
            change("aws_sqs_queue.old", QUEUE, None),
            change("aws_sqs_queue.new", None, {"name": "mail", "delay_seconds": 0, "max_message_size": 2048}),
        ],
    ),
]


@pytest.mark.parametrize(("policy", "bad", "good"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)])
def test_a_policy_finds_its_bad_plan_and_passes_its_good_one(policy: str, bad: Any, good: Any) -> None:
    assert policy in [finding.policy for finding in judge(document_of(*bad), protect_data=True)]
    assert policy not in [finding.policy for finding in judge(document_of(*good), protect_data=True)]


def test_every_policy_has_a_case() -> None:
    assert {case[0] for case in CASES} == set(DESCRIPTIONS)


def test_destroyed_data_matters_only_where_data_is_protected() -> None:
    plan = document_of(change("aws_db_instance.x", {"id": "x"}, None))
    assert judge(plan, protect_data=False) == []


@pytest.mark.parametrize(("ports", "said"), [
    ({"from_port": 0, "to_port": 0}, "every port"),
    ({"from_port": -1, "to_port": -1}, "every port"),
    ({}, "every port"),
    ({"from_port": 22, "to_port": 22}, "port 22"),
    ({"from_port": 8000, "to_port": 8080}, "ports 8000–8080"),
])  # fmt: skip
def test_an_open_rule_is_reported_with_its_ports(ports: dict[str, int], said: str) -> None:
    rule = change("aws_vpc_security_group_ingress_rule.x", None, {"cidr_ipv4": "0.0.0.0/0", **ports})
    (finding,) = judge(document_of(rule), protect_data=True)
    assert finding.message == f"opens {said} to the whole internet"


@pytest.mark.parametrize(("equal", "found"), [(5, True), (3, True), (2, False)])
def test_three_of_five_equal_arguments_make_a_rename(equal: int, found: bool) -> None:
    before = {f"argument_{number}": "same" for number in range(5)}
    after = {name: "same" if number < equal else "other" for number, name in enumerate(before)}
    plan = document_of(change("aws_sns_topic.old", before, None), change("aws_sns_topic.new", None, after))
    assert [each.policy for each in judge(plan, protect_data=True)] == ["accidental-rename"] * found


def test_each_of_several_renames_gets_its_own_move() -> None:
    names = ("jobs", "mail", "news")
    gone = [change(f"aws_sqs_queue.{name}", {**QUEUE, "name": name}, None) for name in names]
    made = [change(f"aws_sqs_queue.{name}_queue", None, {**QUEUE, "name": name}) for name in reversed(names)]
    found = [each for each in judge(document_of(*gone, *made), protect_data=True) if each.policy == "accidental-rename"]
    assert sorted(finding.fix.splitlines()[1].split(": ", 1)[1] for finding in found) == [
        f'{{"moved": [{{"from": "aws_sqs_queue.{name}", "to": "aws_sqs_queue.{name}_queue"}}]}}' for name in names
    ]


def test_drift_is_judged_too() -> None:
    found = stack_report(recorded("drift")).findings
    assert {(finding.policy, finding.address) for finding in found} == {
        ("world-open-ingress", "aws_vpc_security_group_ingress_rule.office"),
    }


@pytest.mark.parametrize("rule", ["iam-wildcard", "wildcard-action"])
def test_an_exemption_at_the_resource_silences_and_its_reason_is_kept(rule: str) -> None:
    document = {"resource": {"aws_iam_role_policy": {"web": {"//": {"exemptions": {rule: "Only for the console"}}}}}}
    found = {finding.policy: finding for finding in stack_report(recorded("everything"), document=document).findings}
    assert found["iam-wildcard"].silenced == "Only for the console"
    assert found["public-bucket"].silenced == ""


SILENCE = Silence(
    policy="data-destroyed",
    stack="a-prod",
    address="aws_db_instance.x",
    reason="Moved to Aurora in May",
    until=date(2026, 6, 1),
)


@pytest.mark.parametrize(
    ("today", "stack", "silent"),
    [(date(2026, 6, 1), "a-prod", True), (date(2026, 6, 2), "a-prod", False), (date(2026, 6, 1), "a-dev", False)],
)
def test_a_silence_holds_for_its_stack_and_until_its_day(today: date, stack: str, silent: bool) -> None:
    reason = Silences(silence=(SILENCE,)).reason("data-destroyed", stack, "aws_db_instance.x", today=today)
    assert (reason == "Moved to Aurora in May (until 2026-06-01)") is silent


def test_silences_are_read_and_refused_like_settings(tmp_path: Path) -> None:
    assert load_silences(tmp_path) == Silences()
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / "silences.toml"
    text = (
        '[[silence]]\npolicy = "data-destroyed"\nstack = "a-prod"\naddress = "aws_db_instance.x"\nuntil = 2026-06-01\n'
    )
    file.write_text(f'{text}reason = "Moved to Aurora in May"\n')
    assert load_silences(tmp_path).silence == (SILENCE,)
    file.write_text(f'{text}reason = "because"\n')
    with pytest.raises(SettingsError, match="three words"):
        load_silences(tmp_path)
