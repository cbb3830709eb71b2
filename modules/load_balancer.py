"""An application load balancer, which the world reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.lb import Lb, LbAccessLogs
from cdktf_cdktf_provider_aws.lb_listener import (
    LbListener,
    LbListenerDefaultAction,
    LbListenerDefaultActionRedirect,
)
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from constructs import Construct, Node

from config.components import DnsSettings, LoadBalancerSettings
from modules.access import Connectable, Connections
from modules.bucket import Bucket
from modules.certificate import Certificate
from modules.dns import AliasRecord
from modules.naming import physical_name
from modules.network import Network
from modules.policy import allow
from modules.refusals import exempt
from modules.stack import DeploymentStack
from modules.watches.load_balancer import load_balancer_watches
from modules.watches.watch import Watch

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3 only."""


@dataclass(frozen=True)
class HealthCheck:
    """How a load balancer finds out whether an instance serves."""

    path: str
    matcher: str = "200"
    """Status codes that mean healthy: `200`, `200,302` or `200-299`."""
    interval_seconds: int = 15
    timeout_seconds: int = 5
    healthy_threshold: int = 2
    unhealthy_threshold: int = 3

    def __post_init__(self) -> None:
        """Raises ValueError for a check that AWS would refuse."""
        if not self.path.startswith("/"):
            raise ValueError(f"a health check's path begins with a slash, not {self.path!r}")
        if self.timeout_seconds >= self.interval_seconds:
            raise ValueError(
                f"a health check's timeout, {self.timeout_seconds} s, must be shorter than its interval, "
                f"{self.interval_seconds} s"
            )


class Target(Connectable, Protocol):
    """A construct whose instances a load balancer can send requests to."""

    @property
    def node(self) -> Node:
        """The construct's node; its id names the target group."""
        ...

    def attach_target_group(self, arn: str) -> None:
        """Registers the instances in the target group `arn`."""
        ...


