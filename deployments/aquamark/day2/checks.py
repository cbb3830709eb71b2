"""Checks of `make demo` on an applied Aquamark."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

from deployments.aquamark.outputs import NO_VERSION, AquamarkOutputs
from operations.demo.check import Check, CheckContext, expect


def checks() -> Sequence[Check]:
    """The checks, quick ones first."""
    return (
        Check("repository", tags_never_change_their_meaning),
        Check("attachments", attachments_keep_every_version),
        Check("database", database_is_as_documented_and_snapshots_outlive_it),
        Check("network", only_web_and_daemons_reach_the_database),
        Check("web", one_version_serves_behind_the_load_balancer),
        Check("daemons", one_daemon_host_runs_the_same_version),
    )


def tags_never_change_their_meaning(context: CheckContext) -> str:
    """The repository scans what is pushed and lets no tag be moved."""
    name = context.read(AquamarkOutputs).repository
    (found,) = context.client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    expect(found["imageTagMutability"] == "IMMUTABLE", f"tags of {name} can be moved")
    expect(found["imageScanningConfiguration"]["scanOnPush"], f"{name} does not scan images")
    return "immutable tags, scanned"


def attachments_keep_every_version(context: CheckContext) -> str:
    """The bucket is versioned, and its policy forbids the user to change that or to delete."""
    outputs = context.read(AquamarkOutputs)
    s3, bucket = context.client("s3"), outputs.attachments_bucket
    expect(s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled", f"{bucket} is not versioned")
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    denied = {action for statement in policy["Statement"] for action in statement["Action"]}
    expect({"s3:PutBucketVersioning", "s3:DeleteObject"} <= denied, f"{bucket} does not keep every version")
    keys = context.client("iam").list_access_keys(UserName=outputs.storage_user)["AccessKeyMetadata"]
    expect(not keys, "the storage user has an access key although no command was asked for one")
    return "versioned; no key yet"


def database_is_as_documented_and_snapshots_outlive_it(context: CheckContext) -> str:
    """PostgreSQL with 100 GiB and seven days of backups, not public; weekly snapshots go to a vault."""
    database = _database(context)
    expect(database["Engine"] == "postgres", f"it is {database['Engine']}")
    expect(not database["PubliclyAccessible"], "the database has a public address")
    expect(database["AllocatedStorage"] == 100, f"it has {database['AllocatedStorage']} GiB")
    expect(database["BackupRetentionPeriod"] == 7, f"backups are kept {database['BackupRetentionPeriod']} days")
    backup = context.client("backup")
    plans = backup.list_backup_plans()["BackupPlansList"]
    found = [backup.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"] for plan in plans]
    vault = context.read(AquamarkOutputs).backup_vault
    expect(any(rule["TargetBackupVaultName"] == vault for plan in found for rule in plan["Rules"]), "no weekly plan")
    return f"{database['DBInstanceClass']}, weekly snapshots to {vault}"


def only_web_and_daemons_reach_the_database(context: CheckContext) -> str:
    """Two rules open the database, each for a security group."""
    groups = [group["VpcSecurityGroupId"] for group in _database(context)["VpcSecurityGroups"]]
    ec2 = context.client("ec2")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": groups}])["SecurityGroupRules"]
    incoming = [rule for rule in rules if not rule["IsEgress"]]
    expect(len(incoming) == 2, f"{len(incoming)} rules open the database")
    expect(all("ReferencedGroupInfo" in rule for rule in incoming), "the database is open to addresses")
    return "web and daemons"


def one_version_serves_behind_the_load_balancer(context: CheckContext) -> str:
    """The group carries the version, its instances and no others are healthy, and they are told the version.

    Before the first upgrade there is no version, and the group has no instances.
    """
    outputs = context.read(AquamarkOutputs)
    group, version = _group(context, outputs.web_group), outputs.version
    expect(group["AutoScalingGroupName"].endswith(f"-{version}"), f"{group['AutoScalingGroupName']} is not {version}")
    elb, arn = context.client("elbv2"), outputs.target_group_arn
    (targets,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    asked = (targets["HealthCheckProtocol"], targets["HealthCheckPath"], targets["Port"])
    expect(asked == ("HTTP", "/ping", 80), f"the load balancer asks for {asked}")
    health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    ids = sorted(target["Target"]["Id"] for target in health if target["TargetHealth"]["State"] == "healthy")
    expect(ids == sorted(instance["InstanceId"] for instance in group["Instances"]), f"its targets are {ids}")
    expect(len(ids) >= group["MinSize"], f"{len(ids)} of {group['MinSize']} instances are healthy")
    expect((group["MinSize"] > 0) == (version != NO_VERSION), f"{group['MinSize']} instances of {version} at least")
    _told(context, group)
    return f"{version} on {len(ids)}"


def one_daemon_host_runs_the_same_version(context: CheckContext) -> str:
    """Exactly one host, told the same version."""
    group = _group(context, context.read(AquamarkOutputs).daemon_group)
    sizes = (group["MinSize"], group["DesiredCapacity"], group["MaxSize"])
    expect(sizes == (1, 1, 1), f"the daemons' group is {sizes}")
    expect(len(group["Instances"]) == 1, f"{len(group['Instances'])} daemon hosts run")
    _told(context, group)
    return "one host"


def _group(context: CheckContext, name: str) -> dict[str, Any]:
    found = context.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    expect(len(found) == 1, f"there is no group {name}")
    group: dict[str, Any] = found[0]
    return group


def _told(context: CheckContext, group: dict[str, Any]) -> None:
    template = group["LaunchTemplate"]
    (found,) = context.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    packed = base64.b64decode(found["LaunchTemplateData"]["UserData"])
    expect(len(packed) <= 16384, f"the user data has {len(packed)} bytes, EC2 takes 16384")
    text = gzip.decompress(packed).decode()
    outputs = context.read(AquamarkOutputs)
    version = "" if outputs.version == NO_VERSION else outputs.version
    expect(f'"version": "{version}"' in text, "the user data names another version")
    for value in (outputs.database_address, outputs.login_secret_arn, outputs.repository_url):
        expect(f'"{value}"' in text, f"the user data does not name {value}")
    master = context.client("secretsmanager").get_secret_value(SecretId=outputs.database_secret_arn)
    expect(json.loads(master["SecretString"])["password"] not in text, "the password stands in the user data")


def _database(context: CheckContext) -> dict[str, Any]:
    name = context.read(AquamarkOutputs).database_identifier
    (found,) = context.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    database: dict[str, Any] = found
    return database
