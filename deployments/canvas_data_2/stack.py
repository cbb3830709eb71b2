"""Canvas Data 2: a scheduled state machine that keeps a copy of Canvas's tables in Aurora PostgreSQL."""

from __future__ import annotations

from cdktf import App

from config.environment import Environment
from deployments.canvas_data_2.constructs.programs import Programs
from deployments.canvas_data_2.constructs.refresh_machine import refresh_machine
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from deployments.canvas_data_2.settings import CREDENTIALS, CanvasData2Settings
from modules.alarms import Alarms
from modules.aurora import Aurora
from modules.encryption_key import EncryptionKey
from modules.interface_endpoints import InterfaceEndpoints
from modules.network import Network
from modules.schedule import Schedule
from modules.secret import Secret
from modules.secure_parameter import SecureParameter
from modules.stack import DeploymentStack
from modules.topic import Topic
from modules.watches.watch import Watchable


class CanvasData2Stack(DeploymentStack):
    """The document's infrastructure; what it leaves to be done is done."""

    def __init__(self, scope: App, *, environment: Environment, settings: CanvasData2Settings) -> None:
        super().__init__(scope, deployment="canvas-data-2", environment=environment, settings=settings)
        name, parameter_path = self.physical_name, f"/{settings.stage}/canvas_data_2"

        # what lasts
        network = Network(self, "network", name=name("network"), settings=settings.network)
        key = EncryptionKey(self, "key", name=name("key"), description="Data and credentials of Canvas Data 2")
        credentials = [
            SecureParameter(
                self,
                role,
                name=f"{parameter_path}/{role}",
                key=key,
            )
            for role in CREDENTIALS
        ]
        database = Aurora(
            self,
            "database",
            name=name("database"),
            network=network,
            settings=settings.aurora,
            key=key,
            database_name=settings.database.name,
            username=settings.database.admin_user,
        )
        user_secret = Secret(
            self,
            "user_secret",
            name=f"{name('cd2-db-user')}-{settings.database.user}",
            description="username, password, host, port and dbname; filled by quintet canvas prepare-database",
        )
        topic = Topic(
            self,
            "refreshes",
            name=name("refreshes"),
            display_name=f"Canvas Data 2 Synchronization Workflow ({settings.stage})",
            key=key,
            emails=settings.notification_emails,
        )

        # what runs
        programs = Programs(self, settings, network=network, parameter_path=parameter_path, user_secret=user_secret)
        list_tables, sync_table, task = programs.list_tables, programs.sync_table, programs.table_task
        refresh = refresh_machine(self, settings, programs=programs, topic=topic)
        schedule = Schedule(self, "schedule", name=name("refresh"), settings=settings.schedule, target=refresh, key=key)
        watched: list[Watchable] = [refresh, list_tables, programs.summarise, database]
        Alarms(self, "alarms", name=name("alarms"), settings=settings.alarms, watched=watched)

        # who reaches what
        for function in (list_tables, sync_table):
            function.connections.allow_to_internet(ports=(443,))
        for client in (list_tables, sync_table, task):
            for credential in credentials:
                credential.grant_read(client)
        for client in (sync_table, task):
            database.connections.allow_from(client)
            user_secret.grant_read(client)
        if settings.vpc_endpoints:
            endpoints = InterfaceEndpoints(
                self, "endpoints", name=name("endpoints"), network=network, services=settings.vpc_endpoints
            )
            for client in (list_tables, sync_table, task):
                endpoints.connections.allow_from(client)

        self.offer(
            CanvasData2Outputs(
                state_machine_arn=refresh.arn,
                schedule=schedule.name,
                topic_arn=topic.arn,
                parameter_path=parameter_path,
                key_arn=key.arn,
                cluster_arn=database.arn,
                database_address=database.address,
                database_port=str(database.port),
                database_name=database.database_name,
                admin_secret_arn=database.secret_arn,
                user_secret_arn=user_secret.arn,
                database_user=settings.database.user,
                namespaces=",".join(settings.dap.namespaces),
                sync_function=sync_table.name,
                summary_function=programs.summarise.name,
                list_function=list_tables.name,
                repository_url=task.repository_url,
                image=task.image,
                task_cluster_arn=task.cluster_arn,
                task_definition_arn=task.definition_arn,
                task_container=task.container_name,
                task_subnet_ids=",".join(task.subnet_ids),
                task_security_group_id=task.connections.security_group_id,
                task_log_group=task.log_group_name,
            )
        )
