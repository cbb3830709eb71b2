"""Aquamark: a versioned web fleet behind a lasting load balancer, one host of daemons, PostgreSQL and attachments."""

from __future__ import annotations

from cdktf import App

from config.environment import Environment
from deployments.aquamark.constructs.attachments import Attachments
from deployments.aquamark.constructs.containers import Containers
from deployments.aquamark.constructs.hosts import LOG_ROLES, Hosts, grant_see_instances
from deployments.aquamark.settings import AquamarkSettings
from modules.alarms import Alarms
from modules.backup_plan import BackupPlan
from modules.bucket import Bucket
from modules.database import Database
from modules.engines import POSTGRESQL
from modules.fleet import Fleet
from modules.image_repository import ImageRepository
from modules.load_balancer import HealthCheck, LoadBalancer
from modules.network import Network
from modules.secret import Secret
from modules.stack import DeploymentStack

PING = HealthCheck(path="/ping", interval_seconds=30, timeout_seconds=10, unhealthy_threshold=10)
"""It asks the database: only after five minutes of silence are instances left out, and none is replaced for it."""


class AquamarkStack(DeploymentStack):
    """The document's infrastructure; `version` names the one image that web servers and daemons run."""

    def __init__(self, scope: App, *, environment: Environment, settings: AquamarkSettings) -> None:
        super().__init__(scope, deployment="aquamark", environment=environment, settings=settings)
        name = self.physical_name
        application = settings.application

        network = Network(self, "network", name=name("network"), settings=settings.network)
        access_logs = Bucket.for_access_logs(self, "access_logs", name=f"{settings.attachments.bucket}-access-logs")
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
        login = Secret(
            self,
            "login",
            name=name("login"),
            description="The application's login to the database: JSON with username and password",
        )
        smtp = Secret(
            self,
            "smtp",
            name=name("smtp"),
            description="The daemons' login to the mail server: JSON with username and password",
        )
        repository = ImageRepository(self, "repository", name=name("app"))
        database = Database(
            self,
            "database",
            name=name("database"),
            network=network,
            engine=POSTGRESQL,
            settings=settings.database,
            database_name=application.database_name,
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
            self,
            "load_balancer",
            name=name("lb", max_length=32),
            network=network,
            settings=settings.load_balancer,
        )
        containers = Containers(self, "containers", fleet_name=name("daemons"), names=("recalc", "notify"))
        hosts = Hosts(
            settings=settings,
            repository=repository,
            database=database,
            login=login,
            smtp=smtp,
            attachments=attachments,
            dumps_bucket=dumps.name,
            topic_arn=f"arn:aws:sns:{self.region}:{environment.account_id}:{name('alarms')}",
        )
        web = Fleet(
            self,
            "web",
            name=name("web"),
            network=network,
            settings=hosts.web_settings,
            subnets=application.subnets,
            log_roles=LOG_ROLES,
            user_data=hosts.user_data(self, role="web", fleet_name=name("web")),
            compressed_user_data=True,
            version=settings.version or "none",
            replace_unhealthy_targets=False,
        )
        daemons = Fleet(
            self,
            "daemons",
            name=name("daemons"),
            network=network,
            settings=settings.daemons.fleet(),
            subnets=application.subnets,
            log_roles=LOG_ROLES,
            user_data=hosts.user_data(self, role="daemons", fleet_name=name("daemons")),
            compressed_user_data=True,
            singleton=True,
        )
        alarms = Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[load_balancer, web, daemons, containers, database, backups],
        )

        load_balancer.forward_to(web, port=80, health_check=PING, redirected_by="the application")
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
        dumps.grant_read_write(daemons)
        daemons.connections.allow_to_internet(ports=(settings.mail.smtp_port,))
        grant_see_instances(self, daemons)

        self.output("url", load_balancer.url, description="Where users go")
        self.output("version", settings.version or "none", description="The tag of the image that runs")
        self.output("previous_version", settings.previous_version or "none", description="What a rollback goes back to")
        self.output("repository", repository.name, description="Where images are pushed")
        self.output("repository_url", repository.url, description="What images are called before their tag")
        self.output("target_group_arn", load_balancer.target_group_arn, description="Whom the load balancer asks")
        self.output("web_name", name("web"), description="What the web groups of every version begin with")
        self.output("web_group", web.group_name, description="The web group of the version that runs")
        self.output("daemon_group", daemons.group_name, description="The group of the one daemon host")
        self.output("daemon_role_arn", daemons.role_arn, description="What the daemon host may do")
        self.output("database_identifier", database.identifier, description="The RDS instance")
        self.output("database_address", database.address, description="PostgreSQL, from inside the network")
        self.output("database_secret_arn", database.secret_arn, description="The master user and password")
        self.output("login_secret_arn", login.arn, description="The application's login to the database")
        self.output("smtp_secret_arn", smtp.arn, description="The daemons' login to the mail server")
        self.output("storage_user", attachments.user_name, description="The IAM user that stores attachments")
        self.output("storage_secret_arn", attachments.secret_arn, description="That user's access key")
        self.output("attachments_bucket", attachments.bucket_name, description="Where attachments are")
        self.output("dumps_bucket", dumps.name, description="Where dumps are, for thirty days")
        self.output("backup_vault", backups.vault_name, description="Where the weekly snapshots are")
