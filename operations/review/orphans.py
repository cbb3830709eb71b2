"""Finds resources that belong to others, or have an id of AWS's only, by what their stack declares of them.

Adoption does not look for them: they come with what they belong to. An apply that did not end well may leave one that
no state knows (`operations.plans.apply_plan`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.aws import refusals_explained
from operations.review.addresses import read_document

if TYPE_CHECKING:
    from collections.abc import Collection

    from operations.aws import Aws
    from operations.stacks import Stack

_REFERENCE = re.compile(r"\$\{(aws_\w+)\.(\w+)\.(\w+)\}")


@dataclass(frozen=True)
class OrphanLookup:
    """How one type is looked for: the service, the arguments that `find` takes after the client; it returns import ids.

    Arguments are paths such as `tags.Name`; one that may be left out ends with `?`, and is None then.
    """

    service: str
    arguments: tuple[str, ...]
    find: Callable[..., Iterator[str]]


class _UndecidedError(Exception):
    """The resource or an argument is not declared, or refers to what is neither known nor known to be absent."""


class _AbsentError(Exception):
    """An argument refers to a resource that does not exist."""


@dataclass
class _Declarations:
    """Declarations of a stack's document, with references resolved by what is known of others."""

    document: Mapping[str, Any]
    known: dict[str, Mapping[str, object]]
    """Address → attributes."""
    absent: set[str]
    """Addresses of what was looked for and does not exist."""

    def value(self, address: str, path: str) -> Any:
        """The argument; None when an optional one is not declared. Raises _UndecidedError and _AbsentError."""
        kind, _, name = address.partition(".")
        found: Any = self.document["resource"].get(kind, {}).get(name)
        if found is None:
            raise _UndecidedError(address)
        for step in path.removesuffix("?").split("."):
            found = found[int(step)] if isinstance(found, list) else found.get(step)
            if found is None and path.endswith("?"):
                return None
            if found is None:
                raise _UndecidedError(path)
        return self._resolved(found) if isinstance(found, str) else found

    def region(self, address: str) -> str:
        """The region of the provider that the resource names; empty when it names none of another region."""
        kind, _, name = address.partition(".")
        alias = str(self.document["resource"].get(kind, {}).get(name, {}).get("provider", "")).partition(".")[2]
        blocks = self.document.get("provider", {}).get("aws", [])
        return next((str(block.get("region", "")) for block in blocks if alias and block.get("alias") == alias), "")

    def note(self, address: str, ids: Sequence[str]) -> None:
        """Take down what was found of a resource, for those that refer to it."""
        if not ids:
            self.absent.add(address)
        elif len(ids) == 1:
            self.known.setdefault(address, {"id": ids[0], **({"arn": ids[0]} if ids[0].startswith("arn:") else {})})

    def _resolved(self, text: str) -> str:
        resolved = _REFERENCE.sub(lambda reference: self._referred(*reference.groups()), text)
        if "${" in resolved:
            raise _UndecidedError(text)
        return resolved

    def _referred(self, kind: str, name: str, attribute: str) -> str:
        address = f"{kind}.{name}"
        if address in self.absent:
            raise _AbsentError(address)
        recorded = self.known.get(address, {}).get(attribute)
        if recorded is not None:
            return str(recorded)
        declared = self.document["resource"].get(kind, {}).get(name, {}).get(attribute)
        if declared is None:
            raise _UndecidedError(address)
        return self._resolved(str(declared))


def find_orphans(
    aws: Aws,
    stack: Stack,
    addresses: Collection[str],
    *,
    known: Mapping[str, Mapping[str, object]],
    found: Mapping[str, Sequence[str]],
) -> dict[str, tuple[str, ...]]:
    """Address → import ids of each that can be looked for; empty for what does not exist.

    `known` are attributes in the state, `found` the ids of what was looked for by name. What can be decided neither way
    is left out. Raises OperatorError when AWS refuses.
    """
    declared = _Declarations(read_document(stack.folder), dict(known), set())
    for address, ids in found.items():
        declared.note(address, ids)
    decided: dict[str, tuple[str, ...]] = {}
    pending = sorted(address for address in addresses if address.partition(".")[0] in ORPHANS)
    while pending:
        later = []
        for address in pending:
            try:
                with refusals_explained():
                    decided[address] = _ids(aws, stack, declared, address)
            except _UndecidedError:
                later.append(address)
            else:
                declared.note(address, decided[address])
        if len(later) == len(pending):
            break
        pending = later
    return decided


def _ids(aws: Aws, stack: Stack, declared: _Declarations, address: str) -> tuple[str, ...]:
    from botocore.exceptions import ClientError

    lookup = ORPHANS[address.partition(".")[0]]
    try:
        values = [declared.value(address, path) for path in lookup.arguments]
        client = aws.client(lookup.service, region=declared.region(address) or stack.region)
        return tuple(lookup.find(client, *values))
    except _AbsentError:
        return ()
    except ClientError as error:
        if not _says_missing(error):
            raise
        return ()


