"""Aquamark's commands besides the upgrade: keys, the default login, a way in, the version in the settings file."""

from __future__ import annotations

import http.server
import io
import json
import shutil
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from config.settings import ROOT, SettingsError
from deployments.aquamark.day2 import commands
from deployments.aquamark.day2.admin_login import default_login_works
from deployments.aquamark.day2.commands import app
from deployments.aquamark.day2.database import SiteDatabase, check_programs
from deployments.aquamark.day2.storage_key import StorageKey
from deployments.aquamark.day2.version_setting import Versions, VersionSetting
from deployments.aquamark.outputs import AquamarkOutputs
from operations.console import new_console
from operations.engines.server import free_port
from operations.errors import OperatorError
from operations.state import one_operator
from tests.http_server import serving
from tests.sample_outputs import sample_outputs


class FakeSite:
    """The site that the commands ask, with the emulator as AWS and hosts that are only counted."""

    def __init__(self, aws: Callable[..., Any]) -> None:
        self.client = aws
        self.poll_seconds = 0.01
        self.refreshed = 0
        self.tasks: list[tuple[str, ...]] = []
        self._known: dict[str, str] = {}
        self.know(database_address="db.example", web_group="web", storage_user="storage")

    def know(self, **values: str) -> None:
        self._known |= values

    def stack(self) -> Any:
        return SimpleNamespace(region="eu-central-1")

    def outputs(self) -> AquamarkOutputs:
        return sample_outputs(AquamarkOutputs, **self._known)

    def refresh_hosts(self) -> int:
        self.refreshed += 1
        return 3

    def task(self, *arguments: str, what: str) -> str:
        self.tasks.append(arguments)
        return f"{what}: done"

    def daemon_host(self) -> str:
        return "i-daemons"

    def group(self, name: str) -> Any:
        return {"Instances": [{"InstanceId": f"i-{name}", "LifecycleState": "InService"}]}


@pytest.fixture
def site(aws: Callable[..., Any]) -> FakeSite:
    made = FakeSite(aws)
    aws("iam").create_user(UserName="storage")
    made.know(storage_secret_arn=aws("secretsmanager").create_secret(Name="storage")["ARN"])
    return made


def rotate(site: FakeSite, *, dry_run: bool = False) -> str:
    said = io.StringIO()
    StorageKey(site, dry_run=dry_run).rotate(new_console(file=said, width=200))  # type: ignore[arg-type]
    return said.getvalue()


def state(site: FakeSite) -> tuple[list[str], str]:
    keys = site.client("iam").list_access_keys(UserName="storage")["AccessKeyMetadata"]
    text = site.client("secretsmanager").get_secret_value(SecretId=site.outputs().storage_secret_arn)["SecretString"]
    return [key["AccessKeyId"] for key in keys], json.loads(text)["access_key_id"]


def test_the_first_key_is_made_and_the_next_replaces_it(site: FakeSite) -> None:
    rotate(site)
    (first,), kept = state(site)
    assert kept == first
    said = rotate(site)
    (second,), kept = state(site)
    assert kept == second != first
    assert f"Removed {first}" in said
    assert site.refreshed == 2
    secret = site.client("secretsmanager").get_secret_value(SecretId=site.outputs().storage_secret_arn)["SecretString"]
    assert json.loads(secret)["secret_access_key"] not in said


def test_a_rotation_cut_off_before_the_key_was_kept_is_begun_anew(site: FakeSite) -> None:
    rotate(site)
    stray = site.client("iam").create_access_key(UserName="storage")["AccessKey"]["AccessKeyId"]
    assert f"Removed {stray}, which no host uses" in rotate(site)
    keys, kept = state(site)
    assert keys == [kept]


