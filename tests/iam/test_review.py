from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iam.document import PolicyDocument, Statement, parse
from iam.evaluation import evaluate
from iam.request import Request
from iam.review import admits_everybody, binds, grants_everything, outsiders, whole, whole_of, widened
from tests.iam.test_evaluation import REQUESTS, STATEMENTS, respelled

OURS = "111122223333"
VPC = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}


def policy(*statements: dict[str, Any]) -> PolicyDocument:
    return parse({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def statement(**changes: Any) -> Statement:
    found = {**allow(), **changes}
    return policy({key: value for key, value in found.items() if value is not None}).statements[0]


@pytest.mark.parametrize("action", ["*", "*:*", "**", "*:?*", ["s3:*", "*"], "*:**"])
@pytest.mark.parametrize("resource", ["*", "**", "arn:aws:*", ["a", "*"], "arn:*:*:*:*:*"])
def test_everything_is_recognised_in_every_spelling(action: Any, resource: Any) -> None:
    assert grants_everything(statement(Action=action, Resource=resource))
    assert not grants_everything(statement(Action=action, Resource=resource, Effect="Deny"))


def test_all_but_some_counts_as_everything_and_some_does_not() -> None:
    assert grants_everything(statement(Action=None, NotAction="iam:*"))
    assert grants_everything(statement(Action="*", Resource=None, NotResource="arn:aws:s3:::a"))
    assert not grants_everything(statement(Action="s3:*"))
    assert not grants_everything(statement(Action="*", Resource="arn:aws:s3:::a/*"))


@pytest.mark.parametrize(
    "actions",
    ["s3:*", "S3:**", "s3:?*", "s?:*", ["s3:*Object*", "s3:*"], ["s3:A*", *(f"s3:{letter}*" for letter in "BCDEFGHIJKLMNOPQRSTUVWXYZ")]],
)  # fmt: skip
def test_a_whole_service_is_recognised_however_it_is_spelled(actions: Any) -> None:
    assert "s3" in whole(statement(Action=actions))
    several = [actions] if isinstance(actions, str) else actions
    assert "s3" in whole_of(policy(*(allow(action) for action in several)))


def test_part_of_a_service_is_no_whole_service() -> None:
    assert whole(statement(Action=["s3:Get*", "s3:Put*", "kms:Decrypt"])) == frozenset()
    assert whole(statement(Action="sqs:*")) == {"sqs"}, "a service that is not in the data"
    assert whole(statement(Action="s3:*", Effect="Deny")) == frozenset()


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["*", "arn:aws:iam::111122223333:root"]},
        {"aws": ["*"], "Service": "s3.amazonaws.com"},
    ],
)
def test_everybody_is_recognised_in_every_spelling(principal: Any) -> None:
    assert admits_everybody(statement(Principal=principal))
    assert not admits_everybody(statement(Principal=principal, Condition=VPC))
    assert not admits_everybody(statement(Principal=principal, Effect="Deny"))
    assert outsiders(statement(Principal=principal), OURS) == {"*"}