class LoadBalancer(Construct):
    """An application load balancer in the public subnets, which the addresses in the settings may reach.

    With a host name it serves HTTPS and redirects HTTP there; without, it serves HTTP. The certificate that is made for
    the host name holds for `further_host_names` as well, such as `*.example.org`. With `preserve_host_header` instances
    see the very `Host` that clients sent. It listens once `forward_to` says where requests go. A protected one cannot
    be deleted.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        settings: LoadBalancerSettings,
        further_host_names: Sequence[str] = (),
        preserve_host_header: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data
        if len(network.public_subnet_ids) < 2:
            raise ValueError(
                f"{self.node.path} needs public subnets in two availability zones, "
                f"the network has {len(network.public_subnet_ids)}"
            )
        self._name = name
        self._vpc_id = network.vpc_id
        self._settings = settings
        self._further_host_names = further_host_names
        self._target_group: LbTargetGroup | None = None
        self._listeners: list[str] = []
        self._serving: LbListener | None = None
        self.connections: Final = Connections(
            self,
            name=f"{name}-load-balancer",  # the fleet behind it may have its name, but not its security group's
            vpc_id=network.vpc_id,
            description=f"Load balancer {name}",
        )
        for port in self._ports():
            self.connections.allow_from_cidr_blocks(
                settings.source_cidr_blocks, port=port, reason="a load balancer is the one thing the world may reach"
            )
        logs = self._access_log_bucket() if settings.access_logs_enabled else None
        self._load_balancer = Lb(
            self,
            "Default",
            name=physical_name(name, max_length=32),
            load_balancer_type="application",
            internal=False,
            subnets=list(network.public_subnet_ids),
            security_groups=[self.connections.security_group_id],
            enable_deletion_protection=protect,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            preserve_host_header=preserve_host_header or None,
            idle_timeout=settings.idle_timeout_seconds,
            access_logs=LbAccessLogs(bucket=logs.name, enabled=True) if logs else None,
        )
        self._explain(protect=protect)
        if settings.dns is not None:
            AliasRecord(self, "alias", zone_id=settings.dns.zone_id, host_name=settings.dns.host_name, target=self)

    @property
    def dns_name(self) -> str:
        """The name AWS gave it."""
        return self._load_balancer.dns_name

    @property
    def zone_id(self) -> str:
        """The hosted zone of that name, for alias records."""
        return self._load_balancer.zone_id

    @property
    def url(self) -> str:
        """Where users go, without a slash at the end."""
        dns = self._settings.dns
        scheme, usual, port = (
            ("http", 80, self._settings.http_port) if dns is None else ("https", 443, self._settings.https_port)
        )
        host = self.dns_name if dns is None else dns.host_name
        return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"

    @property
    def target_group_arn(self) -> str:
        """The target group. Raises ValueError until `forward_to` has been called."""
        if self._target_group is None:
            raise ValueError(f"{self.node.path} forwards to nobody yet")
        return self._target_group.arn

    @property
    def listeners(self) -> Sequence[str]:
        """The addresses of its listeners: no target is healthy before they stand."""
        return tuple(self._listeners)

    @property
    def serving_listener_arn(self) -> str:
        """The listener that requests are served from. Raises ValueError before `forward_to` made it."""
        if self._serving is None:
            raise ValueError(f"{self.node.path} forwards to nobody yet")
        return self._serving.arn

    def forward_to(
        self,
        target: Target,
        *,
        port: int,
        health_check: HealthCheck,
        deregistration_delay_seconds: int = 60,
    ) -> None:
        """Sends all requests to `port` of the healthy instances of `target`; called once.

        An instance that leaves may finish its requests for `deregistration_delay_seconds`.
        """
        if self._target_group is not None:
            raise ValueError(f"{self.node.path} forwards already; it cannot forward to {target.node.path} as well")
        self._target_group = LbTargetGroup(
            self,
            f"to_{target.node.id}",
            name=physical_name(self._name, str(port), max_length=32),
            port=port,
            protocol="HTTP",
            target_type="instance",
            vpc_id=self._vpc_id,
            deregistration_delay=str(deregistration_delay_seconds),
            health_check=LbTargetGroupHealthCheck(
                path=health_check.path,
                matcher=health_check.matcher,
                interval=health_check.interval_seconds,
                timeout=health_check.timeout_seconds,
                healthy_threshold=health_check.healthy_threshold,
                unhealthy_threshold=health_check.unhealthy_threshold,
            ),
            # a listener holds on to it, so another port, hence another name, needs the new one first
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        target.attach_target_group(self._target_group.arn)
        target.connections.allow_from(self, port=port)
        self._listen(self._target_group, self._settings.dns)

    def watches(self) -> Sequence[Watch]:
        """Alarms on requests and on the instances behind. Raises ValueError until forward_to has been called."""
        if self._target_group is None:
            raise ValueError(f"{self.node.path} forwards to nobody yet: call forward_to before its alarms are created")
        return load_balancer_watches(self._load_balancer.arn_suffix, self._target_group.arn_suffix)

    def _ports(self) -> Sequence[int]:
        http_port, https_port = self._settings.http_port, self._settings.https_port
        return (http_port,) if self._settings.dns is None else (http_port, https_port)

    def _access_log_bucket(self) -> Bucket:
        stack = DeploymentStack.of_construct(self)
        account_id = stack.environment.account_id
        bucket = Bucket.for_access_logs(
            self,
            "access_logs",
            name=physical_name(self._name, "access-logs", account_id),
            retention_days=self._settings.access_log_retention_days,
        )
        bucket.add_policy_statement(
            allow(
                "DeliverAccessLogs",
                actions=["s3:PutObject"],
                resources=[f"{bucket.arn}/AWSLogs/{account_id}/*"],
                principals={"Service": ["logdelivery.elasticloadbalancing.amazonaws.com"]},
                conditions={
                    "ArnLike": {
                        "aws:SourceArn": f"arn:aws:elasticloadbalancing:{stack.region}:{account_id}:loadbalancer/*"
                    }
                },
            )
        )
        return bucket

    def _listen(self, target_group: LbTargetGroup, dns: DnsSettings | None) -> None:
        http_port, https_port = self._settings.http_port, self._settings.https_port
        self._listeners = [f"aws_lb_listener.{self.node.id}_{kind}" for kind in ("http", *(["https"] if dns else []))]
        listen = partial(LbListener, self, load_balancer_arn=self._load_balancer.arn)
        forward = LbListenerDefaultAction(type="forward", target_group_arn=target_group.arn)
        if dns is None:
            self._serving = listener = listen("http", port=http_port, protocol="HTTP", default_action=[forward])
            exempt(listener, "CKV_AWS_2", "CKV_AWS_103", reason=self._settings.reasons["dns"])
            exempt(target_group, "CKV_AWS_378", reason=self._settings.reasons["dns"])
            return
        redirect = LbListenerDefaultActionRedirect(status_code="HTTP_301", protocol="HTTPS", port=str(https_port))
        to_https = LbListenerDefaultAction(type="redirect", redirect=redirect)
        listen("http", port=http_port, protocol="HTTP", default_action=[to_https])
        host_names = [dns.host_name, *self._further_host_names]
        certificate_arn = (
            dns.certificate_arn or Certificate(self, "certificate", host_names=host_names, zone_id=dns.zone_id).arn
        )
        self._serving = listen(
            "https",
            port=https_port,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=certificate_arn,
            default_action=[forward],
        )

    def _explain(self, *, protect: bool) -> None:
        reasons = self._settings.reasons
        exempt(
            self._load_balancer,
            "CKV2_AWS_28",
            reason="no request is filtered by its content: rules of WAF depend on the application, and cost by request",
        )
        if not protect:
            exempt(self._load_balancer, "CKV_AWS_150", reason="this environment is made to be destroyed again")
        if "access_logs_enabled" in reasons:
            exempt(self._load_balancer, "CKV_AWS_91", reason=reasons["access_logs_enabled"])
        if "dns" in reasons:
            exempt(self._load_balancer, "CKV2_AWS_20", reason=reasons["dns"])
