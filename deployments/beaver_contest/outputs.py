"""Outputs of the Beaver Contest, written by its stack and read by its day-2 work."""

from __future__ import annotations

from collections.abc import Mapping

from config.outputs import DeploymentOutputs


class BeaverContestOutputs(DeploymentOutputs):
    """Outputs of the Beaver Contest in one environment."""

    admin_url: str
    """Where teachers work."""
    contest_url: str
    """Where teams take part."""
    static_url: str
    """Where the static files are."""
    application: str
    """The Beanstalk application."""
    admin_environment: str
    """Its environment for teachers."""
    contest_environment: str
    """Its environment for contests."""
    releases_bucket: str
    """Where bundles are kept."""
    static_bucket: str
    """Where assets and contests are published."""
    static_access: str
    """policy or acl: who decides what is public."""
    distribution_id: str
    """CloudFront's, empty when there is none."""
    team_table: str
    """The DynamoDB table of teams."""
    team_question_table: str
    """The DynamoDB table of answers."""
    sessions_table: str
    """The DynamoDB table of sessions."""
    database_address: str
    """MySQL, from inside the network."""
    database_port: str
    """MySQL's port."""
    database_name: str
    """The contest's database."""
    database_secret_arn: str
    """The database's master user and password."""
    database_user: str
    """The user the PHP code signs in as."""
    database_user_secret_arn: str
    """That user and its password."""
    database_user_function: str
    """The function that makes that user."""
    database_security_group: str
    """The security group that open-database opens for a while."""
    php_user: str
    """The IAM user of the PHP code."""
    key_secret_arn: str
    """Where rotate-key puts that user's access key."""
    tasks_password_secret_arn: str
    """Where protect-tasks puts the tasks' password."""

    @property
    def environments(self) -> Mapping[str, str]:
        """Names of the two environments by role, in the order in which the document's script deploys them."""
        return {"contest": self.contest_environment, "admin": self.admin_environment}

    @property
    def urls(self) -> Mapping[str, str]:
        """URLs of the two environments by role, in the same order."""
        return {"contest": self.contest_url, "admin": self.admin_url}

    @property
    def tables(self) -> Mapping[str, str]:
        """Names of the DynamoDB tables, by the names that MySQL and the PHP code have for them."""
        return {"team": self.team_table, "team_question": self.team_question_table, "sessions": self.sessions_table}
