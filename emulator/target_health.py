"""Health of a load balancer's target, as far as it follows from what exists: access, and what the instance boots from.

Whether the program then answers cannot be told here. What an instance boots from is read in its user data: container
images, secrets by ARN, and objects below a prefix of a bucket.
"""

from __future__ import annotations

import base64
import gzip
import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from moto.core.types import Base64EncodedString
from moto.ecr.models import ecr_backends
from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup, elbv2_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from emulator.gap import Gap
from emulator.identities import policies_of
from emulator.rules.trust import find_role, may

GAP = Gap("elbv2")

_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([a-z0-9._/-]+)(?::([A-Za-z0-9._-]+))?")
_SECRET = re.compile(r"arn:aws:secretsmanager:([a-z0-9-]+):(\d{12}):secret:[A-Za-z0-9/_+=.@!-]+")
_PARAMETER = re.compile(
    r"arn:aws:ssm:(?P<region>[a-z0-9-]+):(?P<account_id>\d{12}):parameter(?P<name>/[A-Za-z0-9_./-]*[A-Za-z0-9_.-])(?:/\*)?"
)
_VALUE = re.compile(r'"([^"\n]+)"')
_PREFIX = re.compile(r"[A-Za-z0-9_.-]+/")
_GZIP = b"\x1f\x8b"


class _Machine(NamedTuple):
    """An instance's user data, role and security groups; the role is an ARN, and empty when it has none."""

    user_data: str
    role: str
    group_ids: Sequence[str]


class UnhealthyTarget(NamedTuple):
    """A target that would not pass its health check."""

    account_id: str
    region: str
    target_group: str
    target: str
    reason: str


@GAP.around(FakeTargetGroup, "health_for")
def healthy_when_nothing_speaks_against_it(
    original: Any, group: FakeTargetGroup, target: dict[str, Any], ec2: Any
) -> FakeHealthStatus:
    found: FakeHealthStatus = original(group, target, ec2)
    instance = ec2.get_instance_by_id(target["Id"]) if found.status == "healthy" else None
    if instance is None:
        return found
    reason = next(_reasons(group, int(found.port), _machine(instance, ec2), ec2), "")
    if not reason:
        return found
    failed = "Target.FailedHealthChecks"
    return FakeHealthStatus(found.instance_id, found.port, found.health_check_port, "unhealthy", failed, reason)


def unhealthy_targets() -> list[UnhealthyTarget]:
    """The unhealthy targets of every account and region."""
    unhealthy = []
    for account_id, regions in list(elbv2_backends.items()):
        for region, backend in list(regions.items()):
            for group in list(backend.target_groups.values()):
                for target in list(group.targets.values()):
                    found = group.health_for({"Id": target["Id"], "Port": target["Port"]}, backend.ec2_backend)
                    if found.status == "unhealthy":
                        reason = str(found.description)
                        unhealthy.append(UnhealthyTarget(account_id, region, group.name, found.instance_id, reason))
    return unhealthy


def _reasons(group: FakeTargetGroup, port: int, machine: _Machine, ec2: Any) -> Iterator[str]:
    yield from _access(group, port, machine, ec2)
    yield from _images(machine)
    yield from _secrets(machine)
    yield from _parameters(machine)
    yield from _objects(machine, ec2.account_id)


def _access(group: FakeTargetGroup, port: int, machine: _Machine, ec2: Any) -> Iterator[str]:
    """Each load balancer of the group needs one rule that lets it in."""
    balancers = elbv2_backends[ec2.account_id][ec2.region_name].load_balancers
    rules = [
        rule
        for group_id in machine.group_ids
        if (found := ec2.get_security_group_from_id(group_id))
        for rule in found.ingress_rules
    ]
    for arn in group.load_balancer_arns:
        balancer = balancers.get(arn)
        if balancer is not None and not any(_lets_in(rule, port, balancer) for rule in rules):
            yield f"no security group of the instance lets {balancer.name} reach port {port}"


def _lets_in(rule: Any, port: int, balancer: Any) -> bool:
    if str(rule.ip_protocol) not in ("-1", "tcp"):
        return False
    if str(rule.ip_protocol) == "tcp" and not int(rule.from_port) <= port <= int(rule.to_port):
        return False
    if rule.source_group.get("GroupId") in (balancer.security_groups or ()):
        return True
    block = rule.ip_range.get("CidrIp")
    return bool(block) and all(
        ipaddress.ip_network(subnet.cidr_block).subnet_of(ipaddress.ip_network(block))  # type: ignore[arg-type]  # both of version 4
        for subnet in balancer.subnets
    )