def test_the_old_key_stays_while_a_host_may_still_use_it(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate(site)
    (first,), _ = state(site)

    def fail() -> int:
        raise OperatorError("a host does not answer")

    monkeypatch.setattr(site, "refresh_hosts", fail)
    with pytest.raises(OperatorError, match="does not answer"):
        rotate(site)
    assert first in state(site)[0]


def test_a_dry_run_makes_no_key(site: FakeSite) -> None:
    assert "Would make a key for storage" in rotate(site, dry_run=True)
    assert site.client("iam").list_access_keys(UserName="storage")["AccessKeyMetadata"] == []


def test_a_new_login_is_made_with_the_master_secret_and_every_host_reads_it(site: FakeSite) -> None:
    site.know(database_secret_arn="arn:master")
    SiteDatabase(site).make_login(new_console(file=io.StringIO()))  # type: ignore[arg-type]
    assert site.tasks == [("login", "arn:master")]
    assert site.refreshed == 1


@pytest.mark.parametrize(("asked", "migrated"), [("1.0.2", "1.0.2"), (None, "1.0.1")])
def test_a_migration_is_of_the_version_that_runs_unless_another_is_named(
    site: FakeSite, asked: str | None, migrated: str
) -> None:
    site.know(version="1.0.1")
    SiteDatabase(site).migrate(asked, new_console(file=io.StringIO()))  # type: ignore[arg-type]
    assert site.tasks == [("migrate", migrated)]


def test_the_mail_servers_login_is_kept_in_its_secret(site: FakeSite) -> None:
    manager = site.client("secretsmanager")
    arn = manager.create_secret(Name="smtp")["ARN"]
    site.know(smtp_secret_arn=arn)
    SiteDatabase(site).keep_smtp_login("AKIAMAIL", "p: 'y'")  # type: ignore[arg-type]
    kept = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])
    assert kept == {"username": "AKIAMAIL", "password": "p: 'y'"}


def test_a_snapshot_is_taken_once_and_a_name_rds_would_refuse_is_refused(site: FakeSite) -> None:
    rds = site.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="database", DBInstanceClass="db.t3.medium", Engine="postgres", AllocatedStorage=100,
        MasterUsername="postgres", ManageMasterUserPassword=True,
    )  # fmt: skip
    site.know(database_identifier="database")
    database, said = SiteDatabase(site), io.StringIO()  # type: ignore[arg-type]
    for _ in range(2):
        assert database.snapshot("before-upgrade", new_console(file=said)) == "before-upgrade"
    assert "before-upgrade exists already" in said.getvalue()
    assert database.snapshot(None, new_console(file=said)).startswith("database-20")
    names = [found["DBSnapshotIdentifier"] for found in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]]
    assert len(names) == 2
    with pytest.raises(OperatorError, match="is not a snapshot's name"):
        database.snapshot("Not--a name", new_console(file=said))


def test_a_dump_is_fetched_whole_for_its_owner_only_and_overwrites_nothing(
    site: FakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = site.client("s3")
    site.know(dumps_bucket="dumps-of-the-commands")
    s3.create_bucket(
        Bucket="dumps-of-the-commands", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
    )

    def dumped(*arguments: str, what: str) -> str:
        s3.put_object(Bucket="dumps-of-the-commands", Key=arguments[1], Body=b"PGDMP")
        return what

    target = tmp_path / "aquamark.dump"
    database = SiteDatabase(site)  # type: ignore[arg-type]
    with pytest.raises(OperatorError, match="refused"):  # the task writes nothing, so there is nothing to fetch
        database.dump(target, new_console(file=io.StringIO()))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(site, "task", dumped)
    database.dump(target, new_console(file=io.StringIO()))
    assert target.read_bytes() == b"PGDMP"
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OperatorError, match="exists already"):
        database.dump(target, new_console(file=io.StringIO()))


