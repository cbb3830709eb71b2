"""The launch template of instances."""

from __future__ import annotations

from typing import Final

from cdktf import Fn
from cdktf_cdktf_provider_aws.launch_template import LaunchTemplate as AwsLaunchTemplate
from cdktf_cdktf_provider_aws.launch_template import (
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateIamInstanceProfile,
    LaunchTemplateMetadataOptions,
    LaunchTemplateMonitoring,
    LaunchTemplateNetworkInterfaces,
    LaunchTemplateTagSpecifications,
)
from constructs import Construct

from config.components import FixedImage, FleetSettings
from modules.instance_role import InstanceRole
from modules.refusals import exempt
from modules.stack import DeploymentStack

ROOT_DEVICE = "/dev/xvda"
"""Root device of Amazon Linux."""


class LaunchTemplate(Construct):
    """Instances with an encrypted disk, IMDSv2, detailed monitoring and neither key pair nor, unless public, address.

    Each change makes a new version. Containers on the instance do not reach its metadata, one network hop further.
    EC2 takes 16 KiB of user data, which holds three times as much when it is `compressed`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        settings: FleetSettings,
        user_data: str,
        role: InstanceRole,
        security_group_id: str,
        public: bool,
        compressed: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        image = settings.image
        tags = {**DeploymentStack.of_construct(self).tags, "Name": name}
        template = AwsLaunchTemplate(
            self,
            "Default",
            name=name,
            # resolved by EC2 whenever an instance starts, so that plans do not depend on the day they are made
            image_id=image.ami_id if isinstance(image, FixedImage) else f"resolve:ssm:{image.ssm_parameter}",
            instance_type=settings.instance_type,
            user_data=Fn.base64gzip(user_data) if compressed else Fn.base64encode(user_data),
            iam_instance_profile=LaunchTemplateIamInstanceProfile(arn=role.profile_arn),
            network_interfaces=[
                LaunchTemplateNetworkInterfaces(
                    associate_public_ip_address=str(public).lower(),
                    security_groups=[security_group_id],
                    delete_on_termination="true",
                )
            ],
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(
                    device_name=ROOT_DEVICE,
                    ebs=LaunchTemplateBlockDeviceMappingsEbs(
                        volume_type="gp3",
                        volume_size=settings.root_volume_size_gib,
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            metadata_options=LaunchTemplateMetadataOptions(
                http_endpoint="enabled", http_tokens=settings.http_tokens, http_put_response_hop_limit=1
            ),
            monitoring=LaunchTemplateMonitoring(enabled=True),
            instance_initiated_shutdown_behavior="terminate",  # how a host ends itself whose first boot failed
            # the provider's default tags reach the template but not what is launched from it
            tag_specifications=[
                LaunchTemplateTagSpecifications(resource_type=kind, tags=tags) for kind in ("instance", "volume")
            ],
            tags={"Name": name},
        )
        if "http_tokens" in settings.reasons:
            exempt(template, "imdsv1", "CKV_AWS_79", reason=settings.reasons["http_tokens"])
        if public:
            exempt(template, "CKV_AWS_88", reason="in a public subnet only an address of its own leads to the internet")
        self.id: Final[str] = template.id
        self.latest_version: Final[str] = f"${{{template.fqn}.latest_version}}"
        """As text: the attribute is a number, and numbers unknown until apply cannot be told apart as strings can."""