def _images(machine: _Machine) -> Iterator[str]:
    for account_id, region, name, tag in _IMAGE.findall(machine.user_data):
        repository = ecr_backends[account_id][region].repositories.get(name)
        pushed = {known for image in (repository.images if repository else ()) for known in image.image_tags}
        if repository is None:
            yield f"there is no repository {name}"
        elif not pushed or (tag and tag not in pushed):
            yield f"there is no image {name}:{tag or '(any)'}"
        arn = f"arn:aws:ecr:{region}:{account_id}:repository/{name}"
        if not machine.role or not may(machine.role, "ecr:BatchGetImage", arn):
            yield f"{machine.role or 'the instance, which has no role,'} may not pull {name}"


def _secrets(machine: _Machine) -> Iterator[str]:
    for found in _SECRET.finditer(machine.user_data):
        arn, (region, account_id) = found.group(), found.groups()
        secrets = secretsmanager_backends[account_id][region].secrets
        if not any(secret.arn == arn for secret in secrets.values()):
            yield f"there is no secret {arn}"
        elif not machine.role or not may(machine.role, "secretsmanager:GetSecretValue", arn):
            yield f"{machine.role or 'the instance, which has no role,'} may not read {arn}"


def _parameters(machine: _Machine) -> Iterator[str]:
    """Parameters that the role may read and that stand in the user data, by name or by the path they are below."""
    role = find_role(machine.role) if machine.role else None
    resources = {
        resource
        for policy in (policies_of(role) if role else ())
        for statement in policy.statements
        if statement.allows
        for resource in statement.resources or ()
    }
    for resource in sorted(resources):
        named = _PARAMETER.fullmatch(resource)
        if named is None or f'"{named["name"]}"' not in machine.user_data:
            continue
        known = ssm_backends[named["account_id"]][named["region"]]._parameters
        if not any(name == named["name"] or name.startswith(f"{named['name']}/") for name in known):
            yield f"there is no parameter {named['name']}"


def _objects(machine: _Machine, account_id: str) -> Iterator[str]:
    """Something has to be below a prefix that stands beside a bucket's name."""
    values = _VALUE.findall(machine.user_data)
    buckets = [bucket for name, bucket in s3_backends[account_id]["aws"].buckets.items() if name in values]
    prefixes = [value for value in values if _PREFIX.fullmatch(value)]
    for prefix in prefixes if buckets else ():
        if not any(str(key).startswith(prefix) for bucket in buckets for key in bucket.keys):
            yield f"there is nothing below {prefix} in {', '.join(bucket.name for bucket in buckets)}"


def _machine(instance: Any, ec2: Any) -> _Machine:
    """Taken from the launch template of the instance's group, which moto does not hand on to the instance."""
    group = getattr(instance, "autoscaling_group", None)
    template = group.ec2_launch_template if group else None
    if group is None or template is None:
        association = next(
            (a for a in ec2.iam_instance_profile_associations.values() if a.instance.id == instance.id), None
        )
        profile = association.iam_instance_profile if association else None
        return _Machine(_text(instance.user_data), _role(profile), [each.id for each in instance.dynamic_group_list])
    data = template.get_version(group.launch_template_version).data
    asked = data.get("IamInstanceProfile", {})
    name = asked.get("Name") or asked.get("Arn", "").rpartition("/")[2]
    groups = data.get("SecurityGroupIds") or [
        group_id for interface in data.get("NetworkInterfaces", ()) for group_id in interface.get("Groups", ())
    ]
    return _Machine(_text(data.get("UserData")), _role_of_profile(ec2.account_id, name), groups)


def _role_of_profile(account_id: str, name: str) -> str:
    profiles = iam_backends[account_id]["aws"].instance_profiles.values()
    return _role(next((profile for profile in profiles if profile.name == name), None))


def _role(profile: Any) -> str:
    return str(profile.roles[0].arn) if profile is not None and profile.roles else ""


def _text(user_data: Any) -> str:
    """User data as text, however it was encoded."""
    if not user_data:
        return ""
    raw = user_data.as_bytes() if isinstance(user_data, Base64EncodedString) else str(user_data).encode()
    try:
        decoded = base64.b64decode(raw, validate=True)
    except ValueError:
        decoded = raw
    return (gzip.decompress(decoded) if decoded.startswith(_GZIP) else decoded).decode(errors="replace")
