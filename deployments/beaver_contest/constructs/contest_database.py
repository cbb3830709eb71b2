"""The contest's MySQL database, and the user that the PHP code signs in as."""

from __future__ import annotations

from typing import Final

from deployments.beaver_contest.settings import BeaverContestSettings
from modules.database import Database
from modules.engines import MYSQL
from modules.mysql_user import MysqlUser
from modules.network import Network
from modules.stack import DeploymentStack


class ContestDatabase:
    """A database whose master user only operators' commands and one function sign in as."""

    def __init__(self, stack: DeploymentStack, settings: BeaverContestSettings, network: Network) -> None:
        self.instance: Final = Database(
            stack,
            "database",
            name=stack.physical_name("database"),
            network=network,
            engine=MYSQL,
            settings=settings.database,
            database_name=settings.application.database_name,
            username=settings.application.database_user,
            # upstream's statements and its schema come from servers that were not strict
            parameters={"log_bin_trust_function_creators": "1", "sql_mode": "NO_ENGINE_SUBSTITUTION"},
        )
        self.user: Final = MysqlUser(
            stack,
            "database_user",
            name=stack.physical_name("database-user"),
            network=network,
            database=self.instance,
            user=settings.application_user,
            rights=settings.application.database_rights,
        )
