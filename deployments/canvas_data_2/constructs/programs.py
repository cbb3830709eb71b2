"""The programs that replicate tables: three functions, and a task for tables that take longer than a function may."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deployments.canvas_data_2.settings import CanvasData2Settings
from modules.container_task import ContainerTask
from modules.network import Network
from modules.python_function import PythonFunction
from modules.secret import Secret
from modules.source_files import archive, digest
from modules.stack import DeploymentStack

RUNTIME = Path(__file__).parents[1] / "runtime"
SMALL = ("__init__.py", "dap_http.py", "list_tables.py", "log.py", "parameters.py", "summarise.py")
"""The files of runtime/cd2 that run without any library but the one Lambda brings along."""


class Programs:
    """One code base: `list_tables` and `summarise` need no library, `sync_table` and `table_task` the DAP client.

    `parameter_path` is where credentials of the API are, `user_secret` the login to the database.
    """

    def __init__(
        self,
        stack: DeploymentStack,
        settings: CanvasData2Settings,
        *,
        network: Network,
        parameter_path: str,
        user_secret: Secret,
    ) -> None:
        name, refresh, log_retention_days = stack.physical_name, settings.refresh, settings.log_retention_days
        api = {"DAP_API_URL": settings.dap.api_base_url, "SSM_PATH": parameter_path, "LOG_LEVEL": settings.log_level}
        replication = {**api, "DB_USER_SECRET_NAME": user_secret.name, "API_ATTEMPTS": str(refresh.api_attempts)}
        small_code = archive(RUNTIME, [RUNTIME / "cd2" / file for file in SMALL])
        self.list_tables: Final = PythonFunction(
            stack,
            "list_tables",
            name=name("list-tables"),
            network=network,
            code=small_code,
            handler="cd2.list_tables.handler",
            timeout_seconds=120,
            memory_mib=256,
            log_retention_days=log_retention_days,
            environment={
                **api,
                "NAMESPACES": ",".join(settings.dap.namespaces),
                "SKIP_TABLES": ",".join(settings.dap.skipped_tables),
            },
        )
        self.summarise: Final = PythonFunction(
            stack,
            "summarise",
            name=name("summarise"),
            network=network,
            code=small_code,
            handler="cd2.summarise.handler",
            timeout_seconds=30,
            memory_mib=256,
            log_retention_days=log_retention_days,
            environment={"STAGE": settings.stage, "LOG_LEVEL": settings.log_level},
        )
        self.sync_table: Final = PythonFunction(
            stack,
            "sync_table",
            name=name("sync-table"),
            network=network,
            code=archive(RUNTIME, (RUNTIME / "cd2").glob("*.py")),
            handler="cd2.sync_table.handler",
            timeout_seconds=refresh.sync_timeout_seconds,
            memory_mib=refresh.sync_memory_mib,
            ephemeral_storage_mib=refresh.sync_ephemeral_storage_mib,
            log_retention_days=log_retention_days,
            environment=replication,
            layers_by_operator=True,
        )
        self.table_task: Final = ContainerTask(
            stack,
            "table_task",
            name=name("table-task"),
            network=network,
            settings=settings.task,
            image_tag=digest(RUNTIME),
            environment=replication,
        )
