"""Aquamark's own questions of preflight: the release that the settings name and the secrets that it reads at boot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from config.settings import ROOT
from deployments.aquamark.day2.empty_secrets import empty_secrets
from deployments.aquamark.day2.version_setting import VersionSetting
from operations.review.preflight.account import code_of
from operations.review.preflight.findings import PreflightFinding, fails, fine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.review.preflight.account import Account
    from operations.review.preflight.findings import Question
    from operations.review.preflight.planned import PlannedDocument


def questions() -> Sequence[Question]:
    """Asked when the settings name a version: without one, the first apply starts no instance."""
    return (release,)


def release(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the release's image and a value in each secret: the apply waits for instances that need both."""
    version = VersionSetting.of(ROOT, planned.stack.environment).read().version
    if version is None:
        yield fine("release", "the settings name no version: no instance starts yet")
        return
    for _, body in planned.of("aws_ecr_repository"):
        try:
            account.ask("ecr", "describe_images", repositoryName=body["name"], imageIds=[{"imageTag": version}])
            yield fine("release", f"{version} is in {body['name']}")
        except ClientError as error:
            missing = {
                "RepositoryNotFoundException": f"{body['name']} is not created yet, and the settings name {version}",
                "ImageNotFoundException": f"{body['name']} has no image {version}",
            }
            if code_of(error) not in missing:
                raise
            push = "apply without version, push the image, then: quintet aquamark upgrade"
            yield fails(
                "release", missing[code_of(error)], f"{push} {version} --environment {planned.stack.environment}"
            )
            return

    def describe(name: str) -> Mapping[str, Any]:
        return account.ask("secretsmanager", "describe_secret", SecretId=name)

    for name, command in empty_secrets(planned.of("aws_secretsmanager_secret"), describe, planned.stack.environment):
        yield fails("release", f"the secret {name} has no value", command)
