"""A trial of stacks on the operator's own account: the demo's steps, then a report of all that went otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from config.settings import ROOT
from operations.aws import Aws, refusals_explained
from operations.demo.check import Check
from operations.demo.walk import (
    APPLY,
    CHECKS,
    DESTROY,
    DRIFT,
    INIT,
    PLAN,
    SECOND_PLAN,
    STEPS,
    DeviationError,
    Walk,
    WalkStep,
)
from operations.errors import OperatorError
from operations.plans.fresh_synth import fresh_synth
from operations.plans.planning import stack_background
from operations.plans.report.model import Report
from operations.plans.report.terminal import print_report
from operations.plans.review import review
from operations.plans.standing_provider import StandingProviders
from operations.review.adoption import look_up
from operations.review.preflight.findings import Question, Verdict
from operations.review.preflight.place import committed_json
from operations.review.preflight.planned import PlannedDocument
from operations.review.preflight.run import preflight
from operations.stacks import Stack, find_stacks, only
from operations.state.belonging import refuse_missing_state
from operations.state.errored_state import ERRORED
from operations.terraform.processes import RunInterruptedError
from operations.terraform.progress import StackProgress, summarise
from operations.terraform.run import Run
from operations.terraform.side_by_side import side_by_side
from operations.terraform.stop_signals import stop_signals_interrupt
from operations.terraform.terraform import Event, TerraformError
from operations.trial.hourly import hourly
from operations.trial.left_behind import left_behind
from operations.trial.own_state import remember, require_own_state, standing
from operations.trial.redaction import ReportRedaction, names_in
from operations.trial.report import Outcome, StackTrial, TrialFinding, TrialReport, TrialStep, finding
from operations.trial.words import private_texts, public_words
from operations.version import version_lines

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_CONSENT = "consent"
_NEEDS: Mapping[WalkStep, WalkStep] = {SECOND_PLAN: APPLY, DRIFT: APPLY, CHECKS: APPLY}
"""Step → the one without whose success it says nothing."""
_NAMED = 10
"""Addresses of what stands that are named; the others are counted."""


@dataclass
class _One:
    """One stack on trial."""

    stack: Stack
    aws: Aws
    line: StackProgress
    trial: StackTrial
    walk: Walk
    existed: Mapping[str, frozenset[str]] | None = None
    """Address → ids of what had the stack's names before; None where that is not known."""
    begun: bool = False
    """True once the current step has changed something: Terraform had the lock, and the state it was planned on."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """The plan; holds secret values."""

    def note(self, step: str, outcome: Outcome, began: float, *findings: TrialFinding) -> None:
        self.trial.steps.append(TrialStep(step, outcome, round(time.monotonic() - began)))
        self.trial.findings += findings


@dataclass(frozen=True)
class Trial:
    """The wanted trial: stacks to apply, check and destroy again.

    With `clean_up`, only what an earlier trial left is destroyed.
    """

    names: Sequence[str]
    environment: str | None = None
    clean_up: bool = False
    despite_preflight: bool = False
    root: Path = ROOT
    aws: Callable[[Stack], Mapping[str, str]] | None = None
    """The environment Terraform gets for a stack; by default the operator's."""
    checks_of: Callable[[str], Sequence[Check]] = lambda _: ()
    questions_of: Callable[[str], Sequence[Question]] = lambda _: ()
    consent: Callable[[str], bool] = lambda _: False
    """Asks the operator; False changes nothing."""
    report_to: Path | None = None
    """A folder that gets the report as well."""

    def stacks(self) -> list[Stack]:
        """The stacks, each once. Raises OperatorError for a name of none, or of several."""
        known = find_stacks(self.root, self.environment)
        return list({stack.name: stack for name in self.names for stack in [only(known, name)]}.values())

    def run(self, console: Console) -> TrialReport:
        """Try the stacks and write the report into the run's folder.

        Raises OperatorError before anything is changed: for a stack that is applied already, that takes over what
        exists, or whose state is not in S3. Raises KeyboardInterrupt when it is stopped, with what stands named.
        """
        stacks = self.stacks()
        with stop_signals_interrupt(), Run("trial", root=self.root) as run, StandingProviders(run) as providers:
            environment = self.aws(stacks[0]) if self.aws else os.environ
            report = TrialReport(
                day=f"{datetime.now(UTC):%Y-%m-%d}",
                place="an endpoint in place of AWS" if environment.get("AWS_ENDPOINT_URL") else "AWS",
                versions=tuple(version_lines(self.root)),
            )
            every = [self._one(stack, run, providers, console) for stack in stacks]
            report.stacks += [one.trial for one in every]
            for one in every:
                self._refuse_what_is_not_the_trials(one)
            try:
                self._try(every, run, console)
            finally:
                self._report(report, every, run, console)
            return report

    def _one(self, stack: Stack, run: Run, providers: StandingProviders, console: Console) -> _One:
        line = StackProgress(stack, console)

        def note(event: Event) -> None:
            one.begun = one.begun or event.kind == "started"
            line.finished += event.kind in ("done", "errored")

        environment = self.aws(stack) if self.aws else None
        aws = Aws(environment)
        terraform = run.terraform(stack, environment=environment, on_event=note)
        walk = Walk(
            terraform,
            line,
            aws,
            self.root,
            self.checks_of(stack.deployment),
            say=console.print,
            provider=partial(providers.attached, terraform, stack),
        )
        one = _One(stack, aws, line, StackTrial(stack.deployment, stack.region), walk)
        return one

    def _refuse_what_is_not_the_trials(self, one: _One) -> None:
        """Raises OperatorError for a stack whose destruction would destroy more than the trial creates."""
        stack = one.stack
        if imported := PlannedDocument(stack).imported:
            raise OperatorError(
                f"{stack.name} takes over what exists ({', '.join(sorted(imported))}); a trial would destroy it.",
                hint="Try a new environment, which takes over nothing: quintet new environment NAME",
            )
        one.trial.resources = one.line.resources = require_own_state(self.root, one.aws, stack)
        if not one.trial.resources:
            with refusals_explained():
                refuse_missing_state(one.aws, stack)

    def _try(self, every: Sequence[_One], run: Run, console: Console) -> None:
        if self.clean_up:
            self._together(every, lambda one: self._take(one, INIT), run, console)
        else:
            if not self._preflight(every, console):
                return
            self._together(every, self._plan, run, console)
            self._show_plans(every, console)
        going = [one for one in every if not one.line.failure]
        if not going:
            return
        if not self.consent(_question(going, clean_up=self.clean_up)):
            console.print("Nothing was applied.")
            return
        try:
            self._together(going, self._walk, run, console)
        except KeyboardInterrupt:
            for one in going:
                self._name_what_stands(one, console)
            raise
        summarise([one.line for one in going], console, destroy=True)
        for one in going:
            self._count_what_remains(one, console)

    def _together(self, every: Sequence[_One], work: Callable[[_One], None], run: Run, console: Console) -> None:
        by_line = {one.stack.name: one for one in every}
        side_by_side(
            [one.line for one in every],
            lambda line: work(by_line[line.stack.name]),
            children=run.children,
            console=console,
        )

    def _preflight(self, every: Sequence[_One], console: Console) -> bool:
        """Ask every account; False when an apply would fail, unless that is wanted all the same."""
        fine, fresh = True, committed_json(fresh_synth(self.root).stale_stacks(self.root))
        for one in every:
            began = time.monotonic()
            console.print(f"{one.stack.name}: preflight")
            result = preflight(one.aws, one.stack, more=(fresh, *self.questions_of(one.stack.deployment)))
            findings = []
            for each in result.findings:
                if each.verdict is Verdict.FINE:
                    continue
                console.print(f"  {each.verdict.value}: {each.subject}: {each.found}. {each.hint}".rstrip(". "))
                if each.verdict is Verdict.WARNING:  # the apply succeeds
                    continue
                findings.append(finding("preflight", "", f"{each.subject}: {each.verdict.value}: {each.found}"))
            fails = result.count(Verdict.FAILS)
            different = Outcome.DIFFERENT if findings else Outcome.AS_ON_EMULATOR
            one.note("preflight", Outcome.REFUSED if fails else different, began, *findings)
            fine = fine and not fails
            try:
                one.existed = _existing(one.aws, one.stack)
            except OperatorError as error:
                one.trial.findings.append(finding("preflight", "", str(error)))
        if not fine and not self.despite_preflight:
            console.print("The apply would fail; nothing was planned. All the same: --despite-preflight")
            return False
        return True

    def _plan(self, one: _One) -> None:
        for step in (INIT, PLAN):
            self._take(one, step)
        if (plan := one.walk.first_plan) is not None:
            with one.walk.provider():
                one.shown = one.walk.terraform.show_json(plan)
            one.trial.resources = len(plan.planned)
            kinds, one.trial.others = hourly(one.shown, PlannedDocument(one.stack))
            one.trial.by_the_hour = dict(sorted(kinds.items()))

    def _show_plans(self, every: Sequence[_One], console: Console) -> None:
        reports = []
        for one in every:
            if one.shown:
                background = stack_background(self.root, one.stack, {})
                reports.append(review(one.stack.name, one.stack.environment, one.shown, background))
        if reports:
            print_report(Report("Plan of the trial", "trial", tuple(reports)), console)
        for one in every:
            if one.line.failure:
                console.print(f"\n{one.line.failure}", style="red")

    def _walk(self, one: _One) -> None:
        one.line.failure = ""
        failures = []
        succeeded: set[WalkStep] = set()
        for step in (DESTROY,) if self.clean_up else STEPS[STEPS.index(APPLY) :]:
            if step in _NEEDS and _NEEDS[step] not in succeeded:
                one.note(step.name, Outcome.NOT_REACHED, time.monotonic())
                continue
            try:
                self._take(one, step)
                succeeded.add(step)
            except OperatorError as error:
                failures.append(str(error))
                if step is APPLY and _must_stop(one):
                    break
        if failures:
            raise OperatorError("\n".join(failures))

    def _take(self, one: _One, step: WalkStep) -> None:
        """Take a step and note how it went, also in what the trial knows of the state. Raises what it raises."""
        began = time.monotonic()
        one.begun = False
        try:
            if step is DESTROY:
                require_own_state(self.root, one.aws, one.stack)
            try:
                step.take(one.walk)
            finally:
                if one.begun:
                    with suppress(OperatorError):  # without it, the state is refused as somebody else's
                        remember(self.root, one.aws, one.stack)
        except (KeyboardInterrupt, RunInterruptedError):
            one.note(step.name, Outcome.INTERRUPTED, began)
            raise
        except TerraformError as error:
            found = [finding(step.name, problem.address, problem.message) for problem in error.problems]
            one.note(step.name, Outcome.REFUSED, began, *found)
            raise
        except DeviationError as error:
            found = [finding(step.name, each.address, each.what) for each in error.deviations]
            one.note(step.name, Outcome.DIFFERENT, began, *found)
            raise
        except OperatorError as error:
            one.note(step.name, Outcome.REFUSED, began, finding(step.name, "", str(error)))
            raise
        one.note(step.name, Outcome.AS_ON_EMULATOR, began)

    def _name_what_stands(self, one: _One, console: Console) -> None:
        name = one.stack.name
        try:
            found = standing(one.aws, one.stack)
        except OperatorError as error:
            console.print(f"{name}: what stands could not be looked up: {error}", style="red")
            return
        one.trial.remains = found
        if not found:
            console.print(f"{name}: nothing stands.")
            return
        more = len(found) - _NAMED
        named = ", ".join(found[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        console.print(f"{name}: {len(found)} resources stand: {named}")
        console.print(f"  Go on: quintet trial {name}    Destroy them: quintet trial {name} --clean-up")

    def _count_what_remains(self, one: _One, console: Console) -> None:
        """Look into the state and, where it is known what had the stack's names before, for what has them now."""
        began = time.monotonic()
        try:
            known = standing(one.aws, one.stack)
            now = {} if one.existed is None else _existing(one.aws, one.stack)
            found = {address for address, ids in now.items() if ids - (one.existed or {}).get(address, frozenset())}
        except OperatorError as error:
            one.note("census", Outcome.REFUSED, began, finding("census", "", str(error)))
            console.print(f"{one.stack.name}: what remains could not be looked up: {error}", style="red")
            return
        one.trial.remains = sorted({*known, *found})
        one.note("census", Outcome.DIFFERENT if one.trial.remains else Outcome.AS_ON_EMULATOR, began)
        if known:
            self._name_what_stands(one, console)
            one.trial.remains = sorted({*known, *found})
        for address in sorted(found - {*known}):
            console.print(f"{one.stack.name}: {address} exists and is in no state: delete it by hand", style="red")
        if not one.trial.remains:
            where = "in its state" if one.existed is None else "under its names or in its state"
            console.print(f"{one.stack.name}: destroyed; nothing remains {where}.")

    def _report(self, report: TrialReport, every: Sequence[_One], run: Run, console: Console) -> None:
        order = [step for step in self.steps() if step != _CONSENT]
        for one in every:
            reached = {step.step for step in one.trial.steps}
            one.trial.steps += [TrialStep(step, Outcome.NOT_REACHED, 0) for step in order if step not in reached]
            one.trial.steps.sort(key=lambda step: order.index(step.step))
        stacks = [one.stack for one in every]
        redaction = ReportRedaction(
            public=public_words(stacks),
            private=[
                *private_texts(self.root, every[0].aws, stacks, [one.shown for one in every if one.shown]),
                *names_in(each.message for one in every for each in one.trial.findings),
            ],
        )
        page = report.write(run.folder, redaction)
        if self.report_to is not None:
            self.report_to.mkdir(parents=True, exist_ok=True)
            page = report.write(self.report_to, redaction)
        console.print(f"\nThe report, without names, accounts and secrets: {page}")

    def steps(self) -> list[str]:
        """The names of the steps, in their order."""
        if self.clean_up:
            return [INIT.name, _CONSENT, DESTROY.name, "census"]
        before = STEPS.index(APPLY)
        names = [step.name for step in STEPS]
        return ["preflight", *names[:before], _CONSENT, *names[before:], "census"]


def _must_stop(one: _One) -> bool:
    """True when a failed apply leaves nothing to destroy, or nothing that may be.

    It changed nothing, as somebody else works on the stack or has changed its state; or its state could not be saved.
    """
    return not one.begun or (one.walk.terraform.directory / ERRORED).is_file()


def _existing(aws: Aws, stack: Stack) -> dict[str, frozenset[str]]:
    """Address, or kind and name, → ids of what has the stack's names. Raises OperatorError when AWS refuses."""
    declared = {each.address: frozenset(each.ids) for each in look_up(aws, stack)}
    known = {id_ for ids in declared.values() for id_ in ids}
    beside = {text: frozenset({text}) for text in left_behind(aws, stack) if text.split()[-1] not in known}
    return declared | beside


def _question(every: Sequence[_One], *, clean_up: bool) -> str:
    """The question before anything is changed: accounts, resources, and what is billed by the hour."""
    lines = []
    for one in every:
        where = f"{one.stack.name}: account {one.stack.account_id}, {one.stack.region}"
        if clean_up:
            lines.append(f"{where}: {one.trial.resources} resources are destroyed.")
            continue
        kinds = ", ".join(f"{number} × {kind}" for kind, number in one.trial.by_the_hour.items()) or "nothing"
        lines.append(f"{where}: {one.trial.resources} resources are created, and destroyed in the end, data included.")
        lines.append(f"  Billed by the hour while they stand: {kinds}.")
        lines.append(f"  {one.trial.others} resources of other types cost by use, by the month, or nothing.")
    return "\n".join(lines)
