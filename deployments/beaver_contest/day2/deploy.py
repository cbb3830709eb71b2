"""Brings a checkout of the contest to both environments, and back when it does not work there."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.day2.assets import prune, publish, read_assets
from deployments.beaver_contest.runtime.bundle import RELEASES, Bundle, BundleError, build
from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.beaver_contest.day2.contest import Contest

_GOOD = ("Green", "Yellow")
_LONGEST_DESCRIPTION = 200


@dataclass
class BundleRollout:
    """One version on its way to the environments, one after the other.

    `settle_seconds` is how long an environment may need, once it has the version, to be found healthy.
    """

    contest: Contest
    say: Callable[[str], None]
    php: str | None = None
    """The platform's version, with which the code is checked."""
    timeout_seconds: float = 1800
    settle_seconds: float = 300
    poll_seconds: float = 10
    pause: Callable[[float], None] = time.sleep
    _before: dict[str, str] = field(default_factory=dict)

    def run(self, source: Path, *, folders: Sequence[str] = (), dry_run: bool) -> str:
        """Build the checkout `source`, publish its assets, upload and deploy it; returns the version's label.

        Raises OperatorError when the bundle cannot be built, AWS refuses, or an environment does not get well with the
        version; then every environment has the version it had before.
        """
        description = describe(source)
        with tempfile.TemporaryDirectory(prefix="quintet-beaver-") as folder:
            self.say(f"Building the bundle of {source} ({description or 'no history'})")
            try:
                bundle = build(source, Path(folder), folders=folders, php=self.php)
            except BundleError as error:
                raise OperatorError(f"{error}", hint="Nothing was uploaded.") from None
            for line in bundle.told:
                self.say(line)
            self.say(f"Version {bundle.label}: {bundle.files} files, {bundle.size_bytes / 1e6:.1f} MB")
            assets = read_assets(bundle.stage, bundle.label)
            with refusals_explained():
                if dry_run:
                    self._say_what_would_be_done(bundle)
                else:
                    self._publish(bundle, description)
                changed = publish(self.contest, assets, dry_run=dry_run, say=lambda _: None)
            self.say(f"{len(changed)} of {len(assets)} assets {'would be published' if dry_run else 'published'}")
        if dry_run:
            return bundle.label
        with refusals_explained():
            self._deploy(bundle.label)
            if deleted := prune(self.contest, self._labels()):
                self.say(f"{deleted} assets of versions that Beanstalk keeps no more are deleted")
        return bundle.label

    def _say_what_would_be_done(self, bundle: Bundle) -> None:
        known = self._version(bundle.label) is not None
        self.say(f"Version {bundle.label} {'is there already' if known else 'would be uploaded and made'}")
        for role, name in self.contest.outputs.environments.items():
            environment = self._find_environment(role)
            if environment is None:
                self.say(f"{name} does not exist: apply generated/stacks/{self.contest.name} first")
                continue
            now = environment["VersionLabel"]
            same = "has it already" if now == bundle.label else f"would go from {now} to {bundle.label}"
            self.say(f"{environment['EnvironmentName']} {same}")

    def _publish(self, bundle: Bundle, description: str) -> None:
        beanstalk = self.contest.client("elasticbeanstalk")
        bucket, key = self.contest.outputs.releases_bucket, f"{RELEASES}{bundle.label}.zip"
        version = self._version(bundle.label)
        if version is not None and version["Status"] == "FAILED":
            beanstalk.delete_application_version(ApplicationName=self._application, VersionLabel=bundle.label)
            version = None
        if version is None:
            self.contest.client("s3").upload_file(str(bundle.path), bucket, key)
            self.say(f"Uploaded to s3://{bucket}/{key}")
            beanstalk.create_application_version(
                ApplicationName=self._application,
                VersionLabel=bundle.label,
                Description=description[:_LONGEST_DESCRIPTION],
                SourceBundle={"S3Bucket": bucket, "S3Key": key},
                Process=True,
            )
        for _ in self._until(self.timeout_seconds):
            status = (self._version(bundle.label) or {}).get("Status")
            if status in ("PROCESSED", "UNPROCESSED"):
                return
            if status != "PROCESSING":
                raise OperatorError(
                    f"Beanstalk does not accept the bundle: its status is {status}.",
                    hint=f"aws elasticbeanstalk describe-events --version-label {bundle.label} says why.",
                )
        raise OperatorError(f"Beanstalk has not looked at the bundle within {self.timeout_seconds:.0f} seconds.")

    def _deploy(self, label: str) -> None:
        for role in self.contest.outputs.environments:
            environment = self._environment(role)
            name, now = environment["EnvironmentName"], environment["VersionLabel"]
            if environment["Status"] != "Ready":
                self._roll_back()
                raise OperatorError(
                    f"{name} is {environment['Status'].lower()}: something else is changing it.",
                    hint="Wait until it is ready, then deploy again.",
                )
            if now == label and environment["Health"] in _GOOD:
                self.say(f"{name} has {label} already and is {environment['Health'].lower()}")
                continue
            self._before[role] = now
            self.say(f"{name}: {now} → {label}")
            reason = self._update(role, label)
            if reason is not None:
                self._roll_back()
                raise OperatorError(
                    f"{name} did not get well with {label}: {reason}.",
                    hint="Every environment is back at the version before. Its events and its logs say more: "
                    f"aws elasticbeanstalk request-environment-info --info-type tail --environment-name {name}",
                )
            self.say(f"{name} runs {label}")

    def _roll_back(self) -> None:
        lost = []
        for role, label in reversed(self._before.items()):
            self.say(f"{role}: back to {label}")
            reason = self._update(role, label)
            if reason is not None:
                lost.append(f"{role} ({reason})")
        self._before.clear()
        if lost:
            raise OperatorError(
                f"Going back to the version before failed as well: {', '.join(lost)}.",
                hint="Look at the environments in the console; their instances may be broken, whatever the version.",
            )

    def _update(self, role: str, label: str) -> str | None:
        """Give an environment a version and wait; says why it is not well, or None."""
        beanstalk, name = self.contest.client("elasticbeanstalk"), self._environment_name(role)
        started = datetime.now(UTC)
        beanstalk.update_environment(EnvironmentName=name, VersionLabel=label)
        told: set[str] = set()
        for _ in self._until(self.timeout_seconds):
            self._tell_events(name, started, told)
            if self._environment(role)["Status"] == "Ready":
                break
        else:
            beanstalk.abort_environment_update(EnvironmentName=name)
            self._wait_until_ready(role)
            return f"it was still updating after {self.timeout_seconds:.0f} seconds"
        health = ""
        for _ in self._until(self.settle_seconds):
            environment = self._environment(role)
            health = environment["Health"]
            if environment["VersionLabel"] != label:
                return f"Beanstalk itself went back to {environment['VersionLabel']}"
            if health == "Green":
                return None
            if health == "Red":
                return "its health is red"
        return None if health in _GOOD else f"its health is {health.lower()}"

    def _wait_until_ready(self, role: str) -> None:
        for _ in self._until(self.timeout_seconds):
            if self._environment(role)["Status"] == "Ready":
                return

    def _tell_events(self, name: str, started: datetime, told: set[str]) -> None:
        events = self.contest.client("elasticbeanstalk").describe_events(EnvironmentName=name, StartTime=started)
        for event in reversed(events["Events"]):
            line = f"  {event['EventDate']:%H:%M:%S} {event['Severity']} {event['Message']}"
            if line not in told:
                told.add(line)
                self.say(line)

    def _until(self, seconds: float) -> Any:
        """Once for every look within `seconds`, with pauses between."""
        looks = max(1, round(seconds / self.poll_seconds))
        for look in range(looks):
            yield look
            if look < looks - 1:
                self.pause(self.poll_seconds)

    @property
    def _application(self) -> str:
        return self.contest.outputs.application

    def _environment_name(self, role: str) -> str:
        return self.contest.outputs.environments[role]

    def _environment(self, role: str) -> dict[str, Any]:
        found = self._find_environment(role)
        if found is None:
            raise OperatorError(
                f"There is no environment {self._environment_name(role)} in {self.contest.region}.",
                hint=f"Apply generated/stacks/{self.contest.name} again.",
            )
        return found

    def _find_environment(self, role: str) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self.contest.client("elasticbeanstalk").describe_environments(
            ApplicationName=self._application, EnvironmentNames=[self._environment_name(role)], IncludeDeleted=False
        )["Environments"]
        return found[0] if found else None

    def _labels(self) -> list[str]:
        versions = self.contest.client("elasticbeanstalk").describe_application_versions(
            ApplicationName=self._application
        )["ApplicationVersions"]
        return [version["VersionLabel"] for version in versions]

    def _version(self, label: str) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self.contest.client("elasticbeanstalk").describe_application_versions(
            ApplicationName=self._application, VersionLabels=[label]
        )["ApplicationVersions"]
        return found[0] if found else None


def describe(source: Path) -> str:
    """Revision and last message of the checkout, as `r1a2b3c4: Message`; empty when it has no history."""
    command = ["git", "-C", str(source), "log", "-1", "--format=r%h: %s"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
