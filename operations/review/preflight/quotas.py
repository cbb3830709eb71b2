"""Questions about quotas: addresses, networks, NAT gateways and virtual CPUs, with what is in use already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from operations.review.preflight.findings import PreflightFinding, fails, fine, not_checked
from operations.review.preflight.planned import tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.review.preflight.account import Account
    from operations.review.preflight.planned import PlannedDocument

_STANDARD_FAMILIES = "acdhimrtz"
"""First letters of the instance types that share the quota of standard instances."""


def elastic_addresses(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Elastic IP addresses of the region."""
    if needed := planned.count("aws_eip"):
        used = [tags_of(each.get("Tags", ())) for each in account.ask("ec2", "describe_addresses")["Addresses"]]
        yield _room(account, "Elastic IP addresses", "ec2", "L-0263D0A3", needed, _others(used, planned))


def networks(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """VPCs of the region."""
    if needed := planned.count("aws_vpc"):
        used = [tags_of(each.get("Tags", ())) for each in account.ask_all("ec2", "describe_vpcs", "Vpcs")]
        yield _room(account, "VPCs", "vpc", "L-F678F1CE", needed, _others(used, planned))


def nat_gateways(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """NAT gateways of each zone."""
    needed = Counter(_zone(planned, body) for _, body in planned.of("aws_nat_gateway"))
    if not needed:
        return
    zones = {
        subnet["SubnetId"]: subnet["AvailabilityZone"]
        for subnet in account.ask_all("ec2", "describe_subnets", "Subnets")
    }
    used: Counter[str] = Counter()
    for gateway in account.ask_all("ec2", "describe_nat_gateways", "NatGateways"):
        if gateway["State"] in ("pending", "available") and not planned.mine(tags_of(gateway.get("Tags", ()))):
            used[zones.get(gateway["SubnetId"], "")] += 1
    zone = max(needed, key=lambda each: needed[each] + used[each])
    yield _room(account, f"NAT gateways in {zone}", "vpc", "L-FE5A380F", needed[zone], used[zone])


def virtual_cpus(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Virtual CPUs of the standard instance types."""
    types = sorted(kind for kind in planned.instances if kind[0] in _STANDARD_FAMILIES)
    if not types:
        return
    sizes = {
        found["InstanceType"]: found["VCpuInfo"]["DefaultVCpus"]
        for found in account.ask_all("ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=types)
    }
    needed = sum(sizes[kind] * planned.instances[kind] for kind in types)
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    used = 0
    for reservation in account.ask_all("ec2", "describe_instances", "Reservations", Filters=running):
        for instance in reservation["Instances"]:
            options = instance.get("CpuOptions", {})
            if instance["InstanceType"][0] in _STANDARD_FAMILIES and not planned.mine(
                tags_of(instance.get("Tags", ()))
            ):
                used += options.get("CoreCount", 1) * options.get("ThreadsPerCore", 1)
    yield _room(account, "virtual CPUs of standard instances", "ec2", "L-1216C47A", needed, used)


def _room(account: Account, subject: str, service: str, quota: str, needed: int, used: int) -> PreflightFinding:
    try:
        answer = account.ask("service-quotas", "get_service_quota", ServiceCode=service, QuotaCode=quota)
    except ClientError:
        return not_checked("quota", f"{subject}: AWS does not say how many there may be", f"look at quota {quota}")
    most = int(answer["Quota"]["Value"])
    text = f"{subject}: {needed} wanted, {used} used by others, {most} allowed"
    if needed + used <= most:
        return fine("quota", text)
    raise_it = f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {quota}"
    return fails("quota", text, f"{raise_it} --desired-value {needed + used}")


def _others(found: list[dict[str, str]], planned: PlannedDocument) -> int:
    return sum(not planned.mine(tags) for tags in found)


def _zone(planned: PlannedDocument, gateway: Mapping[str, str]) -> str:
    subnets = {f"${{{address}.id}}": body["availability_zone"] for address, body in planned.of("aws_subnet")}
    zone: str = subnets.get(gateway["subnet_id"], "")
    return zone
