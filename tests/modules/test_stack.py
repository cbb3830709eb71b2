"""Properties of every deployment's stack: its backend, its provider, its addresses, its files."""

from __future__ import annotations

from typing import Any

import pytest
from cdktf import App
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from constructs import Construct

from config.deployment import DeploymentSettings
from config.environment import Environment, StateSettings
from modules.stack import DeploymentStack
from tests.modules.synth import NETWORK, sample_stack, synthesised


def backend(locking: str, tmp_path: Any) -> dict[str, Any]:
    state = StateSettings(bucket="sample-state", region="eu-west-1", lock_table="sample-locks", locking=locking)  # type: ignore[arg-type]
    stack = DeploymentStack(
        App(outdir=str(tmp_path)),
        deployment="sample",
        environment=Environment(name="test", account_id="111122223333", state=state),
        settings=DeploymentSettings(region="eu-central-1", network=NETWORK),
    )
    found: dict[str, Any] = synthesised(stack).document["terraform"]["backend"]["s3"]
    return found


def test_state_is_encrypted_in_the_environments_bucket_under_the_lock_table(tmp_path: Any) -> None:
    assert backend("dynamodb", tmp_path) == {
        "allowed_account_ids": ["111122223333"],
        "bucket": "sample-state",
        "dynamodb_table": "sample-locks",
        "encrypt": True,
        "key": "test/sample/terraform.tfstate",
        "region": "eu-west-1",
    }


@pytest.mark.parametrize(("locking", "table", "file"), [("both", "sample-locks", True), ("lockfile", None, True)])
def test_locks_are_taken_as_the_setting_says(locking: str, table: str | None, file: bool, tmp_path: Any) -> None:
    found = backend(locking, tmp_path)
    assert (found.get("dynamodb_table"), found.get("use_lockfile")) == (table, file)


def test_the_provider_works_in_one_account_only_and_tags_everything() -> None:
    (provider,) = synthesised(sample_stack()).document["provider"]["aws"]
    assert provider["allowed_account_ids"] == ["111122223333"]
    assert provider["default_tags"] == [{"tags": {"Deployment": "sample", "Environment": "test", "Project": "quintet"}}]


def test_addresses_are_the_ids_without_hashes_and_without_default() -> None:
    stack = sample_stack()
    uploads = Construct(stack, "uploads")
    S3Bucket(uploads, "Default", bucket="sample-uploads")
    S3Bucket(Construct(uploads, "archive"), "old", bucket="sample-archive")
    assert synthesised(stack).addresses() == {"aws_s3_bucket.uploads", "aws_s3_bucket.uploads_archive_old"}


def test_two_constructs_that_would_share_an_address_are_refused_by_name() -> None:
    stack = sample_stack()
    S3Bucket(Construct(stack, "a_b"), "c", bucket="sample-one")
    S3Bucket(Construct(stack, "a"), "b_c", bucket="sample-two")
    with pytest.raises(Exception, match="sample-test/a_b/c and sample-test/a/b_c would share the address a_b_c"):
        synthesised(stack)


def test_a_resource_can_be_moved_to_a_new_address() -> None:
    stack = sample_stack()
    S3Bucket(stack, "uploads", bucket="sample-uploads").move_from_id("aws_s3_bucket.files")
    assert synthesised(stack).document["moved"] == [{"from": "aws_s3_bucket.files", "to": "aws_s3_bucket.uploads"}]


def test_outputs_are_called_as_given() -> None:
    stack = sample_stack()
    stack.output("url", "https://sample.example.org", description="Where it answers")
    assert synthesised(stack).document["output"] == {
        "url": {"description": "Where it answers", "value": "https://sample.example.org"}
    }


def test_a_second_region_gets_a_provider_of_its_own_once() -> None:
    stack = sample_stack()
    assert stack.provider_in("us-east-1") is stack.provider_in("us-east-1")
    assert stack.provider_in("eu-central-1") is not stack.provider_in("us-east-1")
    providers = synthesised(stack).document["provider"]["aws"]
    assert [(provider["region"], provider.get("alias")) for provider in providers] == [
        ("eu-central-1", None),
        ("us-east-1", "us-east-1"),
    ]
    assert all(provider["allowed_account_ids"] == ["111122223333"] for provider in providers)


def test_one_file_name_cannot_have_two_contents() -> None:
    stack = sample_stack()
    assert stack.add_file("user_data.sh", b"one") == "user_data.sh"
    assert stack.add_file("user_data.sh", b"one") == "user_data.sh"
    with pytest.raises(ValueError, match=r"two files of sample-test would be called user_data\.sh"):
        stack.add_file("user_data.sh", b"two")


def test_names_say_deployment_environment_and_role() -> None:
    stack = sample_stack()
    assert stack.physical_name("database") == "sample-test-database"
    assert len(stack.physical_name("a-role-with-a-long-name", max_length=24)) == 24