def test_all_but_some_principals_are_everybody() -> None:
    assert admits_everybody(statement(NotPrincipal={"AWS": OURS}))
    assert not admits_everybody(statement(Principal={"AWS": OURS}))
    assert not admits_everybody(statement())


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": [OURS, f"arn:aws:iam::{OURS}:root", f"arn:aws:iam::{OURS}:role/a", f"arn:aws:sts::{OURS}:assumed-role/a/b"]}, set()),
        ({"Service": "cloudfront.amazonaws.com"}, set()),
        ({"AWS": "999999999999"}, {"999999999999"}),
        ({"AWS": ["arn:aws:iam::999999999999:role/a", OURS]}, {"arn:aws:iam::999999999999:role/a"}),
        ({"AWS": "AROAEXAMPLEID"}, {"AROAEXAMPLEID"}),
        ({"Federated": "accounts.google.com"}, {"accounts.google.com"}),
        ({"CanonicalUser": "abc"}, {"abc"}),
    ],
)  # fmt: skip
def test_principals_of_other_accounts_are_named(principal: Any, expected: set[str]) -> None:
    assert outsiders(statement(Principal=principal), OURS) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (VPC, True),
        ({"StringEquals": {"AWS:sourceaccount": OURS}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{OURS}:distribution/*"}}, True),
        ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-a/r-b/"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"Null": {"aws:SourceVpc": "false"}}, False),
        ({"StringLike": {"aws:SourceVpc": "*"}}, False),
        ({"StringEquals": {"aws:SourceVpc": ["vpc-1", "*"]}}, False),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, False),
        ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "::/0"]}}, False),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}, False),
        ({"StringEquals": {"aws:UserAgent": "me"}}, False),
    ],
)  # fmt: skip
def test_a_condition_binds_when_it_fixes_who_calls_or_from_where(condition: Any, expected: bool) -> None:
    assert binds(statement(Condition=condition).conditions) is expected


def said(before: PolicyDocument, after: PolicyDocument) -> list[str]:
    return [str(each) for each in widened(before, after)]


def test_more_actions_resources_or_principals_are_named_and_fewer_are_not() -> None:
    small, large = (
        policy(allow("s3:Get*", "arn:aws:s3:::a/*")),
        policy(allow(["s3:Get*", "s3:PutObject"], ["arn:aws:s3:::a/*", "arn:aws:s3:::*"])),
    )
    assert said(small, large) == [
        "s3:PutObject on arn:aws:s3:::a/*",
        "s3:Get* on arn:aws:s3:::*",
        "s3:PutObject on arn:aws:s3:::*",
    ]
    assert said(large, small) == []
    ours, theirs = (
        policy(allow(Principal={"AWS": OURS})),
        policy(allow(Principal={"AWS": [f"arn:aws:iam::{OURS}:role/a", "999999999999"]})),
    )
    assert said(ours, theirs) == ["999999999999: s3:GetObject on *"]


def test_a_condition_that_goes_or_takes_more_values_widens() -> None:
    bound, free = policy(allow(Condition=VPC)), policy(allow())
    two = policy(allow(Condition={"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}}))
    assert said(bound, free) == said(bound, two) == ["s3:GetObject on *"]
    assert said(free, bound) == said(two, bound) == []
    spared = {"StringNotEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}}
    assert said(
        policy(allow(Condition=spared)), policy(allow(Condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}))
    ) == ["s3:GetObject on *"]


def test_a_denial_that_goes_or_shrinks_widens() -> None:
    denied = policy(allow("s3:*"), {**allow("s3:Delete*"), "Effect": "Deny"})
    less = policy(allow("s3:*"), {**allow("s3:DeleteBucket"), "Effect": "Deny"})
    assert said(denied, less) == ["no longer denied: s3:Delete* on *"]
    assert said(less, denied) == []


def test_all_but_some_widens_when_it_spares_less() -> None:
    def spares(*actions: str) -> PolicyDocument:
        return policy({"Effect": "Allow", "NotAction": list(actions), "Resource": "*"})

    assert said(spares("iam:*", "s3:*"), spares("iam:*")) == ["all but iam:* on *"]
    assert said(spares("iam:*"), spares("iam:*", "s3:*")) == []
    assert said(spares("iam:*"), policy(allow(["s3:*", "iam:PassRole"]))) == ["iam:PassRole on *"]
    assert said(policy(allow("*")), spares("iam:*")) == []
    assert said(policy(allow("s3:*")), spares("iam:*")) == ["all but iam:* on *"]


@settings(deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=3), st.lists(STATEMENTS, min_size=1, max_size=3), REQUESTS)
def test_what_one_policy_allows_and_an_earlier_one_does_not_is_always_named(
    before: list[Any], after: list[Any], call: Request
) -> None:
    old, new = policy(*before), policy(*after)
    if evaluate(call, [new]).allowed and not evaluate(call, [old]).allowed:
        assert widened(old, new)


@settings(deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=3), st.data())
def test_another_spelling_of_a_policy_widens_nothing(statements: list[Any], data: st.DataObject) -> None:
    other = parse(respelled({"Version": "2012-10-17", "Statement": statements}, data.draw))
    assert said(policy(*statements), other) == said(other, policy(*statements)) == []
    assert whole_of(policy(*statements)) == whole_of(other)
