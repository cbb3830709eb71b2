"""`quintet suai publish`: what becomes of the bucket, the pointer and the instances."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from config.settings import ROOT
from deployments.suai_cloud_app.day2.publish import ReleasePublication
from deployments.suai_cloud_app.runtime import boot
from emulator.server import Emulator
from operations import cli
from operations.aws import Aws
from operations.console import new_console
from operations.errors import OperatorError
from operations.instances.fleet import Refresh
from operations.instances.fleet_progress import shown
from operations.stacks import find_stacks, only
from operations.state.one_operator import one_operator
from tests.deployments.suai_cloud_app.day2.suai_support import REGION, Deployed, QuickAws, deploy, make_fleet

LOCKED = r"is locked: .*somebody-elses"
FIRST = b"#!/bin/sh\nexec sleep 1\n"
SECOND = b"#!/bin/sh\nexec sleep 2\n"
Publish = Callable[..., str]


class EventfulAws(QuickAws):
    """Leads where `to` leads; answers to `operation` are changed by `change` before anybody sees them."""

    def __init__(self, to: Deployed, operation: str, change: Callable[[dict[str, Any]], object]) -> None:
        super().__init__(to.environment)
        self._operation = operation
        self._change = change

    def client(self, service: str, *, region: str) -> Any:
        client = super().client(service, region=region)

        def changed(parsed: dict[str, Any], **_: object) -> None:
            self._change(parsed)

        client.meta.events.register(f"after-call.*.{self._operation}", changed, unique_id="change")
        return client


@pytest.fixture
def deployed(tmp_path: Path, emulator: Emulator, account: str) -> Deployed:
    made = deploy(tmp_path, emulator, account)
    make_fleet(made)
    return made


@pytest.fixture
def publish(deployed: Deployed, tmp_path: Path) -> Publish:
    """`publish(FIRST, version=…)` publishes these bytes as a team's own executable, and returns what was said."""

    def run(content: bytes | None = None, **wanted: Any) -> str:
        if content is not None:
            wanted["app"] = tmp_path / "own-executable"
            wanted["app"].write_bytes(content)
        said = io.StringIO()
        asked = {"environment": "test", "root": deployed.root, "aws": deployed.aws, "poll_seconds": 0.01}
        try:
            ReleasePublication(**(asked | wanted)).run(new_console(file=said))
        except OperatorError as error:
            error.said = said.getvalue()  # type: ignore[attr-defined]
            raise
        return said.getvalue()

    return run


def with_refresh(deployed: Deployed, *looks: dict[str, Any]) -> Aws:
    """An AWS whose newest refresh shows these fields, one look after the other; the last ones stay."""
    remaining = list(looks)

    def change(parsed: dict[str, Any]) -> None:
        if parsed["InstanceRefreshes"]:
            parsed["InstanceRefreshes"][0].update(remaining.pop(0) if len(remaining) > 1 else remaining[0])

    return EventfulAws(deployed, "DescribeInstanceRefreshes", change)


def version_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def next_second() -> None:
    """S3 says in whole seconds when the pointer was written: an instance of the same second counts as launched after."""
    time.sleep(1.05 - time.time() % 1)


def test_publishing_is_one_operators_at_a_time(deployed: Deployed, publish: Publish) -> None:
    with one_operator(deployed.aws, only(find_stacks(deployed.root), "suai-cloud-app-test"), "somebody-elses"):
        with pytest.raises(OperatorError, match=LOCKED):
            publish(FIRST)
        assert "Would upload" in publish(FIRST, dry_run=True)
    assert deployed.objects() == {}
    publish(FIRST)
    assert len(deployed.objects()) == 2


def test_the_first_publication_uploads_switches_and_replaces_every_instance(
    deployed: Deployed, publish: Publish
) -> None:
    before = deployed.instances()
    said = publish(FIRST)
    version = version_of(FIRST)
    assert deployed.objects()[f"releases/{version}/suaicloudapp"] == FIRST
    assert deployed.pointer() == {"version": version, "sha256": hashlib.sha256(FIRST).hexdigest(), "previous": None}
    assert len(deployed.instances()) == 2
    assert before.isdisjoint(deployed.instances())
    assert f"Switched s3://{deployed.bucket}/releases/current from nothing to {version}" in said
    assert f"Done: the 2 instances of suai-web run {version}." in said
    assert "To go back" not in said


def test_nothing_is_published_before_the_database_has_the_applications_user(
    deployed: Deployed, publish: Publish
) -> None:
    manager = deployed.client("secretsmanager")
    manager.delete_secret(SecretId="database-user", ForceDeleteWithoutRecovery=True)
    manager.create_secret(Name="database-user")
    with pytest.raises(OperatorError, match="database user database_user is not made yet") as refused:
        publish(FIRST)
    assert str(refused.value.hint).startswith("quintet suai database-user --environment ")
    assert deployed.objects() == {}


