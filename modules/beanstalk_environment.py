"""An environment on Elastic Beanstalk: PHP behind Apache on a group of instances behind a load balancer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from cdktf import Fn, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.elastic_beanstalk_environment import (
    ElasticBeanstalkEnvironment,
    ElasticBeanstalkEnvironmentSetting,
)
from constructs import Construct

from config.beanstalk import BeanstalkEnvironmentSettings
from modules.access import Connections
from modules.beanstalk_application import BeanstalkApplication
from modules.bucket import Bucket
from modules.dns import CanonicalNames
from modules.instance_role import InstanceRole
from modules.load_balancer import TLS_POLICY
from modules.network import Network
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack
from modules.watches.beanstalk import ENVIRONMENT_METRICS, beanstalk_watches
from modules.watches.watch import Watch

HEALTH_CHECK_PATH = "/"
Options = Mapping[str, Mapping[str, str]]
"""Namespace → option → value, as Beanstalk's documentation lists them."""


class BeanstalkEnvironment(Construct):
    """A load-balanced PHP environment that serves the folder `document_root` of the application's bundles.

    Apache is the proxy, so `.htaccess` files count. `properties` are what the program reads from its environment; they
    can be read by everybody who may describe the environment, so secrets go there by ARN. With HTTPS it needs
    `certificate_arn`. The version that runs belongs to whoever deploys: Terraform sets the first one only.

    Raises ValueError when the network has no two public subnets, or a certificate is missing.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        application: BeanstalkApplication,
        network: Network,
        settings: BeanstalkEnvironmentSettings,
        document_root: str,
        properties: Mapping[str, str],
        zone_id: str,
        certificate_arn: str | None,
        access_log_bucket: Bucket,
    ) -> None:
        super().__init__(scope, id_)
        if len(network.public_subnet_ids) < 2:
            raise ValueError(
                f"{self.node.path} needs public subnets in two availability zones, "
                f"the network has {len(network.public_subnet_ids)}"
            )
        if settings.https and certificate_arn is None:
            raise ValueError(f"{self.node.path} speaks HTTPS and needs a certificate")
        name = DeploymentStack.of_construct(self).physical_name(id_.replace("_", "-"))
        self.connections: Final = Connections(
            self, name=name, vpc_id=network.vpc_id, port=80, description=f"Instances of {name}"
        )
        self.connections.allow_to_internet(ports=(443,))
        balancer = _Balancer(self, "load_balancer", name=name, network=network, https=settings.https)
        self.connections.allow_from(balancer)
        self._role = InstanceRole(self, "role", name=name)
        self._role.attach_policy(self, "web_tier", self._web_tier(application.name, settings.name))
        self._accept_access_logs(access_log_bucket)
        options: list[Options] = [
            _network_options(network),
            _instance_options(settings, self._role.profile_name, self.connections.security_group_id),
            _balancer_options(
                settings,
                balancer.connections.security_group_id,
                certificate_arn,
                {"bucket": access_log_bucket.name, "prefix": id_},
            ),
            _operating_options(settings, application.service_role),
            _php_options(document_root),
            {"aws:elasticbeanstalk:application:environment": properties},
        ]
        self._environment = ElasticBeanstalkEnvironment(
            self,
            "Default",
            name=settings.name,
            application=application.name,
            solution_stack_name=settings.solution_stack_name,
            tier="WebServer",
            version_label=application.placeholder_version,
            wait_for_ready_timeout="30m",
            setting=[
                ElasticBeanstalkEnvironmentSetting(namespace=namespace, name=option, value=value)
                for group in options
                for namespace, values in group.items()
                for option, value in sorted(values.items())
                if value  # Beanstalk may drop an empty one on reading, and every plan would add it again
            ],
            lifecycle=TerraformResourceLifecycle(ignore_changes=_not_terraforms(settings)),
        )
        for prerequisites in (
            network.ways_out,
            self.connections.rules,
            balancer.connections.rules,
            self._role.rights,
            application.service_rights,
        ):
            prerequisites.hold_back(self._environment)
        exempt(
            self._environment,
            "CKV_AWS_312",
            reason="SystemType makes it enhanced; checkov looks for an option of another namespace",
        )
        exempt(
            self._environment,
            "CKV_AWS_340",
            reason="updates within the platform branch happen when the operator chooses, by `quintet beaver platforms`",
        )
        for connections in (self.connections, balancer.connections):
            connections.exempt("CKV2_AWS_5", reason="Beanstalk attaches it, by the options that name it")
        application.releases.grant_read(self, listing=False)
        CanonicalNames(self, "dns", zone_id=zone_id, host_names=[settings.host_name], target=self._environment.cname)
        self.name: Final[str] = self._environment.name
        self.url: Final[str] = f"{'https' if settings.https else 'http'}://{settings.host_name}"
        """Where users go, without a slash at the end."""

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the instances' role; instances start after it."""
        self._role.attach_policy(scope, id_, policy)

    def watches(self) -> Sequence[Watch]:
        """The environment's health, its errors and its slowness."""
        return beanstalk_watches(self.name)

    def _web_tier(self, application: str, environment: str) -> str:
        """Rights of Beanstalk's own programs: AWSElasticBeanstalkWebTier (read 2026-11-28) without tracing."""
        stack = DeploymentStack.of_construct(self)
        place = f"{stack.region}:{stack.environment.account_id}"
        bucket = f"arn:aws:s3:::elasticbeanstalk-{stack.region}-{stack.environment.account_id}"
        beanstalk = f"arn:aws:elasticbeanstalk:{place}"
        return document(
            allow("FindPlatformFiles", actions=["s3:ListBucket"], resources=[bucket]),
            allow(
                "PlatformFilesAndLogs", actions=["s3:GetObject", "s3:PutObject"], resources=[f"{bucket}/resources/*"]
            ),
            allow(
                "StreamLogs",
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[f"arn:aws:logs:{place}:log-group:/aws/elasticbeanstalk/*"],
            ),
            # cannot be allowed for some groups only
            allow("FindLogGroups", actions=["logs:DescribeLogGroups"], resources=["*"]),
            allow(
                "ReportHealth",
                actions=["elasticbeanstalk:PutInstanceStatistics"],
                resources=[
                    f"{beanstalk}:application/{application}",
                    f"{beanstalk}:environment/{application}/{environment}",
                ],
            ),
        )

    def _accept_access_logs(self, bucket: Bucket) -> None:
        stack = DeploymentStack.of_construct(self)
        account_id = stack.environment.account_id
        bucket.add_policy_statement(
            allow(
                f"DeliverAccessLogsOf{self.node.id.title().replace('_', '')}",
                actions=["s3:PutObject"],
                resources=[f"{bucket.arn}/{self.node.id}/AWSLogs/{account_id}/*"],
                principals={"Service": ["logdelivery.elasticloadbalancing.amazonaws.com"]},
                conditions={
                    "ArnLike": {
                        "aws:SourceArn": f"arn:aws:elasticloadbalancing:{stack.region}:{account_id}:loadbalancer/*"
                    }
                },
            )
        )


