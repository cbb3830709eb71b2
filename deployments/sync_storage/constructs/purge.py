"""The daily purge of rows that have expired."""

from __future__ import annotations

from pathlib import Path

from config.components import ScheduleSettings
from deployments.sync_storage.constructs.configuration import Configuration
from modules.mysql_databases import code_with_client
from modules.network import Network
from modules.python_function import PythonFunction
from modules.schedule import Schedule
from modules.stack import DeploymentStack

HANDLER = Path(__file__).parents[1] / "runtime" / "purge.py"
TIMEOUT_SECONDS = 900
"""Lambda's own limit; rows that are left by then count as a failure."""


def purge_function(
    stack: DeploymentStack, settings: ScheduleSettings, *, network: Network, configuration: Configuration
) -> PythonFunction:
    """A function that deletes expired rows of every node, signed in as the application, and the schedule that calls it.

    Nodes let it in: `nodes.connections.allow_from(purge)`.
    """
    name = stack.physical_name("purge")
    function = PythonFunction(
        stack,
        "purge",
        name=name,
        network=network,
        code=code_with_client({HANDLER.name: HANDLER}),
        handler=f"{HANDLER.stem}.handle",
        timeout_seconds=TIMEOUT_SECONDS,
        memory_mib=256,
        log_retention_days=365,
        environment={
            "NODES_PATH": configuration.nodes_path,
            "APPLICATION_SECRET": configuration.application_secret.name,
        },
        caller="schedule with an alarm on errors",
    )
    function.connections.allow_to_internet(ports=(443,))
    configuration.grant_read_nodes(function)
    configuration.application_secret.grant_read(function)
    Schedule(stack, "purge_schedule", name=name, settings=settings, target=function)
    return function
