"""What web servers and the daemon host are told when they start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.components import FleetSettings
from deployments.aquamark.constructs.attachments import Attachments
from deployments.aquamark.settings import AquamarkSettings
from modules.access import Grantable
from modules.database import Database
from modules.fleet import log_group_name
from modules.image_repository import ImageRepository
from modules.policy import allow, document
from modules.secret import Secret
from modules.stack import DeploymentStack
from modules.template import template_file

LOG_ROLES = ("application", "boot")
_USER_DATA = Path(__file__).parents[1] / "runtime" / "user_data.sh"


@dataclass(frozen=True)
class Hosts:
    """One program runs on every host; `role` and these values make the difference."""

    settings: AquamarkSettings
    repository: ImageRepository
    database: Database
    login: Secret
    smtp: Secret
    attachments: Attachments
    dumps_bucket: str
    topic_arn: str

    @property
    def web_settings(self) -> FleetSettings:
        """The web fleet's settings; before there is a version, it has no instances."""
        none_yet = {"min_size": 0, "max_size": 1}
        return self.settings.web.model_copy(update={} if self.settings.version else none_yet)

    def user_data(self, stack: DeploymentStack, *, role: str, fleet_name: str) -> str:
        """The user data of a host in `role`: `web` or `daemons`."""
        settings, application, mail = self.settings, self.settings.application, self.settings.mail
        return template_file(
            stack,
            _USER_DATA,
            role=role,
            fleet=fleet_name,
            region=stack.region,
            repository=self.repository.url,
            version=settings.version or "",
            generation=application.generation,
            config_directory=application.config_directory,
            container_port=str(application.container_port),
            analytics_id=application.analytics_id,
            force_https=str(settings.load_balancer.dns is not None),
            database_host=self.database.address,
            database_port=str(self.database.port),
            database_name=application.database_name,
            database_user=application.database_user,
            database_major_version=settings.database.engine_version.partition(".")[0],
            login_secret_arn=self.login.arn,
            storage_secret_arn=self.attachments.secret_arn,
            smtp_secret_arn=self.smtp.arn,
            bucket=self.attachments.bucket_name,
            dumps_bucket=self.dumps_bucket,
            smtp_server=mail.smtp_server,
            smtp_port=str(mail.smtp_port),
            smtp_use_tls=str(mail.smtp_use_tls),
            send_from=mail.send_from,
            error_send_to=mail.error_send_to,
            topic_arn=self.topic_arn,
            log_group=log_group_name(fleet_name, "application"),
            boot_log_group=log_group_name(fleet_name, "boot"),
        )


def grant_see_instances(stack: DeploymentStack, grantee: Grantable) -> None:
    """Lets `grantee` see which instances there are: a new daemon host waits until the one before it has ended."""
    policy = document(allow("SeeInstances", actions=["ec2:DescribeInstances"], resources=["*"]))
    grantee.attach_policy(stack, f"instances_seen_by_{grantee.grantee_role}", policy)
