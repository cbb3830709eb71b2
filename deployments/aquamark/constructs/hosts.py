"""Web servers and the daemon host, and the values they start with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deployments.aquamark.constructs.attachments import Attachments
from deployments.aquamark.outputs import NO_VERSION
from deployments.aquamark.settings import AquamarkSettings
from modules.access import Grantable
from modules.bucket import Bucket
from modules.database import Database
from modules.fleet import Fleet, log_group_name
from modules.image_repository import ImageRepository
from modules.load_balancer import HealthCheck
from modules.network import Network
from modules.policy import allow, document
from modules.secret import Secret
from modules.stack import DeploymentStack
from modules.template import template_file

PING = HealthCheck(path="/ping", interval_seconds=30, timeout_seconds=10, unhealthy_threshold=10)
"""It asks the database: only after five minutes of silence are instances left out, and none is replaced for it."""
_USER_DATA = Path(__file__).parents[1] / "runtime" / "user_data.sh"


@dataclass(frozen=True)
class Hosts:
    """One program runs on every host; `role` and these values make the difference."""

    stack: DeploymentStack
    settings: AquamarkSettings
    network: Network
    repository: ImageRepository
    database: Database
    login: Secret
    smtp: Secret
    attachments: Attachments
    dumps: Bucket

    def web(self) -> Fleet:
        """The web servers of `settings.version`; before there is a version, the group has no instances."""
        version = self.settings.version
        none_yet = {"min_size": 0, "max_size": 1}
        return self._fleet("web")(
            settings=self.settings.web.model_copy(update={} if version else none_yet),
            version=version or NO_VERSION,
            replace_unhealthy_targets=False,
        )

    def daemons(self) -> Fleet:
        """The one host of the daemons."""
        return self._fleet("daemons")(settings=self.settings.daemons.fleet(), singleton=True)

    def _fleet(self, role: str) -> partial[Fleet]:
        name = self.stack.physical_name(role)
        return partial(
            Fleet,
            self.stack,
            role,
            name=name,
            network=self.network,
            subnets=self.settings.application.subnets,
            log_roles=("application", "boot"),
            user_data=self._user_data(role, fleet_name=name),
            compressed_user_data=True,
        )

    def _user_data(self, role: str, *, fleet_name: str) -> str:
        stack = self.stack
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
            analytics_id=application.analytics_id,
            force_https=str(settings.load_balancer.dns is not None),
            database_host=self.database.address,
            database_port=str(self.database.port),
            database_name=application.database_name,
            database_user=application.database_user,
            database_major_version=settings.database.engine_version.partition(".")[0],
            login_secret_arn=self.login.arn,
            storage_secret_arn=self.attachments.secret_arn if role == "web" else "",
            smtp_secret_arn=self.smtp.arn if role == "daemons" else "",
            bucket=self.attachments.bucket_name,
            dumps_bucket=self.dumps.name,
            smtp_server=mail.smtp_server,
            smtp_port=str(mail.smtp_port),
            smtp_use_tls=str(mail.smtp_use_tls),
            send_from=mail.send_from,
            error_send_to=mail.error_send_to,
            topic_arn=f"arn:aws:sns:{stack.region}:{stack.environment.account_id}:{stack.physical_name('alarms')}",
            log_group=log_group_name(fleet_name, "application"),
            boot_log_group=log_group_name(fleet_name, "boot"),
        )


def grant_see_instances(stack: DeploymentStack, grantee: Grantable) -> None:
    """Lets `grantee` see which instances there are: a new daemon host waits until the one before it has ended."""
    policy = document(allow("SeeInstances", actions=["ec2:DescribeInstances"], resources=["*"]))
    grantee.attach_policy(stack, f"instances_seen_by_{grantee.grantee_role}", policy)
