"""The stand-in for RDS that lets the master user into a server of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from operations.engines.mariadb import MariaDb


def let_master_in(client: Callable[[str], Any], identifier: str, server: MariaDb) -> None:
    """Create the master user of an RDS instance on `server`, with the password of the secret that RDS keeps."""
    (instance,) = client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    secret = client("secretsmanager").get_secret_value(SecretId=instance["MasterUserSecret"]["SecretArn"])
    login = json.loads(secret["SecretString"])
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER %s@'%%' IDENTIFIED BY %s", (login["username"], login["password"]))
        cursor.execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", (login["username"],))
