"""Aquamark: a versioned web fleet behind a lasting load balancer, one host of daemons, PostgreSQL and attachments."""

from __future__ import annotations

from cdktf import App

from config.environment import Environment
from config.types import ACCESS_LOGS
from deployments.aquamark.constructs.attachments import Attachments
from deployments.aquamark.constructs.containers import Containers
from deployments.aquamark.constructs.hosts import PING, Hosts, grant_see_instances
from deployments.aquamark.outputs import NO_VERSION, AquamarkOutputs
from deployments.aquamark.settings import AquamarkSettings
from modules.alarms import Alarms
from modules.backup_plan import BackupPlan
from modules.bucket import Bucket
from modules.database import Database
from modules.engines import POSTGRESQL
from modules.image_repository import ImageRepository
from modules.load_balancer import LoadBalancer
from modules.network import Network
from modules.secret import Secret
from modules.stack import DeploymentStack
from modules.watches.watch import Watchable

LOGIN = ": JSON with username and password"


class AquamarkStack(DeploymentStack):
    """The document's infrastructure; `version` names the one image that web servers and daemons run."""

    def __init__(self, scope: App, *, environment: Environment, settings: AquamarkSettings) -> None:
        super().__init__(scope, deployment="aquamark", environment=environment, settings=settings)
        name = self.physical_name

        # what lasts
        network = Network(self, "network", name=name("network"), settings=settings.network)
        access_logs = Bucket.for_access_logs(self, "access_logs", name=f"{settings.attachments.bucket}{ACCESS_LOGS}")
        dumps = Bucket(
            self,
            "dumps",
            name=f"{settings.attachments.bucket}-dumps",
            access_log_bucket=access_logs,
            expiration_days={"": 30},
            noncurrent_version_expiration_days=7,
        )
        attachments = Attachments(
            self,
            "attachments",
            name=name("attachments"),
            network=network,
            settings=settings.attachments,
            access_log_bucket=access_logs,
        )
        login = Secret(self, "login", name=name("login"), description=f"The application's login to the database{LOGIN}")
        smtp = Secret(self, "smtp", name=name("smtp"), description=f"The daemons' login to the mail server{LOGIN}")
        repository = ImageRepository(self, "repository", name=name("app"))
        database = Database(
            self,
            "database",
            name=name("database"),
            network=network,
            engine=POSTGRESQL,
            settings=settings.database,
            database_name=settings.application.database_name,
            username="postgres",
            parameters={"password_encryption": settings.database.password_encryption},
        )
        backups = BackupPlan(
            self,
            "backups",
            name=name("backups"),
            schedule=settings.backups.schedule,
            retention_days=settings.backups.retention_days,
            resource_arns=[database.arn],
        )
        load_balancer = LoadBalancer(
            self, "load_balancer", name=name("lb", max_length=32), network=network, settings=settings.load_balancer
        )

        # what runs
        containers = Containers(self, "containers", fleet_name=name("daemons"), names=("recalc", "notify"))
        hosts = Hosts(self, settings, network, repository, database, login, smtp, attachments, dumps)
        web, daemons = hosts.web(), hosts.daemons()
        load_balancer.forward_to(web, port=80, health_check=PING)
        watched: list[Watchable] = [load_balancer, web, daemons, containers, database, backups, attachments.key_age]
        alarms = Alarms(self, "alarms", name=name("alarms"), settings=settings.alarms, watched=watched)

        # who reaches what
        web.wait_for(*load_balancer.listeners)
        daemons.wait_for(f"aws_autoscaling_group.{web.node.id}")  # a version reaches them once it serves
        for fleet in (web, daemons):
            database.connections.allow_from(fleet)
            repository.grant_pull(fleet)
            login.grant_read(fleet)
            alarms.grant_publish(fleet)
            containers.grant_report(fleet)
        attachments.grant_read_key(web)
        database.grant_read_secret(daemons)
        login.grant_write(daemons)
        smtp.grant_read(daemons)
        dumps.grant_write(daemons)
        daemons.connections.allow_to_internet(ports=(settings.mail.smtp_port,))
        grant_see_instances(self, daemons)

        self.offer(
            AquamarkOutputs(
                url=load_balancer.url,
                version=settings.version or NO_VERSION,
                previous_version=settings.previous_version or "none",
                repository=repository.name,
                repository_url=repository.url,
                target_group_arn=load_balancer.target_group_arn,
                web_name=name("web"),
                web_group=web.group_name,
                daemon_group=daemons.group_name,
                daemon_role_arn=daemons.role_arn,
                database_identifier=database.identifier,
                database_address=database.address,
                database_secret_arn=database.secret_arn,
                login_secret_arn=login.arn,
                smtp_secret_arn=smtp.arn,
                storage_user=attachments.user_name,
                storage_secret_arn=attachments.secret_arn,
                attachments_bucket=attachments.bucket_name,
                dumps_bucket=dumps.name,
                backup_vault=backups.vault_name,
            )
        )
