"""Applies the plans of a run, exactly as they were reviewed, or none of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import ROOT
from operations.aws import Aws
from operations.errors import OperatorError
from operations.plans.apply_plan import apply_plan, left_behind
from operations.plans.plan_document import Action, Change, read_plan
from operations.plans.planning import protects_data
from operations.plans.record import (
    LOCK_FILE,
    PLAN_FILE,
    SHOWN_FILE,
    PlannedStack,
    RunRecord,
    committed_files,
    digest,
    find_run,
    read_record,
    settings_files,
    state_now,
    terraform_version,
    untrusted,
)
from operations.stacks import Stack, find_stacks
from operations.terraform.prune import PLAN_DAYS
from operations.terraform.run import Run
from operations.terraform.stop_signals import stop_signals_interrupt
from operations.terraform.terraform import Event, PlanResult, Terraform, run_environment
from operations.terraform.toolchain.one_at_a_time import one_at_a_time
from operations.terraform.under_way import applies_under_way

if TYPE_CHECKING:
    from rich.console import Console

AGAIN = "Plan again and have it reviewed: quintet plan"


@dataclass(frozen=True)
class Applying:
    """The wanted apply: the run whose plans to apply, and which data may be destroyed.

    `destroy` holds addresses, `STACK:ADDRESS` where several stacks would destroy the same address.
    """

    name: str
    destroy: Sequence[str] = ()
    dry_run: bool = False
    root: Path = ROOT
    aws: Callable[[Stack], Mapping[str, str]] | None = None
    """The environment Terraform gets for a stack; by default the operator's."""
    _outcomes: dict[str, str] = field(default_factory=dict, compare=False)

    def run(self, console: Console) -> bool:
        """Apply stack after stack, stopping at the first failure; whether everything in the run is applied now.

        A run that was stopped goes on where it was. Raises OperatorError before anything is changed when something the
        plans were made from is not as it was, or data would be destroyed without consent.
        """
        folder = find_run(self.root, self.name)
        with stop_signals_interrupt(), one_at_a_time(folder / "lock"):
            record = read_record(folder)
            if record.purpose == "drift":
                raise OperatorError(f"{self.name} looked for drift; there is nothing in it to apply.", hint=AGAIN)
            left = [stack for stack in record.stacks if stack.outcome == "changes" and stack.progress == "planned"]
            stacks = {stack.name: stack for stack in find_stacks(self.root)}
            wrong = [reason for planned in record.stacks for reason in untrusted(folder, planned.name)]
            wrong += [reason for planned in left for reason in self._changed(folder, record, planned, stacks)]
            wrong = wrong or [*self._without_consent(folder, left, stacks)]
            if wrong:
                raise _refused(self.name, wrong)
            with Run("apply", root=self.root) as run:
                terraforms = {p.name: self._terraform(folder, stacks[p.name], run, console) for p in left}
                _refuse_other_states(self.name, left, terraforms, console)
                if not self.dry_run:
                    self._apply(folder, record, left, stacks, terraforms, console)
            return self._summarise(folder, record, left, stacks, console)

    def _changed(
        self, folder: Path, record: RunRecord, planned: PlannedStack, stacks: Mapping[str, Stack]
    ) -> Iterator[str]:
        name = planned.name
        if name not in stacks:
            yield f"{name}: is no longer under generated/stacks."
            return
        if record.terraform != (version := terraform_version(self.root)):
            yield f"{name}: was planned with Terraform {record.terraform}, .terraform-version says {version}."
        for what, then, now in (
            ("generated", planned.committed, committed_files(stacks[name])),
            ("settings", planned.settings, settings_files(self.root, stacks[name])),
        ):
            changed = sorted(file for file in then.keys() | now.keys() if then.get(file) != now.get(file))
            if changed:
                where = f"generated/stacks/{name}/" if what == "generated" else ""
                yield f"{name}: changed since it was planned: {', '.join(f'{where}{file}' for file in changed)}."
        if not (folder / name / PLAN_FILE).exists():
            yield f"{name}: its plan is gone; plans are kept for {PLAN_DAYS} days."
            return
        if digest(folder / name / LOCK_FILE) != planned.provider:
            yield f"{name}: the provider is not the one it was planned with ({LOCK_FILE} differs)."
        if digest(folder / name / PLAN_FILE) != planned.plan or digest(folder / name / SHOWN_FILE) != planned.shown:
            yield f"{name}: the plan file is not the one that was reviewed."

    def _without_consent(
        self, folder: Path, left: Sequence[PlannedStack], stacks: Mapping[str, Stack]
    ) -> Iterator[str]:
        doomed = [
            (planned.name, change.address, becomes)
            for planned in left
            if protects_data(self.root, stacks[planned.name])
            for change, becomes in _losses(folder / planned.name)
        ]
        addresses = [address for _, address, _ in doomed]
        for name, address, becomes in doomed:
            wanted = address if addresses.count(address) == 1 else f"{name}:{address}"
            if wanted not in self.destroy and f"{name}:{address}" not in self.destroy:
                yield f"{name}: {address} holds data and {becomes}. If it shall be: --destroy {wanted}"
        known = {*addresses, *(f"{name}:{address}" for name, address, _ in doomed)}
        for consent in self.destroy:
            if consent not in known:
                yield f"--destroy {consent}: nothing of that name that holds protected data is destroyed by this run."

    def _terraform(self, folder: Path, stack: Stack, run: Run, console: Console) -> Terraform:
        return Terraform(
            folder / stack.name,
            stack=stack.name,
            binary=run.binary,
            environment=run_environment(self._environment(stack), run.provider),
            log=run.log_of(stack.name),
            init_lock=self.root / ".runs" / "init.lock",
            children=run.children,
            on_event=_say_progress(stack.name, console),
        )

    def _environment(self, stack: Stack) -> Mapping[str, str]:
        return os.environ if self.aws is None else self.aws(stack)

    def _aws(self, stack: Stack) -> Aws:
        return Aws(None if self.aws is None else self.aws(stack))

    def _apply(
        self,
        folder: Path,
        record: RunRecord,
        left: Sequence[PlannedStack],
        stacks: Mapping[str, Stack],
        terraforms: Mapping[str, Terraform],
        console: Console,
    ) -> None:
        for planned in left:
            name = planned.name
            record = record.with_progress(name, "begun")
            try:
                record.save(folder)
            except OSError as error:
                self._outcomes[name] = f"was not begun: {folder} cannot be written to ({error.strerror})"
                return
            console.print(f"{name}: applying")
            terraform = terraforms[name]
            if digest(terraform.directory / PLAN_FILE) != planned.plan:
                self._outcomes[name] = f"the plan file is not the one that was reviewed. {AGAIN}"
                return
            plan = PlanResult(terraform.directory / PLAN_FILE, changes=True, planned=_planned(terraform.directory))
            try:
                apply_plan(terraform, plan, stack=stacks[name], aws=self._aws(stacks[name]), say=console.print)
            except OperatorError as error:
                self._outcomes[name] = str(error)
                with suppress(OSError):
                    record.with_progress(name, "failed").save(folder)
                return
            record = record.with_progress(name, "applied")
            with suppress(OSError):  # a disk that has become full: it is applied all the same
                record.save(folder)
            self._outcomes[name] = ""
            # What is used up need not keep its secrets here.
            shutil.rmtree(terraform.directory)

    def _summarise(
        self,
        folder: Path,
        record: RunRecord,
        left: Sequence[PlannedStack],
        stacks: Mapping[str, Stack],
        console: Console,
    ) -> bool:
        fine = True
        names = {planned.name for planned in left}
        for planned in record.stacks:
            failure = self._outcomes.get(planned.name)
            if planned.outcome == "failed":
                fine, said = False, "has no plan: planning it failed"
            elif planned.outcome == "no changes":
                said = "nothing to do"
            elif planned.progress == "failed":
                fine, said = False, f"failed before. Plan it again: quintet plan {planned.name}"
            elif planned.progress == "begun" and failure is None:
                fine, said = False, self._begun_before(folder / planned.name, planned.name, stacks)
            elif planned.name not in names:
                said = "was applied before"
            elif self.dry_run:
                said = "would be applied"
            elif failure is None:
                fine, said = False, f"not begun; go on with: quintet apply {self.name}"
            elif failure:
                fine, said = False, f"failed\n{failure}"
            else:
                said = "applied"
            console.print(f"{planned.name}: {said}")
        return fine

    def _begun_before(self, directory: Path, name: str, stacks: Mapping[str, Stack]) -> str:
        lines = [f"was begun before, and its end is not known. Plan it again: quintet plan {name}"]
        if name in stacks:
            stack = stacks[name]
            for apply in applies_under_way(self.root, self._environment(stack)):
                if apply.directory == directory:
                    return f"is still being applied. {apply.describe()}"
            if (directory / SHOWN_FILE).is_file():
                lines += left_behind(self._aws(stack), stack, directory, _planned(directory))
        return "\n".join(lines)


