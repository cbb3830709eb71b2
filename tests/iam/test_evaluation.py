from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iam.document import PolicyDocument, parse
from iam.errors import MalformedPolicyError, UndecidedError
from iam.evaluation import evaluate
from iam.request import Context, Principal, Request

ROLE = Principal("arn:aws:iam::111122223333:role/web", "111122223333", "arn:aws:sts::111122223333:assumed-role/web/i-1")
USER = Principal("arn:aws:iam::111122223333:user/app", "111122223333")
LOGS = Principal("logs.amazonaws.com")
OBJECT = "arn:aws:s3:::bucket/a/b"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> PolicyDocument:
    return parse({"Version": version, "Statement": list(statements)}, name="p")


def allow(action: Any = "s3:*", resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def when(**operators: Any) -> dict[str, Any]:
    return allow(Condition={name.replace("__", ":"): keys for name, keys in operators.items()})


def call(
    context: dict[str, Any] | None = None,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    principal: Principal = ROLE,
) -> Request:
    return Request(action, resource, principal, Context(context or {}))


def allowed(request: Request, *identity: PolicyDocument, **more: Any) -> bool:
    return evaluate(request, identity, **more).allowed


def test_nothing_is_allowed_by_itself_and_a_denial_wins() -> None:
    assert evaluate(call(), []).reason == "no statement allows it"
    assert allowed(call(), policy(allow()))
    denied = evaluate(call(), [policy(allow()), policy(allow("s3:Get*", effect="Deny", Sid="NoReading"))])
    assert (denied.allowed, denied.reason) == (False, "explicit deny in p/NoReading")


def test_actions_match_in_any_case_and_resources_in_theirs() -> None:
    assert allowed(call(), policy(allow("S3:getobject")))
    assert allowed(call(), policy(allow("s3:G?tOb*", "arn:aws:s3:::b*/b")))
    assert not allowed(call(), policy(allow(resource="arn:aws:s3:::Bucket/*")))
    assert not allowed(call(), policy(allow("s3:GetObjectAcl")))


def test_not_action_and_not_resource_mean_all_the_others() -> None:
    others = policy({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"})
    assert allowed(call(), others)
    assert not allowed(call(action="IAM:PassRole"), others)
    assert not allowed(call(resource="arn:aws:s3:::secret/a"), others)


@pytest.mark.parametrize(
    ("operator", "wanted", "fits", "misses"),
    [
        ("StringEquals", ["a*", "b"], ["a*", "b"], ["ab", "B"]),
        ("StringEqualsIgnoreCase", "Ab", ["aB"], ["b"]),
        ("StringLike", "a*c?", ["acd", "abcd"], ["ac", "Acd"]),
        ("NumericLessThanEquals", 10, ["10", "9.5"], ["11"]),
        ("NumericGreaterThan", "10", ["10.1"], ["10"]),
        ("DateLessThan", "2026-01-01T00:00:00Z", ["2025-12-31T23:59:59Z", "1735689600"], ["2026-01-01T00:00:00Z"]),
        ("Bool", "true", ["True"], ["false"]),
        ("BinaryEquals", "QmluYXJ5", ["QmluYXJ5"], ["qmluyxj5"]),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], ["10.1.2.3", "2001:db8::1"], ["11.0.0.1", "2001:db9::1"]),
        ("ArnLike", "arn:aws:s3:::bucket/*", [OBJECT], ["arn:aws:s3:::other/a"]),
        ("ArnEquals", "arn:aws:*:*:111122223333:*", ["arn:aws:sns:eu-west-1:111122223333:a"], ["arn:aws:sns:eu-west-1:999999999999:a:111122223333:b"]),
    ],
)  # fmt: skip
def test_an_operator_compares_as_its_name_says_and_its_negation_the_other_way(
    operator: str, wanted: Any, fits: list[str], misses: list[str]
) -> None:
    negated = {"IpAddress": "NotIpAddress"}.get(
        operator, operator.replace("Equals", "NotEquals").replace("Like", "NotLike")
    )
    for value in (*fits, *misses):
        assert allowed(call({"k:v": value}), policy(when(**{operator: {"K:V": wanted}}))) is (value in fits), value
        if negated != operator and not operator.startswith(("NumericL", "NumericG", "DateL", "Binary")):
            assert allowed(call({"k:v": value}), policy(when(**{negated: {"k:v": wanted}}))) is (value in misses), value


def test_an_absent_key_fails_a_condition_unless_it_is_negated_or_if_exists() -> None:
    absent = call({"k:v": None})
    assert not allowed(absent, policy(when(StringEquals={"k:v": "a"})))
    assert allowed(absent, policy(when(StringNotEquals={"k:v": "a"})))
    assert allowed(absent, policy(when(StringEqualsIfExists={"k:v": "a"})))
    assert not allowed(call({"k:v": "b"}), policy(when(StringEqualsIfExists={"k:v": "a"})))
    assert allowed(absent, policy(when(Null={"k:v": True})))
    assert not allowed(call({"k:v": "b"}), policy(when(Null={"k:v": "true"})))
    assert allowed(call({"k:v": "b"}), policy(when(Null={"k:v": "false"})))


def test_several_values_need_all_or_any() -> None:
    tags = {"aws:TagKeys": ("a", "b")}
    assert not allowed(call(tags), policy(when(ForAllValues__StringEquals={"aws:TagKeys": "a"})))
    assert allowed(call(tags), policy(when(ForAllValues__StringEquals={"aws:TagKeys": ["a", "b", "c"]})))
    assert allowed(call(tags), policy(when(ForAnyValue__StringEquals={"aws:TagKeys": "a"})))
    assert allowed(call(tags), policy(when(ForAnyValue__StringNotEquals={"aws:TagKeys": "a"})))
    assert not allowed(call(tags), policy(when(ForAllValues__StringNotEquals={"aws:TagKeys": "a"})))
    for none in (None, ()):
        assert allowed(call({"aws:TagKeys": none}), policy(when(ForAllValues__StringEquals={"aws:TagKeys": "a"})))
        assert not allowed(call({"aws:TagKeys": none}), policy(when(ForAnyValue__StringEquals={"aws:TagKeys": "a"})))
        assert not allowed(call({"aws:TagKeys": none}), policy(when(ForAnyValue__StringNotEquals={"aws:TagKeys": "a"})))
    with pytest.raises(UndecidedError, match="needs ForAllValues or ForAnyValue"):
        allowed(call(tags), policy(when(StringEquals={"aws:TagKeys": "a"})))


def test_every_key_and_operator_of_a_condition_has_to_hold() -> None:
    both = policy(when(StringEquals={"a:a": "1", "b:b": "2"}, Bool={"c:c": True}))
    assert allowed(call({"a:a": "1", "b:b": "2", "c:c": "true"}), both)
    for wrong in ({"a:a": "x"}, {"b:b": "x"}, {"c:c": "false"}):
        assert not allowed(call({"a:a": "1", "b:b": "2", "c:c": "true"} | wrong), both)


def test_a_key_that_the_request_does_not_decide_is_an_error_and_no_answer() -> None:
    for operator in ("StringEquals", "StringNotEquals", "StringEqualsIfExists", "Null", "ForAllValues__StringLike"):
        with pytest.raises(UndecidedError, match="does not decide the condition key aws:sourcevpc"):
            allowed(call(), policy(when(**{operator: {"aws:SourceVpc": "true"}})))
    assert not allowed(call({"aws:ResourceTag/*": None}), policy(when(StringEquals={"aws:ResourceTag/team": "a"})))


def test_a_value_that_is_no_number_or_address_is_an_error() -> None:
    for operator, wanted in (
        ("NumericEquals", "a"),
        ("IpAddress", "10.0.0.300"),
        ("Bool", "yes"),
        ("DateEquals", "soon"),
        ("ArnLike", "bucket"),
    ):
        with pytest.raises(MalformedPolicyError, match="cannot compare"):
            allowed(call({"k:v": "1"}), policy(when(**{operator: {"k:v": wanted}})))


def test_variables_stand_for_values_whose_wildcards_do_not_count() -> None:
    home = policy(allow(resource="arn:aws:s3:::bucket/${aws:username}/*"))
    assert allowed(call({"aws:username": "a"}), home)
    assert not allowed(call({"aws:username": "*"}), home)
    assert not allowed(call({"aws:username": None}), home)
    assert allowed(call({"aws:username": None}), policy(allow(resource="arn:aws:s3:::bucket/${aws:username, 'a'}/*")))
    assert allowed(call(resource="arn:aws:s3:::bucket/*"), policy(allow(resource="arn:aws:s3:::bucket/${*}")))
    assert not allowed(call(resource="arn:aws:s3:::bucket/b"), policy(allow(resource="arn:aws:s3:::bucket/${*}")))
    assert allowed(call({"k:v": "a", "aws:username": "a"}), policy(when(StringEquals={"k:v": "${aws:username}"})))
    old = policy(allow(resource="arn:aws:s3:::bucket/${aws:username}/*"), version="2008-10-17")
    assert not allowed(call({"aws:username": "a"}), old)
    with pytest.raises(UndecidedError):
        allowed(call(), home)


def of_resource(principal: Any, effect: str = "Allow", element: str = "Principal", **more: Any) -> PolicyDocument:
    return parse(
        {"Version": "2012-10-17", "Statement": allow(effect=effect, **{element: principal}, **more)}, name="bucket"
    )


def test_a_resources_policy_allows_those_it_names_and_an_account_only_with_the_identitys() -> None:
    for named in ("*", {"AWS": ROLE.name}, {"AWS": [ROLE.session_arn]}):
        assert allowed(call(), resource=of_resource(named)), named
    for account in ("111122223333", "arn:aws:iam::111122223333:root"):
        assert not allowed(call(), resource=of_resource({"AWS": account}))
    assert not allowed(call(), resource=of_resource({"AWS": USER.name}))
    assert not allowed(call(), resource=of_resource({"Service": "logs.amazonaws.com"}))
    assert allowed(call(principal=LOGS), resource=of_resource({"Service": "logs.amazonaws.com"}))
    assert not allowed(call(), policy(allow()), resource=of_resource("*", effect="Deny"))


def test_a_denial_of_everybody_is_one_of_services_too() -> None:
    for everybody in ("*", {"AWS": "*"}):
        service = allow(Principal={"Service": "logs.amazonaws.com"})
        both = parse(
            {"Version": "2012-10-17", "Statement": [service, allow(effect="Deny", Principal=everybody)]}, name="bucket"
        )
        assert not allowed(call(principal=LOGS), resource=both)
    assert not allowed(call(principal=LOGS), resource=of_resource("*"))


def test_a_key_of_kms_lets_identity_policies_count_only_through_the_account() -> None:
    own = policy(allow())
    root = of_resource({"AWS": "arn:aws:iam::111122223333:root"})
    assert allowed(call(), own, resource=root, resource_decides=True)
    assert not allowed(call(), resource=root, resource_decides=True)
    assert not allowed(call(), own, resource=of_resource({"AWS": USER.name}), resource_decides=True)
    assert not allowed(call(), own, resource_decides=True)
    assert allowed(call(), resource=of_resource({"AWS": ROLE.name}), resource_decides=True)


def test_another_accounts_resource_has_to_allow_as_well_as_the_identity() -> None:
    other = {"resource_account_id": "999999999999"}
    everybody = of_resource("*")
    assert allowed(call(), policy(allow()), resource=everybody, **other)
    assert not allowed(call(), policy(allow()), **other)
    assert not allowed(call(), resource=everybody, **other)


def test_a_boundary_limits_what_identity_policies_give() -> None:
    reading = [policy(allow("s3:Get*"))]
    assert allowed(call(), policy(allow()), boundary=reading)
    assert not allowed(call(action="s3:PutObject"), policy(allow()), boundary=reading)
    assert not allowed(call(), boundary=reading)
    named = of_resource({"AWS": ROLE.name})
    assert not allowed(call(action="s3:PutObject"), boundary=reading, resource=named)
    assert allowed(call(action="s3:PutObject"), boundary=reading, resource=of_resource({"AWS": ROLE.session_arn}))
    assert allowed(
        call(action="s3:PutObject", principal=USER), boundary=reading, resource=of_resource({"AWS": USER.name})
    )


def test_not_principal_means_all_the_others() -> None:
    spared = {"AWS": [ROLE.name, ROLE.session_arn, "arn:aws:iam::111122223333:root"]}
    assert allowed(call(), policy(allow()), resource=of_resource(spared, "Deny", "NotPrincipal"))
    assert not allowed(call(principal=USER), policy(allow()), resource=of_resource(spared, "Deny", "NotPrincipal"))
    half = {"AWS": [ROLE.name]}  # without session and account AWS denies it as well
    assert not allowed(call(), policy(allow()), resource=of_resource(half, "Deny", "NotPrincipal"))
    assert allowed(call(principal=USER), resource=of_resource(half, "Allow", "NotPrincipal"))
    assert not allowed(call(), resource=of_resource(half, "Allow", "NotPrincipal"))


VALUES = {
    "Action": st.lists(st.sampled_from(["s3:*", "s3:Get*", "s3:GetObject", "kms:Decrypt", "*"]), min_size=1, max_size=3),
    "Resource": st.lists(st.sampled_from(["*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::other/*"]), min_size=1, max_size=3),
}  # fmt: skip
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Allow", "Deny"]), **VALUES},
    optional={"Condition": st.sampled_from([{"StringLike": {"k:v": ["a*"]}}, {"Bool": {"k:w": ["true"]}}, {"StringNotEquals": {"k:v": ["ab", "c"]}}])},
)  # fmt: skip
REQUESTS = st.builds(
    call,
    st.fixed_dictionaries({"k:v": st.sampled_from([None, "ab", "c"]), "k:w": st.sampled_from([None, "true", "false"])}),
    st.sampled_from(["s3:GetObject", "s3:PutObject", "kms:Decrypt"]),
    st.sampled_from([OBJECT, "arn:aws:s3:::other/a"]),
)


