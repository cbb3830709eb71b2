"""The pipeline's user: its secret, which says where the database is as well, and its place in the database."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import ROOT
from deployments.canvas_data_2.day2.data_api import DataApi
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.day2.preparation import set_password, steps
from deployments.canvas_data_2.day2.scram import verifier
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_PASSWORD_LENGTH = 32


@dataclass(frozen=True)
class DatabaseUser:
    """Prepares the database for the pipeline's user, and changes that user's password."""

    environment: str = "dev"
    dry_run: bool = False
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)

    def prepare(self, console: Console) -> None:
        """Users, schemas, grants and helper functions as they should be; what is there already stays.

        The password stays as well, and is set again, so that secret and database agree afterwards whatever was between.
        Raises OperatorError.
        """
        with self._canvas("prepare-database") as canvas:
            self.prepare_in(canvas, console)
        console.print(f"The database is {'looked at; nothing was changed' if self.dry_run else 'prepared'}.")

    def prepare_in(self, canvas: CanvasData2, console: Console) -> None:
        """The same for a caller who is the one operator already."""
        database, secret = DataApi(canvas), _UserSecret(canvas)
        user = canvas.outputs.database_user
        exists = bool(database.execute("SELECT rolname FROM pg_roles WHERE rolname = :name", name=user))
        found = secret.value()
        login = secret.composed(found.get("password") or ("" if self.dry_run else secret.new_password()))
        if login != found:
            console.print(f"The secret of {user} {_would(self.dry_run)}: host, port, dbname, username, password")
            if not self.dry_run:
                secret.put(login)
        needed = steps(
            user=user,
            user_exists=exists,
            verifier=verifier(login["password"]) if login["password"] else None,
            admin=secret.admin(),
            database=canvas.outputs.database_name,
            namespaces=canvas.outputs.namespaces.split(","),
        )
        done = []
        for step in needed:
            if step.what not in done:
                done.append(step.what)
                console.print(f"{'Would see to' if self.dry_run else 'Sees to'}: {step.what}")
            if not self.dry_run:
                database.execute(step.sql)

    def rotate(self, console: Console) -> None:
        """A new password, in the secret and in the database.

        It is kept as pending first: interrupted before the end, `prepare` brings both back to the old one.
        Raises OperatorError.
        """
        with self._canvas("rotate-user") as canvas:
            database, secret = DataApi(canvas), _UserSecret(canvas)
            user = canvas.outputs.database_user
            if not secret.value():
                raise OperatorError(
                    f"{user} has no password yet.",
                    hint=f"Give it one: quintet canvas prepare-database --environment {self.environment}",
                )
            if self.dry_run:
                console.print(f"Would give {user} a new password, in the database and in its secret.")
                return
            login = secret.composed(secret.new_password())
            version = secret.put(login, stage="AWSPENDING")
            database.execute(set_password(user, verifier(login["password"])))
            secret.make_current(version)
        console.print(f"{user} has a new password. What runs goes on; what starts from now on uses the new one.")

    @contextmanager
    def _canvas(self, operation: str) -> Iterator[CanvasData2]:
        with refusals_explained():
            canvas = CanvasData2.applied(self.root, self.environment, self.aws)
            with canvas.changed(operation, dry_run=self.dry_run):
                yield canvas


class _UserSecret:
    """The secret that the pipeline reads."""

    def __init__(self, canvas: CanvasData2) -> None:
        self._client = canvas.client("secretsmanager")
        self._outputs = canvas.outputs

    def value(self) -> dict[str, Any]:
        """Contents of the secret; empty before it is filled."""
        return self._read(self._outputs.user_secret_arn)

    def admin(self) -> str:
        """The master user's name."""
        name: str = self._read(self._outputs.admin_secret_arn)["username"]
        return name

    def composed(self, password: str) -> dict[str, Any]:
        """Contents that the secret shall have."""
        return {
            "username": self._outputs.database_user,
            "password": password,
            "engine": "postgres",
            "host": self._outputs.database_address,
            "port": int(self._outputs.database_port),
            "dbname": self._outputs.database_name,
        }

    def new_password(self) -> str:
        """One that needs no quoting anywhere."""
        made = self._client.get_random_password(PasswordLength=_PASSWORD_LENGTH, ExcludePunctuation=True)
        password: str = made["RandomPassword"]
        return password

    def put(self, login: dict[str, Any], *, stage: str = "AWSCURRENT") -> str:
        """Store it under `stage`; the version's id."""
        version: str = self._client.put_secret_value(
            SecretId=self._outputs.user_secret_arn, SecretString=json.dumps(login), VersionStages=[stage]
        )["VersionId"]
        return version

    def make_current(self, version: str) -> None:
        """From now on this version is what readers get."""
        described = self._client.describe_secret(SecretId=self._outputs.user_secret_arn)["VersionIdsToStages"]
        (current,) = [found for found, stages in described.items() if "AWSCURRENT" in stages]
        self._client.update_secret_version_stage(
            SecretId=self._outputs.user_secret_arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version,
            RemoveFromVersionId=current,
        )

    def _read(self, arn: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._client.get_secret_value(SecretId=arn)["SecretString"])
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        return found


def _would(dry_run: bool) -> str:
    return "would be filled" if dry_run else "is filled"