def _refuse_other_states(
    run: str, left: Sequence[PlannedStack], terraforms: Mapping[str, Terraform], console: Console
) -> None:
    """Raises OperatorError when a state is not the one that was planned on."""
    wrong = []
    for planned in left:
        console.print(f"{planned.name}: comparing the state")
        terraforms[planned.name].init()
        lineage, serial = state_now(terraforms[planned.name])
        if (lineage, serial) != (planned.lineage, planned.serial):
            serials = f"serial {planned.serial} then, {serial} now"
            wrong.append(f"{planned.name}: the state has changed since it was planned ({serials}).")
    if wrong:
        raise _refused(run, wrong)


def _losses(directory: Path) -> Iterator[tuple[Change, str]]:
    """Data that a reviewed plan would lose, each with the change."""
    plan = read_plan(json.loads((directory / SHOWN_FILE).read_text(encoding="utf-8")))
    for change in plan.changes:
        if change.holds_data and change.destroys:
            yield change, "would be destroyed"
        elif change.holds_data and change.action is Action.FORGET:
            yield change, "would be forgotten: it goes on to exist, and no state knows it"
    created = {change.address for change in plan.changes if change.action is Action.CREATE}
    for change in plan.drift:
        if change.holds_data and change.action is Action.DELETE and change.address in created:
            yield change, "was not found: it would be created anew, empty"


def _planned(directory: Path) -> tuple[tuple[str, str], ...]:
    """Each change of the reviewed plan as (address, action)."""
    shown = json.loads((directory / SHOWN_FILE).read_text(encoding="utf-8"))
    return tuple((change.address, change.action.value) for change in read_plan(shown).changes)


def _say_progress(name: str, console: Console) -> Callable[[Event], None]:
    def say(event: Event) -> None:
        if event.kind in ("done", "errored"):
            console.print(f"  {name}: {event.message}")

    return say


def _refused(name: str, reasons: Sequence[str]) -> OperatorError:
    lines = "\n".join(f"  {reason}" for reason in reasons)
    consent = all("--destroy" in reason for reason in reasons)
    return OperatorError(f"Nothing was applied of {name}:\n{lines}", hint=None if consent else AGAIN)
