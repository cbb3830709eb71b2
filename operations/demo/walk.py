"""The steps of a stack from nothing to destroyed, the same for the demo on the emulator and a trial on an account."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from operations.applied import Applied
from operations.demo.check import Check, CheckContext
from operations.demo.run_checks import run_checks
from operations.demo.unprotect import without_protections
from operations.errors import OperatorError
from operations.plans.apply_plan import apply_plan
from operations.plans.planning import stack_background
from operations.plans.report.wording import step as step_words
from operations.plans.review import review
from operations.roles.role import Role
from operations.stacks import FILE
from operations.terraform.documents import State

if TYPE_CHECKING:
    from pathlib import Path

    from operations.aws import Aws
    from operations.stacks import Stack
    from operations.terraform.progress import StackProgress
    from operations.terraform.terraform import PlanResult, Terraform


@dataclass(frozen=True)
class Deviation:
    """Something that an apply of the emulator's quality would not have: where, and what, without values."""

    address: str
    """Empty where it is about no resource."""
    what: str


class DeviationError(OperatorError):
    """A step found something that should not be; the message tells it to the operator, `deviations` to a report."""

    def __init__(self, message: str, deviations: Sequence[Deviation]) -> None:
        super().__init__(message)
        self.deviations = deviations


@dataclass
class Walk:
    """One stack on its way, with what its steps have found so far."""

    terraform: Terraform
    line: StackProgress
    aws: Aws
    root: Path
    checks: Sequence[Check] = ()
    say: Callable[[str], None] = lambda _: None
    """Hears what an interrupted apply left behind."""
    provider: Callable[[], AbstractContextManager[None]] = nullcontext
    """Surrounds commands that plan: they share a process of the provider."""
    applying: Callable[[], AbstractContextManager[None]] = nullcontext
    """Surrounds commands that change something: on an account Terraform starts a provider for each, and verifies it."""
    link: bool = True
    """False where `provider` and `applying` attach one to every command that needs one."""
    refresh_to_destroy: bool = True
    """False where nobody else can have deleted or replaced what was applied: to destroy it, its state says enough."""
    first_plan: PlanResult | None = None
    applied: State = field(default_factory=State, repr=False)
    """The state as the apply left it. Holds secret values."""
    second_plan: PlanResult | None = None
    shown: dict[str, Any] = field(default_factory=dict, repr=False)
    """The second plan in JSON. Holds secret values."""
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def stack(self) -> Stack:
        """The stack."""
        return self.line.stack

    @property
    def context(self) -> CheckContext:
        """The applied stack as checks see it."""
        outputs = {name: output["value"] for name, output in self.applied.get("outputs", {}).items()}
        return CheckContext(Applied(self.stack, outputs), self.aws)

    def try_checks(self, phase: str, checks: Sequence[Check], context: CheckContext) -> None:
        """Try checks one after the other; `conclude_checks` tells how they went."""
        self.line.enter(phase, total=len(checks))
        for check in checks:
            passed, failed = run_checks([check], context)
            self.passed += passed
            self.failed += failed
            self.line.finished += 1

    def conclude_checks(self, log: Path) -> None:
        """Write down what the checks saw. Raises DeviationError when any failed."""
        lines = [f"passed  {text}" for text in self.passed] + [f"FAILED  {text}" for text in self.failed]
        log.write_text("\n".join([*lines, *filter(None, [self.line.left_out])]) + "\n")
        self.line.checks = f"{len(self.passed)} of {len(self.passed) + len(self.failed)} passed"
        if self.failed:
            reasons = [f"{self.stack.name}: checks failed.", *(f"  {text}" for text in self.failed), f"Log: {log}"]
            raise DeviationError("\n".join(reasons), [Deviation("", text) for text in self.failed])


@dataclass(frozen=True)
class WalkStep:
    """One step: its name, and what does it. It raises OperatorError when the stack is not as it should be."""

    name: str
    take: Callable[[Walk], None]
    role: Role = Role.PLAN
    """The role whose rights it needs."""


def _init(walk: Walk) -> None:
    walk.line.enter("init")
    walk.terraform.init(link=walk.link)


def _plan(walk: Walk) -> None:
    walk.line.enter("plan")
    with walk.provider():
        walk.first_plan = walk.terraform.plan()


def _apply(walk: Walk) -> None:
    if walk.first_plan is None:
        raise ValueError("nothing is planned")
    walk.line.enter("apply", total=len(walk.first_plan.planned))
    with walk.applying():
        apply_plan(walk.terraform, walk.first_plan, stack=walk.stack, aws=walk.aws, say=walk.say)
    walk.applied = walk.terraform.state_pull()
    walk.line.resources = managed(walk.applied)


