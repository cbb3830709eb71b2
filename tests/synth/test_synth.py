from __future__ import annotations

import pytest
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupIngress

from tests.modules.synth import ABSENT, assert_subset, sample_stack, synthesised


def test_resources_are_found_by_address():
    stack = sample_stack()
    SecurityGroup(stack, "group", name="sample")
    result = synthesised(stack)
    assert result.addresses() == {"aws_security_group.group"}
    assert_subset(result.resource("aws_security_group.group"), {"name": "sample", "description": ABSENT})
    assert result.resources("aws_vpc") == {}
    with pytest.raises(AssertionError, match=r"no aws_security_group\.grup; of that type there are: group"):
        result.resource("aws_security_group.grup")


def test_what_main_would_refuse_is_refused_in_tests():
    stack = sample_stack()
    SecurityGroup(
        stack, "group", ingress=[SecurityGroupIngress(from_port=1, to_port=1, protocol="tcp", self_attribute=True)]
    )
    with pytest.raises(RuntimeError, match="inline-security-group-rules"):
        synthesised(stack)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": 1}, {"a": ABSENT}),
        ("a", {"b": 1}),
    ],
)
def test_what_differs_is_no_subset(actual: object, expected: object):
    with pytest.raises(AssertionError):
        assert_subset(actual, expected)
