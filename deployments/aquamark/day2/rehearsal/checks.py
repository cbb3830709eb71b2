"""Checks of `make demo` on Aquamark: its first installation by the runbook, with hosts and a database that really run.

The same steps work with an operator's checkout of Upmark: `quintet aquamark rehearse --checkout PATH`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import requests

from config.settings import load
from deployments.aquamark.day2.admin_login import default_login_works
from deployments.aquamark.day2.check import UP, SiteCheck
from deployments.aquamark.day2.database import SiteDatabase
from deployments.aquamark.day2.rehearsal.image import UpmarkCheckout
from deployments.aquamark.day2.rehearsal.surroundings import AquamarkSurroundings, surroundings
from deployments.aquamark.day2.storage_key import StorageKey
from deployments.aquamark.day2.version_setting import VersionSetting
from deployments.aquamark.releases import Generation
from deployments.aquamark.settings import AquamarkSettings
from operations.aws import refusals_explained
from operations.console import new_console
from operations.demo.check import Check, CheckContext, CheckFailedError, expect
from operations.demo.rehearsals import NotRehearsedError, Stage
from operations.engines.postgresql import PACKAGE, postgresql
from operations.engines.server import HOST, MissingEngineError
from operations.errors import OperatorError

VERSIONS: Mapping[Generation, str] = {"documented": "1.4.7", "current": "head-5813fa8"}
"""The tag of the image that is put in service where no other is asked for."""


@contextmanager
def checks(stage: Stage) -> Iterator[Sequence[Check]]:
    """The steps with programs that stand in for Upmark's. Raises NotRehearsedError."""
    with steps_of(stage, None, None) as steps:
        yield steps


@contextmanager
def steps_of(stage: Stage, version: str | None, checkout: UpmarkCheckout | None) -> Iterator[Sequence[Check]]:
    """The steps, to be run in their order; `version` is the tag of the image. Raises NotRehearsedError."""
    if stage.context.stack.backend is None:
        raise NotRehearsedError("not run: its commands read a state in S3, and this one is in HCP Terraform")
    settings = load(VersionSetting.of(stage.root, stage.context.stack.environment).path, AquamarkSettings)
    if settings.version is not None:
        raise NotRehearsedError(
            f"not run: it is a first installation, and the settings name {settings.version} already"
        )
    version = version or VERSIONS[settings.application.generation]
    with ExitStack() as behind:
        try:
            # RDS takes passwords of both methods: rds.accepted_password_auth_method is md5+scram by default
            database = behind.enter_context(postgresql(authentication="md5"))
        except MissingEngineError as missing:
            raise NotRehearsedError(f"not run: {missing} (apt install {PACKAGE})") from None
        behind.enter_context(refusals_explained())
        played = _Played(behind.enter_context(surroundings(stage, database, checkout)), version)
        yield (
            Check("first boot", played.the_daemon_host_boots_before_there_is_a_version),
            Check("logins", played.logins_and_the_storage_key_are_made),
            Check("upgrade", played.the_first_version_is_put_in_service),
            Check("web", played.every_web_server_answers),
            Check("daemons", played.the_one_new_daemon_host_runs_both_daemons),
            Check("sign in", played.admin_signs_in),
            Check("check", played.the_check_finds_nothing_but_the_default_login),
            Check("back", played.the_schema_can_be_named_for_the_image_and_migrated_again),
        )


