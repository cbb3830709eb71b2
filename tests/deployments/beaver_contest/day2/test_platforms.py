"""`quintet beaver platforms` looks up the newest version of a branch and writes it into the settings, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from config.environment import load_environment
from config.settings import ROOT, load
from deployments.beaver_contest.day2.platforms import PlatformChange, changes, offered, running, write
from deployments.beaver_contest.settings import BeaverContestSettings
from emulator.server import Emulator
from operations.cli import run
from operations.errors import OperatorError

P84 = "PHP 8.4 running on 64bit Amazon Linux 2023"
P85 = "PHP 8.5 running on 64bit Amazon Linux 2023"
VERSIONS = {P85: "4.14.0", P84: "4.13.10"}
FILE = Path("deployments/beaver_contest/environments/dev.toml")


class Beanstalk:
    """Answers as Beanstalk does."""

    def __init__(self, *stacks: str, environments: dict[str, str] | None = None) -> None:
        self.stacks = stacks
        self.environments = environments or {}

    def list_available_solution_stacks(self) -> Any:
        return {"SolutionStacks": list(self.stacks)}

    def describe_environments(self, *, EnvironmentNames: list[str], IncludeDeleted: bool) -> Any:  # noqa: N803
        assert not IncludeDeleted
        found = [(name, stack) for name, stack in self.environments.items() if name in EnvironmentNames]
        return {"Environments": [{"EnvironmentName": name, "SolutionStackName": stack} for name, stack in found]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    shutil.copy(ROOT / FILE, tmp_path / "dev.toml")
    return tmp_path / "dev.toml"


def read(path: Path) -> BeaverContestSettings:
    return load(path, BeaverContestSettings)


def test_the_newest_version_of_each_php_branch_is_found_by_number() -> None:
    beanstalk = Beanstalk(
        "64bit Amazon Linux 2023 v4.9.1 running PHP 8.4",
        "64bit Amazon Linux 2023 v4.13.7 running PHP 8.4",
        "64bit Amazon Linux 2023 v4.13.10 running PHP 8.5",
        "64bit Amazon Linux 2023 v4.13.10 running Python 3.13",
        "64bit Amazon Linux 2 v3.9.0 running PHP 8.1",
    )
    assert offered(beanstalk) == {P85: "4.13.10", P84: "4.13.7"}


def test_environments_that_exist_say_which_branch_they_run(path: Path) -> None:
    beanstalk = Beanstalk(environments={"adminEnv": "64bit Amazon Linux 2023 v4.9.1 running PHP 8.4"})
    assert running(beanstalk, read(path)) == {"admin": P84}


def test_a_newer_version_of_the_same_branch_is_written_and_every_other_line_stays(path: Path) -> None:
    before = path.read_text()
    wanted = changes(read(path), VERSIONS, {}, branch=None)
    assert wanted == [PlatformChange(role, {"platform_version": "4.13.10"}) for role in ("admin", "contest")]
    write(path, wanted)
    assert path.read_text() == before.replace('platform_version = "4.13.7"', 'platform_version = "4.13.10"')
    assert changes(read(path), VERSIONS, {}, branch=None) == []


def test_a_move_keeps_the_branch_before_until_the_environments_run_the_new_one(path: Path) -> None:
    before = path.read_text()
    write(path, changes(read(path), VERSIONS, {"admin": P84, "contest": P84}, branch="PHP 8.5"))
    moved = read(path)
    for its in (moved.admin, moved.contest):
        assert (its.platform_branch, its.platform_version, its.platform_branch_before) == (P85, "4.14.0", P84)

    waiting = changes(moved, VERSIONS, {"admin": P85, "contest": P84}, branch=None)
    assert waiting == [
        PlatformChange("admin", {"platform_branch_before": None}),
        PlatformChange("contest", {}, waits=True),
    ]
    write(path, waiting)
    assert read(path).admin.platform_branch_before is None
    assert read(path).contest.platform_branch_before == P84

    write(path, changes(read(path), VERSIONS, {"admin": P85, "contest": P85}, branch=None))
    after = before.replace("PHP 8.4 running", "PHP 8.5 running").replace('"4.13.7"', '"4.14.0"')
    assert path.read_text() == after


def test_a_move_back_before_it_was_applied_leaves_no_branch_before(path: Path) -> None:
    before = path.read_text()
    write(path, changes(read(path), VERSIONS, {"admin": P84, "contest": P84}, branch=P85))
    write(path, changes(read(path), VERSIONS, {"admin": P84, "contest": P84}, branch=P84))
    assert path.read_text() == before.replace('"4.13.7"', '"4.13.10"')


def test_a_branch_the_account_is_not_offered_is_refused_with_those_it_is(path: Path) -> None:
    with pytest.raises(OperatorError, match=r"not offered the branch PHP 8\.1; it is offered PHP 8\.5 running"):
        changes(read(path), VERSIONS, {}, branch="PHP 8.1")
    with pytest.raises(OperatorError, match=r"not offered the branch PHP 8\.4 running"):
        changes(read(path), {P85: "4.14.0"}, {}, branch=None)


def test_the_command_lists_what_the_account_is_offered_and_writes_only_when_told(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / FILE
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / FILE, target)
    target.write_text(target.read_text().replace('"4.13.7"', '"4.7.0"'))
    monkeypatch.setattr("config.settings.ROOT", tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", load_environment("dev").account_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    assert run(["beaver", "platforms"]) == 0
    printed = capsys.readouterr().out
    assert P84 in printed
    assert "admin.platform_version: 4.13.7" in printed
    assert "Nothing was written" in printed
    assert '"4.7.0"' in target.read_text()
    assert run(["beaver", "platforms", "--write"]) == 0
    assert read(target).contest.platform_version == "4.13.7"


def test_the_command_refuses_credentials_of_another_account(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "100000000778")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    assert run(["beaver", "platforms", "--write"]) == 1
