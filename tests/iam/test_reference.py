from __future__ import annotations

from typing import Any

import pytest

from iam.document import parse
from iam.errors import IamError
from iam.reference import decides, matching, mistakes, resource_patterns, spelled


def said(**changes: Any) -> list[str]:
    return list(
        mistakes(
            parse({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}}, name="p")
        )
    )


def test_actions_are_known_in_any_case() -> None:
    assert spelled("S3:getobject") == "s3:GetObject"
    assert matching("kms:GenerateDataKey*") >= {"kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"}
    with pytest.raises(IamError, match="add its service with"):
        spelled("s3:GetObjekt")


def test_an_action_knows_its_resources_and_the_keys_it_sends() -> None:
    assert "arn:*:secretsmanager:*:*:secret:*" in resource_patterns("secretsmanager:GetSecretValue")
    assert resource_patterns("ecr:GetAuthorizationToken") == ()
    assert decides("cloudwatch:PutMetricData", "cloudwatch:Namespace")
    assert decides("s3:GetObject", "aws:sourcevpc")
    assert decides("secretsmanager:GetSecretValue", "aws:ResourceTag/team")
    assert not decides("s3:GetObject", "s3:prefix")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Action": "s3:GetObjekt"}, "p/0: the action s3:GetObjekt is not in iam/reference.json"),
        ({"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::a"}, "p/0: s3:GetObject cannot be allowed for arn:aws:s3:::a"),
        ({"Action": "s3:GetObject", "Resource": ["arn:aws:s3:::a/*", "arn:aws:sns:a:1:b"]}, "p/0: none of its actions can be allowed for arn:aws:sns:a:1:b"),
        ({"Action": "ecr:GetAuthorizationToken", "Resource": "arn:aws:ecr:a:1:repository/b"}, "p/0: ecr:GetAuthorizationToken cannot be allowed for arn:aws:ecr:a:1:repository/b"),
        ({"Condition": {"StringLike": {"s3:prefix": "a"}}}, "p/0: s3:GetObject never sends the condition key s3:prefix"),
    ],
)  # fmt: skip
def test_an_action_resource_or_key_that_can_never_count_is_named(changes: dict[str, Any], message: str) -> None:
    assert any(sentence.startswith(message) for sentence in said(**changes)), said(**changes)


def test_nothing_is_said_about_a_statement_that_can_count() -> None:
    assert said(Resource="arn:aws:s3:::a/*", Condition={"Bool": {"aws:SecureTransport": "true"}}) == []
    assert said(Action="s3:ListBucket", Resource="arn:aws:s3:::a", Condition={"StringLike": {"s3:prefix": "a"}}) == []
