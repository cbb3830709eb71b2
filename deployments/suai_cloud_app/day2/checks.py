"""Checks of `make demo` on an applied SUAI Cloud App: those of its pages, and that nothing else has access."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.demo.check import Check, CheckContext, expect


def checks() -> Sequence[Check]:
    """The checks, quick ones first."""
    return (
        Check("bucket", bucket_is_private_and_keeps_releases),
        Check("dynamodb", table_stores_items_by_a_string_key),
        Check("database", database_has_a_secret_and_no_public_address),
        Check("redis", redis_is_a_cluster_in_every_zone),
        Check("instances", instances_run_in_every_zone_with_the_rendered_user_data),
        Check("load balancer", load_balancer_waits_for_nothing_but_the_release),
        Check("network", only_instances_and_function_reach_the_database),
    )


def bucket_is_private_and_keeps_releases(context: CheckContext) -> str:
    """A release can be put into the bucket and fetched; the bucket is closed to the public and encrypts."""
    outputs = context.read(SuaiCloudAppOutputs)
    s3, bucket = context.client("s3"), outputs.bucket
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    expect(all(block.values()), f"{bucket} is not closed to the public: {block}")
    key = f"{outputs.release_prefix}check"
    s3.put_object(Bucket=bucket, Key=key, Body=b"checked")
    found = s3.get_object(Bucket=bucket, Key=key)
    expect(found["Body"].read() == b"checked", f"{bucket} does not give back what was put into it")
    expect(found.get("ServerSideEncryption") == "AES256", f"{bucket} does not encrypt")
    s3.delete_object(Bucket=bucket, Key=key)
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)
    for version in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
    return "private, encrypted"


def table_stores_items_by_a_string_key(context: CheckContext) -> str:
    """The table has a string partition key and no sort key, and keeps an item."""
    dynamodb, table = context.client("dynamodb"), context.read(SuaiCloudAppOutputs).table
    described = dynamodb.describe_table(TableName=table)["Table"]
    (key,) = described["KeySchema"]
    (attribute,) = described["AttributeDefinitions"]
    expect((key["KeyType"], attribute["AttributeType"]) == ("HASH", "S"), f"{table} has another key: {described}")
    item = {key["AttributeName"]: {"S": "quintet-check"}}
    dynamodb.put_item(TableName=table, Item=item)
    found = dynamodb.get_item(TableName=table, Key=item).get("Item")
    dynamodb.delete_item(TableName=table, Key=item)
    expect(found == item, f"{table} does not give back what was put into it")
    return f"string key {key['AttributeName']}"


def database_has_a_secret_and_no_public_address(context: CheckContext) -> str:
    """RDS made the master user's password and keeps it where the function that makes users fetches it."""
    database = _database(context)
    expect(not database["PubliclyAccessible"], "the database has a public address")
    secret = context.client("secretsmanager").get_secret_value(
        SecretId=context.read(SuaiCloudAppOutputs).database_secret_arn
    )
    fields = set(json.loads(secret["SecretString"]))
    expect({"username", "password"} <= fields, f"the master user's secret has only {sorted(fields)}")
    return f"{database['Engine']} {database['EngineVersion']}, {database['DBInstanceClass']}"


def redis_is_a_cluster_in_every_zone(context: CheckContext) -> str:
    """Redis runs in cluster mode, with subnets in every availability zone of the network."""
    groups = context.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    endpoint = context.read(SuaiCloudAppOutputs).redis_endpoint
    mine = [group for group in groups if group.get("ConfigurationEndpoint", {}).get("Address") == endpoint]
    expect(len(mine) == 1, f"no replication group answers at {endpoint}")
    (group,) = mine
    expect(group["ClusterEnabled"], f"{group['ReplicationGroupId']} is not in cluster mode")
    return f"{len(group['NodeGroups'])} shard, {len(group['MemberClusters'])} nodes"


def instances_run_in_every_zone_with_the_rendered_user_data(context: CheckContext) -> str:
    """The group holds its minimum, spread over zones, and the user data names what was deployed, without a password."""
    (group,) = context.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[context.read(SuaiCloudAppOutputs).group]
    )["AutoScalingGroups"]
    running = [instance for instance in group["Instances"] if instance["LifecycleState"] == "InService"]
    expect(len(running) >= group["MinSize"], f"{len(running)} of {group['MinSize']} instances are in service")
    ec2 = context.client("ec2")
    template = group["LaunchTemplate"]
    (version,) = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    packed = base64.b64decode(version["LaunchTemplateData"]["UserData"])
    user_data = gzip.decompress(packed).decode()
    outputs = context.read(SuaiCloudAppOutputs)
    named = (
        outputs.bucket, outputs.database_address, outputs.database_user_secret_arn, outputs.redis_endpoint,
        outputs.table,
    )  # fmt: skip
    for value in named:
        expect(f'"{value}"' in user_data, f"the user data does not name {value}")
    expect(len(packed) <= 16384, f"the user data has {len(packed)} bytes, EC2 takes 16384")
    expect(outputs.database_secret_arn not in user_data, "the user data names the master user's secret")
    return f"{len(running)} in service"


def load_balancer_waits_for_nothing_but_the_release(context: CheckContext) -> str:
    """Every instance is registered with the load balancer, which asks for /health; the release comes after."""
    elb = context.client("elbv2")
    (group,) = context.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[context.read(SuaiCloudAppOutputs).group]
    )["AutoScalingGroups"]
    (arn,) = group["TargetGroupARNs"]
    (target_group,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    expect(target_group["HealthCheckPath"] == "/health", f"it asks for {target_group['HealthCheckPath']}")
    health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    expect(len(health) == len(group["Instances"]), f"{len(health)} of {len(group['Instances'])} instances are targets")
    outputs = context.read(SuaiCloudAppOutputs)
    unpublished = f"there is nothing below {outputs.release_prefix} in {outputs.bucket}"
    reasons = {target["TargetHealth"].get("Description", "") for target in health} - {""}
    expect(reasons <= {unpublished}, f"its targets are unhealthy: {'; '.join(reasons)}")
    return f"{len(health)} on port {target_group['Port']}" + (f"; {unpublished} yet" if reasons else "")


def only_instances_and_function_reach_the_database(context: CheckContext) -> str:
    """Only the instances and the function that makes the application's user may open a connection to MySQL."""
    ec2 = context.client("ec2")
    groups = [group["VpcSecurityGroupId"] for group in _database(context)["VpcSecurityGroups"]]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": groups}])["SecurityGroupRules"]
    incoming = [rule for rule in rules if not rule["IsEgress"]]
    expect(len(incoming) == 2, f"{len(incoming)} rules open the database")
    closed = all("ReferencedGroupInfo" in rule for rule in incoming)
    expect(closed, "the database is open to addresses, not to security groups")
    return "two rules open the database"


def _database(context: CheckContext) -> dict[str, Any]:
    instances = context.client("rds").describe_db_instances()["DBInstances"]
    address = context.read(SuaiCloudAppOutputs).database_address
    mine = [instance for instance in instances if instance.get("Endpoint", {}).get("Address") == address]
    expect(len(mine) == 1, f"no database answers at {address}")
    found: dict[str, Any] = mine[0]
    return found