def _not_terraforms(settings: BeanstalkEnvironmentSettings) -> list[str]:
    """The arguments that Terraform sets at creation only.

    The deployed version belongs to whoever deploys. The platform's version within a branch belongs to Beanstalk; a move
    to another branch is an update that a plan shows.
    """
    moving = settings.platform_branch_before is not None
    return ["version_label"] if moving else ["solution_stack_name", "version_label"]


class _Balancer(Construct):
    """The place in the network of the load balancer that Beanstalk makes."""

    def __init__(self, scope: Construct, id_: str, *, name: str, network: Network, https: bool) -> None:
        super().__init__(scope, id_)
        self.connections: Final = Connections(
            self, name=f"{name}-load-balancer", vpc_id=network.vpc_id, description=f"Load balancer of {name}"
        )
        for port in (80, 443) if https else (80,):
            self.connections.allow_from_cidr_blocks(
                ["0.0.0.0/0"], port=port, reason="a load balancer is the one thing the world may reach"
            )


def _network_options(network: Network) -> Options:
    return {
        "aws:ec2:vpc": {
            "VPCId": network.vpc_id,
            "Subnets": Fn.join(",", list(network.private_subnet_ids)),
            "ELBSubnets": Fn.join(",", list(network.public_subnet_ids)),
            "ELBScheme": "public",
            "AssociatePublicIpAddress": "false",
        }
    }


