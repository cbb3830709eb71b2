"""Doors to AWS's services inside a network."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

from modules.access import Connections
from modules.network import Network
from modules.stack import DeploymentStack


class InterfaceEndpoints(Construct):
    """One interface endpoint for each of `services`, such as `secretsmanager`, so that calls stay inside the VPC.

    Without them the calls leave through NAT, encrypted as well. Each costs by the hour and zone.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, network: Network, services: Sequence[str]) -> None:
        super().__init__(scope, id_)
        region = DeploymentStack.of_construct(self).region
        self.connections = Connections(
            self, name=name, vpc_id=network.vpc_id, port=443, description=f"AWS services for {name}"
        )
        for service in services:
            VpcEndpoint(
                self,
                service.replace(".", "_").replace("-", "_"),
                vpc_id=network.vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(network.private_subnet_ids),
                security_group_ids=[self.connections.security_group_id],
                tags={"Name": f"{name}-{service}"},
            )
