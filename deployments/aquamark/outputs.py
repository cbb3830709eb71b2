"""The outputs of an applied Aquamark."""

from __future__ import annotations

from config.outputs import DeploymentOutputs

NO_VERSION = "none"
"""The version in outputs and names before the first upgrade."""


class AquamarkOutputs(DeploymentOutputs):
    """Names and addresses: the stack writes them, `quintet aquamark` and the checks read them."""

    url: str
    """Where users go."""
    version: str
    """The tag of the image that runs."""
    previous_version: str
    """The version that a rollback goes back to."""
    repository: str
    """Where images are pushed."""
    repository_url: str
    """The image's name without its tag."""
    target_group_arn: str
    """The target group of the load balancer."""
    web_name: str
    """The beginning of the names of every version's web group."""
    web_group: str
    """The web group of the version that runs."""
    daemon_group: str
    """The group of the one daemon host."""
    daemon_role_arn: str
    """The IAM role of the daemon host."""
    database_identifier: str
    """The RDS instance."""
    database_address: str
    """PostgreSQL, from inside the network."""
    database_secret_arn: str
    """The master user and password."""
    login_secret_arn: str
    """The application's login to the database."""
    smtp_secret_arn: str
    """The daemons' login to the mail server."""
    storage_user: str
    """The IAM user that stores attachments."""
    storage_secret_arn: str
    """That user's access key."""
    attachments_bucket: str
    """Where attachments are."""
    dumps_bucket: str
    """Where dumps are, for thirty days."""
    backup_vault: str
    """Where the weekly snapshots are."""
