from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from typing import Any

import jsii
import pytest
from cdktf import AnnotationMetadataEntryType, TerraformOutput, TerraformResource, Token
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRule as LifecycleRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRuleExpiration as Expiration,
)
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct

from modules.stack import DeploymentStack
from synth import wire
from tests.modules.synth import sample_stack, synthesised


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The properties, methods and classes that the kernel is asked for."""
    asked: list[str] = []
    answer = wire.LeanKernel._answer

    def noted(kernel: wire.LeanKernel, request: dict[str, Any], response: type[Any]) -> Any:
        asked.append(str(request.get("property") or request.get("method") or request["fqn"]))
        return answer(kernel, request, response)

    monkeypatch.setattr(wire.LeanKernel, "_answer", noted)
    return asked


def test_an_attribute_of_aws_is_asked_for_once(messages: list[str]) -> None:
    vpc = Vpc(sample_stack(), "vpc", cidr_block="10.0.0.0/16")
    messages.clear()
    assert vpc.arn == vpc.arn
    assert (vpc.node.id, vpc.node.path, vpc.friendly_unique_id) == ("vpc", "sample-test/vpc", "vpc")
    assert (vpc.node.id, vpc.node.path, vpc.friendly_unique_id) == ("vpc", "sample-test/vpc", "vpc")
    assert messages == ["arn", "node", "friendlyUniqueId"]


def test_the_place_of_a_construct_is_known_from_what_created_it_and_as_the_kernel_has_it(messages: list[str]) -> None:
    stack = sample_stack()
    inner = Construct(Construct(stack, "network"), "Default")
    odd = Construct(inner, "a/b")
    below = Construct(odd, "c")
    nodes = [each.node for each in (stack.node.root, stack, inner, odd, below)]
    messages.clear()
    places = [(node.path, node.id) for node in nodes]
    assert messages == ["path", "id"] * 2  # jsii replaces the slash
    assert [DeploymentStack.of_construct(each) for each in (stack, inner)] == [stack, stack]
    assert messages == ["path", "id"] * 2
    assert DeploymentStack.of_construct(below) is stack

    wire.LeanKernel._remembered.clear()
    wire.LeanKernel._places.clear()
    assert [(node.path, node.id) for node in nodes] == places
    assert DeploymentStack.of_construct(inner) is stack


def test_a_construct_outside_of_a_stack_is_in_none() -> None:
    app = sample_stack().node.root
    assert isinstance(app, Construct)
    with pytest.raises(RuntimeError, match="No stack could be identified for the construct at path 'outside'"):
        DeploymentStack.of_construct(Construct(app, "outside"))


def test_the_type_of_resources_is_asked_for_once_for_each_class(messages: list[str]) -> None:
    stack = sample_stack()
    one, two, vpc = S3Bucket(stack, "one"), S3Bucket(stack, "two"), Vpc(stack, "vpc")
    wire.LeanKernel._remembered.clear()
    messages.clear()
    assert [each.terraform_resource_type for each in (one, two, vpc)] == ["aws_s3_bucket", "aws_s3_bucket", "aws_vpc"]
    assert messages == ["terraformResourceType"] * 2
    others = [TerraformResource(stack, kind, terraform_resource_type=kind) for kind in ("a_b", "c_d")]
    assert [each.terraform_resource_type for each in others] == ["a_b", "c_d"]


def test_a_list_of_prerequisites_is_the_one_that_was_set_whatever_is_done_to_it(messages: list[str]) -> None:
    stack = sample_stack()
    one, two = S3Bucket(stack, "one"), S3Bucket(stack, "two", depends_on=[Vpc(stack, "vpc")])
    assert one.depends_on is None
    assert len(two.depends_on or ()) == 1
    one.depends_on = addresses = ["aws_vpc.vpc"]
    addresses.append("aws_vpc.other")
    messages.clear()
    (one.depends_on or []).append("aws_vpc.other")
    assert one.depends_on == ["aws_vpc.vpc"]
    assert messages == []
    one.depends_on = None
    assert one.depends_on is None
    two.add_override("tags", {"a": "b"})
    one.depends_on = two.depends_on
    assert synthesised(stack).resource("aws_s3_bucket.one")["depends_on"] == ["aws_vpc.vpc"]


def test_a_value_that_can_change_is_asked_for_every_time() -> None:
    stack = sample_stack()
    one, two = (S3Bucket(stack, name, bucket=name) for name in ("one", "two"))
    one.bucket_prefix = two.arn
    assert one.bucket_prefix_input == two.arn
    one.reset_bucket_prefix()
    assert one.bucket_prefix_input is None

    output = TerraformOutput(stack, "output", value=one.arn)
    assert output.value == one.arn
    output.value = two.arn
    assert output.value == two.arn
    assert Token.is_unresolved(output.value)


def addresses(*, in_kernel: bool) -> set[str]:
    stack = sample_stack()
    uploads = Construct(stack, "uploads")
    S3Bucket(uploads, "Default", bucket="sample-uploads")
    S3Bucket(Construct(Construct(uploads, "archive"), "Default"), "old", bucket="sample-archive")
    stack.output("uploads", "an output is apart from the bucket", description="as it was")
    TerraformOutput(uploads, "name", value="below")
    result = synthesised(stack)
    assert set(result.document["output"]) == {"uploads", "uploads_name"}
    found = result.addresses()
    assert bool(stack._addresses) is not in_kernel  # where Python allocates, it keeps what is taken
    return found


def clash() -> str:
    stack = sample_stack()
    S3Bucket(Construct(stack, "a_b"), "c", bucket="sample-one")
    S3Bucket(Construct(stack, "a"), "b_c", bucket="sample-two")
    with pytest.raises(RuntimeError) as refused:
        synthesised(stack)
    return str(refused.value)


def test_the_kernel_allocates_the_addresses_that_python_would(monkeypatch: pytest.MonkeyPatch) -> None:
    found, refused = addresses(in_kernel=True), clash()
    monkeypatch.delattr(DeploymentStack._allocate_logical_id, "javascript")
    assert addresses(in_kernel=False) == found == {"aws_s3_bucket.uploads", "aws_s3_bucket.uploads_archive_old"}
    assert clash() == refused


class Role(StrEnum):
    WEB = "web"


def test_a_value_reaches_the_kernel_as_jsii_sends_it_but_for_none() -> None:
    rule = LifecycleRule(
        id="all", status="Enabled", expiration=[Expiration(days=1)], filter=Token.as_any({"prefix": None})
    )
    values = [rule, sample_stack(), Role.WEB, AnnotationMetadataEntryType.INFO, {"a": [1.5, 2, True, "text"]}]
    ours = [wire.LeanKernel._encoded(jsii.kernel, value) for value in values]
    theirs = [wire._make_reference_for_native(jsii.kernel, value) for value in values]
    assert ours != theirs
    assert ours == without_none(theirs)


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(each) for name, each in value.items() if each is not None}
    return [without_none(each) for each in value] if isinstance(value, list) else value


def test_the_messages_of_an_unknown_jsii_are_its_own_after_one_warning() -> None:
    script = """
import jsii._kernel
del jsii._kernel._get_overides
from synth.bindings import install
install()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("warning: slow start, messages to the jsii kernel are jsii's own: ")
    assert len(done.stderr.splitlines()) == 1
