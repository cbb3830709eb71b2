from __future__ import annotations

import json
from typing import Any

import pytest

from iam.document import parse
from iam.errors import MalformedPolicyError

STATEMENT: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def one(**changes: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{**STATEMENT, **changes}]}


def test_a_single_statement_texts_and_odd_case_read_like_lists() -> None:
    plain = parse({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": ["*"], "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}]})  # fmt: skip
    odd = parse('{"version": "2012-10-17", "STATEMENT": {"effect": "Deny", "action": "s3:GetObject", "RESOURCE": "*", "condition": {"bool": {"AWS:securetransport": false}}}}')  # fmt: skip
    assert plain == odd


def test_the_two_ways_to_name_everybody_are_one() -> None:
    assert parse(one(Principal="*")) == parse(one(Principal={"AWS": ["*"]})) == parse(one(Principal={"aws": "*"}))


def test_variables_count_only_in_documents_of_2012() -> None:
    assert parse(one()).statements[0].variables
    assert not parse({"Statement": STATEMENT}).statements[0].variables


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "not a JSON document"),
        ('{"Statement": {"Effect": "Allow", "Effect": "Deny"}}', "a key stands twice"),
        ({"Statement": []}, "Statement is one statement or a list"),
        ({"Version": "2012-10-18", "Statement": STATEMENT}, "Version is 2012-10-17 or 2008-10-17"),
        (one(Effect="allow"), "Effect is Allow or Deny, not 'allow'"),
        (one(NotAction="iam:*"), "exclude each other"),
        (one(Action=[]), "action is a text or a list of texts"),
        (one(Action="GetObject"), "an action is service:name"),
        (one(Princpal="*"), "'Princpal' is not known here"),
        (one(Principal={"Robot": "*"}), "'Robot' is not known here"),
        (one(Condition={"StringSame": {"aws:SourceVpc": "a"}}), "the condition operator 'StringSame' is not known here"),
        (one(Condition={"ForSomeValues:StringLike": {"aws:TagKeys": "a"}}), "is not known here"),
        (one(Condition={"NullIfExists": {"aws:SourceVpc": "true"}}), "is not known here"),
        (one(Condition={"Bool": {}}), "is an object of keys"),
        (one(Condition={"Bool": {"aws:SecureTransport": []}}), "is a value or a list of values"),
    ],
)  # fmt: skip
def test_a_document_that_is_not_understood_whole_is_refused(document: Any, said: str) -> None:
    with pytest.raises(MalformedPolicyError) as refused:
        parse(document, name="role/policy")
    assert said in str(refused.value)
    assert str(refused.value).startswith("role/policy")


def test_a_text_is_read_as_what_it_says() -> None:
    assert parse(json.dumps(one())) == parse(one())