def respelled(value: Any, draw: Any) -> Any:
    """The same document, spelled in another way that AWS accepts."""
    if isinstance(value, list):
        several = draw(st.permutations([respelled(each, draw) for each in value]))
        return several[0] if len(several) == 1 and draw(st.booleans()) else several
    if isinstance(value, dict):
        odd = st.sampled_from([str.lower, str.upper, str])
        return {draw(odd)(key): each if key == "Effect" else respelled(each, draw) for key, each in value.items()}
    action = isinstance(value, str) and value.startswith(("s3:", "kms:"))
    return draw(st.sampled_from([value.lower(), value.upper(), value])) if action else value


@settings(deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=4), REQUESTS, st.data())
def test_every_spelling_of_a_document_gives_the_same_answer(
    statements: list[Any], request_: Request, data: st.DataObject
) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    other = respelled({"Statement": statements}, data.draw) | {"vErsion": "2012-10-17"}
    assert allowed(request_, parse(document)) is allowed(request_, parse(json.dumps(other)))


@settings(deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=4), STATEMENTS, REQUESTS)
def test_one_more_statement_only_allows_when_it_allows_and_only_denies_when_it_denies(
    statements: list[Any], more: Any, request_: Request
) -> None:
    before, after = allowed(request_, policy(*statements)), allowed(request_, policy(*statements, more))
    assert after >= before if more["Effect"] == "Allow" else after <= before
