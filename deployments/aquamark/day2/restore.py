"""Aquamark's part in the restore of its database: the daemon host looks into it, then its login and schema follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from deployments.aquamark.day2.database_look import DatabaseLook
from deployments.aquamark.day2.version_setting import VersionSetting
from operations.errors import OperatorError
from operations.restore.place import DatabasePlace

if TYPE_CHECKING:
    from deployments.aquamark.day2.site import Site
    from operations.restore.instances import Instance

ADDRESS = "aws_db_instance.database"


@dataclass(frozen=True)
class RestoredAquamark:
    """One environment whose database is restored; `terraform_environment` says where AWS is."""

    site: Site
    terraform_environment: Mapping[str, str] | None = None
    steps: ClassVar = ("login", "schema", "hosts")
    expected: ClassVar[Mapping[str, str]] = {"aws_iam_role_policy.database_secret_read_by_daemons": "update"}

    @cached_property
    def place(self) -> DatabasePlace:
        """The database."""
        environment = f"--environment {self.site.environment}"
        return DatabasePlace(
            self.site.aws,
            self.site.stack(),
            self.site.root,
            ADDRESS,
            self.site.outputs().database_identifier,
            command=f"quintet aquamark restore {environment}",
            check_command=f"quintet aquamark check {environment}",
            poll_seconds=self.site.poll_seconds,
            terraform_environment=self.terraform_environment,
        )

    def ready(self) -> None:
        """The daemon host has to be there: it looks into the databases."""
        self.site.daemon_host()

    def compare(self, new: Instance, old: Instance | None) -> str:
        """The content of the new database beside that of the old one. Raises OperatorError when it is empty."""
        self._look.open(new)
        held = self._look.contents(new)
        if not held.schema or not sum(held.tables.values()):
            raise OperatorError(
                f"{new['DBInstanceIdentifier']} holds nothing of Aquamark: {held}. Nothing was switched.",
                hint="Give this restore up with --abandon, and try another source.",
            )
        if old is None:
            return str(held)
        try:
            return f"{held}; until now: {self._look.contents(old)}"
        except OperatorError:  # that it does not answer may be the reason for all this
            return f"{held}; the database of until now does not answer"

    def follow(self, new: Instance) -> Iterator[tuple[str, str]]:
        """The application's login, then the schema of the version that runs, then every host."""
        master = new["MasterUserSecret"]["SecretArn"]
        self._look.open(new)
        yield "login", self.site.task("login", master, what="the database login") or "made"
        setting = VersionSetting.of(self.site.root, self.site.environment).read()
        if setting.version is not None:
            task = "back" if setting.rolled_back_from else "migrate"
            said = self.site.task(task, setting.version, what="the schema")
            yield "schema", said or f"is what {setting.version} wants"
            yield "hosts", f"{self.site.refresh_hosts()} have started anew"

    def close(self) -> None:
        """The daemon host may read its own database's password again, and no other."""
        self._look.close()

    @property
    def _look(self) -> DatabaseLook:
        return DatabaseLook(self.site)
