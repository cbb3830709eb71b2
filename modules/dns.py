"""Host names in Route 53."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from constructs import Construct


class AliasTarget(Protocol):
    """A target that Route 53 can follow by itself: a load balancer, a content delivery network."""

    @property
    def dns_name(self) -> str:
        """The name AWS gave it."""
        ...

    @property
    def zone_id(self) -> str:
        """The hosted zone of that name, which belongs to AWS."""
        ...


class AliasRecord(Construct):
    """A host name that answers with the addresses of `target`; unlike a CNAME it may be a zone's own name."""

    def __init__(self, scope: Construct, id_: str, *, zone_id: str, host_name: str, target: AliasTarget) -> None:
        super().__init__(scope, id_)
        Route53Record(
            self,
            "Default",
            zone_id=zone_id,
            name=host_name,
            type="A",
            alias=Route53RecordAlias(name=target.dns_name, zone_id=target.zone_id, evaluate_target_health=True),
        )


class CanonicalNames(Construct):
    """Host names that are other names of `target`, a CNAME record each: naming another one touches none of the rest."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        zone_id: str,
        host_names: Sequence[str],
        target: str,
        ttl_seconds: int = 300,
    ) -> None:
        super().__init__(scope, id_)
        for host_name in host_names:
            Route53Record(
                self,
                id_of(host_name),
                zone_id=zone_id,
                name=host_name,
                type="CNAME",
                records=[target],
                ttl=ttl_seconds,
            )


def id_of(host_name: str) -> str:
    """The host name as a part of an address, in which dots cannot stand.

    >>> id_of("node-1.sync.example.org")
    'node-1_sync_example_org'
    """
    return host_name.replace(".", "_")
