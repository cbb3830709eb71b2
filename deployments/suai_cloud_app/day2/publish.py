"""Publishes the SUAI Cloud App: upload, switch the pointer, replace the instances."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from config.settings import ROOT
from config.stack_settings import load_all
from deployments.suai_cloud_app.day2.database_user import database_user
from deployments.suai_cloud_app.day2.releases import DEPLOYMENT, FILE_NAME, Release, Releases
from deployments.suai_cloud_app.day2.rollout import RefreshPolicy, ReleaseRollout
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from deployments.suai_cloud_app.runtime.package import PackageError, build
from operations.applied import find_applied
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError
from operations.instances.fleet import POLL_SECONDS, AutoScalingGroup
from operations.state.one_operator import one_operator
from operations.terraform.toolchain.one_at_a_time import one_at_a_time

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.suai_cloud_app.settings import SuaiCloudAppSettings
    from operations.applied import Applied

_PROGRAMS = (b"\x7fELF", b"#!")
_VERSION_LENGTH = 12


@dataclass(frozen=True)
class ReleasePublication:
    """The wanted publication.

    `app` is a team's own executable; without it, `version` names a release in the bucket, unless `build`; without both,
    or with `build`, the application of this repository is built. A version that is not given is the beginning of the
    file's SHA-256, so that the same bytes are the same release whoever publishes them.
    """

    environment: str = "dev"
    app: Path | None = None
    version: str | None = None
    build: bool = False
    refresh: RefreshPolicy = "when needed"
    dry_run: bool = False
    timeout_seconds: float = 3600
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)
    poll_seconds: float = POLL_SECONDS

    def run(self, console: Console) -> None:
        """Do it, saying each step; safe to run again, which goes on with what was interrupted.

        Raises OperatorError when it is refused or fails. When instances cannot be replaced, the old release is the
        current one again.
        """
        with refusals_explained():
            applied = find_applied(self.root, DEPLOYMENT, self.environment, self.aws)
            with one_operator(self.aws, applied.stack, "publish", dry_run=self.dry_run):
                self._publish(applied, console)

    def _publish(self, applied: Applied, console: Console) -> None:
        outputs = applied.read(SuaiCloudAppOutputs)
        if not database_user(self.aws, applied.stack, outputs).has_password:
            raise OperatorError(
                f"The database user {outputs.database_user} is not made yet; instances could not sign in.",
                hint=f"quintet suai database-user --environment {self.environment}",
            )
        releases = Releases(self.aws, applied.stack, outputs)
        fleet = AutoScalingGroup(self.aws, outputs.group, region=applied.stack.region, poll_seconds=self.poll_seconds)
        rollout = ReleaseRollout(
            releases,
            fleet,
            console,
            environment=self.environment,
            refresh=self.refresh,
            dry_run=self.dry_run,
            timeout_seconds=self.timeout_seconds,
        )
        if self.version and not self.app and not self.build:
            release = _published(releases, self.version)
            rollout.refuse_to_cut_in(release)
        else:
            with tempfile.TemporaryDirectory() as scratch:
                file = _own(self.app) if self.app else self._built(Path(scratch), console)
                release = _named(file, self.version)
                new = _is_new(releases, release)
                rollout.refuse_to_cut_in(release)
                self._upload(releases, release, file, new, console)
        rollout.make_current(release)

    def _built(self, scratch: Path, console: Console) -> Path:
        wheels = self.root / ".cache" / "suaicloudapp-wheels"
        try:
            with console.status("Building the application …"), one_at_a_time(wheels / "lock"):
                return build(scratch / FILE_NAME, wheels=wheels)
        except PackageError as error:
            raise OperatorError(str(error)) from None

    def _upload(self, releases: Releases, release: Release, file: Path, new: bool, console: Console) -> None:
        address, size = releases.address(release.version), f"{file.stat().st_size / 1e6:.1f} MB"
        if not new:
            console.print(f"Release {release.version} is in the bucket already: {address}")
        elif self.dry_run:
            console.print(f"Would upload {size} to {address}")
        else:
            with console.status(f"Uploading {size} …"):
                releases.upload(release, file)
            console.print(f"Uploaded {size} to {address}")


def executable_in_settings(environment: str) -> Path | None:
    """The program of a team's own that the settings of `environment` name. Raises OperatorError when it is missing."""
    for plan in load_all():
        if plan.deployment.name == DEPLOYMENT and plan.environment.name == environment:
            settings = cast("SuaiCloudAppSettings", plan.settings)
            return _program_at(settings.application.executable, named_in=plan.file)
    return None


def _program_at(name: str | None, *, named_in: str) -> Path | None:
    if name is None:
        return None
    if not (ROOT / name).is_file():
        raise OperatorError(
            f'{named_in}: application.executable = "{name}": there is no such file.',
            hint="Name a file by its path from the repository, or leave the key out to build the application here.",
        )
    return ROOT / name


def _published(releases: Releases, version: str) -> Release:
    release = releases.find(version)
    if release is None:
        versions = ", ".join(published.version for published in releases.all()) or "nothing yet"
        raise OperatorError(
            f"{version} is not published. Published: {versions}.",
            hint=f"To give this name to something new: --version {version} with --build or --app FILE",
        )
    return release


def _own(file: Path) -> Path:
    try:
        with file.open("rb") as content:
            beginning = content.read(4)
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}.") from None
    if not beginning.startswith(_PROGRAMS):
        raise OperatorError(f"{file} is no program that Linux starts: it begins neither with ELF nor with #!.")
    return file


def _named(file: Path, version: str | None) -> Release:
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return Release(version or sha256[:_VERSION_LENGTH], sha256)


def _is_new(releases: Releases, release: Release) -> bool:
    """True when it is not in the bucket. Raises OperatorError when there is another one of that version."""
    published = releases.find(release.version)
    if published is not None and published.sha256 != release.sha256:
        raise OperatorError(
            f"{release.version} is published already, with other bytes: {releases.address(release.version)}"
            f" has SHA-256 {published.sha256}, this file {release.sha256}.",
            hint="A release never changes. Choose another --version, or leave it out.",
        )
    return published is None
