"""The database by hand: its logins, snapshots that stay, dumps, a way in."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from deployments.aquamark.day2.site import Site

_NAME = re.compile(r"[a-z](-?[a-z0-9])*")


@dataclass(frozen=True)
class SiteDatabase:
    """One environment's database. Methods raise OperatorError."""

    site: Site

    def make_login(self, console: Console) -> None:
        """Give the application's login a new password, and have every host use it."""
        with refusals_explained():
            master = self.site.outputs().database_secret_arn
            console.print(self.site.task("login", master, what="the database login"))
            console.print(f"{self.site.refresh_hosts()} hosts have read it.")

    def keep_smtp_login(self, username: str, password: str) -> None:
        """Keep the daemons' login to the mail server."""
        with refusals_explained():
            arn = self.site.outputs().smtp_secret_arn
            text = json.dumps({"username": username, "password": password})
            self.site.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=text)

    def migrate(self, version: str | None, console: Console) -> None:
        """Bring the schema to what `version`, by default the one that runs, wants."""
        with refusals_explained():
            wanted = version or self.site.outputs().version
            console.print(self.site.task("migrate", wanted, what="the migrations"))

    def snapshot(self, name: str | None, console: Console, *, timeout_seconds: float = 7200) -> str:
        """Take a snapshot that stays until somebody deletes it; its name. One of that name is taken as it is."""
        with refusals_explained():
            rds = self.site.client("rds")
            identifier = self.site.outputs().database_identifier
            wanted = name or f"{identifier}-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}"
            if not _NAME.fullmatch(wanted):
                raise OperatorError(f"{wanted} is not a snapshot's name: lower-case letters, digits, single hyphens.")
            try:
                rds.create_db_snapshot(DBInstanceIdentifier=identifier, DBSnapshotIdentifier=wanted)
            except rds.exceptions.DBSnapshotAlreadyExistsFault:
                console.print(f"{wanted} exists already.")
            give_up = time.monotonic() + timeout_seconds
            while True:
                (found,) = rds.describe_db_snapshots(DBSnapshotIdentifier=wanted)["DBSnapshots"]
                if found["Status"] == "available":
                    console.print(f"{wanted} is available.")
                    return wanted
                if found["Status"] == "failed" or time.monotonic() > give_up:
                    raise OperatorError(f"The snapshot {wanted} is {found['Status']}.", hint="Take another one.")
                time.sleep(self.site.poll_seconds)

    def dump(self, target: Path, console: Console) -> None:
        """Have the daemon host dump the database into a bucket, and fetch that to `target`, readable by you only."""
        if target.exists():
            raise OperatorError(f"{target} exists already.", hint="Name another file, or move it away.")
        with refusals_explained():
            key = f"aquamark-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}.dump"
            said = self.site.task("dump", key, what="the dump")
            console.print(f"{said or key} is written, and kept for thirty days.")
            s3, bucket = self.site.client("s3"), self.site.outputs().dumps_bucket
            unfinished = target.with_name(target.name + ".part")
            unfinished.unlink(missing_ok=True)
            try:
                # not download_file, which renames a file of its own, readable by all, over this one
                with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    s3.download_fileobj(bucket, key, file)
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
        console.print(f"Fetched to {target}. To restore: pg_restore --dbname=… {target}")

    def port_forward(self, local_port: int, *, web: bool) -> list[str]:
        """The command that opens a local port to the database, or with `web` to a web server, through Session Manager.

        Raises OperatorError when the AWS command line or its Session Manager plugin is not installed.
        """
        with refusals_explained():
            outputs = self.site.outputs()
            if web:
                group = self.site.group(outputs.web_group)
                instances = [i["InstanceId"] for i in group["Instances"] if i["LifecycleState"] == "InService"]
                if not instances:
                    raise OperatorError(f"No web server is in service in {outputs.web_group}.")
                target, document = instances[0], "AWS-StartPortForwardingSession"
                parameters = {"portNumber": ["80"], "localPortNumber": [str(local_port)]}
            else:
                target, document = self.site.daemon_host(), "AWS-StartPortForwardingSessionToRemoteHost"
                host = outputs.database_address
                parameters = {"host": [host], "portNumber": ["5432"], "localPortNumber": [str(local_port)]}
        command = ["aws", "ssm", "start-session", "--region", self.site.stack().region, "--target", target]
        return [*command, "--document-name", document, "--parameters", json.dumps(parameters)]


def check_programs() -> None:
    """Raises OperatorError when the programs that open a session are not installed."""
    missing = [program for program in ("aws", "session-manager-plugin") if shutil.which(program) is None]
    if missing:
        raise OperatorError(
            f"{' and '.join(missing)} not found.",
            hint="Install the AWS command line and its Session Manager plugin.",
        )
