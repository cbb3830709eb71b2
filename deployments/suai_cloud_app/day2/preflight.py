"""The SUAI Cloud App's own questions of preflight: the release and the login that instances fetch at boot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployments.suai_cloud_app.day2.releases import FILE_NAME, parsed
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.review.preflight.account import code_of
from operations.review.preflight.findings import PreflightFinding, fails, fine, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from operations.review.preflight.account import Account
    from operations.review.preflight.findings import Question
    from operations.review.preflight.planned import PlannedDocument

_USER_SECRET = "aws_secretsmanager_secret.database_user_secret"  # noqa: S105  # an address
_MISSING = ("404", "NoSuchBucket", "NoSuchKey")


def questions() -> Sequence[Question]:
    """Asked before an apply that may replace instances."""
    return (release, login)


def release(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the current release and for its executable: an instance that finds none ends itself."""
    outputs = planned.read(SuaiCloudAppOutputs)
    publish = f"quintet suai publish --environment {planned.stack.environment}"
    (bucket,) = (body["bucket"] for address, body in planned.of("aws_s3_bucket") if address == "aws_s3_bucket.bucket")
    of_bucket = {"Bucket": bucket, "ExpectedBucketOwner": planned.stack.account_id}
    current = f"{outputs.release_prefix}current"
    try:
        pointer = account.ask("s3", "get_object", **of_bucket, Key=current)["Body"].read()
    except ClientError as error:
        if code_of(error) not in _MISSING:
            raise
        yield warning("release", "nothing is published yet: instances wait for a first release", publish)
        return
    named, _ = parsed(pointer)
    if named is None:
        yield fails("release", f"s3://{bucket}/{current} is unreadable for instances", publish)
        return
    key = f"{outputs.release_prefix}{named.version}/{FILE_NAME}"
    try:
        account.ask("s3", "head_object", **of_bucket, Key=key)
        yield fine("release", f"{named.version} is in {bucket}")
    except ClientError as error:
        if code_of(error) not in _MISSING:
            raise
        yield fails("release", f"{current} names {named.version}, and there is no s3://{bucket}/{key}", publish)


def login(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for a password in the secret of the application's user: an instance that finds none ends itself."""
    make = f"quintet suai database-user --environment {planned.stack.environment}"
    (name,) = (body["name"] for address, body in planned.of("aws_secretsmanager_secret") if address == _USER_SECRET)
    try:
        filled = bool(account.ask("secretsmanager", "describe_secret", SecretId=name).get("VersionIdsToStages"))
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        filled = False
    if filled:
        yield fine("login", f"{name} holds the login of the application's user")
    else:
        yield warning("login", f"{name} is empty: instances wait for the application's database user", make)
