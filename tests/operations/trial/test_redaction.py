from __future__ import annotations

import pytest

from config.settings import ROOT
from operations.aws import Aws
from operations.stacks import find_stacks, only
from operations.trial.redaction import ReportRedaction
from operations.trial.words import private_texts, public_words

DENIED = (
    "creating SNS Topic (quintet-alarms): operation error SNS: CreateTopic, https response error StatusCode: 403, RequestID: 5f0e0f1c-1111, "
    "api error AccessDenied: User: arn:aws:sts::111122223333:assumed-role/admins/jane.doe is not authorized to perform: sns:CreateTopic"
)


@pytest.fixture(scope="module")
def redaction() -> ReportRedaction:
    return ReportRedaction(public=["aws_sns_topic.alarms"], private=["castor"])


@pytest.mark.parametrize(
    "private",
    [
        "111122223333",
        "account=111122223333,",
        "arn:aws:iam::111122223333:role/x",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "vpc-0a1b2c3d4e5f60718",
        "operators@example.org",
        "suai.example.org",
        "https://intranet.example.org/x",
        "10.50.0.12",
        "2001:db8::1",
        "ip-10-50-0-12.ec2.internal",
        "hunter2",
        "Z00EXAMPLE0SYNC0DEV0",
        "jane",
        "Jane's",
        "castor",
        "/home/jane/quintet/.runs",
        "5f0e0f1c-1111-2222-3333-444455556666",
    ],
)
def test_no_form_of_what_is_somebodys_is_kept(redaction: ReportRedaction, private: str) -> None:
    for text in (private, f"creating ({private})", f"'{private}' is not valid", f"value={private}; again"):
        said = redaction.text(text)
        assert private not in said
        for part in ("1111", "jane", "castor", "example.org", "hunter", "0a1b"):
            assert part not in said.lower()
        assert "…" in said


def test_what_aws_says_stays_readable(redaction: ReportRedaction) -> None:
    assert redaction.text(DENIED) == (
        "creating SNS Topic (…): operation error SNS: CreateTopic, https response error StatusCode: 403, RequestID: …, "
        "api error AccessDenied: User: … is not authorized to perform: sns:CreateTopic"
    )
    lacks = "networks: not checked: these credentials lack servicequotas:GetServiceQuota"
    assert redaction.text(lacks) == lacks
    assert redaction.text("SFN: CreateStateMachine") == "SFN: CreateStateMachine"
    sizes = "db.t3.micro is not available in eu-central-1 with version 8.4.7 of MySQL"
    assert redaction.text(sizes) == sizes.replace("MySQL", redaction.text("MySQL"))


def test_a_word_that_is_the_operators_goes_although_aws_uses_it() -> None:
    assert ReportRedaction(public=[], private=["topic-owner"]).text("the topic of the owner") == "the … of the …"


def test_structures_keep_their_shape(redaction: ReportRedaction) -> None:
    value = {"a": ["jane", 3, None], "b": {"c": "aws_sns_topic.alarms"}}
    assert redaction.everything(value) == {"a": ["…", 3, None], "b": {"c": "aws_sns_topic.alarms"}}


def test_settings_of_the_stack_are_the_operators_and_addresses_are_nobodys() -> None:
    stack = only(find_stacks(ROOT), "aquamark-dev")
    aws = Aws({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    private = [*private_texts(ROOT, aws, [stack], [])]
    assert {"aquamark-dev.example.org", "operators@example.org", "111122223333", "dev"} <= set(private)
    said = ReportRedaction(public=public_words([stack]), private=private).text(
        "aws_db_instance.database: the bucket quintet-aquamark-dev-attachments of dev is not aquamark-dev.example.org"
    )
    assert said == "aws_db_instance.database: the bucket … of … is not …"
