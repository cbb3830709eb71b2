"""From one version to another, or back: every step looks at what is there, so that a run may begin where one ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.aquamark.day2.empty_secrets import empty_secrets
from deployments.aquamark.day2.site import Site
from deployments.aquamark.day2.version_setting import Versions, VersionSetting
from operations.aws import refusals_explained
from operations.demo.synth import synthesise
from operations.errors import OperatorError
from operations.plans.apply_plan import apply_plan
from operations.plans.standing_provider import StandingProviders
from operations.review.addresses import read_document
from operations.stacks import Stack, find_stacks, only
from operations.terraform.run import Run

if TYPE_CHECKING:
    from rich.console import Console

    from operations.terraform.terraform import PlanResult, Terraform

STEPS = ("image", "settings", "plan", "schema", "fleet", "old fleet", "daemons")
_EXPECTED = re.compile(
    r"aws_autoscaling_group\.(web|daemons)"
    r"|aws_launch_template\.(web|daemons)_launch_template"
    r"|aws_autoscaling_policy\.web_cpu"
    r"|aws_cloudwatch_metric_alarm\.alarms_web_\w+"
    r"|aws_cloudwatch_dashboard\.alarms_dashboard"
)
_ENDED = ("Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")


def _nothing(step: str) -> None:
    del step


@dataclass
class Upgrade:
    """The wanted upgrade: to `version`, or with `rollback` to the version before this one.

    `terraform_environment` says where AWS is, by default the operator's; `after_step` is told each step that is done.
    """

    site: Site
    version: str | None = None
    rollback: bool = False
    dry_run: bool = False
    allow_more: bool = False
    timeout_seconds: float = 1800
    terraform_environment: Mapping[str, str] | None = None
    after_step: Callable[[str], None] = _nothing

    def run(self, console: Console) -> None:
        """Do it, saying each step. Raises OperatorError when it is refused or fails; run again, it goes on."""
        with refusals_explained():
            setting = VersionSetting.of(self.site.root, self.site.environment)
            versions = self._target(setting)
            before = self.site.outputs().version
            back = "back " if versions.rolled_back_from else ""
            console.print(f"{self.site.environment}: from {before} {back}to {versions.wanted}")
            self._image(versions.wanted)
            self._secrets()
            self._done(console, "image", f"{versions.wanted} is in the repository")
            if self.dry_run:
                console.print(f"Would write version {versions.wanted}, plan, and then: {', '.join(STEPS[3:])}.")
                return
            with Run("upgrade", root=self.site.root) as run:
                self._bring_about(setting, versions, run, console)
            console.print(f"{versions.wanted} runs.")
            if versions.previous_version:
                command = f"quintet aquamark upgrade --rollback --environment {self.site.environment}"
                console.print(f"To go back to {versions.previous_version}: {command}")

    def _bring_about(self, setting: VersionSetting, versions: Versions, run: Run, console: Console) -> None:
        target = versions.wanted
        setting.write(versions)
        synthesise(run)
        self._done(console, "settings", f"{setting.path.name} says {target}, generated/ is written; commit both")
        terraform, plan = self._plan(run)
        self._done(console, "plan", f"{len(plan.planned)} changes, none but the fleets and what watches them")
        schema = self.site.task("back" if versions.rolled_back_from else "migrate", target, what="the schema")
        self._done(console, "schema", schema or "the migrations have run")
        if plan.changes:
            apply_plan(terraform, plan, stack=self._stack(), aws=self.site.aws, say=console.print)
        self._done(console, "fleet", f"{self.site.outputs().web_group} is healthy")
        serving = self._only_the_new_one_serves(target)
        self._done(console, "old fleet", f"gone; {serving} instances of {target} serve")
        self._daemons()
        self._done(console, "daemons", f"run {target}")

    def _done(self, console: Console, step: str, text: str) -> None:
        console.print(f"  {STEPS.index(step) + 1} of {len(STEPS)}  {step}: {text}")
        self.after_step(step)

    def _target(self, setting: VersionSetting) -> Versions:
        """The versions to write into the settings; once an upgrade has begun they are there already."""
        now = setting.read()
        if self.rollback:
            if now.rolled_back_from:
                return now
            if now.previous_version is None:
                raise OperatorError(
                    "There is no version to go back to: the settings have no previous_version.",
                    hint="Name one that is in the repository: quintet aquamark upgrade VERSION",
                )
            return Versions(now.previous_version, rolled_back_from=now.version)
        if self.version is None:
            raise OperatorError("Say which version.", hint="quintet aquamark upgrade VERSION, or --rollback")
        return now if now.version == self.version else Versions(self.version, previous_version=now.version)

    def _image(self, version: str) -> None:
        name = self.site.outputs().repository
        ecr = self.site.client("ecr")
        try:
            ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": version}])
        except ecr.exceptions.ImageNotFoundException:
            pages = ecr.get_paginator("describe_images").paginate(repositoryName=name)
            tags = sorted(tag for page in pages for image in page["imageDetails"] for tag in image.get("imageTags", []))
            raise OperatorError(
                f"{name} has no image {version}; it has {', '.join(tags) or 'none'}. Nothing was changed.",
                hint=f"Push it first: docker push {self.site.outputs().repository_url}:{version}",
            ) from None

    def _secrets(self) -> None:
        """Raises OperatorError for secrets without a value: no host of a new fleet would ever serve."""
        client, declared = self.site.client("secretsmanager"), read_document(self._stack().folder)["resource"]

        def describe(name: str) -> Mapping[str, Any]:
            described: Mapping[str, Any] = client.describe_secret(SecretId=name)
            return described

        empty = list(empty_secrets(declared["aws_secretsmanager_secret"].items(), describe, self.site.environment))
        if empty:
            names = ", ".join(name for name, _ in empty)
            raise OperatorError(
                f"{names} {'have' if len(empty) > 1 else 'has'} no value: hosts cannot start. Nothing was changed.",
                hint="\n".join(command for _, command in empty),
            )

    def _plan(self, run: Run) -> tuple[Terraform, PlanResult]:
        terraform = run.terraform(self._stack(), environment=self.terraform_environment)
        terraform.init()
        with StandingProviders(run) as providers, providers.attached(terraform, self._stack()):
            plan = terraform.plan()
        others = [f"{address} ({action})" for address, action in plan.planned if not _EXPECTED.fullmatch(address)]
        if others and not self.allow_more:
            raise OperatorError(
                f"The plan changes more than a version: {', '.join(others)}. Nothing was changed.",
                hint="Apply those first, or allow them with --allow-more. The settings file names the new version.",
            )
        return terraform, plan

    def _stack(self) -> Stack:
        return only(find_stacks(self.site.root), f"aquamark-{self.site.environment}")

    def _only_the_new_one_serves(self, version: str) -> int:
        """Wait until neither groups nor instances of other versions are left; how many instances serve."""
        current = self.site.outputs().web_group
        give_up = time.monotonic() + self.timeout_seconds
        while True:
            groups = self.site.web_groups()
            mine = {instance["InstanceId"] for instance in groups.get(current, {}).get("Instances", [])}
            targets = self.site.targets()
            healthy = {instance for instance, state in targets.items() if state == "healthy"}
            others = sorted(name for name in groups if name != current)
            strangers = sorted(set(targets) - mine)
            if not others and not strangers and healthy & mine:
                return len(healthy & mine)
            if time.monotonic() >= give_up:
                left = ", ".join([*others, *strangers]) or "no healthy instance"
                raise OperatorError(
                    f"Beside {version} there is still {left}: some users see the old site.",
                    hint="Run the same command again; a group that nobody's state knows is to be deleted by hand.",
                )
            time.sleep(self.site.poll_seconds)

    def _daemons(self) -> None:
        """Wait until the one daemon host was made from the newest launch template, replacing it where nothing does."""
        name = self.site.outputs().daemon_group
        autoscaling = self.site.client("autoscaling")
        give_up = time.monotonic() + self.timeout_seconds
        while True:
            group = self.site.group(name)
            wanted = group["LaunchTemplate"]["Version"]
            found = [i.get("LaunchTemplate", {}).get("Version") for i in group["Instances"]]
            refreshes = autoscaling.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"]
            active = [refresh for refresh in refreshes if refresh["Status"] not in _ENDED]
            in_service = [i for i in group["Instances"] if i["LifecycleState"] == "InService"]
            if found == [wanted] and len(in_service) == 1 and not active:
                return
            if found != [wanted] and not active and len(in_service) == 1:
                autoscaling.start_instance_refresh(
                    AutoScalingGroupName=name,
                    # the old one ends first: two daemons of a kind must never run at once
                    Preferences={"MinHealthyPercentage": 0, "MaxHealthyPercentage": 100, "SkipMatching": True},
                )
            if time.monotonic() >= give_up:
                raise OperatorError(
                    f"The daemon host of {name} still runs version {found} of its launch template, not {wanted}.",
                    hint="Look at the group's activities, then run the same command again.",
                )
            time.sleep(self.site.poll_seconds)
