"""Elastic Beanstalk: applications, versions and environments as Terraform needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]
CODES = "aws:elasticbeanstalk:application:environment"


@pytest.fixture
def beanstalk(aws: Aws) -> Any:
    return aws("elasticbeanstalk")


@pytest.fixture
def application(aws: Aws, beanstalk: Any, account: str) -> str:
    bucket = f"bundles-{account}"
    aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    aws("s3").put_object(Bucket=bucket, Key="1.zip", Body=b"zip")
    beanstalk.create_application(ApplicationName="contest", Tags=[{"Key": "Project", "Value": "p"}])
    for label in ("v1", "v2"):
        beanstalk.create_application_version(
            ApplicationName="contest", VersionLabel=label, SourceBundle={"S3Bucket": bucket, "S3Key": "1.zip"}
        )
    return "contest"


def _environment(beanstalk: Any, application: str, **settings: Any) -> dict[str, Any]:
    stacks = beanstalk.list_available_solution_stacks()["SolutionStacks"]
    stack = next(name for name in stacks if "Amazon Linux 2023" in name and "Python 3.12" in name)
    made: dict[str, Any] = beanstalk.create_environment(
        ApplicationName=application,
        EnvironmentName="contest-dev",
        SolutionStackName=stack,
        VersionLabel="v1",
        OptionSettings=[{"Namespace": CODES, "OptionName": "STAGE", "Value": "dev"}],
        **settings,
    )
    return made


def test_an_application_keeps_its_tags_and_versions(beanstalk: Any, application: str) -> None:
    described = beanstalk.describe_applications(ApplicationNames=[application])["Applications"][0]
    arn = described["ApplicationArn"]
    beanstalk.update_tags_for_resource(
        ResourceArn=arn, TagsToAdd=[{"Key": "Owner", "Value": "o"}], TagsToRemove=["Project"]
    )
    tags = beanstalk.list_tags_for_resource(ResourceArn=arn)["ResourceTags"]
    assert tags == [{"Key": "Owner", "Value": "o"}]
    versions = beanstalk.describe_application_versions(ApplicationName=application)["ApplicationVersions"]
    assert [(version["VersionLabel"], version["Status"]) for version in versions] == [
        ("v1", "PROCESSED"),
        ("v2", "PROCESSED"),
    ]


def test_a_version_whose_bundle_is_missing_is_refused(beanstalk: Any, application: str, account: str) -> None:
    bundle = {"S3Bucket": f"bundles-{account}", "S3Key": "missing.zip"}
    with pytest.raises(ClientError, match="Not Found"):
        beanstalk.create_application_version(ApplicationName=application, VersionLabel="v3", SourceBundle=bundle)


def test_an_environment_is_ready_with_its_settings(beanstalk: Any, application: str) -> None:
    made = _environment(beanstalk, application)
    assert (made["Status"], made["Health"]) == ("Ready", "Green")
    assert made["CNAME"].endswith(".eu-central-1.elasticbeanstalk.com")
    settings = beanstalk.describe_configuration_settings(ApplicationName=application, EnvironmentName="contest-dev")[
        "ConfigurationSettings"
    ][0]
    assert [(s["OptionName"], s["Value"]) for s in settings["OptionSettings"]] == [("STAGE", "dev")]
    resources = beanstalk.describe_environment_resources(EnvironmentId=made["EnvironmentId"])
    assert resources["EnvironmentResources"]["Instances"] == []
    assert beanstalk.describe_events(EnvironmentId=made["EnvironmentId"])["Events"] == []


def test_an_environment_can_be_updated(beanstalk: Any, application: str) -> None:
    environment = _environment(beanstalk, application)["EnvironmentId"]
    beanstalk.update_environment(
        EnvironmentId=environment,
        VersionLabel="v2",
        OptionSettings=[{"Namespace": CODES, "OptionName": "DEBUG", "Value": "1"}],
        OptionsToRemove=[{"Namespace": CODES, "OptionName": "STAGE"}],
    )
    described = beanstalk.describe_environments(EnvironmentIds=[environment])["Environments"][0]
    assert described["VersionLabel"] == "v2"
    settings = beanstalk.describe_configuration_settings(ApplicationName=application, EnvironmentName="contest-dev")[
        "ConfigurationSettings"
    ][0]
    assert [s["OptionName"] for s in settings["OptionSettings"]] == ["DEBUG"]


def test_a_terminated_environment_is_shown_only_when_asked_for(beanstalk: Any, application: str) -> None:
    environment = _environment(beanstalk, application)["EnvironmentId"]
    assert beanstalk.terminate_environment(EnvironmentId=environment)["Status"] == "Terminated"
    assert beanstalk.describe_environments()["Environments"] == []
    gone = beanstalk.describe_environments(EnvironmentIds=[environment], IncludeDeleted=True)["Environments"]
    assert [one["Status"] for one in gone] == ["Terminated"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"SolutionStackName": "64bit Plan 9"}, "No Solution Stack"), ({"VersionLabel": "v9"}, "No Application Version")],
)
def test_what_does_not_exist_is_refused(
    beanstalk: Any, application: str, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        beanstalk.create_environment(ApplicationName=application, EnvironmentName="contest-dev", **settings)


def test_a_deleted_application_is_gone_with_its_versions(beanstalk: Any, application: str) -> None:
    beanstalk.delete_application(ApplicationName=application)
    assert beanstalk.describe_applications()["Applications"] == []
    assert beanstalk.describe_application_versions()["ApplicationVersions"] == []


@pytest.mark.parametrize(("turned_off", "added"), [("true", 0), ("false", 1), (None, 1)])
def test_an_environment_has_a_security_group_of_its_own_unless_that_is_turned_off(
    aws: Aws, beanstalk: Any, application: str, turned_off: str | None, added: int
) -> None:
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    settings = [("aws:ec2:vpc", "VPCId", vpc)]
    if turned_off:
        settings.append(("aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup", turned_off))
    beanstalk.create_environment(
        ApplicationName=application,
        EnvironmentName="environment",
        OptionSettings=[{"Namespace": space, "OptionName": name, "Value": value} for space, name, value in settings],
    )

    def own() -> list[str]:
        found = aws("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
        return [group["GroupName"] for group in found if group["GroupName"].startswith("awseb-")]

    assert len(own()) == added
    beanstalk.terminate_environment(EnvironmentName="environment")
    assert own() == []


def test_platforms_of_today_can_be_listed(aws: Aws) -> None:
    beanstalk = aws("elasticbeanstalk")
    supported = [{"Attribute": "LifecycleState", "Operator": "=", "Values": ["Supported"]}]
    branches = beanstalk.list_platform_branches(Filters=supported)["PlatformBranchSummaryList"]
    assert "PHP 8.4 running on 64bit Amazon Linux 2023" in {branch["BranchName"] for branch in branches}
    assert "PHP 8.1 running on 64bit Amazon Linux 2023" not in {branch["BranchName"] for branch in branches}
    of_branch = [{"Type": "PlatformBranchName", "Operator": "=", "Values": [branches[0]["BranchName"]]}]
    (version,) = beanstalk.list_platform_versions(Filters=of_branch)["PlatformSummaryList"]
    stacks = beanstalk.list_available_solution_stacks()["SolutionStacks"]
    assert any(version["PlatformVersion"] in stack for stack in stacks)
    assert not any("Amazon Linux 2023" in stack and "PHP 8.1" in stack for stack in stacks)
