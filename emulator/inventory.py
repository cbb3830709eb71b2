"""Inventory of the emulator, counted by service, kind, account and region."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, NamedTuple

from emulator.store import Shelf


class Entry(NamedTuple):
    """How many objects of one kind there are in one account and region."""

    account_id: str
    region: str
    service: str
    kind: str
    number: int


def _customer_keys(backend: Any) -> list[Any]:
    """Keys somebody made; AWS's own and those on their way out are left out."""
    return [
        key
        for key in backend.keys.values()
        if key.key_state != "PendingDeletion" and not any(alias.startswith("alias/aws/") for alias in key.aliases)
    ]


_KINDS: tuple[tuple[str, str, Callable[[Any], Sized]], ...] = (
    ("acm", "certificates", lambda backend: backend._certificates),
    ("autoscaling", "groups", lambda backend: backend.autoscaling_groups),
    ("cloudfront", "distributions", lambda backend: backend.distributions),
    ("cloudwatch", "alarms", lambda backend: backend.alarms),
    ("dynamodb", "tables", lambda backend: backend.tables),
    ("ec2", "instances", lambda backend: backend.all_running_instances()),
    ("ec2", "launch templates", lambda backend: backend.launch_templates),
    ("ec2", "VPCs", lambda backend: [vpc for vpc in backend.vpcs.values() if not vpc.is_default]),
    ("ecr", "repositories", lambda backend: backend.repositories),
    (
        "ecs",
        "services",
        lambda backend: [service for service in backend.services.values() if service.status == "ACTIVE"],
    ),
    ("elbv2", "load balancers", lambda backend: backend.load_balancers),
    ("events", "rules", lambda backend: [r for bus in backend.event_buses.values() for r in bus.rules]),
    ("iam", "roles", lambda backend: backend.roles),
    ("kms", "keys", _customer_keys),
    ("lambda", "functions", lambda backend: backend.list_functions()),
    ("logs", "groups", lambda backend: backend.groups),
    ("rds", "clusters", lambda backend: backend.clusters),
    ("rds", "instances", lambda backend: backend.databases),
    ("route53", "zones", lambda backend: backend.zones),
    ("s3", "buckets", lambda backend: backend.buckets),
    ("secretsmanager", "secrets", lambda backend: backend.secrets),
    ("sns", "topics", lambda backend: backend.topics),
    ("sqs", "queues", lambda backend: backend.queues),
    ("ssm", "parameters", lambda backend: [n for n in backend._parameters if not n.startswith("/aws/")]),
    ("stepfunctions", "state machines", lambda backend: backend.state_machines),
)


def inventory() -> list[Entry]:
    """All objects that somebody made, by account, region, service and kind; what moto brings itself is left out."""
    from moto.core.base_backend import BackendDict

    used: list[Any] = list(BackendDict._instances)  # type: ignore[misc]  # one list for all kinds of backends
    counted = [
        Entry(account_id, region, service, kind, len(objects(backend)))
        for backends in used
        for service, kind, objects in _KINDS
        if service == backends.service_name
        for account_id, regions in list(backends.items())
        for region, backend in list(regions.items())
    ]
    counted += [
        Entry(account, region, service, kind, number) for service, kind, account, region, number in Shelf.census()
    ]
    return sorted(entry for entry in counted if entry.number)