class _Played:
    """The steps; each begins where the one before it ended."""

    def __init__(self, ready: AquamarkSurroundings, version: str) -> None:
        self._ready, self._version = ready, version

    def the_daemon_host_boots_before_there_is_a_version(self, context: CheckContext) -> str:
        """The deployed user data installs, starts its units, and waits for the first upgrade."""
        del context
        (instance,) = self._ready.boot(self._ready.site.outputs().daemon_group)
        journal = self._ready.site.hosts[instance].journal
        expect("no version is chosen yet: quintet aquamark upgrade" in journal, f"the journal says {journal[-300:]}")
        return "it waits for a version"

    def logins_and_the_storage_key_are_made(self, context: CheckContext) -> str:
        """`database-login`, `rotate-storage-key` and `smtp-login`, before anything runs."""
        del context
        site, quiet = self._ready.site, new_console(file=io.StringIO())
        SiteDatabase(site).make_login(quiet)
        StorageKey(site).rotate(quiet)
        SiteDatabase(site).keep_smtp_login("mail", "rehearsed: 'only' %")
        owner = self._ready.database.psql(
            "SELECT rolname, rolsuper FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid"
            " WHERE datname = 'aquamark'"
        )
        expect(owner == "aquamark|f", f"the database's owner is {owner}")
        return "the application's role owns the database"

    def the_first_version_is_put_in_service(self, context: CheckContext) -> str:
        """`upgrade`: refused without the image; then migrations on PostgreSQL, the fleet, the daemons."""
        del context
        said = io.StringIO()
        try:
            self._ready.upgrade(self._version, said)
        except OperatorError as refused:
            expect("has no image" in str(refused), str(refused))
        else:
            raise CheckFailedError("an upgrade to an image that nobody pushed is not refused")
        self._ready.push(self._version)
        self._ready.upgrade(self._version, said)
        expect(f"{self._version} runs." in said.getvalue(), f"it ends with {said.getvalue()[-300:]}")
        revision = self._ready.database.psql("SELECT version_num FROM alembic_version", "aquamark")
        return f"{self._version}, its schema at {revision}"

    def every_web_server_answers(self, context: CheckContext) -> str:
        """New instances boot as their role; /ping as the load balancer asks, /login/, and HTTP sent on to HTTPS."""
        del context
        self._ready.boot(self._ready.site.outputs().web_group)
        ports = self._ready.ports()
        for instance, port in ports.items():
            ping = requests.get(f"http://{HOST}:{port}/ping", timeout=60)
            expect(ping.text.strip() == UP, f"/ping of {instance} says {ping.text!r}")
            login = requests.get(f"http://{HOST}:{port}/login/", timeout=60)
            expect(login.status_code == requests.codes.ok, f"/login/ of {instance} answers {login.status_code}")
        return f"{len(ports)} answer /ping and /login/"

    def the_one_new_daemon_host_runs_both_daemons(self, context: CheckContext) -> str:
        """The instance that took the first one's place starts them, once EC2 says that it is alone."""
        del context
        site = self._ready.site
        before = set(site.hosts)
        (instance,) = self._ready.boot(site.outputs().daemon_group)
        expect(instance not in before, "the daemon host is the one from before the upgrade")
        running = json.loads(site.task("status", what="looking at the daemons"))
        image = f"{site.outputs().repository_url}:{self._version}"
        expect(running == {"recalc": image, "notify": image}, f"it runs {running}")
        return "recalc and notify"

    def admin_signs_in(self, context: CheckContext) -> str:
        """The first start made `admin` with the password `admin`, once for all web servers."""
        del context
        for instance, port in self._ready.ports().items():
            expect(default_login_works(f"http://{HOST}:{port}"), f"admin does not sign in at {instance}")
        users = self._ready.database.psql("SELECT count(*) FROM appuser", "aquamark")
        expect(users == "1", f"there are {users} users")
        return "admin, with the password to be changed"

    def the_check_finds_nothing_but_the_default_login(self, context: CheckContext) -> str:
        """`quintet aquamark check`, asked at one of the web servers."""
        del context
        port = next(iter(self._ready.ports().values()))
        found = SiteCheck(self._ready.site, f"http://{HOST}:{port}").run()
        wrong = {finding.name: finding.said for finding in found if not finding.fine}
        expect(list(wrong) == ["default login"], f"it finds {wrong or 'nothing, not even the default login'}")
        return f"{len(found) - 1} of {len(found)} fine; the default login is to be changed"

    def the_schema_can_be_named_for_the_image_and_migrated_again(self, context: CheckContext) -> str:
        """The work of `upgrade --rollback` and of `migrate` on the schema: both may run on what they made."""
        del context
        back = self._ready.site.task("back", self._version, what="the way back")
        again = self._ready.site.task("migrate", self._version, what="the migrations")
        expect(again.split()[-1] in back, f"{back}, then {again}")
        return again
