"""An application's own user of its database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from constructs import Construct

from config.types import DatabaseRight
from modules.access import Grantable
from modules.database import Database
from modules.mysql_databases import MysqlDatabases
from modules.network import Network
from modules.secret import Secret
from modules.watches.watch import Watch


class MysqlUser(Construct):
    """A user of one database that is not its master, its secret, and the function in the network that makes both.

    An operator's command calls the function, which alone reads the master user's secret: it gives the user `rights` in
    the database and a password in the secret, and another password when it is asked to.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        database: Database,
        user: str,
        rights: Sequence[DatabaseRight],
    ) -> None:
        super().__init__(scope, id_)
        if user == database.username:
            raise ValueError(f"{user} is the master user of {self.node.path}'s database: name another")
        self._secret = Secret(
            self, "secret", name=name, description=f"The application's login to the database: {user} and the password"
        )
        self._databases = MysqlDatabases(
            self,
            "databases",
            name=name,
            network=network,
            identifier_prefix=database.identifier,
            user_secret=self._secret,
            rights=rights,
        )
        database.connections.allow_from(self._databases)
        self.name: Final[str] = user
        self.secret_arn: Final[str] = self._secret.arn
        self.function_name: Final[str] = self._databases.function_name

    def grant_read(self, grantee: Grantable) -> None:
        """Lets `grantee` sign in as the user."""
        self._secret.grant_read(grantee)

    def watches(self) -> Sequence[Watch]:
        """Calls of the function that failed."""
        return self._databases.watches()
