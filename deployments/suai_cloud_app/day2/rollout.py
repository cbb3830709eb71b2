"""Makes a published release of the SUAI Cloud App the current one, and has its instances replaced."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from operations.errors import OperatorError
from operations.instances.fleet import SUCCESSFUL, AutoScalingGroup, Refresh
from operations.instances.fleet_progress import shown

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.suai_cloud_app.day2.releases import Pointer, Release, Releases

RefreshPolicy: TypeAlias = Literal["when needed", "always", "never"]
"""`when needed`: unless every instance was launched after the release became the current one."""


@dataclass(frozen=True)
class ReleaseRollout:
    """From a release in the bucket to instances that run it; says each step on `console`."""

    releases: Releases
    fleet: AutoScalingGroup
    console: Console
    _: KW_ONLY
    environment: str
    refresh: RefreshPolicy
    dry_run: bool
    timeout_seconds: float

    def refuse_to_cut_in(self, release: Release) -> None:
        """Raises OperatorError when instances are just being replaced, and `release` is another than they fetch."""
        before = self.releases.current()
        if self.refresh == "never" or (before and before.release == release):
            return
        active = self.fleet.active_refresh()
        if active:
            raise OperatorError(
                f"The instances of {self.fleet.name} are being replaced already ({active}); nothing was changed.",
                hint="Wait until that is done. Publishing the current release once more watches it.",
            )

    def make_current(self, release: Release) -> None:
        """Switch the pointer, then replace the instances; when that fails the pointer is switched back.

        Goes on with what an earlier run began: a refresh under way is watched, instances launched before the switch are
        replaced. Raises OperatorError when the instances were not replaced.
        """
        before = self.releases.current()
        if before is not None and before.release == release:
            self._say(f"Release {release.version} is the current one already.")
            self._catch_up(release, before)
        else:
            self._switch(release, before)
        previous = _previous(release, before)
        if previous:
            self._say(f"The release before is {previous}. To go back: {self._command(previous)}")

    def _switch(self, release: Release, before: Pointer | None) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        change = f"{self.releases.pointer_address} from {_shown(before)} to {release.version}"
        if self.dry_run:
            self._say(f"Would switch {change}")
            if self.refresh != "never":
                self._say(f"Would replace {self._instances()}")
            return
        self.releases.point_to(release, previous=_previous(release, before), replacing=before)
        self._say(f"Switched {change}")
        if self.refresh == "never":
            self._say(f"Instances fetch it when they boot. To replace them: {self._command(release.version)}")
            return
        self._say(f"Replacing {self._instances()}")
        try:
            refresh = self.fleet.start_refresh()
        except (BotoCoreError, ClientError):
            self._say(self._take_back(release, before))
            raise
        refresh = self._follow(refresh, release)
        if refresh.status != SUCCESSFUL:
            raise self._failure(refresh, self._take_back(release, before), before.release if before else None)
        self._say(f"Done: {self._instances()} run {release.version}.")

    def _catch_up(self, release: Release, pointer: Pointer) -> None:
        if self.refresh == "never":
            return
        active = self.fleet.active_refresh()
        if active and self.dry_run:
            self._say(f"Would watch the refresh of {self.fleet.name} that is under way: {active}")
            return
        if active:
            self._say(f"Watching the refresh of {self.fleet.name} that is under way.")
            self._expect_success(self._follow(active, release), pointer)
        outdated = self.fleet.launched_before(pointer.written)
        if not outdated and (active or self.refresh != "always"):
            self._say("Every instance was launched since it is: nothing is left to do.")
            return
        if self.dry_run:
            self._say(f"Would replace {self._instances()}")
            return
        self._say(f"Replacing {self._instances()}, {len(outdated)} of them launched before it was the current one")
        self._expect_success(self._follow(self.fleet.start_refresh(), release), pointer)
        self._say(f"Done: {self._instances()} run {release.version}.")

    def _follow(self, refresh: Refresh, release: Release) -> Refresh:
        try:
            with shown(self.console, self.fleet.name) as report:
                return self.fleet.follow(refresh, report, timeout_seconds=self.timeout_seconds)
        except KeyboardInterrupt:
            raise OperatorError(
                f"No longer watched: the instances of {self.fleet.name} are being replaced nevertheless.",
                hint=f"To watch it again: {self._command(release.version)}",
            ) from None

    def _take_back(self, release: Release, before: Pointer | None) -> str:
        """Point to the release before; says what became of the pointer."""
        address = self.releases.pointer_address
        if before is None or before.release is None:
            return f"{address} still names {release.version}, as there is no release to go back to."
        now = self.releases.current()
        if now is None or now.release != release:
            return f"{address} was switched by somebody else meanwhile, and is left to them."
        self.releases.point_to(before.release, previous=before.previous, replacing=now)
        return f"Rolled back: {address} names {before.release.version} again."

    def _expect_success(self, refresh: Refresh, pointer: Pointer) -> None:
        if refresh.status != SUCCESSFUL:
            raise self._failure(refresh, f"{self.releases.pointer_address} still names {_shown(pointer)}.", None)

    def _failure(self, refresh: Refresh, consequence: str, old: Release | None) -> OperatorError:
        logs = f"Why instances fail: quintet logs suai-cloud-app-{self.environment} boot"
        again = f"\nTo replace those that run the failed release: {self._command(old.version)}" if old else ""
        return OperatorError(
            f"The instances of {self.fleet.name} were not all replaced ({refresh}).\n{consequence}", hint=logs + again
        )

    def _instances(self) -> str:
        number = len(self.fleet.instances())
        return f"the {number} instances of {self.fleet.name}" if number != 1 else f"the instance of {self.fleet.name}"

    def _command(self, version: str) -> str:
        return f"quintet suai publish --environment {self.environment} --version {version}"

    def _say(self, text: str) -> None:
        self.console.print(text)


def _shown(pointer: Pointer | None) -> str:
    if pointer is None:
        return "nothing"
    return pointer.release.version if pointer.release else "something unreadable"


def _previous(release: Release, before: Pointer | None) -> str | None:
    """The version that was current before `release`."""
    if before is None or before.release is None:
        return None
    return before.previous if before.release.version == release.version else before.release.version
