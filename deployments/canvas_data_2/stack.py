"""Canvas Data 2: a scheduled state machine that keeps a copy of Canvas's tables in Aurora PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from cdktf import App, Fn, Token

from config.environment import Environment
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from deployments.canvas_data_2.settings import CanvasData2Settings
from modules.alarms import Alarms
from modules.aurora import Aurora
from modules.container_task import ContainerTask
from modules.encryption_key import EncryptionKey
from modules.interface_endpoints import InterfaceEndpoints
from modules.network import Network
from modules.python_function import PythonFunction
from modules.schedule import Schedule
from modules.secret import Secret
from modules.secure_parameter import SecureParameter
from modules.source_files import archive, digest
from modules.stack import DeploymentStack
from modules.state_machine import StateMachine
from modules.topic import Topic

FOLDER = Path(__file__).parent
RUNTIME = FOLDER / "runtime"
SMALL = ("__init__.py", "dap_http.py", "list_tables.py", "log.py", "parameters.py", "summarise.py")
"""The files of runtime/cd2 that run without any library but the one Lambda brings along."""


class CanvasData2Stack(DeploymentStack):
    """The document's infrastructure; what it leaves to be done is done."""

    def __init__(self, scope: App, *, environment: Environment, settings: CanvasData2Settings) -> None:
        super().__init__(scope, deployment="canvas-data-2", environment=environment, settings=settings)
        name = self.physical_name
        parameters = f"/{settings.stage}/canvas_data_2"

        network = Network(self, "network", name=name("network"), settings=settings.network)
        endpoints = (
            InterfaceEndpoints(
                self, "endpoints", name=name("endpoints"), network=network, services=settings.vpc_endpoints
            )
            if settings.vpc_endpoints
            else None
        )
        key = EncryptionKey(self, "key", name=name("key"), description="Data and credentials of Canvas Data 2")
        client_id = SecureParameter(
            self,
            "dap_client_id",
            name=f"{parameters}/dap_client_id",
            description="Of the DAP API; filled by quintet canvas put-credentials",
            key=key,
        )
        client_secret = SecureParameter(
            self,
            "dap_client_secret",
            name=f"{parameters}/dap_client_secret",
            description="Of the DAP API; filled by quintet canvas put-credentials",
            key=key,
        )
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
        api = {"DAP_API_URL": settings.dap.api_base_url, "SSM_PATH": parameters, "LOG_LEVEL": settings.log_level}
        replication = {
            **api,
            "DB_USER_SECRET_NAME": user_secret.name,
            "API_ATTEMPTS": str(settings.refresh.api_attempts),
        }
        small_code = archive(RUNTIME, [RUNTIME / "cd2" / file for file in SMALL])
        list_tables = PythonFunction(
            self,
            "list_tables",
            name=name("list-tables"),
            network=network,
            code=small_code,
            handler="cd2.list_tables.handler",
            timeout_seconds=120,
            memory_mib=256,
            log_retention_days=settings.log_retention_days,
            environment={
                **api,
                "NAMESPACES": ",".join(settings.dap.namespaces),
                "SKIP_TABLES": ",".join(settings.dap.skipped_tables),
            },
        )
        summarise = PythonFunction(
            self,
            "summarise",
            name=name("summarise"),
            network=network,
            code=small_code,
            handler="cd2.summarise.handler",
            timeout_seconds=30,
            memory_mib=256,
            log_retention_days=settings.log_retention_days,
            environment={"STAGE": settings.stage, "LOG_LEVEL": settings.log_level},
        )
        sync_table = PythonFunction(
            self,
            "sync_table",
            name=name("sync-table"),
            network=network,
            code=archive(RUNTIME, (RUNTIME / "cd2").glob("*.py")),
            handler="cd2.sync_table.handler",
            timeout_seconds=settings.refresh.sync_timeout_seconds,
            memory_mib=settings.refresh.sync_memory_mib,
            ephemeral_storage_mib=settings.refresh.sync_ephemeral_storage_mib,
            log_retention_days=settings.log_retention_days,
            environment=replication,
            layers_by_operator=True,
        )
        table_task = ContainerTask(
            self,
            "table_task",
            name=name("table-task"),
            network=network,
            settings=settings.task,
            image_tag=digest(RUNTIME),
            environment=replication,
        )
        refresh = StateMachine(
            self,
            "refresh",
            name="CD2RefreshStateMachine",
            definition=FOLDER / "refresh.asl.json",
            log_retention_days=settings.log_retention_days,
            stage=settings.stage,
            list_tables=list_tables.arn,
            sync_table=sync_table.arn,
            summarise=summarise.arn,
            topic_arn=topic.arn,
            cluster_arn=table_task.cluster_arn,
            task_definition_arn=table_task.definition_arn,
            container_name=table_task.container_name,
            subnet_ids=Token.as_string(Fn.jsonencode(list(table_task.subnet_ids))),
            security_group_id=table_task.connections.security_group_id,
            max_concurrency=str(settings.refresh.max_concurrency),
            tolerated_failed_tables=str(settings.refresh.tolerated_failed_tables),
            task_timeout_seconds=str(settings.refresh.task_timeout_hours * 3600),
            task_heartbeat_seconds=str(settings.refresh.task_heartbeat_seconds),
        )
        schedule = Schedule(
            self, "schedule", name=name("refresh"), settings=settings.schedule, machine=refresh, key=key
        )

        for function in (list_tables, sync_table):
            function.connections.allow_to_internet(ports=(443,))
        for client in (list_tables, sync_table, table_task):
            client_id.grant_read(client)
            client_secret.grant_read(client)
            if endpoints is not None:
                endpoints.connections.allow_from(client)
        for client in (sync_table, table_task):
            database.connections.allow_from(client)
            user_secret.grant_read(client)
        for called in (list_tables, sync_table, summarise):
            called.grant_invoke(refresh)
        table_task.grant_run(refresh)
        refresh.grant_report(table_task)
        topic.grant_publish(refresh)
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[refresh, list_tables, summarise, database],
        )

        self.offer(
            CanvasData2Outputs(
                state_machine_arn=refresh.arn,
                schedule=schedule.name,
                topic_arn=topic.arn,
                parameter_path=parameters,
                cluster_arn=database.arn,
                database_address=database.address,
                database_port=str(database.port),
                database_name=database.database_name,
                admin_secret_arn=database.secret_arn,
                user_secret_arn=user_secret.arn,
                database_user=settings.database.user,
                namespaces=",".join(settings.dap.namespaces),
                sync_function=sync_table.name,
                summary_function=summarise.name,
                list_function=list_tables.name,
                repository_url=table_task.repository_url,
                image=table_task.image,
                task_cluster_arn=table_task.cluster_arn,
                task_definition_arn=table_task.definition_arn,
                task_container=table_task.container_name,
                task_subnet_ids=",".join(table_task.subnet_ids),
                task_security_group_id=table_task.connections.security_group_id,
                task_log_group=table_task.log_group_name,
            )
        )
