"""Outputs of Canvas Data 2, written by its stack and read by its day-2 work."""

from __future__ import annotations

from config.outputs import DeploymentOutputs


class CanvasData2Outputs(DeploymentOutputs):
    """Outputs of Canvas Data 2 in one environment."""

    state_machine_arn: str
    """CD2RefreshStateMachine."""
    schedule: str
    """The schedule that starts the state machine."""
    topic_arn: str
    """Where every refresh is reported."""
    parameter_path: str
    """Above the API's credentials in the Parameter Store."""
    key_arn: str
    """The key that encrypts the API's credentials."""
    cluster_arn: str
    """The database, as the Data API names it."""
    database_address: str
    """The database's writer, from inside the network."""
    database_port: str
    """Its port."""
    database_name: str
    """The database that is filled."""
    admin_secret_arn: str
    """The master user and password, kept by RDS."""
    user_secret_arn: str
    """The secret that the pipeline signs in with."""
    database_user: str
    """The pipeline's login."""
    namespaces: str
    """Namespaces that are replicated, as schemas."""
    sync_function: str
    """The function that syncs one table."""
    summary_function: str
    """The function that sums a refresh up."""
    list_function: str
    """The function that lists the tables."""
    repository_url: str
    """Where the task's image belongs."""
    image: str
    """The image of exactly this code."""
    task_cluster_arn: str
    """Where tables are initialised."""
    task_definition_arn: str
    """The task that initialises and syncs tables."""
    task_container: str
    """The task's container."""
    task_subnet_ids: str
    """Where its tasks run."""
    task_security_group_id: str
    """The security group of those tasks."""
    task_log_group: str
    """Log group of those tasks."""
