"""Checks of `make demo` on an applied Sync Storage."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

from deployments.sync_storage.outputs import SyncStorageOutputs
from operations.demo.check import Check, CheckContext, expect

DATABASES_PER_NODE = 10


def checks() -> Sequence[Check]:
    """The checks, quick ones first."""
    return (
        Check("nodes", nodes_are_mysql_with_ten_host_names_each),
        Check("cache", cache_is_one_memcached_node_that_webheads_can_look_up),
        Check("secrets", secrets_are_there_and_empty),
        Check("webheads", webheads_run_with_user_data_that_names_no_node),
        Check("load balancer", load_balancer_asks_for_the_heartbeat_and_waits_long_enough),
        Check("network", only_webheads_and_the_functions_reach_the_nodes),
        Check("functions", functions_are_in_the_network),
    )


def nodes_are_mysql_with_ten_host_names_each(context: CheckContext) -> str:
    """Each node is what its entry says, and every host name leads to the load balancer."""
    entries = _entries(context)
    expect(entries, "no node is known to the webheads")
    outputs = context.read(SyncStorageOutputs)
    zone, target = outputs.zone_id, outputs.load_balancer_name
    pages = context.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    records = {
        record["Name"].rstrip("."): record["ResourceRecords"][0]["Value"].rstrip(".")
        for page in pages
        for record in page["ResourceRecordSets"]
        if record["Type"] == "CNAME"
    }
    for name, entry in entries.items():
        (database,) = context.client("rds").describe_db_instances(DBInstanceIdentifier=entry["identifier"])[
            "DBInstances"
        ]
        expect(database["Engine"] == "mysql", f"node {name} is {database['Engine']}")
        expect(database["Endpoint"]["Address"] == entry["address"], f"node {name} is not at {entry['address']}")
        expect(not database["PubliclyAccessible"], f"node {name} has a public address")
        expect(len(entry["host_names"]) == DATABASES_PER_NODE, f"node {name} has {len(entry['host_names'])} host names")
        for host_name in entry["host_names"]:
            expect(records.get(host_name) == target, f"{host_name} leads to {records.get(host_name, 'nothing')}")
    return f"{', '.join(entries)}: {len(entries) * DATABASES_PER_NODE} host names"


def cache_is_one_memcached_node_that_webheads_can_look_up(context: CheckContext) -> str:
    """The parameter names the one node of the one cluster."""
    name = f"{context.read(SyncStorageOutputs).parameter_path}/cache"
    value = context.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    clusters = context.client("elasticache").describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    mine = [cluster for cluster in clusters if f"{cluster['ConfigurationEndpoint']['Address']}:11211" == value]
    expect(len(mine) == 1, f"no cache answers at {value}")
    expect(mine[0]["Engine"] == "memcached", f"the cache is {mine[0]['Engine']}")
    expect(mine[0]["NumCacheNodes"] == 1, f"the cache has {mine[0]['NumCacheNodes']} nodes")
    return f"one {mine[0]['CacheNodeType']}"


def secrets_are_there_and_empty(context: CheckContext) -> str:
    """Terraform has made the secrets and put nothing into them: that is for the operators' commands."""
    manager = context.client("secretsmanager")
    application_secret = context.read(SyncStorageOutputs).application_secret
    names = [application_secret, *(entry["master_secrets"] for entry in _entries(context).values())]
    for name in names:
        expect(not manager.describe_secret(SecretId=name).get("VersionIdsToStages"), f"{name} has a value already")
    return f"{len(names)} empty"


def webheads_run_with_user_data_that_names_no_node(context: CheckContext) -> str:
    """The group holds its minimum; what instances start from stays the same when nodes come and go."""
    group = _group(context)
    running = [instance for instance in group["Instances"] if instance["LifecycleState"] == "InService"]
    expect(len(running) >= group["MinSize"], f"{len(running)} of {group['MinSize']} webheads are in service")
    (version,) = context.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=group["LaunchTemplate"]["LaunchTemplateId"], Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    compressed = base64.b64decode(version["LaunchTemplateData"]["UserData"])
    expect(len(compressed) <= 16384, f"the user data has {len(compressed)} bytes, EC2 takes 16384")
    user_data = gzip.decompress(compressed).decode()
    outputs = context.read(SyncStorageOutputs)
    for value in (outputs.parameter_path, outputs.application_secret):
        expect(f'"{value}"' in user_data, f"the user data does not name {value}")
    for name, entry in _entries(context).items():
        expect(entry["address"] not in user_data, f"the user data names node {name}")
    return f"{len(running)} in service"


def load_balancer_asks_for_the_heartbeat_and_waits_long_enough(context: CheckContext) -> str:
    """Every webhead is registered and healthy by /__heartbeat__; requests may take as long as nginx lets them."""
    elb = context.client("elbv2")
    group = _group(context)
    (arn,) = group["TargetGroupARNs"]
    (target_group,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    expect(target_group["HealthCheckPath"] == "/__heartbeat__", f"it asks for {target_group['HealthCheckPath']}")
    (balancer,) = target_group["LoadBalancerArns"]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    values = {attribute["Key"]: attribute["Value"] for attribute in attributes}
    expect(int(values["idle_timeout.timeout_seconds"]) > 575, "it cuts requests off that nginx still waits for")
    health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    states = [target["TargetHealth"]["State"] for target in health]
    expect(states == ["healthy"] * len(group["Instances"]), f"its targets are {states or 'none'}")
    return f"{len(states)} healthy on port {target_group['Port']}"


def only_webheads_and_the_functions_reach_the_nodes(context: CheckContext) -> str:
    """All nodes are in one security group, which three other groups may reach and no address."""
    instances = [
        context.client("rds").describe_db_instances(DBInstanceIdentifier=entry["identifier"])["DBInstances"][0]
        for entry in _entries(context).values()
    ]
    groups = {group["VpcSecurityGroupId"] for instance in instances for group in instance["VpcSecurityGroups"]}
    expect(len(groups) == 1, f"the nodes are in {len(groups)} security groups")
    rules = context.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": list(groups)}])
    incoming = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    expect(all("ReferencedGroupInfo" in rule for rule in incoming), "the nodes are open to addresses")
    expect({rule["FromPort"] for rule in incoming} == {3306}, "the nodes are open on other ports than 3306")
    expect(len(incoming) == 3, f"{len(incoming)} rules open the nodes")
    return "three rules open the nodes"


def functions_are_in_the_network(context: CheckContext) -> str:
    """The functions that make databases and purge them stand in the nodes' network."""
    outputs, handlers = context.read(SyncStorageOutputs), []
    for name in (outputs.databases_function, outputs.purge_function):
        found = context.client("lambda").get_function_configuration(FunctionName=name)
        expect(found["VpcConfig"]["SubnetIds"], f"{name} is outside the network")
        handlers.append(found["Handler"])
    return f"{' and '.join(handlers)} on {found['Runtime']}"


def _entries(context: CheckContext) -> dict[str, dict[str, Any]]:
    path = f"{context.read(SyncStorageOutputs).parameter_path}/nodes"
    pages = context.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
    found = [parameter for page in pages for parameter in page["Parameters"]]
    return {parameter["Name"].rpartition("/")[2]: json.loads(parameter["Value"]) for parameter in found}


def _group(context: CheckContext) -> dict[str, Any]:
    groups = context.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[context.read(SyncStorageOutputs).group]
    )
    (found,) = groups["AutoScalingGroups"]
    group: dict[str, Any] = found
    return group
