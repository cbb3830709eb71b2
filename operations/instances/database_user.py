"""An application's own user of its MySQL database, made by the function that stands in the database's network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from operations.errors import OperatorError


def call_function(client: Callable[[str], Any], name: str, asked: Mapping[str, Any], *, failure: str) -> dict[str, Any]:
    """Call the function of modules/mysql_databases.py; its answer.

    Raises OperatorError, whose message `failure` begins, for what the function refuses or fails at.
    """
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(asked).encode())
    said = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise OperatorError(
            f"{failure}: {said.get('errorMessage', said)}",
            hint=f"More is in the log group of the function {name}.",
        )
    found: dict[str, Any] = said
    return found


class UserRequest(TypedDict):
    """The function's event that asks for a user."""

    host: str
    port: int
    master_secret_arn: str
    databases: list[str]
    user: str
    user_secret_arn: str
    new_password: bool


@dataclass(frozen=True)
class ApplicationUser:
    """The user of one database on one RDS instance; `client` makes clients of the stack's region."""

    client: Callable[[str], Any]
    function: str
    identifier: str
    host: str
    port: int
    database: str
    user: str
    secret_arn: str

    def make(self, *, new_password: bool = False) -> str:
        """Have the function make the user, or give it the password of its secret, or with `new_password` another.

        Safe to repeat: secret and database agree afterwards, whatever was between. Raises OperatorError.
        """
        (instance,) = self.client("rds").describe_db_instances(DBInstanceIdentifier=self.identifier)["DBInstances"]
        asked = UserRequest(
            host=self.host,
            port=self.port,
            master_secret_arn=instance["MasterUserSecret"]["SecretArn"],
            databases=[self.database],
            user=self.user,
            user_secret_arn=self.secret_arn,
            new_password=new_password,
        )
        said = call_function(self.client, self.function, asked, failure=f"The user {self.user} was not made")
        there = "is made" if said["user"] == "created" else "is there"
        password = "a new password" if new_password else "the password"
        return f"{self.user} {there}, with {password} of its secret, on {self.identifier}"

    def would_make(self, *, new_password: bool = False) -> str:
        """A sentence on what `make` would do."""
        password = "a new password" if new_password else "the password of its secret"
        return f"Would make {self.user} with {password} on {self.identifier}."

    @property
    def has_password(self) -> bool:
        """True once the secret holds one."""
        return bool(self.client("secretsmanager").describe_secret(SecretId=self.secret_arn).get("VersionIdsToStages"))
