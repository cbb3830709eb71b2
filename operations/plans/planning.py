"""Plans of many stacks at once, from the committed JSON, kept together with what they were made from."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from config.environment import load_environment
from config.settings import ROOT
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError
from operations.plans.fresh_synth import FreshSynth, fresh_synth
from operations.plans.plan_document import Action
from operations.plans.record import (
    LOCK_FILE,
    SHOWN_FILE,
    PlannedStack,
    RunRecord,
    committed_files,
    digest,
    settings_files,
    state_in_plan,
    state_now,
    terraform_version,
)
from operations.plans.report.html import html
from operations.plans.report.markdown import markdown
from operations.plans.report.model import Report, StackReport
from operations.plans.review import Background, review
from operations.plans.silences import load_silences
from operations.plans.standing_provider import StandingProviders
from operations.review.addresses import read_document
from operations.stacks import Stack, find_stacks, select
from operations.state.belonging import refuse_foreign_state, refuse_missing_state
from operations.terraform.documents import StackDocument
from operations.terraform.processes import RunInterruptedError
from operations.terraform.progress import StackProgress
from operations.terraform.run import Run
from operations.terraform.side_by_side import side_by_side
from operations.terraform.stop_signals import stop_signals_interrupt

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Planned:
    """Result of planning: the folder that keeps it, and the report."""

    folder: Path
    report: Report
    drift: bool
    stale: tuple[str, ...] = ()
    """Planned stacks whose committed files are not what settings and code say now."""

    @property
    def exit_code(self) -> int:
        """As Terraform's -detailed-exitcode: 0 nothing to do, 2 changes (or drift), 1 a stack failed."""
        return self.report.exit_code(drift=self.drift)

    def copy_report(self, folder: Path) -> None:
        """Put the report, and run.txt with the run's name, into a folder where something else finds them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("report.md", "report.html"):
            shutil.copyfile(self.folder / name, folder / name)
        (folder / "run.txt").write_text(f"{self.folder.name}\n", encoding="utf-8")


@dataclass(frozen=True)
class Planning:
    """The wanted plan: the stacks; with `drift`, only what has changed without Terraform.

    With `destroy`, the plans destroy everything that the stacks have.
    """

    patterns: Sequence[str] = ()
    environment: str | None = None
    drift: bool = False
    destroy: bool = False
    root: Path = ROOT
    aws: Callable[[Stack], Mapping[str, str]] | None = None
    """The environment Terraform gets for a stack; by default the operator's."""

    def run(self, console: Console) -> Planned:
        """Plan every stack and keep plan, JSON and report in a folder of their own; nothing in AWS is changed.

        A stack that fails is in the report with its reason. Raises OperatorError when nothing can be planned at all,
        KeyboardInterrupt when it is stopped.
        """
        stacks = select(find_stacks(self.root, self.environment), self.patterns)
        purpose: Literal["plan", "destroy", "drift"] = "drift" if self.drift else "destroy" if self.destroy else "plan"
        with stop_signals_interrupt(), Run(purpose, root=self.root) as run, ThreadPoolExecutor(1) as besides:
            synth = besides.submit(_fresh_synth, run)
            results = _Results(run.folder)
            lines = [StackProgress(stack, console) for stack in stacks]
            with StandingProviders(run) as providers:
                plan = partial(self._plan, run, providers, results)
                side_by_side(lines, plan, children=run.children, console=console)
            record = RunRecord(
                purpose=purpose,
                terraform=terraform_version(self.root),
                stacks=tuple(results.planned(line) for line in lines),
            )
            record.save(run.folder)
            run.keep = True  # plans without a record are of no use, and hold secrets
            reports = tuple(self._report(line, results, synth.result().sources) for line in lines)
            amount = "1 stack" if len(stacks) == 1 else f"{len(stacks)} stacks"
            where = " and ".join(sorted({stack.environment for stack in stacks}))
            report = Report(
                f"{purpose.capitalize()} of {amount} in {where}", run.folder.name, _by_severity(reports, self.drift)
            )
            (run.folder / "report.md").write_text(markdown(report, pointer=_POINTER), encoding="utf-8")
            (run.folder / "report.html").write_text(html(report), encoding="utf-8")
            stale = set(synth.result().stale_stacks(self.root)) & {stack.name for stack in stacks}
            return Planned(run.folder, report, self.drift, tuple(sorted(stale)))

    def _plan(self, run: Run, providers: StandingProviders, results: _Results, line: StackProgress) -> None:
        stack = line.stack
        committed, settings = committed_files(stack), settings_files(self.root, stack)

        def count(event: object) -> None:
            del event
            line.finished += 1

        terraform = run.terraform(stack, environment=self.aws(stack) if self.aws else None, on_event=count)
        line.enter("init")
        with providers.attached(terraform, stack):
            terraform.init()
            line.enter("plan")
            plan = terraform.plan(refresh_only=self.drift, destroy=self.destroy)
            self._refuse_wrong_state(stack, plan.path)
            line.enter("read")
            shown = terraform.show_json(plan)
        file = results.keep(stack.name, shown)
        state = state_in_plan(plan.path)
        lineage, serial = (state["lineage"], state["serial"]) if state else state_now(terraform)
        results.add(
            PlannedStack(
                name=stack.name,
                outcome="changes" if plan.changes else "no changes",
                committed=committed,
                settings=settings,
                plan=digest(plan.path),
                shown=digest(file),
                provider=digest(terraform.directory / LOCK_FILE),
                lineage=lineage,
                serial=serial,
            )
        )

    def _refuse_wrong_state(self, stack: Stack, plan: Path) -> None:
        """Raises OperatorError when Terraform planned on a state that is not the stack's, or did not see its state."""
        before = state_in_plan(plan, before_refresh=True)
        if before is None or stack.backend is None:
            return
        refuse_foreign_state(stack, before)
        if not before.get("resources"):
            with refusals_explained():
                refuse_missing_state(Aws(self.aws(stack) if self.aws else None), stack)

    def _report(self, line: StackProgress, results: _Results, sources: Mapping[str, Sequence[str]]) -> StackReport:
        stack = line.stack
        if line.failure:
            return StackReport(stack.name, stack.environment, failure=line.failure, seconds=line.seconds)
        environment = os.environ if self.aws is None else self.aws(stack)
        background = stack_background(self.root, stack, sources, endpoint=environment.get("AWS_ENDPOINT_URL", ""))
        shown = results.shown(stack.name)
        return review(stack.name, stack.environment, shown, background, seconds=line.seconds)


