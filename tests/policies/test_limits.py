"""Every committed stack keeps to the limits of config/aws/limits.json."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.limits import NAME_LENGTHS, SECURITY_GROUP_DESCRIPTION, SIZES
from config.settings import ROOT

STACKS = sorted((ROOT / "generated" / "stacks").glob("*/cdk.tf.json"))
LONGEST_ATTRIBUTE = "x" * 170
"""As long as an ARN of a secret or a load balancer's host name may become."""
_TEMPLATE = re.compile(r'\$\{(base64encode|base64gzip)\(templatefile\("([^"]+)", \{(.*)\}\)\)\}', re.DOTALL)
_VARIABLE = re.compile(r'"(\w+)" = ("(?:[^"\\]|\\.)*"|[^,}]+)')

every_stack = pytest.mark.parametrize("file", STACKS, ids=[file.parent.name for file in STACKS])


def resources(file: Path, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = json.loads(file.read_text()).get("resource", {})
    for kind in types or found:
        for name, body in found.get(kind, {}).items():
            yield f"{kind}.{name}", body


def resolved(text: str) -> str:
    """The text with references in it as short as they can become: an id."""
    return re.sub(r"\$\{[^}]*\}", "x", text)


@every_stack
def test_descriptions_of_security_groups_have_only_characters_that_ec2_takes(file: Path) -> None:
    allowed = re.compile(SECURITY_GROUP_DESCRIPTION)
    groups = resources(
        file, "aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"
    )
    bad = [
        (address, body["description"])
        for address, body in groups
        if not allowed.fullmatch(resolved(body.get("description", "")))
    ]
    assert bad == []


@every_stack
def test_names_are_no_longer_than_aws_takes(file: Path) -> None:
    keys = ("name", "identifier", "bucket", "replication_group_id", "cluster_id", "alarm_name")
    bad = [
        (address, value)
        for address, body in resources(file, *NAME_LENGTHS)
        for value in (body.get(key) for key in keys)
        if isinstance(value, str) and len(resolved(value)) > NAME_LENGTHS[address.split(".")[0]]
    ]
    assert bad == []


@every_stack
def test_user_data_stays_below_its_limit_when_every_attribute_is_as_long_as_can_be(file: Path) -> None:
    for address, body in resources(file, "aws_launch_template"):
        encoding, template, given = _TEMPLATE.fullmatch(body["user_data"]).groups()  # type: ignore[union-attr]
        text = (file.parent / template).read_text()
        for name, value in _VARIABLE.findall(given):
            text = text.replace(f"${{{name}}}", json.loads(value) if value.startswith('"') else LONGEST_ATTRIBUTE)
        data = gzip.compress(text.encode(), mtime=0) if encoding == "base64gzip" else text.encode()
        assert 100 < len(data) <= SIZES["user_data"], address


@every_stack
def test_inline_policies_of_a_role_together_stay_below_their_limit(file: Path) -> None:
    sizes: Counter[str] = Counter()
    for _, body in resources(file, "aws_iam_role_policy"):
        policy = re.sub(r"\$\{[^}]*\}", LONGEST_ATTRIBUTE[:80], body["policy"])
        sizes[body["role"]] += len(re.sub(r"\s", "", policy))
    assert {role: size for role, size in sizes.items() if size > SIZES["inline_policies_of_a_role"]} == {}
