"""Keys of a program: those that the role or user it runs as has, and no others."""

from __future__ import annotations

from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError


def keys_of(aws: Aws, arn: str, *, region: str) -> dict[str, str]:
    """The variables with which a program signs as the role or user of this ARN.

    A role's keys are temporary, as EC2, ECS and Lambda hand them out; a user gets a further access key. Raises
    OperatorError when the ARN is neither a role's nor a user's, or AWS refuses.
    """
    kind, _, name = arn.rpartition(":")[2].partition("/")
    with refusals_explained():
        if kind == "role":
            session = name.rpartition("/")[2]
            sts = aws.client("sts", region=region)
            made = sts.assume_role(RoleArn=arn, RoleSessionName=session[:64])["Credentials"]
            return {**_pair(made["AccessKeyId"], made["SecretAccessKey"]), "AWS_SESSION_TOKEN": made["SessionToken"]}
        if kind == "user":
            iam = aws.client("iam", region=region)
            key = iam.create_access_key(UserName=name.rpartition("/")[2])["AccessKey"]
            return _pair(key["AccessKeyId"], key["SecretAccessKey"])
    raise OperatorError(f"{arn} has no keys: give the ARN of an IAM role or user.")


def _pair(access_key_id: str, secret_access_key: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": secret_access_key}