def _fresh_synth(run: Run) -> FreshSynth:
    """The synth of the code as it is now; empty when it is refused or stopped: a plan of committed files needs none."""

    def capture(command: Sequence[str]) -> tuple[int, str, str]:
        return run.children.capture(command, cwd=run.root, environment=os.environ)

    try:
        return fresh_synth(run.root, capture)
    except RunInterruptedError:
        return FreshSynth()
    except OperatorError as error:
        run.log_of("synth").write_text(f"{error}\n", encoding="utf-8")
        return FreshSynth()


_POINTER = "The whole report is report.html in the folder of this run."


def stack_background(
    root: Path, stack: Stack, sources: Mapping[str, Sequence[str]], *, endpoint: str = ""
) -> Background:
    """Facts about a stack of this repository that its plan does not hold."""
    silences = load_silences(root)
    return Background(
        document=StackDocument(resource=read_document(stack.folder).get("resource", {})),
        sources=sources,
        protect_data=protects_data(root, stack),
        silence=lambda policy, address: silences.reason(policy, stack.name, address, today=date.today()),
        endpoint=endpoint,
    )


def protects_data(root: Path, stack: Stack) -> bool:
    """True when the stack's environment protects data, and when its settings are missing."""
    folder = root / "config" / "environments"
    if not (folder / f"{stack.environment}.toml").is_file():
        return True
    return load_environment(stack.environment, folder).protect_data


def _by_severity(stacks: tuple[StackReport, ...], drift: bool) -> tuple[StackReport, ...]:
    """For drift: failures, then what is against a policy, then what is gone, then what changed."""
    if not drift:
        return stacks

    def severity(stack: StackReport) -> tuple[bool, bool, bool, bool]:
        gone = [line for line in stack.drift if line.action is Action.DELETE]
        return not stack.failure, not stack.findings, not gone, not stack.drift

    return tuple(sorted(stacks, key=severity))


class _Results:
    """Results of the threads so far. The JSON of plans holds secrets and is its owner's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._planned: dict[str, PlannedStack] = {}
        self._guard = threading.Lock()

    def keep(self, name: str, shown: Mapping[str, object]) -> Path:
        file = self._folder / name / SHOWN_FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps(shown), encoding="utf-8")
        return file

    def shown(self, name: str) -> dict[str, object]:
        plan: dict[str, object] = json.loads((self._folder / name / SHOWN_FILE).read_text(encoding="utf-8"))
        return plan

    def add(self, planned: PlannedStack) -> None:
        with self._guard:
            self._planned[planned.name] = planned

    def planned(self, line: StackProgress) -> PlannedStack:
        name = line.stack.name
        return PlannedStack(name=name, outcome="failed") if line.failure else self._planned[name]
