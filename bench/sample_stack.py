"""A stack that is large enough to compare two ways of loading the provider's bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from cdktf import (
    Aspects,
    Fn,
    IAspect,
    S3Backend,
    TerraformIterator,
    TerraformOutput,
    TerraformResourceLifecycle,
    TerraformStack,
    TerraformVariable,
    Token,
)
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.autoscaling_group import (
    AutoscalingGroup,
    AutoscalingGroupInstanceRefresh,
    AutoscalingGroupInstanceRefreshPreferences,
    AutoscalingGroupTag,
)
from cdktf_cdktf_provider_aws.autoscaling_policy import (
    AutoscalingPolicy,
    AutoscalingPolicyTargetTrackingConfiguration,
    AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification,
)
from cdktf_cdktf_provider_aws.cloudfront_distribution import (
    CloudfrontDistribution,
    CloudfrontDistributionDefaultCacheBehavior,
    CloudfrontDistributionOrigin,
    CloudfrontDistributionRestrictions,
    CloudfrontDistributionRestrictionsGeoRestriction,
    CloudfrontDistributionViewerCertificate,
)
from cdktf_cdktf_provider_aws.cloudfront_origin_access_control import CloudfrontOriginAccessControl
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_ssm_parameter import DataAwsSsmParameter
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.db_parameter_group import DbParameterGroup, DbParameterGroupParameter
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableTtl,
)
from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.elasticache_replication_group import ElasticacheReplicationGroup
from cdktf_cdktf_provider_aws.elasticache_subnet_group import ElasticacheSubnetGroup
from cdktf_cdktf_provider_aws.iam_instance_profile import IamInstanceProfile
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionVpcConfig,
)
from cdktf_cdktf_provider_aws.launch_template import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateIamInstanceProfile,
    LaunchTemplateMetadataOptions,
    LaunchTemplateTagSpecifications,
)
from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener, LbListenerDefaultAction, LbListenerDefaultActionRedirect
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from cdktf_cdktf_provider_aws.nat_gateway import NatGateway
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from cdktf_cdktf_provider_aws.route53_zone import Route53Zone
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.sfn_state_machine import SfnStateMachine, SfnStateMachineLoggingConfiguration
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule

if TYPE_CHECKING:
    from constructs import Construct, IConstruct


@jsii.implements(IAspect)
class ProtectBuckets:
    """Calls back from the kernel into Python for every construct."""

    def visit(self, node: IConstruct) -> None:
        """Adds what only JSON can say."""
        if isinstance(node, S3Bucket):
            node.add_override("lifecycle.prevent_destroy", True)


class SampleStack(TerraformStack):
    """A web application with everything around it: 84 resources and 3 data sources from 46 submodules.

    Nested structs, lists of structs, structs set later, attributes of nested blocks, tokens in strings, functions,
    iterators, overrides, moves, outputs and an Aspect: what the bindings can do is used once at least.
    """

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "sample")
        AwsProvider(
            self,
            "aws",
            region="eu-central-1",
            allowed_account_ids=["123456789012"],
            default_tags=[AwsProviderDefaultTags(tags={"project": "sample"})],
        )
        S3Backend(
            self, bucket="state", key="sample.tfstate", region="eu-central-1", encrypt=True, dynamodb_table="locks"
        )
        size = TerraformVariable(self, "size", type="number", default=2)
        account = DataAwsCallerIdentity(self, "account")

        vpc = Vpc(self, "vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, enable_dns_support=True)
        gateway = InternetGateway(self, "gateway", vpc_id=vpc.id)
        subnets: dict[str, list[Subnet]] = {"public": [], "private": []}
        for tier, offset in (("public", 0), ("private", 100)):
            for index, zone in enumerate("abc"):
                subnet = Subnet(
                    self,
                    f"{tier}_{zone}",
                    vpc_id=vpc.id,
                    cidr_block=f"10.0.{offset + index}.0/24",
                    availability_zone=f"eu-central-1{zone}",
                    tags={"Name": f"{tier}-{zone}"},
                )
                subnets[tier].append(subnet)
                table = RouteTable(self, f"{tier}_{zone}_routes", vpc_id=vpc.id)
                RouteTableAssociation(self, f"{tier}_{zone}_table", subnet_id=subnet.id, route_table_id=table.id)
                if tier == "public":
                    Route(
                        self,
                        f"{tier}_{zone}_default",
                        route_table_id=table.id,
                        destination_cidr_block="0.0.0.0/0",
                        gateway_id=gateway.id,
                    )
                    continue
                address = Eip(self, f"nat_{zone}_address", domain="vpc", depends_on=[gateway])
                Route(
                    self,
                    f"{tier}_{zone}_default",
                    route_table_id=table.id,
                    destination_cidr_block="0.0.0.0/0",
                    nat_gateway_id=NatGateway(
                        self, f"nat_{zone}", allocation_id=address.id, subnet_id=subnets["public"][index].id
                    ).id,
                )

        groups = {name: SecurityGroup(self, f"{name}_group", name=name, vpc_id=vpc.id) for name in ("lb", "web", "db")}
        VpcSecurityGroupIngressRule(
            self,
            "lb_from_world",
            security_group_id=groups["lb"].id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
        )
        for to, from_, port in (("web", "lb", 8080), ("db", "web", 3306)):
            VpcSecurityGroupIngressRule(
                self,
                f"{to}_from_{from_}",
                security_group_id=groups[to].id,
                referenced_security_group_id=groups[from_].id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
            )
        for name, group in groups.items():
            VpcSecurityGroupEgressRule(
                self, f"{name}_out", security_group_id=group.id, cidr_ipv4="0.0.0.0/0", ip_protocol="-1"
            )

        buckets = {}
        for name in ("uploads", "logs", "site"):
            bucket = buckets[name] = S3Bucket(self, name, bucket=f"sample-{name}", force_destroy=False)
            S3BucketPublicAccessBlock(
                self, f"{name}_private", bucket=bucket.id, block_public_acls=True, restrict_public_buckets=True
            )
            S3BucketVersioningA(
                self,
                f"{name}_versions",
                bucket=bucket.id,
                versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
            )
            S3BucketLifecycleConfiguration(
                self,
                f"{name}_lifecycle",
                bucket=bucket.id,
                rule=[
                    S3BucketLifecycleConfigurationRule(
                        id="old",
                        status="Enabled",
                        filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                        noncurrent_version_expiration=[
                            S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=days)
                        ],
                    )
                    for days in (30, 60)
                ],
            )
        buckets["uploads"].move_from_id("aws_s3_bucket.files")

        trust = DataAwsIamPolicyDocument(
            self,
            "trust",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    actions=["sts:AssumeRole"],
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="Service", identifiers=[f"{service}.amazonaws.com"]
                        )
                        for service in ("ec2", "lambda", "states", "events")
                    ],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="StringEquals", variable="aws:SourceAccount", values=[account.account_id]
                        )
                    ],
                )
            ],
        )
        role = IamRole(self, "role", name="sample", assume_role_policy=trust.json)
        statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{buckets['uploads'].arn}/*"]}
        IamRolePolicy(
            self,
            "role_policy",
            role=role.id,
            policy=Fn.jsonencode({"Version": "2012-10-17", "Statement": [statement]}),
        )
        profile = IamInstanceProfile(self, "profile", role=role.name)

        certificate = AcmCertificate(self, "certificate", domain_name="sample.example.org", validation_method="DNS")
        zone_ = Route53Zone(self, "zone", name="example.org")
        proof = certificate.domain_validation_options.get(0)
        record = Route53Record(
            self,
            "proof",
            zone_id=zone_.zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=60,
        )
        validation = AcmCertificateValidation(
            self, "validation", certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn]
        )

        balancer = Lb(
            self,
            "balancer",
            name="sample",
            load_balancer_type="application",
            security_groups=[groups["lb"].id],
            subnets=[subnet.id for subnet in subnets["public"]],
        )
        balancer.put_access_logs(bucket=buckets["logs"].bucket, enabled=True, prefix="lb")
        targets = LbTargetGroup(
            self,
            "targets",
            port=8080,
            protocol="HTTP",
            vpc_id=vpc.id,
            health_check=LbTargetGroupHealthCheck(path="/health", matcher="200", interval=15),
        )
        LbListener(
            self,
            "https",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            certificate_arn=validation.certificate_arn,
            default_action=[LbListenerDefaultAction(type="forward", target_group_arn=targets.arn)],
        )
        LbListener(
            self,
            "http",
            load_balancer_arn=balancer.arn,
            port=80,
            protocol="HTTP",
            default_action=[
                LbListenerDefaultAction(
                    type="redirect",
                    redirect=LbListenerDefaultActionRedirect(port="443", protocol="HTTPS", status_code="HTTP_301"),
                )
            ],
        )
        Route53Record(
            self,
            "www",
            zone_id=zone_.zone_id,
            name="www",
            type="A",
            alias=Route53RecordAlias(name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=True),
        )

        image = DataAwsSsmParameter(
            self, "image", name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
        )
        template = LaunchTemplate(
            self,
            "template",
            image_id=image.value,
            instance_type="t3.micro",
            iam_instance_profile=LaunchTemplateIamInstanceProfile(arn=profile.arn),
            metadata_options=LaunchTemplateMetadataOptions(http_tokens="required", http_endpoint="enabled"),
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(
                    device_name=device,
                    ebs=LaunchTemplateBlockDeviceMappingsEbs(volume_size=20, volume_type="gp3", encrypted="true"),
                )
                for device in ("/dev/xvda", "/dev/xvdb")
            ],
            tag_specifications=[LaunchTemplateTagSpecifications(resource_type="instance", tags={"Name": "web"})],
            user_data=Fn.base64encode(f"#!/bin/sh\nexec serve --bucket {buckets['uploads'].bucket}\n"),
        )
        fleet = AutoscalingGroup(
            self,
            "fleet",
            min_size=2,
            max_size=6,
            desired_capacity=size.number_value,
            vpc_zone_identifier=[subnet.id for subnet in subnets["private"]],
            target_group_arns=[targets.arn],
            instance_refresh=AutoscalingGroupInstanceRefresh(
                strategy="Rolling", preferences=AutoscalingGroupInstanceRefreshPreferences(min_healthy_percentage=50)
            ),
            tag=[AutoscalingGroupTag(key="role", value="web", propagate_at_launch=True)],
            lifecycle=TerraformResourceLifecycle(ignore_changes=["desired_capacity"]),
        )
        fleet.put_launch_template(id=template.id, version=Fn.tostring(template.latest_version))
        AutoscalingPolicy(
            self,
            "scaling",
            name="cpu",
            autoscaling_group_name=fleet.name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration=AutoscalingPolicyTargetTrackingConfiguration(
                target_value=60,
                predefined_metric_specification=AutoscalingPolicyTargetTrackingConfigurationPredefinedMetricSpecification(
                    predefined_metric_type="ASGAverageCPUUtilization"
                ),
            ),
        )

        parameters = DbParameterGroup(
            self,
            "parameters",
            family="mysql8.4",
            parameter=[
                DbParameterGroupParameter(name=name, value=value)
                for name, value in (("max_connections", "100"), ("slow_query_log", "1"))
            ],
        )
        database = DbInstance(
            self,
            "database",
            engine="mysql",
            instance_class="db.t3.micro",
            allocated_storage=20,
            manage_master_user_password=True,
            username="admin",
            parameter_group_name=parameters.name,
            db_subnet_group_name=DbSubnetGroup(
                self, "database_subnets", subnet_ids=[subnet.id for subnet in subnets["private"]]
            ).name,
            vpc_security_group_ids=[groups["db"].id],
        )
        ElasticacheReplicationGroup(
            self,
            "redis",
            replication_group_id="sample",
            description="sessions",
            node_type="cache.t4g.micro",
            num_node_groups=2,
            replicas_per_node_group=1,
            subnet_group_name=ElasticacheSubnetGroup(
                self, "redis_subnets", name="redis", subnet_ids=[subnet.id for subnet in subnets["private"]]
            ).name,
        )
        orders = DynamodbTable(
            self,
            "orders",
            name="orders",
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attribute=[DynamodbTableAttribute(name=name, type="S") for name in ("id", "customer")],
            global_secondary_index=[
                DynamodbTableGlobalSecondaryIndex(name="by_customer", hash_key="customer", projection_type="ALL")
            ],
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            ttl=DynamodbTableTtl(attribute_name="expires", enabled=True),
        )

        log = CloudwatchLogGroup(self, "log", name="/sample", retention_in_days=30)
        function = LambdaFunction(
            self,
            "function",
            function_name="sample",
            role=role.arn,
            handler="index.handler",
            runtime="python3.12",
            filename="function.zip",
            environment=LambdaFunctionEnvironment(variables={"TABLE": orders.name}),
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=[subnet.id for subnet in subnets["private"]], security_group_ids=[groups["web"].id]
            ),
        )
        machine = SfnStateMachine(
            self,
            "machine",
            name="sample",
            role_arn=role.arn,
            definition=Fn.jsonencode(
                {"StartAt": "Run", "States": {"Run": {"Type": "Task", "Resource": function.arn, "End": True}}}
            ),
            logging_configuration=SfnStateMachineLoggingConfiguration(
                log_destination=f"{log.arn}:*", level="ERROR", include_execution_data=False
            ),
        )
        nightly = CloudwatchEventRule(self, "nightly", schedule_expression="cron(0 3 * * ? *)")
        CloudwatchEventTarget(self, "nightly_run", rule=nightly.name, arn=machine.arn, role_arn=role.arn)
        topic = SnsTopic(self, "topic", name="alarms")
        CloudwatchMetricAlarm(
            self,
            "errors",
            alarm_name="errors",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            threshold=0,
            alarm_actions=[topic.arn],
            metric_query=[
                CloudwatchMetricAlarmMetricQuery(
                    id="errors",
                    return_data=True,
                    metric=CloudwatchMetricAlarmMetricQueryMetric(
                        metric_name="Errors", namespace="AWS/Lambda", period=60, stat="Sum"
                    ),
                )
            ],
        )
        each = TerraformIterator.from_list(["a", "b"])
        SnsTopic(self, "topics", for_each=each, name=f"topic-{Token.as_string(each.value)}")

        access = CloudfrontOriginAccessControl(
            self,
            "site_access",
            name="site",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
        )
        CloudfrontDistribution(
            self,
            "cdn",
            enabled=True,
            origin=[
                CloudfrontDistributionOrigin(
                    origin_id="site",
                    domain_name=buckets["site"].bucket_regional_domain_name,
                    origin_access_control_id=access.id,
                )
            ],
            default_cache_behavior=CloudfrontDistributionDefaultCacheBehavior(
                allowed_methods=["GET", "HEAD"],
                cached_methods=["GET", "HEAD"],
                target_origin_id="site",
                viewer_protocol_policy="redirect-to-https",
            ),
            restrictions=CloudfrontDistributionRestrictions(
                geo_restriction=CloudfrontDistributionRestrictionsGeoRestriction(restriction_type="none")
            ),
            viewer_certificate=CloudfrontDistributionViewerCertificate(cloudfront_default_certificate=True),
        )

        TerraformOutput(self, "endpoint", value=f"https://{balancer.dns_name}/")
        TerraformOutput(self, "secret", value=database.master_user_secret.get(0).secret_arn, sensitive=True)
        TerraformOutput(self, "port", value=database.port)
        self.add_override("terraform.required_version", "1.11.4")
        Aspects.of(self).add(ProtectBuckets())
