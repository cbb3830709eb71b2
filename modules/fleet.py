"""A group of equal EC2 instances that replaces what fails and grows with its load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.autoscaling_group import (
    AutoscalingGroup,
    AutoscalingGroupInstanceRefresh,
    AutoscalingGroupInstanceRefreshPreferences,
    AutoscalingGroupLaunchTemplate,
    AutoscalingGroupTag,
)
from cdktf_cdktf_provider_aws.autoscaling_policy import (
    AutoscalingPolicy,
    AutoscalingPolicyTargetTrackingConfiguration,
    AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification,
)
from constructs import Construct

from config.components import FleetSettings
from modules.access import Connections
from modules.instance_role import InstanceRole
from modules.launch_template import LaunchTemplate
from modules.log_group import LogGroup
from modules.network import Network
from modules.order import wait_for
from modules.stack import DeploymentStack
from modules.watches.fleet import fleet_watches
from modules.watches.watch import Watch

GROUP_METRICS = (
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
)


def log_group_name(fleet_name: str, role: str) -> str:
    """Where a fleet's instances send the log `role`, known before the fleet exists: its user data may name it.

    >>> log_group_name("suai-cloud-app-dev-web", "boot")
    '/quintet/suai-cloud-app-dev-web/boot'
    """
    return f"/quintet/{fleet_name}/{role}"


class Fleet(Construct):
    """An Auto Scaling group of instances that start from user data and are never logged in to by SSH.

    They start once the network lets them out, their rules are open and their role may do what it is granted.

    `user_data` is text, not base64; it may hold attributes of resources. `role_name` is the role's when a document
    asks for one, else `name`; `security_group_name` likewise. Each of `log_roles` makes a log group, called
    `log_group_name(name, role)`, that the instances may write to. The image's root device must be /dev/xvda, as Amazon
    Linux has it. A new launch template, such as from changed user data, replaces the instances one after another; each
    new one is in service before an old one goes: `singleton` turns that around, for what must never run twice, and
    keeps such a group from moving its instance to another zone by itself.

    `version` makes a group for each version: its name carries it, so that another version gets a new group, which has
    all of `min_size` healthy behind the load balancer before the old one goes. With `replace_unhealthy_targets=False`
    the load balancer decides who gets requests, and only EC2 who is replaced.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        settings: FleetSettings,
        user_data: str,
        subnets: Literal["private", "public"] = "private",
        role_name: str | None = None,
        security_group_name: str | None = None,
        log_roles: Sequence[str] = (),
        version: str | None = None,
        singleton: bool = False,
        replace_unhealthy_targets: bool = True,
        compressed_user_data: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        if singleton and settings.max_size != 1:
            raise ValueError(f"{self.node.path} may run once only, and its settings say max_size = {settings.max_size}")
        subnet_ids = network.private_subnet_ids if subnets == "private" else network.public_subnet_ids
        if not subnet_ids:
            raise ValueError(f"{self.node.path} has no {subnets} subnets to run in: the network names none")
        self._min_size = settings.min_size
        self._boot_log_group = log_group_name(name, "boot") if "boot" in log_roles else None
        self._versioned = version is not None
        self._replace_unhealthy_targets = replace_unhealthy_targets
        self.connections: Final = Connections(
            self, name=security_group_name or name, vpc_id=network.vpc_id, description=f"Instances of {name}"
        )
        self.connections.allow_to_internet(ports=settings.image.package_ports)
        self._role = InstanceRole(self, "role", name=role_name or name)
        logs = {
            role: LogGroup(
                self, f"{role}_log", name=log_group_name(name, role), retention_days=settings.log_retention_days
            )
            for role in log_roles
        }
        self.log_group_names: Final[Mapping[str, str]] = {role: group.name for role, group in logs.items()}
        template = LaunchTemplate(
            self,
            "launch_template",
            name=name,
            settings=settings,
            user_data=user_data,
            role=self._role,
            security_group_id=self.connections.security_group_id,
            public=subnets == "public",
            compressed=compressed_user_data,
        )
        group_name = name if version is None else f"{name}-{version}"
        self._group = self._auto_scaling_group(name, group_name, settings, subnet_ids, template, singleton=singleton)
        for prerequisites in (network.ways_out, self.connections.rules, self._role.rights):
            prerequisites.hold_back(self._group)
        for group in logs.values():
            group.grant_write(self)
        if singleton:
            return
        AutoscalingPolicy(
            self,
            "cpu",
            name=f"{group_name}-cpu",
            autoscaling_group_name=self._group.name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration=AutoscalingPolicyTargetTrackingConfiguration(
                target_value=settings.target_cpu_percent,
                predefined_metric_specification=AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification(
                    predefined_metric_type="ASGAverageCPUUtilization"
                ),
            ),
        )

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    @property
    def group_name(self) -> str:
        """The Auto Scaling group's name."""
        return self._group.name

    @property
    def role_arn(self) -> str:
        """The ARN of the instances' role."""
        return self._role.arn

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the instances' role; instances start after it."""
        self._role.attach_policy(scope, id_, policy)

    def attach_target_group(self, arn: str) -> None:
        """Registers the instances with a load balancer, whose health checks decide from then on who is replaced."""
        self._group.target_group_arns = [*(self._group.target_group_arns_input or ()), arn]
        if self._replace_unhealthy_targets:
            self._group.health_check_type = "ELB"
        if self._versioned and self._min_size:
            self._group.min_elb_capacity = self._min_size

    def wait_for(self, *addresses: str) -> None:
        """Makes the group, hence its instances, after the resources at `addresses`, such as a balancer's listeners."""
        wait_for(self._group, *addresses)

    def watches(self) -> Sequence[Watch]:
        """Watches of the instances."""
        return fleet_watches(self.group_name, self._min_size, self._boot_log_group)

    def _auto_scaling_group(
        self,
        name: str,
        group_name: str,
        settings: FleetSettings,
        subnet_ids: Sequence[str],
        template: LaunchTemplate,
        *,
        singleton: bool,
    ) -> AutoscalingGroup:
        tags = {**DeploymentStack.of_construct(self).tags, "Name": name}
        return AutoscalingGroup(
            self,
            "Default",
            name=group_name,
            # desired_capacity is left to the group, or every apply would undo its scaling
            min_size=settings.min_size,
            max_size=settings.max_size,
            vpc_zone_identifier=list(subnet_ids),
            launch_template=AutoscalingGroupLaunchTemplate(id=template.id, version=template.latest_version),
            health_check_type="EC2",
            health_check_grace_period=settings.health_check_grace_period_seconds,
            default_instance_warmup=settings.health_check_grace_period_seconds,
            instance_refresh=AutoscalingGroupInstanceRefresh(
                strategy="Rolling",
                preferences=AutoscalingGroupInstanceRefreshPreferences(
                    min_healthy_percentage=0 if singleton else 100,
                    max_healthy_percentage=100 if singleton else 150,
                    skip_matching=True,
                ),
            ),
            suspended_processes=["AZRebalance"] if singleton else None,  # it starts the new one first
            enabled_metrics=list(GROUP_METRICS),
            tag=[
                AutoscalingGroupTag(key=key, value=value, propagate_at_launch=True)
                for key, value in sorted(tags.items())
            ],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True) if self._versioned else None,
        )
