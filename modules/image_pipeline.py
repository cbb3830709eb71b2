"""Machine images with everything installed, made again and again."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.imagebuilder_component import ImagebuilderComponent
from cdktf_cdktf_provider_aws.imagebuilder_distribution_configuration import (
    ImagebuilderDistributionConfiguration,
    ImagebuilderDistributionConfigurationDistribution,
    ImagebuilderDistributionConfigurationDistributionAmiDistributionConfiguration,
)
from cdktf_cdktf_provider_aws.imagebuilder_image_pipeline import (
    ImagebuilderImagePipeline,
    ImagebuilderImagePipelineSchedule,
)
from cdktf_cdktf_provider_aws.imagebuilder_image_recipe import (
    ImagebuilderImageRecipe,
    ImagebuilderImageRecipeBlockDeviceMapping,
    ImagebuilderImageRecipeBlockDeviceMappingEbs,
    ImagebuilderImageRecipeComponent,
)
from cdktf_cdktf_provider_aws.imagebuilder_infrastructure_configuration import (
    ImagebuilderInfrastructureConfiguration,
    ImagebuilderInfrastructureConfigurationInstanceMetadataOptions,
)
from constructs import Construct

from modules.access import Connections
from modules.instance_role import InstanceRole
from modules.launch_template import ROOT_DEVICE
from modules.network import Network
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack

BASE_IMAGE = "amazon-linux-2023-x86"
MONDAY_NIGHT = "cron(0 3 ? * mon *)"


class ImagePipeline(Construct):
    """An Image Builder pipeline: Amazon Linux 2023 as it is then, plus what the shell script `install` does to it.

    It runs every Monday at 3:00 UTC when the base image has changed, and whenever an operator starts it. Its images are
    called `name` and a date; they are kept until somebody deletes them. A changed script makes a new recipe.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        install: str,
        instance_type: str,
        root_volume_size_gib: int,
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        place = f"{stack.region}:{stack.environment.account_id}"
        self.connections: Final[Connections] = Connections(
            self, name=name, vpc_id=network.vpc_id, description=f"Builds images of {name}"
        )
        self.connections.allow_to_internet(ports=(443,))
        self._role = InstanceRole(self, "role", name=name)
        self.attach_policy(
            self,
            "build",
            document(
                allow(
                    "ReadComponents",
                    actions=["imagebuilder:GetComponent"],
                    resources=[f"arn:aws:imagebuilder:{place}:component/{name}/*"],
                ),
                allow(
                    "WriteBuildLog",
                    actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[f"arn:aws:logs:{place}:log-group:/aws/imagebuilder/{name}*"],
                ),
            ),
        )
        # recipes and components never change: what is in them is their version
        version = f"1.0.{int(hashlib.sha256(install.encode()).hexdigest()[:6], 16)}"
        component = ImagebuilderComponent(
            self,
            "component",
            name=name,
            platform="Linux",
            version=version,
            data=json.dumps(_component(install)),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        exempt(component, "CKV_AWS_180", reason="it holds a script that is in git, encrypted with AWS's own key")
        recipe = ImagebuilderImageRecipe(
            self,
            "recipe",
            name=name,
            version=version,
            parent_image=f"arn:aws:imagebuilder:{stack.region}:aws:image/{BASE_IMAGE}/x.x.x",
            component=[ImagebuilderImageRecipeComponent(component_arn=component.arn)],
            block_device_mapping=[
                ImagebuilderImageRecipeBlockDeviceMapping(
                    device_name=ROOT_DEVICE,
                    ebs=ImagebuilderImageRecipeBlockDeviceMappingEbs(
                        volume_type="gp3",
                        volume_size=root_volume_size_gib,
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        exempt(recipe, "CKV_AWS_200", reason="the account's own aws/ebs key encrypts it; nobody else uses the image")
        infrastructure = ImagebuilderInfrastructureConfiguration(
            self,
            "infrastructure",
            name=name,
            instance_profile_name=self._role.profile_name,
            instance_types=[instance_type],
            instance_metadata_options=ImagebuilderInfrastructureConfigurationInstanceMetadataOptions(
                http_tokens="required", http_put_response_hop_limit=1
            ),
            security_group_ids=[self.connections.security_group_id],
            subnet_id=network.private_subnet_ids[0],
            terminate_instance_on_failure=True,
        )
        distribution = ImagebuilderDistributionConfiguration(
            self,
            "distribution",
            name=name,
            distribution=[
                ImagebuilderDistributionConfigurationDistribution(
                    region=stack.region,
                    ami_distribution_configuration=ImagebuilderDistributionConfigurationDistributionAmiDistributionConfiguration(
                        name=f"{name}-{{{{ imagebuilder:buildDate }}}}", ami_tags={"Name": name}
                    ),
                )
            ],
        )
        exempt(distribution, "CKV_AWS_199", reason="the account's own aws/ebs key encrypts it; nobody else uses it")
        pipeline = ImagebuilderImagePipeline(
            self,
            "Default",
            name=name,
            image_recipe_arn=recipe.arn,
            infrastructure_configuration_arn=infrastructure.arn,
            distribution_configuration_arn=distribution.arn,
            schedule=ImagebuilderImagePipelineSchedule(
                schedule_expression=MONDAY_NIGHT,
                pipeline_execution_start_condition="EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE",
            ),
        )
        for prerequisites in (network.ways_out, self.connections.rules, self._role.rights):
            prerequisites.hold_back(pipeline)
        self.arn: Final[str] = pipeline.arn

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the role of the instance that builds."""
        self._role.attach_policy(scope, id_, policy)


def _component(install: str) -> dict[str, object]:
    step = {"name": "Install", "action": "ExecuteBash", "inputs": {"commands": [install]}}
    return {"schemaVersion": "1.0", "phases": [{"name": "build", "steps": [step]}]}
