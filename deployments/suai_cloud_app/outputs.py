"""The outputs of an applied SUAI Cloud App."""

from __future__ import annotations

from config.outputs import DeploymentOutputs


class SuaiCloudAppOutputs(DeploymentOutputs):
    """Names and addresses: the stack writes them, `quintet suai` and the checks read them."""

    url: str
    """Where the application answers."""
    bucket: str
    """Where the application is published."""
    release_prefix: str
    """Below which releases stand in the bucket."""
    group: str
    """The Auto Scaling group that runs the application."""
    application_log_group: str
    """Where output.log is collected."""
    boot_log_group: str
    """Where the log of instances' first boot is collected."""
    database_address: str
    """MySQL, from inside the network."""
    database_secret_arn: str
    """The database's master user and password."""
    database_name: str
    """The application's database."""
    database_user: str
    """The user the application signs in as."""
    database_user_secret_arn: str
    """That user and its password."""
    database_user_function: str
    """The function that makes that user."""
    redis_endpoint: str
    """Redis, from inside the network."""
    redis_group: str
    """The replication group of Redis."""
    redis_secret_arn: str | None = None
    """The AUTH token of Redis, where it speaks TLS."""
    table: str
    """The DynamoDB table."""
