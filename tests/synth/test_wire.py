from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from typing import Any

import jsii
import pytest
from cdktf import AnnotationMetadataEntryType, TerraformOutput, Token
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
    assert messages == ["arn", "node", "id", "path", "friendlyUniqueId"]


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
    found = synthesised(stack).addresses()
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