def test_the_second_run_changes_nothing(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST)
    versions, instances = deployed.versions(), deployed.instances()
    said = publish(FIRST)
    assert "is in the bucket already" in said
    assert "nothing is left to do" in said
    assert (deployed.versions(), deployed.instances()) == (versions, instances)


def test_the_second_run_replaces_instances_when_told_to(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST)
    versions, instances = deployed.versions(), deployed.instances()
    publish(FIRST, refresh="always")
    assert deployed.versions() == versions
    assert instances.isdisjoint(deployed.instances())


def test_a_new_release_keeps_the_old_one_and_says_how_to_go_back(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST)
    said = publish(SECOND)
    old, new = version_of(FIRST), version_of(SECOND)
    assert deployed.pointer() == {"version": new, "sha256": hashlib.sha256(SECOND).hexdigest(), "previous": old}
    assert deployed.objects()[f"releases/{old}/suaicloudapp"] == FIRST
    assert f"quintet suai publish --environment test --version {old}" in said


def test_an_old_release_is_gone_back_to_without_a_file(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    publish(SECOND, version="1.1")
    instances = deployed.instances()
    publish(version="1.0")
    assert deployed.pointer() == {"version": "1.0", "sha256": hashlib.sha256(FIRST).hexdigest(), "previous": "1.1"}
    assert instances.isdisjoint(deployed.instances())


def test_a_release_somebody_uploaded_without_a_checksum_is_hashed(deployed: Deployed, publish: Publish) -> None:
    deployed.client("s3").put_object(Bucket=deployed.bucket, Key="releases/by-hand/suaicloudapp", Body=FIRST)
    publish(version="by-hand")
    assert deployed.pointer()["sha256"] == hashlib.sha256(FIRST).hexdigest()


def test_a_version_that_is_not_published_is_answered_with_those_that_are(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    versions = deployed.versions()
    with pytest.raises(OperatorError, match=r"1\.O is not published\. Published: 1\.0\."):
        publish(version="1.O")
    assert deployed.versions() == versions


def test_a_version_with_other_bytes_is_refused(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    versions, instances = deployed.versions(), deployed.instances()
    with pytest.raises(OperatorError, match=r"1\.0 is published already, with other bytes"):
        publish(SECOND, version="1.0")
    assert (deployed.versions(), deployed.instances()) == (versions, instances)


@pytest.mark.parametrize("published", [False, True])
def test_a_dry_run_says_each_step_and_changes_nothing(deployed: Deployed, publish: Publish, published: bool) -> None:
    if published:
        publish(FIRST)
    versions, instances, held = deployed.versions(), deployed.instances(), deployed.emulator.status()["inventory"]
    said = publish(SECOND, dry_run=True)
    new, old = version_of(SECOND), version_of(FIRST) if published else "nothing"
    assert f"Would upload 0.0 MB to s3://{deployed.bucket}/releases/{new}/suaicloudapp" in said
    assert f"Would switch s3://{deployed.bucket}/releases/current from {old} to {new}" in said
    assert "Would replace the 2 instances of suai-web" in said
    assert (deployed.versions(), deployed.instances()) == (versions, instances)
    assert deployed.emulator.status()["inventory"] == held


def test_progress_is_said_line_by_line_where_there_is_no_terminal(deployed: Deployed, publish: Publish) -> None:
    half = {"Status": "InProgress", "PercentageComplete": 50}
    aws = with_refresh(deployed, half, half, {"Status": "Successful", "PercentageComplete": 100})
    said = publish(FIRST, aws=aws)
    assert said.count("  InProgress, 50 %\n") == 1
    assert "  Successful, 100 %\n" in said


def test_progress_is_a_bar_on_a_terminal(deployed: Deployed) -> None:
    said = io.StringIO()
    with shown(Console(file=said, force_terminal=True, width=100), deployed.group) as report:
        report(Refresh("1", "InProgress", 50, "[waiting]"))
    assert "suai-web: InProgress, [waiting]" in said.getvalue()
    assert "50%" in said.getvalue()


def test_when_instances_cannot_be_replaced_the_old_release_is_current_again(
    deployed: Deployed, publish: Publish
) -> None:
    publish(FIRST, version="1.0")
    publish(SECOND, version="1.1")
    failed = {"Status": "Failed", "PercentageComplete": 50, "StatusReason": "2 instances are unhealthy."}
    with pytest.raises(OperatorError) as refused:
        publish(FIRST + b"#\n", version="1.2", aws=with_refresh(deployed, failed))
    assert "(Failed, 50 %: 2 instances are unhealthy.)" in str(refused.value)
    assert "names 1.1 again" in str(refused.value)
    assert "quintet suai publish --environment test --version 1.1" in str(refused.value)
    assert deployed.pointer() == {"version": "1.1", "sha256": hashlib.sha256(SECOND).hexdigest(), "previous": "1.0"}


def test_a_failed_first_publication_says_that_there_is_nothing_to_go_back_to(
    deployed: Deployed, publish: Publish
) -> None:
    with pytest.raises(OperatorError, match="there is no release to go back to"):
        publish(FIRST, version="1.0", aws=with_refresh(deployed, {"Status": "Failed"}))
    assert deployed.pointer()["version"] == "1.0"


def test_a_refresh_that_takes_too_long_is_ended_and_taken_back(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    # none is under way before the switch
    aws = with_refresh(deployed, {"Status": "Successful"}, {"Status": "InProgress", "PercentageComplete": 10})
    with pytest.raises(OperatorError, match="cancelled, as it was not done after 0 min"):
        publish(SECOND, version="1.1", aws=aws, timeout_seconds=0)
    assert deployed.pointer()["version"] == "1.0"


def test_a_refused_refresh_is_taken_back(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    aws = QuickAws(deployed.environment)

    def vanish(**_: object) -> None:
        deployed.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=deployed.group, ForceDelete=True)

    aws.client("autoscaling", region=REGION).meta.events.register(
        "before-call.auto-scaling.StartInstanceRefresh", vanish
    )
    with pytest.raises(OperatorError, match="AWS refused StartInstanceRefresh") as refused:
        publish(SECOND, version="1.1", aws=aws)
    assert "names 1.0 again" in refused.value.said  # type: ignore[attr-defined]
    assert deployed.pointer()["version"] == "1.0"


def test_a_pointer_that_somebody_else_switches_meanwhile_is_left_to_them(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    theirs = json.dumps({"version": "theirs", "sha256": "0" * 64}).encode()

    def fail(parsed: dict[str, Any]) -> None:
        if parsed["InstanceRefreshes"] and deployed.pointer()["version"] == "1.1":
            deployed.client("s3").put_object(Bucket=deployed.bucket, Key="releases/current", Body=theirs)
            parsed["InstanceRefreshes"][0]["Status"] = "Failed"

    with pytest.raises(OperatorError, match="switched by somebody else meanwhile"):
        publish(SECOND, version="1.1", aws=EventfulAws(deployed, "DescribeInstanceRefreshes", fail))
    assert deployed.pointer()["version"] == "theirs"


def test_two_publications_at_once_do_not_overwrite_each_other(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    theirs = json.dumps({"version": "theirs", "sha256": "0" * 64}).encode()
    aws = QuickAws(deployed.environment)

    def cut_in(params: dict[str, Any], **_: object) -> None:
        if params["url_path"].endswith("/releases/current"):
            deployed.client("s3").put_object(Bucket=deployed.bucket, Key="releases/current", Body=theirs)

    aws.client("s3", region=REGION).meta.events.register("before-call.s3.PutObject", cut_in)
    with pytest.raises(OperatorError, match="Somebody else has switched"):
        publish(SECOND, version="1.1", aws=aws)
    assert deployed.pointer()["version"] == "theirs"


def test_while_instances_are_being_replaced_no_other_release_is_published(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")
    versions = deployed.versions()
    aws = with_refresh(deployed, {"Status": "InProgress", "PercentageComplete": 10})
    with pytest.raises(OperatorError, match=r"being replaced already \(InProgress, 10 %\); nothing was changed"):
        publish(SECOND, version="1.1", aws=aws)
    assert deployed.versions() == versions


def test_a_run_that_was_interrupted_is_gone_on_with(deployed: Deployed, publish: Publish) -> None:
    publish(FIRST, version="1.0")

    def interrupt(parsed: dict[str, Any]) -> None:
        if deployed.pointer()["version"] == "1.1":
            raise KeyboardInterrupt

    with pytest.raises(OperatorError, match="No longer watched") as stopped:
        publish(SECOND, version="1.1", aws=EventfulAws(deployed, "DescribeInstanceRefreshes", interrupt))
    assert "quintet suai publish --environment test --version 1.1" in str(stopped.value)

    versions, instances = deployed.versions(), deployed.instances()
    under_way = with_refresh(deployed, {"Status": "InProgress"}, {"Status": "InProgress"}, {"Status": "Successful"})
    said = publish(version="1.1", aws=under_way)
    assert "Watching the refresh" in said
    assert "nothing is left to do" in said
    assert (deployed.versions(), deployed.instances()) == (versions, instances)


def test_a_refresh_that_was_put_off_is_made_up_for(deployed: Deployed, publish: Publish) -> None:
    instances = deployed.instances()
    next_second()
    said = publish(FIRST, version="1.0", refresh="never")
    assert "Instances fetch it when they boot" in said
    assert deployed.instances() == instances
    said = publish(version="1.0")
    assert "2 of them launched before it was the current one" in said
    assert instances.isdisjoint(deployed.instances())


def test_a_file_that_linux_does_not_start_is_refused(deployed: Deployed, publish: Publish) -> None:
    with pytest.raises(OperatorError, match="begins neither with ELF nor with #!"):
        publish(b"\xcf\xfa\xed\xfe made on another system")
    assert deployed.objects() == {}


def test_an_unreadable_pointer_is_mended(deployed: Deployed, publish: Publish) -> None:
    deployed.client("s3").put_object(Bucket=deployed.bucket, Key="releases/current", Body=b"1.0")
    said = publish(FIRST, version="1.1")
    assert "from something unreadable to 1.1" in said
    assert deployed.pointer()["previous"] is None


def test_what_is_built_here_is_what_an_instance_fetches(deployed: Deployed, publish: Publish, tmp_path: Path) -> None:
    publish(refresh="never")
    pointer = deployed.pointer()
    assert pointer["version"] == pointer["sha256"][:12]
    root = tmp_path / "instance"
    (root / "suaicloudapp").mkdir(parents=True)
    values = {"region": REGION, "bucket": deployed.bucket, "release_prefix": "releases/"}
    program = "import json, sys; from deployments.suai_cloud_app.runtime.boot import fetch_release; fetch_release(json.loads(sys.argv[1]))"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    fetched = subprocess.run(
        [sys.executable, "-c", program, json.dumps(values)],
        check=False,
        cwd=ROOT,
        env=deployed.emulator.full_environment(account_id=deployed.account, region=REGION)
        | {"SUAICLOUDAPP_ROOT": str(root), "PATH": path},
        capture_output=True,
        text=True,
    )
    assert fetched.returncode == 0, fetched.stderr
    assert f"release {pointer['version']} is now installed" in fetched.stderr
    assert boot.digest(root / "suaicloudapp" / "suaicloudapp") == pointer["sha256"]


@pytest.fixture
def quintet(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """`quintet("publish", …)` runs the command line and returns exit code, output and errors."""
    monkeypatch.setattr("config.settings.ROOT", deployed.root)
    monkeypatch.setattr("config.environment.environment_names", lambda: ["test"])
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["suai", *arguments])
        return code, *capsys.readouterr()

    return run


def test_the_command_line_publishes_and_lists(quintet: Callable[..., Any], tmp_path: Path) -> None:
    own = tmp_path / "own"
    code, out, _ = quintet("releases", "--environment", "test")
    assert (code, "Nothing is published yet" in out) == (0, True)
    for version, content in (("1.0", FIRST), ("1.1", SECOND)):
        own.write_bytes(content)
        code, out, err = quintet("publish", "--environment", "test", "--app", str(own), "--version", version)
        assert (code, err) == (0, ""), out
    code, out, _ = quintet("releases", "--environment", "test")
    rows = [line.replace("│", " ").split() for line in out.splitlines() if " UTC " in line]
    assert [(row[0], row[-1]) for row in rows] == [("1.1", "current"), ("1.0", "before")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--version", "../1"), "'../1' is no version"),
        (("--version", "current"), "'current' is no version"),
        (("--app", "/no/such/file"), "does not exist"),
        (("--app", __file__, "--build"), "not both"),
        (("--timeout-minutes", "0"), "--timeout-minutes"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert cli.run(["suai", "publish", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_failures_are_exit_code_1_without_a_traceback(quintet: Callable[..., Any]) -> None:
    code, _, err = quintet("publish", "--environment", "test", "--version", "9")
    assert (code, err.splitlines()[0]) == (1, "Error: 9 is not published. Published: nothing yet.")


def test_a_team_names_its_own_program_in_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deployments.suai_cloud_app.day2 import publish

    monkeypatch.setattr(publish, "ROOT", tmp_path)
    (tmp_path / "theirs").write_bytes(b"\x7fELF")
    assert publish._program_at("theirs", named_in="dev.toml") == tmp_path / "theirs"
    with pytest.raises(OperatorError, match=r'dev\.toml: application\.executable = "gone": there is no such file'):
        publish._program_at("gone", named_in="dev.toml")


def test_without_one_in_the_settings_ours_is_built() -> None:
    from deployments.suai_cloud_app.day2.publish import executable_in_settings

    assert executable_in_settings("dev") is None
