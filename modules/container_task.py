"""A container that runs on Fargate until its work is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from cdktf_cdktf_provider_aws.ecr_repository import EcrRepository, EcrRepositoryImageScanningConfiguration
from cdktf_cdktf_provider_aws.ecs_cluster import EcsCluster, EcsClusterSetting
from cdktf_cdktf_provider_aws.ecs_task_definition import (
    EcsTaskDefinition,
    EcsTaskDefinitionEphemeralStorage,
    EcsTaskDefinitionRuntimePlatform,
    EcsTaskDefinitionVolume,
)
from constructs import Construct

from config.components import ContainerTaskSettings
from modules.access import Connections, Grantable
from modules.log_group import LogGroup
from modules.network import Network
from modules.policy import allow, document
from modules.refusals import exempt
from modules.service_role import ServiceRole
from modules.stack import DeploymentStack


class ContainerTask(Construct):
    """A cluster of its own, a repository for the image, and a task definition that runs it in private subnets.

    The image is `<repository>:<image_tag>`; an operator's command puts it there, once for each tag. The container runs
    as a user of its own, with a read-only file system but for `scratch`, where the ephemeral storage is. Outward it
    reaches HTTPS only, until another construct lets it in.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        settings: ContainerTaskSettings,
        image_tag: str,
        environment: Mapping[str, str],
        scratch: str = "/scratch",
        stop_timeout_seconds: int = 120,
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        self.container_name: Final[str] = id_
        self.subnet_ids: Final[Sequence[str]] = network.private_subnet_ids
        self.connections: Final[Connections] = Connections(
            self, name=name, vpc_id=network.vpc_id, description=f"Tasks of {name}"
        )
        self.connections.exempt("CKV2_AWS_5", reason="whoever starts a task hands it this group")
        self.connections.allow_to_internet(ports=(443,))
        cluster = EcsCluster(
            self, "cluster", name=name, setting=[EcsClusterSetting(name="containerInsights", value="enabled")]
        )
        self.cluster_arn: Final[str] = cluster.arn
        repository = self._repository(name, protect=stack.protect_data)
        self.repository_name: Final[str] = repository.name
        self.repository_url: Final[str] = repository.repository_url
        self.image: Final[str] = f"{repository.repository_url}:{image_tag}"
        log_group = LogGroup(self, "log", name=f"/quintet/{name}", retention_days=settings.log_retention_days)
        self.log_group_name: Final[str] = log_group.name
        account_id = stack.environment.account_id
        ours = {"StringEquals": {"aws:SourceAccount": account_id}}
        starter = ServiceRole(
            self,
            "starter",
            name=f"{name}-starter",
            service="ecs-tasks.amazonaws.com",
            grantee_role="starter",
            conditions=ours,
        )
        log_group.grant_write(starter)
        starter.attach_policy(self, "pull_by_starter", _pull(repository.arn))
        self._role = ServiceRole(
            self, "role", name=name, service="ecs-tasks.amazonaws.com", grantee_role=id_, conditions=ours
        )
        self._definition = EcsTaskDefinition(
            self,
            "Default",
            family=name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(settings.cpu_units),
            memory=str(settings.memory_mib),
            ephemeral_storage=EcsTaskDefinitionEphemeralStorage(size_in_gib=settings.ephemeral_storage_gib),
            runtime_platform=EcsTaskDefinitionRuntimePlatform(
                operating_system_family="LINUX", cpu_architecture="X86_64"
            ),
            execution_role_arn=starter.arn,
            task_role_arn=self._role.arn,
            volume=[EcsTaskDefinitionVolume(name="scratch")],
            container_definitions=json.dumps(
                [
                    {
                        "name": self.container_name,
                        "image": self.image,
                        "essential": True,
                        "readonlyRootFilesystem": True,
                        "stopTimeout": stop_timeout_seconds,
                        "environment": [
                            {"name": key, "value": value}
                            for key, value in sorted({**environment, "TMPDIR": scratch}.items())
                        ],
                        "mountPoints": [{"sourceVolume": "scratch", "containerPath": scratch, "readOnly": False}],
                        "linuxParameters": {"initProcessEnabled": True},
                        "logConfiguration": {
                            "logDriver": "awslogs",
                            "options": {
                                "awslogs-group": log_group.name,
                                "awslogs-region": stack.region,
                                "awslogs-stream-prefix": id_,
                            },
                        },
                    }
                ]
            ),
        )
        for role in (starter, self._role):
            role.rights.hold_back(self._definition)
        self._family_arn = f"arn:aws:ecs:{stack.region}:{account_id}:task-definition/{name}"
        self._role_arns = (starter.arn, self._role.arn)

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    @property
    def definition_arn(self) -> str:
        """The task definition with its revision."""
        return self._definition.arn

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the role that the container's code has."""
        self._role.attach_policy(scope, id_, policy)

    def grant_run(self, grantee: Grantable) -> None:
        """Lets `grantee` start tasks of every revision, in this cluster only."""
        policy = document(
            allow(
                "RunTask",
                actions=["ecs:RunTask"],
                resources=[f"{self._family_arn}:*"],
                conditions={"ArnEquals": {"ecs:cluster": self.cluster_arn}},
            ),
            allow(
                "HandOverRoles",
                actions=["iam:PassRole"],
                resources=self._role_arns,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        )
        grantee.attach_policy(self, f"run_by_{grantee.grantee_role}", policy)

    def _repository(self, name: str, *, protect: bool) -> EcrRepository:
        repository = EcrRepository(
            self,
            "repository",
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            force_delete=not protect,
        )
        exempt(repository, "CKV_AWS_136", reason="images hold no data; ECR encrypts them with its own key")
        EcrLifecyclePolicy(
            self,
            "repository_lifecycle",
            repository=repository.name,
            policy=json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "description": "the ten newest images",
                            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
                            "action": {"type": "expire"},
                        }
                    ]
                },
                separators=(",", ":"),
            ),
        )
        return repository


def _pull(repository_arn: str) -> str:
    return document(
        allow(
            "PullImage",
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[repository_arn],
        ),
        # a token is for the whole registry, whatever is pulled with it
        allow("SignIn", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
    )
