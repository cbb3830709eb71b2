"""The `/s3` page: this machine may look into the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from . import aws
from .failure import CheckError

if TYPE_CHECKING:
    from ..config import AwsConfig, S3Config


def check_s3(settings: S3Config, where: AwsConfig) -> None:
    """List at most one object of the bucket; unlike HeadBucket, a refusal says why. Raises CheckError."""
    try:
        aws.client("s3", where.region).list_objects_v2(Bucket=settings.bucket, MaxKeys=1)
    except (BotoCoreError, ClientError) as error:
        raise CheckError(f"bucket {settings.bucket} in {where.region}: {aws.cause(error)}") from error