def _plan_again(walk: Walk) -> None:
    walk.line.enter("second plan")
    walk.line.second_plan = "not empty"
    with walk.provider():
        walk.second_plan = walk.terraform.plan("second-plan")
        walk.shown = walk.terraform.show_json(walk.second_plan)
    if walk.second_plan.changes:
        found = differences(walk.shown)
        head = f"{walk.stack.name}: the second plan is not empty."
        lines = [head, *(f"  {each.address}: {each.what}" for each in found), f"Log: {walk.terraform.log}"]
        raise DeviationError("\n".join(lines), found)
    walk.line.second_plan = "empty"


def _look_for_drift(walk: Walk) -> None:
    """Do what `quintet drift` and `quintet plan --fail-on all` do, with the second plan."""
    if walk.second_plan is None:
        raise ValueError("nothing is planned again")
    walk.line.enter("drift")
    walk.line.second_plan = "with findings"
    background = stack_background(walk.root, walk.stack, {})
    reviewed = review(walk.stack.name, walk.stack.environment, walk.shown, background)
    found = [finding for finding in reviewed.findings if finding.counts]
    drifted = [(line.address, change) for line in reviewed.drift for change in line.attributes]
    if found or drifted or reviewed.failure:
        lines = [f"{walk.stack.name}: nothing was changed after the apply, and yet the review finds something."]
        lines += filter(None, [reviewed.failure])
        lines += [f"  {finding.address} {finding.message} [{finding.policy}]" for finding in found]
        lines += [f"  {address}: {change.path}: {step_words(change)}" for address, change in drifted]
        deviations = [Deviation("", "there is no report on the second plan")] if reviewed.failure else []
        deviations += [Deviation(finding.address, f"policy {finding.policy}") for finding in found]
        deviations += [Deviation(address, f"drift ({change.path})") for address, change in drifted]
        raise DeviationError("\n".join([*lines, f"Log: {walk.terraform.log}"]), deviations)
    walk.line.second_plan = "empty"


def _check(walk: Walk) -> None:
    if walk.checks:
        walk.try_checks("checks", walk.checks, walk.context)
        walk.conclude_checks(checks_log(walk))


def _destroy(walk: Walk) -> None:
    terraform, line, refresh = walk.terraform, walk.line, walk.refresh_to_destroy
    override = without_protections(json.loads((terraform.directory / FILE).read_text(encoding="utf-8")))
    with walk.applying():
        if override:
            (terraform.directory / "unprotected_override.tf.json").write_text(json.dumps(override, indent=2))
            line.enter("protections off")
            terraform.plan_and_apply(refresh=refresh)
            refresh = False  # the state has just been written
        line.enter("destroy", total=line.resources)
        line.destroyed = "failed"
        terraform.destroy(refresh=refresh)
    left = terraform.state_list()
    if left:
        message = f"{terraform.stack}: destroyed, and yet in its state: {', '.join(left)}."
        raise DeviationError(message, [Deviation(address, "destroyed, and yet in the state") for address in left])
    line.destroyed = "state empty"


INIT = WalkStep("init", _init)
PLAN = WalkStep("plan", _plan)
APPLY = WalkStep("apply", _apply, Role.APPLY)
SECOND_PLAN = WalkStep("second plan", _plan_again)
DRIFT = WalkStep("drift", _look_for_drift)
CHECKS = WalkStep("checks", _check)
DESTROY = WalkStep("destroy", _destroy, Role.APPLY)
STEPS: Sequence[WalkStep] = (INIT, PLAN, APPLY, SECOND_PLAN, DRIFT, CHECKS, DESTROY)


def checks_log(walk: Walk) -> Path:
    """The file that what the checks saw is written to."""
    return walk.terraform.log.with_name(f"{walk.stack.name}-checks.log")


def managed(state: State) -> int:
    """Number of the resources that the state manages."""
    return sum(len(resource["instances"]) for resource in state.get("resources", []) if resource["mode"] == "managed")


def differences(plan: dict[str, Any]) -> list[Deviation]:
    """Changes of a plan (as `terraform show -json` has it): addresses, actions, argument names — no values."""
    found = []
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        if change["actions"] in (["no-op"], ["read"]):
            continue
        before, after, unknown = (change.get(key) or {} for key in ("before", "after", "after_unknown"))
        names = sorted(
            name for name in {*before, *after, *unknown} if unknown.get(name) or before.get(name) != after.get(name)
        )
        found.append(Deviation(resource["address"], f"{' and '.join(change['actions'])} ({', '.join(names)})"))
    outputs = plan.get("output_changes", {}).items()
    found += [
        Deviation(f"output {name}", " and ".join(c["actions"])) for name, c in outputs if c["actions"] != ["no-op"]
    ]
    return found
