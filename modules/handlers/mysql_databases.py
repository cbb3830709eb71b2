"""Makes databases, their tables and the user that programs sign in as, on a MySQL or MariaDB server.

Runs as a Lambda function.
The event says where and what:

    {"host": "…", "port": 3306, "master_secret_arn": "…", "databases": ["one", "two"],
     "user": "…", "user_secret_arn": "…", "new_password": false}

The master's secret holds `username` and `password`, as RDS keeps it. The user's secret is filled with a random password
when it is empty or another one is asked for, otherwise it says which password the user gets. The function's variable
RIGHTS names what the user may do in its databases; it loses every other right there. Statements of `tables.sql` beside
this file, where it is, run in every database: they say CREATE TABLE IF NOT EXISTS. What exists is kept: nothing is ever
dropped, and another call changes nothing. The answer says what there was and what was made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import ssl
import uuid
from pathlib import Path
from typing import Any

import boto3
import pymysql

EVERY_RIGHT = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "LOCK TABLES",
    "CREATE TEMPORARY TABLES", "EXECUTE", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EVENT",
    "TRIGGER",
)  # fmt: skip
"""Rights on a database (MySQL 8.4 Reference Manual, 8.2.2, read 2026-11-29); the master user has them all."""
TABLES = Path(__file__).with_name("tables.sql")
CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
_DATABASE = re.compile(r"[A-Za-z0-9_]{1,64}")
_USER = re.compile(r"[A-Za-z0-9_]{1,32}")


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Lambda's entry. Raises ValueError for an event that makes no sense, and what AWS or the server refuses."""
    databases, user = event["databases"], event["user"]
    for name, allowed in [*((database, _DATABASE) for database in databases), (user, _USER)]:
        if not isinstance(name, str) or not allowed.fullmatch(name):
            raise ValueError(f"{name!r} is no name this function gives: {allowed.pattern}")
    manager = boto3.client("secretsmanager")
    master = json.loads(manager.get_secret_value(SecretId=event["master_secret_arn"])["SecretString"])
    password = user_password(manager, event["user_secret_arn"], user)
    connection = pymysql.connect(
        host=event["host"],
        port=event["port"],
        user=master["username"],
        password=master["password"],
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        ssl=_encrypted(),
    )
    with connection:
        if event.get("new_password"):
            password = secrets.token_hex(32)
            manager.put_secret_value(SecretId=event["user_secret_arn"], SecretString=_login(user, password))
        return prepare(connection, databases, user, password)


def user_password(manager: Any, secret_id: str, user: str) -> str:
    """The password in the user's secret; an empty secret is filled first, and never twice by calls at the same time."""
    try:
        found = manager.get_secret_value(SecretId=secret_id)["SecretString"]
    except manager.exceptions.ResourceNotFoundException:  # there is the secret, but no value
        made = _login(user, secrets.token_hex(32))
        # always the same token, so that only the first of two calls sets a value
        token = str(uuid.uuid5(uuid.NAMESPACE_URL, secret_id))
        with contextlib.suppress(manager.exceptions.ResourceExistsException):
            manager.put_secret_value(SecretId=secret_id, SecretString=made, ClientRequestToken=token)
        found = manager.get_secret_value(SecretId=secret_id)["SecretString"]
    values = json.loads(found)
    if values["username"] != user:
        raise ValueError(f"the secret {secret_id} is for {values['username']!r}, not for {user!r}")
    password: str = values["password"]
    return password


def _login(user: str, password: str) -> str:
    return json.dumps({"username": user, "password": password})


def prepare(connection: Any, databases: list[str], user: str, password: str) -> dict[str, Any]:
    """Makes what is missing on the server."""
    rights = os.environ["RIGHTS"].split(", ")
    others = [right for right in EVERY_RIGHT if right not in rights]
    with connection.cursor() as cursor:
        cursor.execute("SELECT schema_name FROM information_schema.schemata")
        present = {row[0] for row in cursor.fetchall()}
        for name in databases:
            # asked before, as the server would warn of every one that exists
            if name not in present:
                cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{name}`")
        cursor.execute("SELECT COUNT(*) FROM mysql.user WHERE user = %s AND host = '%%'", (user,))
        (known,) = cursor.fetchone()
        # the hash and not the password, so that no log of the server holds it; old clients know this plugin only
        identity = f"'{user}'@'%' IDENTIFIED WITH mysql_native_password AS '{native_hash(password)}'"
        cursor.execute(f"{'ALTER' if known else 'CREATE'} USER {identity}")
        for name in databases:
            pattern = name.replace("_", "\\_")  # in grants a bare _ stands for any character
            cursor.execute(f"GRANT {', '.join(rights)} ON `{pattern}`.* TO '{user}'@'%'")
            if others:
                cursor.execute(f"REVOKE {', '.join(others)} ON `{pattern}`.* FROM '{user}'@'%'")
        tables = sum(create_tables(cursor, name) for name in databases)
    return {
        "created": [name for name in databases if name not in present],
        "present": [name for name in databases if name in present],
        "tables": tables,
        "user": "present" if known else "created",
    }


def create_tables(cursor: Any, database: str) -> int:
    """Runs every statement of `tables.sql` in the database; returns how many tables it has more than before."""
    if not TABLES.exists():
        return 0
    cursor.execute(f"USE `{database}`")
    before = cursor.execute("SHOW TABLES")
    for statement in TABLES.read_text().split(";"):
        if statement.strip():
            cursor.execute(statement)
    return int(cursor.execute("SHOW TABLES") - before)


def native_hash(password: str) -> str:
    """What mysql_native_password stores.

    >>> native_hash("password")
    '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'
    """
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def _encrypted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # RDS's certificates come from an authority of its own that Lambda does not know; the network path is ours
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