@pytest.mark.parametrize(
    "words",
    [
        ["migrate", "1.0.2"], ["database-login"], ["smtp-login", "NAME"], ["snapshot"], ["dump", "aquamark.dump"],
        ["mail-test"],
    ],
)  # fmt: skip
def test_a_dry_run_says_what_would_be_done_and_needs_no_aws(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--dry-run"])
    assert done.exit_code == 0
    assert done.output.startswith("Would ")


@pytest.mark.parametrize("words", [["upgrade"], ["upgrade", "1.0.2", "--rollback"]])
def test_an_upgrade_wants_a_version_or_a_rollback(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


def test_no_web_server_in_service_is_said(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "group", lambda _: {"Instances": []})
    with pytest.raises(OperatorError, match="No web server is in service in web"):
        SiteDatabase(site).port_forward(15432, web=True)  # type: ignore[arg-type]


def test_missing_programs_are_named_before_a_session_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="aws and session-manager-plugin not found"):
        check_programs()


@pytest.mark.parametrize(("web", "target", "port"), [(False, "i-daemons", "5432"), (True, "i-web", "80")])
def test_the_way_in_is_a_session_and_no_ssh(site: FakeSite, web: bool, target: str, port: str) -> None:
    command = SiteDatabase(site).port_forward(15432, web=web)  # type: ignore[arg-type]
    assert command[:3] == ["aws", "ssm", "start-session"]
    assert command[command.index("--target") + 1] == target
    assert json.loads(command[-1])["portNumber"] == [port]


@pytest.fixture
def login_page() -> Iterator[Callable[[str], str]]:
    """Aquamark's login as it answers; `login_page(password)` is where admin has that password."""
    servers = ExitStack()

    def start(password: str) -> str:
        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Set-Cookie", "_xsrf=token; Path=/")
                self.end_headers()

            def do_POST(self) -> None:
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if form["_xsrf"] != ["token"] or "_xsrf=token" not in self.headers["Cookie"]:
                    self.send_response(403)
                else:
                    fine = (form["email"], form["password"]) == (["admin"], [password])
                    self.send_response(302)
                    self.send_header("Location", "/#/2/" if fine else "/login/?error=Login+incorrect")
                self.end_headers()

        return f"http://127.0.0.1:{servers.enter_context(serving(Answers))}"

    with servers:
        yield start


def test_the_default_login_is_noticed_until_it_was_changed(login_page: Callable[[str], str]) -> None:
    assert default_login_works(login_page("admin"))
    assert not default_login_works(login_page("changed"))


def test_a_page_that_is_not_there_is_no_good_news() -> None:
    with pytest.raises(OperatorError, match="cannot be asked"):
        default_login_works(f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def setting(tmp_path: Path) -> VersionSetting:
    path = tmp_path / "prod.toml"
    shutil.copy(ROOT / "deployments" / "aquamark" / "environments" / "prod.toml", path)
    return VersionSetting(path)


def test_only_the_lines_of_versions_change(setting: VersionSetting) -> None:
    before = setting.path.read_text()
    setting.write(Versions("head-2", previous_version="head-1"))
    assert setting.read() == Versions("head-2", previous_version="head-1")
    setting.write(Versions("head-1", rolled_back_from="head-2"))
    assert setting.read() == Versions("head-1", rolled_back_from="head-2")
    setting.write(Versions(None))
    assert setting.path.read_text() == before


def test_a_version_that_is_no_tag_is_refused_and_the_file_stays(setting: VersionSetting) -> None:
    before = setting.path.read_text()
    with pytest.raises(SettingsError, match="version"):
        setting.write(Versions("not a tag"))
    assert setting.path.read_text() == before
    assert [path.name for path in setting.path.parent.iterdir()] == ["prod.toml"]


@pytest.mark.parametrize(
    "words",
    [["upgrade", "1.0.2"], ["migrate"], ["smtp-login", "NAME"], ["database-login"], ["rotate-storage-key"]],
    ids=lambda words: words[0],
)
def test_every_command_that_changes_something_is_one_operators_at_a_time(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(aws: object, stack: object, operation: str, *, dry_run: bool = False) -> NoReturn:
        raise OperatorError(f"somebody else runs {operation}, dry run {dry_run}")

    monkeypatch.setattr(commands, "_site", lambda _: SimpleNamespace(aws=None, stack=lambda: None))
    monkeypatch.setattr(one_operator, "one_operator", held)
    done = CliRunner().invoke(app, words, input="password\n")
    assert str(done.exception) == f"somebody else runs {words[0]}, dry run False"
