"""The application as webheads install it."""

from __future__ import annotations

import re

from constructs import Construct

from deployments.sync_storage.settings import ApplicationSettings
from modules.access import Grantable
from modules.policy import allow, document

_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)[:@].+")


class Application:
    """A container image, and the right to fetch it from a private registry."""

    def __init__(self, settings: ApplicationSettings) -> None:
        self._image = settings.container_image

    def template_values(self, *, region: str) -> dict[str, str]:
        """The values that programs which install it are rendered with."""
        return {"region": region, "registry": registry_of(self._image), "container_image": self._image}

    def grant_pull(self, scope: Construct, grantee: Grantable) -> None:
        """Lets `grantee` fetch the image when it is in Amazon ECR; others need no right."""
        found = _ECR.fullmatch(self._image)
        if found is None:
            return
        repository = f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['name']}"
        grantee.attach_policy(
            scope,
            f"image_pull_by_{grantee.grantee_role}",
            document(
                allow(
                    "PullImage",
                    actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    resources=[repository],
                ),
                # a token is for the whole registry, whatever is pulled with it
                allow("SignIn", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
            ),
        )


def registry_of(image: str) -> str:
    """The Amazon ECR registry that `image` is in, which has to be signed in to; "" for any other.

    >>> registry_of("111122223333.dkr.ecr.us-east-1.amazonaws.com/syncstorage:1.8.0")
    '111122223333.dkr.ecr.us-east-1.amazonaws.com'
    >>> registry_of("docker.io/example/syncstorage:1.8.0")
    ''
    """
    return image.partition("/")[0] if _ECR.fullmatch(image) else ""
