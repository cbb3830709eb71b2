"""The network a deployment lives in."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Final, NamedTuple

from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.nat_gateway import NatGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

from config.components import AdoptedNetwork, OwnNetwork
from modules.access import ANYWHERE
from modules.flow_log import FlowLog
from modules.order import Prerequisites
from modules.policy import allow, document
from modules.stack import DeploymentStack

_ON_TABLES = (
    "dynamodb:Batch*",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:Describe*",
    "dynamodb:GetItem",
    "dynamodb:ListTables",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
_ON_BUCKETS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject*",
    "s3:Get*",
    "s3:List*",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
)


class Network(Construct):
    """A VPC with a private subnet in every availability zone: the deployment's own, or one that exists already.

    Its own has a public subnet in every zone besides. The addresses of a subnet follow from the letter of its zone, so
    that naming another zone or leaving one out moves no other subnet. An adopted one gets no resources at all.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, settings: OwnNetwork | AdoptedNetwork) -> None:
        super().__init__(scope, id_)
        built = self._build(name, settings) if isinstance(settings, OwnNetwork) else _adopt(settings)
        self.vpc_id: Final[str] = built.vpc_id
        self.availability_zones: Final[Sequence[str]] = settings.availability_zones
        self.public_subnet_ids: Final[Sequence[str]] = built.public_subnet_ids
        """One in every zone; of an adopted network those that were named, perhaps none."""
        self.private_subnet_ids: Final[Sequence[str]] = built.private_subnet_ids
        """One in every zone, in the order of `availability_zones`."""
        self.ways_out: Final[Prerequisites] = built.ways_out
        """How what runs in the subnets reaches AWS and the internet; nothing in an adopted network, where it exists."""

    def _build(self, name: str, settings: OwnNetwork) -> _Built:
        vpc = Vpc(
            self,
            "Default",
            cidr_block=settings.cidr_block,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": name},
        )
        DefaultSecurityGroup(self, "default_security_group", vpc_id=vpc.id, tags={"Name": f"{name}-closed"})
        FlowLog(self, "flow_log", name=name, vpc_id=vpc.id, retention_days=settings.flow_log_retention_days)
        gateway = InternetGateway(self, "internet_gateway", vpc_id=vpc.id, tags={"Name": name})
        public_routes = RouteTable(self, "public_routes", vpc_id=vpc.id, tags={"Name": f"{name}-public"})
        ways_out = Prerequisites(
            Route(
                self,
                "public_to_internet",
                route_table_id=public_routes.id,
                destination_cidr_block=ANYWHERE,
                gateway_id=gateway.id,
            )
        )
        blocks = [str(block) for block in IPv4Network(settings.cidr_block).subnets(prefixlen_diff=4)]
        public, private, route_tables, nat = [], [], [public_routes.id], None
        for zone in settings.availability_zones:
            letter = zone[-1]
            place = ord(letter) - ord("a")
            public_subnet, association = self._subnet(f"public_{letter}", vpc, name, zone, blocks[place], public_routes)
            ways_out.add(association)
            private_routes = RouteTable(
                self, f"private_{letter}_routes", vpc_id=vpc.id, tags={"Name": f"{name}-private-{letter}"}
            )
            private_subnet, association = self._subnet(
                f"private_{letter}", vpc, name, zone, blocks[8 + place], private_routes
            )
            ways_out.add(association)
            if settings.nat == "per_az" or (settings.nat == "single" and nat is None):
                nat = self._nat(letter, name, public_subnet, gateway)
            if nat is not None:
                ways_out.add(
                    Route(
                        self,
                        f"private_{letter}_to_internet",
                        route_table_id=private_routes.id,
                        destination_cidr_block=ANYWHERE,
                        nat_gateway_id=nat.id,
                    )
                )
            public.append(public_subnet.id)
            private.append(private_subnet.id)
            route_tables.append(private_routes.id)
        # both gateways are free, and what passes them pays no NAT
        for service in ("s3", "dynamodb"):
            endpoint = VpcEndpoint(
                self,
                f"{service}_endpoint",
                vpc_id=vpc.id,
                service_name=f"com.amazonaws.{DeploymentStack.of_construct(self).region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=route_tables,
                policy=_gateway_policy(service, DeploymentStack.of_construct(self).environment.account_id),
                tags={"Name": f"{name}-{service}"},
            )
            ways_out.add(endpoint)  # one that comes later cuts off what is being fetched
        return _Built(vpc.id, public, private, ways_out)

    def _subnet(
        self, id_: str, vpc: Vpc, name: str, zone: str, block: str, routes: RouteTable
    ) -> tuple[Subnet, RouteTableAssociation]:
        subnet = Subnet(
            self,
            id_,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=block,
            map_public_ip_on_launch=False,
            tags={"Name": f"{name}-{id_.replace('_', '-')}"},
        )
        association = RouteTableAssociation(self, f"{id_}_association", subnet_id=subnet.id, route_table_id=routes.id)
        return subnet, association

    def _nat(self, letter: str, name: str, subnet: Subnet, gateway: InternetGateway) -> NatGateway:
        tags = {"Name": f"{name}-nat-{letter}"}
        address = Eip(self, f"nat_{letter}_address", domain="vpc", tags=tags, depends_on=[gateway])
        return NatGateway(
            self, f"nat_{letter}", subnet_id=subnet.id, allocation_id=address.id, tags=tags, depends_on=[gateway]
        )


class _Built(NamedTuple):
    vpc_id: str
    public_subnet_ids: Sequence[str]
    private_subnet_ids: Sequence[str]
    ways_out: Prerequisites


def _gateway_policy(service: str, account_id: str) -> str:
    """Narrows a gateway to resources of this account; objects of others may be read, AWS's packages among them."""
    ours = {"StringEquals": {"aws:ResourceAccount": account_id}}
    everybody = {"AWS": ["*"]}
    if service == "dynamodb":
        return document(
            allow(
                "TablesOfThisAccount",
                actions=_ON_TABLES,
                resources=["*"],
                principals=everybody,
                conditions=ours,
            )
        )
    return document(
        allow(
            "ReadAnyObject",
            actions=["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
            resources=["*"],
            principals=everybody,
        ),
        allow("BucketsOfThisAccount", actions=_ON_BUCKETS, resources=["*"], principals=everybody, conditions=ours),
        allow("FindBuckets", actions=["s3:ListAllMyBuckets"], resources=["*"], principals=everybody),
    )


def _adopt(settings: AdoptedNetwork) -> _Built:
    public = [subnet for _, subnet in sorted(settings.public_subnet_ids.items())]
    private = [settings.private_subnet_ids[zone] for zone in settings.availability_zones]
    return _Built(settings.vpc_id, public, private, Prerequisites())
