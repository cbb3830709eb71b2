"""`quintet aquamark check`: each thing that may be wrong is found, whatever else is wrong."""

from __future__ import annotations

import http.server
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployments.aquamark.day2.check import SiteCheck
from deployments.aquamark.outputs import AquamarkOutputs
from operations.errors import OperatorError
from tests.http_server import serving
from tests.sample_outputs import sample_outputs


class FakeSite:
    """A site where all is well, until a test changes that; keys, secrets and database are the emulator's."""

    def __init__(self, aws: Callable[..., Any]) -> None:
        self.client = aws
        self.storage_secret_arn = "arn:none"
        self.groups = {"web-1.0.2": {"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]}}
        self.healths = {"i-1": "healthy", "i-2": "healthy"}
        self.running: dict[str, str | None] = {"recalc": "repository:1.0.2", "notify": "repository:1.0.2"}

    def outputs(self) -> AquamarkOutputs:
        return sample_outputs(
            AquamarkOutputs,
            version="1.0.2",
            web_group="web-1.0.2",
            storage_user="storage",
            storage_secret_arn=self.storage_secret_arn,
            database_identifier="database",
        )

    def web_groups(self) -> dict[str, Any]:
        return self.groups

    def targets(self) -> dict[str, str]:
        return self.healths

    def task(self, *arguments: str, what: str) -> str:
        assert arguments == ("status",), what
        return json.dumps(self.running)


@pytest.fixture
def page() -> Iterator[tuple[str, dict[str, str]]]:
    """Aquamark's address, and what it says: `ping`, the status of `login page`, and where a sign-in as admin leads."""
    said = {"ping": "Web services are UP", "login page": "200", "location": "/login/?error=Login+incorrect"}

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(said["login page"]) if self.path == "/login/" else 200)
            self.end_headers()
            self.wfile.write(said["ping"].encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(302)
            self.send_header("Location", said["location"])
            self.end_headers()

    with serving(Answers) as port:
        yield f"http://127.0.0.1:{port}", said


@pytest.fixture
def site(aws: Callable[..., Any]) -> FakeSite:
    made = FakeSite(aws)
    aws("iam").create_user(UserName="storage")
    key = aws("iam").create_access_key(UserName="storage")["AccessKey"]["AccessKeyId"]
    text = json.dumps({"access_key_id": key, "secret_access_key": "x"})
    made.storage_secret_arn = aws("secretsmanager").create_secret(Name="key", SecretString=text)["ARN"]
    aws("rds").create_db_instance(
        DBInstanceIdentifier="database", DBInstanceClass="db.t3.medium", Engine="postgres", AllocatedStorage=100,
        BackupRetentionPeriod=7, MasterUsername="postgres", ManageMasterUserPassword=True,
    )  # fmt: skip
    return made


def found(site: FakeSite, url: str) -> dict[str, str]:
    """Failed checks, by their names."""
    findings = SiteCheck(site, url).run()  # type: ignore[arg-type]
    assert [finding.name for finding in findings] == [
        "ping", "login page", "default login", "web", "daemons", "storage key", "database"
    ]  # fmt: skip
    return {finding.name: finding.said for finding in findings if not finding.fine}


def test_nothing_is_found_where_all_is_well(site: FakeSite, page: tuple[str, dict[str, str]]) -> None:
    assert found(site, page[0]) == {}


def test_an_application_that_is_down_or_lets_the_default_login_in_is_found(
    site: FakeSite, page: tuple[str, dict[str, str]]
) -> None:
    url, said = page
    said.update(ping="no", location="/#/2/")
    wrong = found(site, url)
    assert set(wrong) == {"ping", "default login"}
    assert "admin signs in with the password admin" in wrong["default login"]


def test_a_login_page_that_fails_is_found_although_ping_answers(
    site: FakeSite, page: tuple[str, dict[str, str]]
) -> None:
    """As today's release does with PyYAML 6, whose load() wants another argument."""
    url, said = page
    said["login page"] = "500"
    wrong = found(site, url)
    assert set(wrong) == {"login page", "default login"}
    assert wrong["login page"].startswith("/login/ answers 500")


@pytest.mark.parametrize(
    ("group", "healths", "said"),
    [
        ("web-1.0.1", {"i-1": "healthy", "i-2": "healthy"}, "groups of other versions are left: web-1.0.1"),
        (None, {"i-1": "healthy", "i-9": "healthy"}, "knows strangers: i-9"),
        (None, {"i-1": "healthy", "i-2": "unhealthy"}, "not healthy: i-2"),
        (None, {}, "nobody serves"),
    ],
)
def test_what_is_left_of_another_version_strangers_and_the_ill_are_found(
    site: FakeSite, page: tuple[str, dict[str, str]], group: str | None, healths: dict[str, str], said: str
) -> None:
    site.healths = healths
    if group:
        site.groups[group] = {"Instances": []}
    assert said in found(site, page[0])["web"]


@pytest.mark.parametrize("image", ["repository:1.0.1", None])
def test_a_daemon_of_another_version_or_one_that_is_down_is_found(
    site: FakeSite, page: tuple[str, dict[str, str]], image: str | None
) -> None:
    site.running["notify"] = image
    assert found(site, page[0]) == {"daemons": f"notify runs {image}"}


def test_a_second_key_and_missing_backups_are_found(site: FakeSite, page: tuple[str, dict[str, str]]) -> None:
    site.client("iam").create_access_key(UserName="storage")
    site.client("rds").modify_db_instance(DBInstanceIdentifier="database", BackupRetentionPeriod=0)
    assert set(found(site, page[0])) == {"storage key", "database"}


def test_one_thing_that_fails_hides_no_other(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str, what: str) -> str:
        raise OperatorError(f"{what}: the host does not answer")

    monkeypatch.setattr(site, "task", fail)
    assert set(found(site, "http://127.0.0.1:9")) == {"ping", "login page", "default login", "daemons"}
