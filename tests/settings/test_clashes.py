"""Names and state places that two stacks would share are refused before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.clashes import NAMED, clashes
from config.environment import CloudStateSettings, Environment, StateSettings
from config.settings import ROOT
from operations.review.addresses import read_document
from operations.stacks import find_stacks

STATE = StateSettings(bucket="the-state", region="eu-central-1", lock_table="locks")
NAMES_THAT_ARE_NO_PLACE = {
    "aws_acm_certificate": "certificates of one domain may be many",
    "aws_appautoscaling_policy": "within its target",
    "aws_appautoscaling_target": "within its table",
    "aws_autoscaling_policy": "within its group",
    "aws_backup_selection": "within its plan",
    "aws_elastic_beanstalk_application_version": "within its application",
    "aws_iam_role_policy": "within its role",
    "aws_iam_user_policy": "within its user",
    "aws_imagebuilder_component": "unique with its version",
    "aws_imagebuilder_distribution_configuration": "derived from the stack's name",
    "aws_imagebuilder_image_pipeline": "derived from the stack's name",
    "aws_imagebuilder_image_recipe": "unique with its version",
    "aws_imagebuilder_infrastructure_configuration": "derived from the stack's name",
    "aws_route53_record": "several records of one name are the rule",
    "aws_security_group": "within its network",
}


def stack(
    resource: dict[str, Any], *, key: str, account: str = "1", region: str = "eu-central-1", alias: str = "eu-west-1"
) -> dict[str, Any]:
    providers = [{"region": region, "allowed_account_ids": [account]}]
    providers.append({"region": alias, "allowed_account_ids": [account], "alias": alias})
    backend = {"s3": {"bucket": "the-state", "key": key}}
    return {"terraform": {"backend": backend}, "provider": {"aws": providers}, "resource": resource}


def found(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    environment = Environment(name="dev", account_id="111122223333", state=STATE)
    return list(clashes({"a-dev": one, "b-dev": other}, {"dev": environment}))


def test_two_stacks_with_one_place_are_named() -> None:
    one = stack({}, key="dev/a/terraform.tfstate")
    assert found(one, one) == ["b-dev and a-dev would share a state: the-state/dev/a/terraform.tfstate"]
    cloud: Any = {"terraform": {"cloud": {"hostname": "h", "organization": "o", "workspaces": {"name": "w"}}}}
    assert found({**one, **cloud}, {**one, **cloud}) == ["b-dev and a-dev would share a state: h/o/w"]


@pytest.mark.parametrize(
    ("kind", "argument", "account", "region", "refused"),
    [
        ("aws_dynamodb_table", "name", "1", "eu-central-1", True),
        ("aws_dynamodb_table", "name", "1", "eu-west-1", False),
        ("aws_dynamodb_table", "name", "2", "eu-central-1", False),
        ("aws_iam_role", "name", "1", "eu-west-1", True),
        ("aws_iam_role", "name", "2", "eu-central-1", False),
        ("aws_s3_bucket", "bucket", "2", "eu-west-1", True),
    ],
)
def test_a_name_is_refused_in_the_space_in_which_aws_wants_it_once(
    kind: str, argument: str, account: str, region: str, refused: bool
) -> None:
    one = stack({kind: {"x": {argument: "same"}}}, key="a")
    other = stack({kind: {"y": {argument: "same"}}}, key="b", account=account, region=region)
    assert [
        f'{kind}.y of b-dev and {kind}.x of a-dev would both be called "same"' in line for line in found(one, other)
    ] == ([True] if refused else [])


def test_the_provider_of_a_second_region_counts() -> None:
    one = stack({"aws_sns_topic": {"x": {"name": "same", "provider": "aws.eu-west-1"}}}, key="a")
    assert found(one, stack({"aws_sns_topic": {"y": {"name": "same"}}}, key="b")) == []
    assert (
        len(found(one, stack({"aws_sns_topic": {"y": {"name": "same"}}}, key="b", region="eu-west-1", alias="x"))) == 1
    )


def test_the_bucket_of_the_states_is_taken() -> None:
    (line,) = found(stack({"aws_s3_bucket": {"x": {"bucket": "the-state"}}}, key="a"), stack({}, key="b"))
    assert line == (
        'aws_s3_bucket.x of a-dev and the state bucket of dev would both be called "the-state"; such a name is unique in'
        " all of AWS"
    )


def test_names_that_only_terraform_knows_are_left_to_it() -> None:
    one = stack({"aws_dynamodb_table": {"x": {"name": "${aws_sns_topic.x.name}"}}}, key="a")
    assert found(one, {**one, "terraform": stack({}, key="b")["terraform"]}) == []


def test_an_environment_of_hcp_terraform_has_no_state_bucket() -> None:
    environment = Environment(
        name="dev", account_id="111122223333", state=CloudStateSettings(backend="cloud", organization="suai")
    )
    assert list(clashes({"a-dev": stack({}, key="a")}, {"dev": environment})) == []


def test_every_type_that_has_a_name_in_a_stack_is_decided() -> None:
    undecided = set()
    for each in find_stacks(ROOT):
        for kind, resources in read_document(each.folder).get("resource", {}).items():
            for resource in resources.values():
                named = any("name" in argument or argument in ("bucket", "identifier") for argument in resource)
                plain = [
                    value for value in map(resource.get, ("name", "bucket", "identifier", "function_name")) if value
                ]
                if named and any("${" not in json.dumps(value) for value in plain):
                    undecided.add(kind)
    assert undecided - NAMED.keys() - NAMES_THAT_ARE_NO_PLACE.keys() == set()


def test_a_derived_name_that_is_longer_than_aws_takes_is_named() -> None:
    one = stack({"aws_iam_role": {"web": {"name": "r" * 65}, "other": {"name": "r" * 64}}}, key="a")
    said = 'aws_iam_role.web of a-dev would be called "' + "r" * 65 + '", which has 65 characters; AWS takes 64'
    assert found(one, stack({}, key="b")) == [said]


def test_an_environment_whose_name_makes_a_derived_name_too_long_is_told_how_long_it_may_be() -> None:
    environment = Environment(name="e" * 40, account_id="111122223333", state=STATE)
    name = f"aquamark-{environment.name}"
    vault = stack({"aws_backup_vault": {"backups": {"name": f"{name}-backups"}}}, key="a")
    environments = dict.fromkeys(("e", environment.name), environment)
    (said,) = clashes({name: vault}, environments)
    assert said.endswith(f"characters; AWS takes 50: call the environment {environment.name} by at most 33 characters")
