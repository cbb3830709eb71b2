"""An application on Elastic Beanstalk: its versions, and what its environments share."""

from __future__ import annotations

from typing import Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.elastic_beanstalk_application import (
    ElasticBeanstalkApplication,
    ElasticBeanstalkApplicationAppversionLifecycle,
)
from cdktf_cdktf_provider_aws.elastic_beanstalk_application_version import ElasticBeanstalkApplicationVersion
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.s3_object import (
    S3Object,
    S3ObjectOverrideProvider,
    S3ObjectOverrideProviderDefaultTags,
)
from constructs import Construct

from modules.bucket import Bucket
from modules.naming import physical_name
from modules.order import Prerequisites
from modules.policy import allow, assumed_by, document
from modules.stack import DeploymentStack

_ENHANCED_HEALTH = "arn:aws:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth"
KEPT_VERSIONS = 50


class BeanstalkApplication(Construct):
    """A Beanstalk application whose versions are bundles in `releases`, below `release_prefix`.

    `placeholder` is the bundle that environments begin with, until something is deployed: without one Beanstalk takes
    its sample application, which has not the folders that a document root names. The last fifty versions are kept.
    """

    def __init__(
        self, scope: Construct, id_: str, *, name: str, releases: Bucket, release_prefix: str, placeholder: bytes
    ) -> None:
        super().__init__(scope, id_)
        self.releases: Final[Bucket] = releases
        self._role = IamRole(
            self,
            "service_role",
            name=physical_name(name, "beanstalk", max_length=64),
            assume_role_policy=assumed_by(
                "elasticbeanstalk.amazonaws.com",
                conditions={"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}},
            ),
        )
        stack = DeploymentStack.of_construct(self)
        versions = f"arn:aws:elasticbeanstalk:{stack.region}:{stack.environment.account_id}:applicationversion/{name}/*"
        old_versions = allow(
            "DeleteOldVersions", actions=["elasticbeanstalk:DeleteApplicationVersion"], resources=[versions]
        )
        self.service_rights: Final[Prerequisites] = Prerequisites(
            IamRolePolicy(
                self,
                "service_role_versions",
                name="delete-old-versions",
                role=self._role.name,
                policy=document(old_versions),
            ),
            IamRolePolicyAttachment(
                self, "service_role_enhanced_health", role=self._role.name, policy_arn=_ENHANCED_HEALTH
            ),
        )
        """Rights of Beanstalk's service role: an environment waits for them."""
        self.service_role: Final[str] = self._role.name
        """The name of the role that Beanstalk works with."""
        application = ElasticBeanstalkApplication(
            self,
            "Default",
            name=name,
            appversion_lifecycle=ElasticBeanstalkApplicationAppversionLifecycle(
                service_role=self._role.arn, max_count=KEPT_VERSIONS, delete_source_from_s3=False
            ),
        )
        self.name: Final[str] = application.name
        file = stack.add_file("placeholder.zip", placeholder)
        bundle = S3Object(
            self,
            "placeholder_bundle",
            bucket=releases.name,
            key=f"{release_prefix}placeholder.zip",
            source=file,
            source_hash=f'${{filemd5("{file}")}}',
            # S3 takes ten tags of an object, the operator's may be forty
            override_provider=S3ObjectOverrideProvider(default_tags=S3ObjectOverrideProviderDefaultTags(tags={})),
        )
        version = ElasticBeanstalkApplicationVersion(
            self,
            "placeholder",
            name="placeholder",
            application=self.name,
            description="Answers until something is deployed",
            bucket=releases.name,
            key=bundle.key,
            force_delete=True,  # an environment that is being destroyed still runs it
            # environments may have moved on from it, and must not be rolled back to a newer one
            lifecycle=TerraformResourceLifecycle(ignore_changes="all"),
        )
        self.placeholder_version: Final[str] = version.name
