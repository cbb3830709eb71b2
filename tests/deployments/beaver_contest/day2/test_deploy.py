"""A checkout comes to both environments, and everything goes back when one of them does not get well."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.day2.deploy import BundleRollout, describe
from deployments.beaver_contest.runtime import bundle
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import Made
from tests.deployments.beaver_contest.runtime.checkout import make_checkout, no_programs


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    no_programs(monkeypatch)
    return make_checkout(tmp_path / "source", composer=False)


@pytest.fixture
def applied(contest: Made) -> Contest:
    made = contest()
    for bucket in (made.outputs.releases_bucket, made.outputs.static_bucket):
        made.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": made.region})
    beanstalk = made.client("elasticbeanstalk")
    beanstalk.create_application(ApplicationName=made.outputs.application)
    beanstalk.create_application_version(ApplicationName=made.outputs.application, VersionLabel="before")
    for name in made.outputs.environments.values():
        beanstalk.create_environment(
            ApplicationName=made.outputs.application,
            EnvironmentName=name,
            SolutionStackName="64bit Amazon Linux 2023 v4.13.7 running PHP 8.4",
            VersionLabel="before",
        )
    return made


def rollout(contest: Contest, said: list[str], **more: Any) -> BundleRollout:
    quick: dict[str, Any] = {"timeout_seconds": 60, "settle_seconds": 30, "pause": lambda _: None}
    return BundleRollout(contest, say=said.append, **{**quick, **more})


def versions(contest: Contest) -> dict[str, str]:
    found = contest.client("elasticbeanstalk").describe_environments(IncludeDeleted=False)["Environments"]
    return {environment["EnvironmentName"]: environment["VersionLabel"] for environment in found}


class Turn:
    """Makes the environment `name` look like `look` once it has a version other than `before`."""

    def __init__(self, contest: Contest, monkeypatch: pytest.MonkeyPatch, name: str, **look: str) -> None:
        self.client = contest.client("elasticbeanstalk")
        self.name, self.look = name, look
        self.describe = self.client.describe_environments
        monkeypatch.setattr(self.client, "describe_environments", self)

    def __call__(self, **request: Any) -> Any:
        answer = self.describe(**request)
        for environment in answer["Environments"]:
            if environment["EnvironmentName"] == self.name and environment["VersionLabel"] != "before":
                environment.update(self.look)
        return answer


def test_both_environments_get_the_version_contests_first(applied: Contest, source: Path, said: list[str]) -> None:
    label = rollout(applied, said).run(source, dry_run=False)
    assert versions(applied) == {"adminEnv": label, "contestEnv": label}
    told = "\n".join(said)
    assert told.index(f"contestEnv: before → {label}") < told.index(f"adminEnv: before → {label}")
    (version,) = applied.client("elasticbeanstalk").describe_application_versions(VersionLabels=[label])[
        "ApplicationVersions"
    ]
    key = version["SourceBundle"]["S3Key"]
    assert key == f"releases/{label}.zip"
    assert applied.client("s3").head_object(Bucket=applied.outputs.releases_bucket, Key=key)["ContentLength"] > 1000


def test_the_same_checkout_is_not_deployed_twice(applied: Contest, source: Path, said: list[str]) -> None:
    label = rollout(applied, said).run(source, dry_run=False)
    said.clear()
    assert rollout(applied, said).run(source, dry_run=False) == label
    assert said[-2:] == [f"contestEnv has {label} already and is green", f"adminEnv has {label} already and is green"]


def test_a_dry_run_changes_nothing(applied: Contest, source: Path, said: list[str]) -> None:
    label = rollout(applied, said).run(source, dry_run=True)
    assert set(versions(applied).values()) == {"before"}
    assert f"contestEnv would go from before to {label}" in said
    for bucket in (applied.outputs.releases_bucket, applied.outputs.static_bucket):
        assert "Contents" not in applied.client("s3").list_objects_v2(Bucket=bucket)


def published(contest: Contest) -> set[str]:
    found = contest.client("s3").list_objects_v2(Bucket=contest.outputs.static_bucket).get("Contents", [])
    return {each["Key"] for each in found}


def test_assets_are_published_before_the_version_reaches_an_environment(
    applied: Contest, source: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = applied.client("elasticbeanstalk")
    update, seen = client.update_environment, []

    def updating(**request: Any) -> Any:
        seen.append(f"assets/{request['VersionLabel']}/common.js" in published(applied))
        return update(**request)

    monkeypatch.setattr(client, "update_environment", updating)
    rollout(applied, said).run(source, dry_run=False)
    assert seen == [True, True]


def test_assets_of_versions_that_can_still_be_deployed_stay_and_others_go(
    applied: Contest, source: Path, said: list[str]
) -> None:
    s3, bucket = applied.client("s3"), applied.outputs.static_bucket
    for key in ("assets/before/common.js", "assets/gone/common.js", "contests/c/index.html"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    label = rollout(applied, said).run(source, dry_run=False)
    assert {"assets/before/common.js", "contests/c/index.html", f"assets/{label}/common.js"} <= published(applied)
    assert "assets/gone/common.js" not in published(applied)


@pytest.mark.parametrize(
    ("name", "look", "reason"),
    [
        ("contestEnv", {"Health": "Red"}, "contestEnv did not get well with .*: its health is red"),
        ("adminEnv", {"Health": "Red"}, "adminEnv did not get well with .*: its health is red"),
        ("adminEnv", {"Health": "Grey"}, "its health is grey"),
        ("adminEnv", {"VersionLabel": "before"}, "Beanstalk itself went back to before"),
    ],
)
def test_every_environment_goes_back_when_one_is_not_well(
    applied: Contest,
    source: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    look: dict[str, str],
    reason: str,
) -> None:
    Turn(applied, monkeypatch, name, **look)
    with pytest.raises(OperatorError, match=reason) as refused:
        rollout(applied, said).run(source, dry_run=False)
    assert "back at the version before" in str(refused.value)
    assert set(versions(applied).values()) == {"before"}


def test_an_update_that_never_ends_is_aborted_and_taken_back(
    applied: Contest, source: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Turn(applied, monkeypatch, "contestEnv", Status="Updating")
    aborted: list[str] = []
    monkeypatch.setattr(
        applied.client("elasticbeanstalk"),
        "abort_environment_update",
        lambda EnvironmentName: aborted.append(EnvironmentName),  # noqa: N803 - boto3 calls it so
    )
    with pytest.raises(OperatorError, match="still updating after 60 seconds"):
        rollout(applied, said).run(source, dry_run=False)
    assert aborted == ["contestEnv"]
    assert set(versions(applied).values()) == {"before"}


def test_an_environment_that_is_busy_is_left_alone(
    applied: Contest, source: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = applied.client("elasticbeanstalk")
    describe_environments = client.describe_environments

    def busy(**request: Any) -> Any:
        answer = describe_environments(**request)
        for environment in answer["Environments"]:
            environment["Status"] = "Updating"
        return answer

    monkeypatch.setattr(client, "describe_environments", busy)
    with pytest.raises(OperatorError, match="contestEnv is updating: something else is changing it"):
        rollout(applied, said).run(source, dry_run=False)


def test_events_are_told_once(applied: Contest, source: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"EventDate": datetime(2026, 1, 1, 10, 0, tzinfo=UTC), "Severity": "INFO", "Message": "Deploying"}
    monkeypatch.setattr(applied.client("elasticbeanstalk"), "describe_events", lambda **_: {"Events": [event, event]})
    rollout(applied, said).run(source, dry_run=False)
    assert said.count("  10:00:00 INFO Deploying") == 2  # once for each environment


def test_a_bundle_beanstalk_does_not_take_is_refused_before_the_upload(
    applied: Contest, source: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "LARGEST_BYTES", 1000)
    with pytest.raises(OperatorError, match=r"Beanstalk takes 0 MB\. Largest: "):
        rollout(applied, said).run(source, dry_run=False)
    assert "Contents" not in applied.client("s3").list_objects_v2(Bucket=applied.outputs.releases_bucket)


def test_a_checkout_without_history_has_no_description(tmp_path: Path) -> None:
    assert describe(tmp_path) == ""