def _says_missing(error: Any) -> bool:
    code = str(error.response["Error"]["Code"])
    missing = error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    return missing or bool(re.search(r"NotFound|NoSuch|NotExist|InvalidDocument$|ResourceNotFound", code))


def _asked(method: str, id_: str, *parameters: str, says: str = "") -> Callable[..., Iterator[str]]:
    """Asks for one thing by parameters, in the order of the arguments; `says` is what its answer must hold."""

    def find(client: Any, *values: Any) -> Iterator[str]:
        said = getattr(client, method)(**dict(zip(parameters, values, strict=False)))
        if not says or said.get(says):
            yield id_.format(*values)

    return find


def _listed(
    method: str,
    items: str,
    matches: Callable[..., bool],
    id_: Callable[..., str],
    asked: Callable[..., Mapping[str, Any]] = lambda *_: {},
) -> Callable[..., Iterator[str]]:
    """Goes through a list; `items` is the path to its items, `asked` turns the arguments into the request's."""

    def find(client: Any, *values: Any) -> Iterator[str]:
        wanted = asked(*values)
        pages = client.get_paginator(method).paginate(**wanted) if client.can_paginate(method) else None
        for page in pages if pages is not None else [getattr(client, method)(**wanted)]:
            found: Any = page
            for step in items.split("."):
                found = found.get(step) or {}
            for item in found or ():
                if matches(item, *values):
                    yield id_(item, *values)

    return find


def _rules(*, egress: bool) -> OrphanLookup:
    """Rules of a security group, told apart by protocol, ports and peer."""
    peers = ("cidr_ipv4?", "cidr_ipv6?", "prefix_list_id?", "referenced_security_group_id?")

    def peer(rule: Mapping[str, Any]) -> tuple[Any, ...]:
        group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
        return rule.get("CidrIpv4"), rule.get("CidrIpv6"), rule.get("PrefixListId"), group

    def matches(rule: Mapping[str, Any], _: str, protocol: str, low: int | None, high: int | None, *to: Any) -> bool:
        ports = (None, None) if protocol == "-1" else (rule.get("FromPort"), rule.get("ToPort"))
        wanted = (None, None) if protocol == "-1" else (low, high)
        return (rule["IsEgress"], rule["IpProtocol"], ports, peer(rule)) == (egress, protocol, wanted, to)

    return OrphanLookup(
        "ec2",
        ("security_group_id", "ip_protocol", "from_port?", "to_port?", *peers),
        _listed(
            "describe_security_group_rules",
            "SecurityGroupRules",
            matches,
            lambda rule, *_: str(rule["SecurityGroupRuleId"]),
            lambda group, *_: {"Filters": [{"Name": "group-id", "Values": [group]}]},
        ),
    )


def _named(service: str, argument: str, method: str, items: str, name: str, id_: str, **asked: str) -> OrphanLookup:
    """One of a list with the name that is declared; `name` and `id_` are paths within an item."""

    def at(item: Any, path: str) -> Any:
        for step in path.split("."):
            item = item[step]
        return item

    return OrphanLookup(
        service,
        (argument,),
        _listed(
            method,
            items,
            lambda item, wanted: at(item, name) == wanted,
            lambda item, _: str(at(item, id_)),
            lambda _: asked,
        ),
    )


def _customer_keys(client: Any, description: str) -> Iterator[str]:
    for page in client.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            found = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if found["KeyState"] == "Enabled" and found.get("Description") == description:
                yield found["KeyId"]


def _scaling_targets(client: Any, namespace: str, resource: str, dimension: str) -> Iterator[str]:
    asked = {"ServiceNamespace": namespace, "ResourceIds": [resource], "ScalableDimension": dimension}
    for _ in client.describe_scalable_targets(**asked)["ScalableTargets"]:
        yield f"{namespace}/{resource}/{dimension}"


def _schedules(client: Any, group: str | None, name: str) -> Iterator[str]:
    client.get_schedule(Name=name, GroupName=group or "default")
    yield f"{group or 'default'}/{name}"


def _of_bucket(method: str, says: str = "") -> OrphanLookup:
    return OrphanLookup("s3", ("bucket",), _asked(method, "{}", "Bucket", says=says))


_SCALED = ("service_namespace", "resource_id", "scalable_dimension")