def _instance_options(settings: BeanstalkEnvironmentSettings, instance_profile: str, security_group_id: str) -> Options:
    return {
        "aws:autoscaling:launchconfiguration": {
            "IamInstanceProfile": instance_profile,
            "SecurityGroups": security_group_id,
            "DisableDefaultEC2SecurityGroup": "true",  # Beanstalk's own lets everything out
            "DisableIMDSv1": "true",
            "MonitoringInterval": "1 minute",
            "RootVolumeType": "gp3",
            "RootVolumeSize": str(settings.root_volume_size_gib),
        },
        "aws:ec2:instances": {"InstanceTypes": settings.instance_type},
        "aws:autoscaling:asg": {"MinSize": str(settings.min_size), "MaxSize": str(settings.max_size)},
        "aws:autoscaling:trigger": {
            "MeasureName": "CPUUtilization",
            "Statistic": "Average",
            "Unit": "Percent",
            "Period": "1",
            "EvaluationPeriods": "3",
            "UpperThreshold": str(settings.scale_out_cpu_percent),
            "UpperBreachScaleIncrement": "1",
            "LowerThreshold": str(settings.scale_in_cpu_percent),
            "LowerBreachScaleIncrement": "-1",
        },
        "aws:autoscaling:updatepolicy:rollingupdate": {"RollingUpdateEnabled": "true", "RollingUpdateType": "Health"},
    }


def _balancer_options(
    settings: BeanstalkEnvironmentSettings,
    security_group_id: str,
    certificate_arn: str | None,
    logs: Mapping[str, str],
) -> Options:
    options: dict[str, dict[str, str]] = {
        "aws:elbv2:loadbalancer": {
            "SecurityGroups": security_group_id,
            "ManagedSecurityGroup": security_group_id,
            "AccessLogsS3Enabled": "true",
            "AccessLogsS3Bucket": logs["bucket"],
            "AccessLogsS3Prefix": logs["prefix"],
        },
        # plain HTTP stays open beside HTTPS: Apache sends who comes there to HTTPS
        "aws:elbv2:listener:default": {"ListenerEnabled": "true"},
        "aws:elasticbeanstalk:environment:process:default": {
            "Port": "80",
            "Protocol": "HTTP",
            "HealthCheckPath": HEALTH_CHECK_PATH,
            "MatcherHTTPCode": "200",
            "HealthCheckInterval": "15",
            "HealthCheckTimeout": "5",
            "HealthyThresholdCount": "3",
            "UnhealthyThresholdCount": "5",
            "DeregistrationDelay": "60",
        },
    }
    if settings.https and certificate_arn is not None:
        options["aws:elbv2:listener:443"] = {
            "ListenerEnabled": "true",
            "Protocol": "HTTPS",
            "SSLCertificateArns": certificate_arn,
            "SSLPolicy": TLS_POLICY,
        }
    return options


def _operating_options(settings: BeanstalkEnvironmentSettings, service_role: str) -> Options:
    return {
        "aws:elasticbeanstalk:environment": {
            "EnvironmentType": "LoadBalanced",
            "LoadBalancerType": "application",
            "ServiceRole": service_role,
        },
        "aws:elasticbeanstalk:environment:proxy": {"ProxyServer": "apache"},
        "aws:elasticbeanstalk:command": {
            "DeploymentPolicy": settings.deployment_policy,
            "BatchSizeType": "Percentage",
            "BatchSize": "50",
            "Timeout": "900",
        },
        "aws:elasticbeanstalk:healthreporting:system": {
            "SystemType": "enhanced",
            "ConfigDocument": json.dumps(
                {"CloudWatchMetrics": {"Environment": ENVIRONMENT_METRICS}, "Version": 1}, separators=(",", ":")
            ),
        },
        "aws:elasticbeanstalk:cloudwatch:logs": {
            "StreamLogs": "true",
            "DeleteOnTerminate": "false",
            "RetentionInDays": str(settings.log_retention_days),
        },
        "aws:elasticbeanstalk:cloudwatch:logs:health": {
            "HealthStreamingEnabled": "true",
            "DeleteOnTerminate": "false",
            "RetentionInDays": str(settings.log_retention_days),
        },
        # a newer version of the branch comes when the operator asks for it, never in the middle of a contest
        "aws:elasticbeanstalk:managedactions": {"ManagedActionsEnabled": "false"},
    }


def _php_options(document_root: str) -> Options:
    return {
        "aws:elasticbeanstalk:container:php:phpini": {
            "document_root": document_root,
            "display_errors": "Off",
            "memory_limit": "256M",
            "max_execution_time": "60",
            "allow_url_fopen": "On",
            "zlib.output_compression": "Off",  # Apache compresses, as .htaccess says
        }
    }
