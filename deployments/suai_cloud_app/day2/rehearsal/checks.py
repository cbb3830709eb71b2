"""Checks of `make demo` on the SUAI Cloud App, with an instance, a database and a Redis cluster that really run.

The instance is a host of `operations.engines.host`, booted with the user data of the launch template as it was applied,
and holds keys of its own role. What DNS would do is done to that text: the addresses of database and cluster become
those of MariaDB and Redis on this machine, and the application's port one that is free.
"""

from __future__ import annotations

import getpass
import io
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deployments.suai_cloud_app.day2.database_user import database_user
from deployments.suai_cloud_app.day2.pages import EXPECTED, ask_pages
from deployments.suai_cloud_app.day2.publish import ReleasePublication
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.aws import refusals_explained
from operations.console import new_console
from operations.demo.check import Check, CheckContext, expect
from operations.demo.launch import launch_of
from operations.demo.master_user import let_master_in
from operations.demo.rehearsals import NotRehearsedError, Stage
from operations.engines.host import Host
from operations.engines.mariadb import MariaDb, mariadb
from operations.engines.redis_cluster import redis_cluster
from operations.engines.server import MissingEngineError, free_port
from operations.errors import OperatorError
from operations.instances.database_user import ApplicationUser

PACKAGES = "mariadb-server redis-server"
WELL_SECONDS = 60


@contextmanager
def checks(stage: Stage) -> Iterator[Sequence[Check]]:
    """The checks, to be run in their order. Raises NotRehearsedError."""
    if stage.context.stack.backend is None:
        raise NotRehearsedError("not run: its commands read a state in S3, and this one is in HCP Terraform")
    with ExitStack() as behind:
        try:
            database = behind.enter_context(mariadb())
            outputs = stage.context.read(SuaiCloudAppOutputs)
            cluster = behind.enter_context(redis_cluster(tls=outputs.redis_secret_arn is not None))
        except MissingEngineError as missing:
            raise NotRehearsedError(f"not run: {missing} (apt install {PACKAGES})") from None
        behind.enter_context(refusals_explained())
        user = _user_on(stage, database, outputs)
        let_master_in(stage.context.client, user.identifier, database)
        user.make()
        _publish(stage)
        launch = launch_of(stage.context, outputs.group)
        root = Path(behind.enter_context(tempfile.TemporaryDirectory(prefix="quintet-suai-"))) / "root"
        own = {"SUAICLOUDAPP_ROOT": str(root), "SUAICLOUDAPP_USER": getpass.getuser()}
        if cluster.authority_file:
            own["SSL_CERT_FILE"] = str(cluster.authority_file)  # instances trust Amazon's authority from the start
        host = Host(root, {**stage.environment, **stage.keys_of(launch.role_arn), **own})
        behind.callback(host.close)
        port = free_port()
        here = {
            "server_port": port,
            "database_host": database.host,
            "database_port": database.port,
            "redis_host": cluster.host,
            "redis_port": cluster.port,
        }
        played = _Played(host, _led_here(launch.user_data, here), port, user)
        yield (
            Check("first boot", played.the_deployed_user_data_boots_an_instance),
            Check("pages", played.six_pages_say_that_all_is_well),
            Check("rotation", played.a_rotated_password_is_taken_over),
        )


def _user_on(stage: Stage, server: MariaDb, outputs: SuaiCloudAppOutputs) -> ApplicationUser:
    """The application's user, on the server that stands in for the database."""
    user = database_user(stage.context.aws, stage.context.stack, outputs)
    return replace(user, host=server.host, port=server.port)


def _publish(stage: Stage) -> None:
    """`quintet suai publish`: the application of this repository. Raises NotRehearsedError when it cannot be built."""
    asked = ReleasePublication(
        environment=stage.context.stack.environment, refresh="never", root=stage.root, aws=stage.context.aws
    )
    try:
        asked.run(new_console(file=io.StringIO()))
    except OperatorError as error:
        raise NotRehearsedError(f"not run: the application was not published: {error}") from None


def _led_here(user_data: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        user_data, found = re.subn(rf'("{name}": )"[^"]*"', rf'\g<1>"{value}"', user_data)
        expect(found == 1, f"the user data names {name} {found} times")
    return user_data


@dataclass(frozen=True)
class _Played:
    """The checks; each begins where the one before it ended."""

    host: Host
    user_data: str
    port: int
    user: ApplicationUser

    def the_deployed_user_data_boots_an_instance(self, context: CheckContext) -> str:
        """It fetches the release, writes config.toml, starts the units, and waits until /health answers."""
        done = self.host.boot(self.user_data)
        expect(done.returncode == 0, f"the first boot failed: {done.stderr[-1500:]}{self.host.journal[-1500:]}")
        return "the release of the bucket runs"

    def six_pages_say_that_all_is_well(self, context: CheckContext) -> str:
        """Every page of the document but /logs, asked as `quintet suai check` asks them.

        The application waits two seconds for AWS, in which a loaded machine may not come to answer: they are asked
        again for a minute.
        """
        del context
        return f"{self._well_within(WELL_SECONDS)} pages"

    def a_rotated_password_is_taken_over(self, context: CheckContext) -> str:
        """`quintet suai database-user --new-password`; the first /database that fails has the instance fetch it."""
        del context
        self.user.make(new_password=True)
        return f"{self._well_within(WELL_SECONDS)} pages"

    def _well_within(self, seconds: float) -> int:
        """The number of pages, once all say that all is well. Raises CheckFailedError, with what they say instead."""
        give_up = time.monotonic() + seconds
        while wrong := self._wrong():
            expect(time.monotonic() < give_up, f"after {seconds:g} s {wrong}: {self.host.journal[-800:]}")
            time.sleep(0.5)
        return len(EXPECTED)

    def _wrong(self) -> str:
        try:
            pages = ask_pages(f"http://127.0.0.1:{self.port}", timeout_seconds=60)
        except OperatorError as error:  # nothing answers while the application starts
            return str(error)
        return "; ".join(f"{page.path} says {page.answer}" for page in pages if not page.fine)