ORPHANS: Mapping[str, OrphanLookup] = {
    "aws_acm_certificate": _named(
        "acm", "domain_name", "list_certificates", "CertificateSummaryList", "DomainName", "CertificateArn"
    ),
    "aws_appautoscaling_policy": OrphanLookup(
        "application-autoscaling",
        (*_SCALED, "name"),
        _listed(
            "describe_scaling_policies",
            "ScalingPolicies",
            lambda policy, *wanted: (policy["ScalableDimension"], policy["PolicyName"]) == wanted[2:],
            lambda _, *wanted: "/".join(wanted),
            lambda namespace, resource, *_: {"ServiceNamespace": namespace, "ResourceId": resource},
        ),
    ),
    "aws_appautoscaling_target": OrphanLookup("application-autoscaling", _SCALED, _scaling_targets),
    "aws_autoscaling_policy": OrphanLookup(
        "autoscaling",
        ("autoscaling_group_name", "name"),
        _listed(
            "describe_policies",
            "ScalingPolicies",
            lambda policy, _, name: policy["PolicyName"] == name,
            lambda _, group, name: f"{group}/{name}",
            lambda group, _: {"AutoScalingGroupName": group},
        ),
    ),
    "aws_backup_plan": _named(
        "backup", "name", "list_backup_plans", "BackupPlansList", "BackupPlanName", "BackupPlanId"
    ),
    "aws_backup_selection": OrphanLookup(
        "backup",
        ("plan_id", "name"),
        _listed(
            "list_backup_selections",
            "BackupSelectionsList",
            lambda selection, _, name: selection["SelectionName"] == name,
            lambda selection, plan, _: f"{plan}|{selection['SelectionId']}",
            lambda plan, _: {"BackupPlanId": plan},
        ),
    ),
    "aws_backup_vault": OrphanLookup("backup", ("name",), _asked("describe_backup_vault", "{}", "BackupVaultName")),
    "aws_cloudfront_cache_policy": _named(
        "cloudfront", "name", "list_cache_policies", "CachePolicyList.Items",
        "CachePolicy.CachePolicyConfig.Name", "CachePolicy.Id", Type="custom",
    ),
    "aws_cloudfront_distribution": OrphanLookup(
        "cloudfront",
        ("aliases.0",),
        _listed(
            "list_distributions",
            "DistributionList.Items",
            lambda distribution, alias: alias in distribution.get("Aliases", {}).get("Items", ()),
            lambda distribution, _: str(distribution["Id"]),
        ),
    ),
    "aws_cloudfront_origin_access_control": _named(
        "cloudfront", "name", "list_origin_access_controls", "OriginAccessControlList.Items", "Name", "Id"
    ),
    "aws_cloudfront_response_headers_policy": _named(
        "cloudfront", "name", "list_response_headers_policies", "ResponseHeadersPolicyList.Items",
        "ResponseHeadersPolicy.ResponseHeadersPolicyConfig.Name", "ResponseHeadersPolicy.Id", Type="custom",
    ),
    "aws_cloudwatch_dashboard": OrphanLookup(
        "cloudwatch", ("dashboard_name",), _asked("get_dashboard", "{}", "DashboardName")
    ),
    "aws_cloudwatch_metric_alarm": OrphanLookup(
        "cloudwatch",
        ("alarm_name",),
        _listed(
            "describe_alarms",
            "MetricAlarms",
            lambda *_: True,
            lambda _, name: name,
            lambda name: {"AlarmNames": [name]},
        ),
    ),
    "aws_ecr_lifecycle_policy": OrphanLookup(
        "ecr", ("repository",), _asked("get_lifecycle_policy", "{}", "repositoryName")
    ),
    "aws_ecs_task_definition": OrphanLookup(
        "ecs",
        ("family",),
        _listed(
            "list_task_definitions",
            "taskDefinitionArns",
            lambda arn, family: arn.rpartition("/")[2].rpartition(":")[0] == family,
            lambda arn, _: arn,
            lambda family: {"familyPrefix": family, "status": "ACTIVE"},
        ),
    ),
    "aws_flow_log": OrphanLookup(
        "ec2",
        ("vpc_id",),
        _listed(
            "describe_flow_logs",
            "FlowLogs",
            lambda *_: True,
            lambda log, _: str(log["FlowLogId"]),
            lambda vpc: {"Filters": [{"Name": "resource-id", "Values": [vpc]}]},
        ),
    ),
    "aws_iam_role_policy": OrphanLookup(
        "iam", ("role", "name"), _asked("get_role_policy", "{}:{}", "RoleName", "PolicyName")
    ),
    "aws_iam_role_policy_attachment": OrphanLookup(
        "iam",
        ("role", "policy_arn"),
        _listed(
            "list_attached_role_policies",
            "AttachedPolicies",
            lambda policy, _, arn: policy["PolicyArn"] == arn,
            lambda _, role, arn: f"{role}/{arn}",
            lambda role, _: {"RoleName": role},
        ),
    ),
    "aws_iam_user_policy": OrphanLookup(
        "iam", ("user", "name"), _asked("get_user_policy", "{}:{}", "UserName", "PolicyName")
    ),
    "aws_kms_alias": _named("kms", "name", "list_aliases", "Aliases", "AliasName", "AliasName"),
    "aws_kms_key": OrphanLookup("kms", ("description",), _customer_keys),
    "aws_lb_listener": OrphanLookup(
        "elbv2",
        ("load_balancer_arn", "port"),
        _listed(
            "describe_listeners",
            "Listeners",
            lambda listener, _, port: listener["Port"] == port,
            lambda listener, *_: str(listener["ListenerArn"]),
            lambda balancer, _: {"LoadBalancerArn": balancer},
        ),
    ),
    "aws_lb_listener_rule": OrphanLookup(
        "elbv2",
        ("listener_arn", "priority"),
        _listed(
            "describe_rules",
            "Rules",
            lambda rule, _, priority: rule["Priority"] == str(priority),
            lambda rule, *_: str(rule["RuleArn"]),
            lambda listener, _: {"ListenerArn": listener},
        ),
    ),
    "aws_nat_gateway": OrphanLookup(
        "ec2",
        ("tags.Name",),
        _listed(
            "describe_nat_gateways",
            "NatGateways",
            lambda gateway, _: gateway["State"] in ("pending", "available"),
            lambda gateway, _: str(gateway["NatGatewayId"]),
            lambda name: {"Filter": [{"Name": "tag:Name", "Values": [name]}]},
        ),
    ),
    "aws_route": OrphanLookup(
        "ec2",
        ("route_table_id", "destination_cidr_block"),
        _listed(
            "describe_route_tables",
            "RouteTables",
            lambda table, _, block: any(route.get("DestinationCidrBlock") == block for route in table["Routes"]),
            lambda _, table, block: f"{table}_{block}",
            lambda table, _: {"RouteTableIds": [table]},
        ),
    ),
    "aws_route53_record": OrphanLookup(
        "route53",
        ("zone_id", "name", "type"),
        _listed(
            "list_resource_record_sets",
            "ResourceRecordSets",
            lambda record, _, name, kind: (record["Name"].rstrip("."), record["Type"]) == (name.rstrip("."), kind),
            lambda _, *wanted: "_".join(wanted),
            lambda zone, *_: {"HostedZoneId": zone},
        ),
    ),
    "aws_route_table_association": OrphanLookup(
        "ec2",
        ("subnet_id", "route_table_id"),
        _listed(
            "describe_route_tables",
            "RouteTables",
            lambda table, subnet, _: any(each.get("SubnetId") == subnet for each in table["Associations"]),
            lambda _, *wanted: "/".join(wanted),
            lambda _, table: {"RouteTableIds": [table]},
        ),
    ),
    "aws_s3_bucket_cors_configuration": _of_bucket("get_bucket_cors"),
    "aws_s3_bucket_logging": _of_bucket("get_bucket_logging", "LoggingEnabled"),
    "aws_s3_bucket_website_configuration": _of_bucket("get_bucket_website"),
    "aws_s3_object": OrphanLookup("s3", ("bucket", "key"), _asked("head_object", "{}/{}", "Bucket", "Key")),
    "aws_scheduler_schedule": OrphanLookup("scheduler", ("group_name?", "name"), _schedules),
    "aws_sns_topic_subscription": OrphanLookup(
        "sns",
        ("topic_arn", "protocol", "endpoint"),
        _listed(
            "list_subscriptions_by_topic",
            "Subscriptions",
            lambda found, _, protocol, endpoint: (found["Protocol"], found["Endpoint"]) == (protocol, endpoint),
            lambda found, *_: str(found["SubscriptionArn"]),
            lambda topic, *_: {"TopicArn": topic},
        ),
    ),
    "aws_ssm_document": OrphanLookup("ssm", ("name",), _asked("describe_document", "{}", "Name")),
    "aws_vpc_endpoint": OrphanLookup(
        "ec2",
        ("vpc_id", "service_name"),
        _listed(
            "describe_vpc_endpoints",
            "VpcEndpoints",
            lambda endpoint, *_: endpoint["State"].lower() in ("pending", "available", "pendingacceptance"),
            lambda endpoint, *_: str(endpoint["VpcEndpointId"]),
            lambda vpc, service: {
                "Filters": [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "service-name", "Values": [service]}]
            },
        ),
    ),
    "aws_vpc_security_group_egress_rule": _rules(egress=True),
    "aws_vpc_security_group_ingress_rule": _rules(egress=False),
}  # fmt: skip
"""Resource type → how an orphan of it is looked for; ids are those that the provider imports by (its pages on each
type in version 5.100.0, 2026-11-29)."""
