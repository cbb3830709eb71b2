"""Where the images of a containerised application are kept."""

from __future__ import annotations

import json
from typing import Final

from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from cdktf_cdktf_provider_aws.ecr_repository import EcrRepository, EcrRepositoryImageScanningConfiguration
from constructs import Construct

from modules.access import Grantable
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class ImageRepository(Construct):
    """An ECR repository that scans what is pushed and whose tags never change their meaning.

    Untagged images go after a day, and tagged ones when there are more than `images_kept` newer ones.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, images_kept: int = 30) -> None:
        super().__init__(scope, id_)
        repository = EcrRepository(
            self,
            "Default",
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            force_delete=not DeploymentStack.of_construct(self).protect_data,
        )
        exempt(repository, "CKV_AWS_136", reason="images hold no data; ECR encrypts them with its own key")
        EcrLifecyclePolicy(
            self, "lifecycle", repository=repository.name, policy=json.dumps({"rules": _rules(images_kept)})
        )
        self.name: Final[str] = repository.name
        self.url: Final[str] = repository.repository_url
        """Registry and name: with `:` and a tag, an image."""
        self.arn: Final[str] = repository.arn

    def grant_pull(self, grantee: Grantable) -> None:
        """Lets `grantee` fetch images."""
        policy = document(
            allow("PullImage", actions=_PULL, resources=[self.arn]),
            # a token is for the whole registry, whatever is pulled with it
            allow("SignIn", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
        )
        grantee.attach_policy(self, f"pull_by_{grantee.grantee_role}", policy)


def _rules(images_kept: int) -> list[dict[str, object]]:
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
    many = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images_kept}
    return [
        {"rulePriority": priority, "description": description, "selection": selection, "action": {"type": "expire"}}
        for priority, description, selection in (
            (1, "no tag, no use", untagged),
            (2, f"the {images_kept} newest stay, to go back to", many),
        )
    ]
