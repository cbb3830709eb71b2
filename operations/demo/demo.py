"""From settings to applied and checked infrastructure: the committed stacks, unchanged, on the emulator."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.announcement import Announcement, announce
from emulator.errors import EmulatorError
from emulator.server import Emulator
from operations.applied import Applied
from operations.aws import Aws
from operations.demo.check import Check, CheckContext
from operations.demo.path_style import path_style
from operations.demo.prerequisites import make_existing
from operations.demo.rehearsals import NotRehearsedError, Rehearsal, Stage
from operations.demo.run_checks import run_checks
from operations.demo.synth import synthesise
from operations.demo.unprotect import without_protections
from operations.errors import OperatorError
from operations.plans.apply_plan import apply_plan
from operations.plans.planning import stack_background
from operations.plans.report.wording import step
from operations.plans.review import review
from operations.stacks import FILE, Stack, find_stacks, select
from operations.state.bootstrap import bootstrap
from operations.state.hcp_terraform import OUTSIDE, keep_state_beside
from operations.terraform.processes import RunInterruptedError
from operations.terraform.progress import DONE, FAILED, StackProgress, shown, summarise
from operations.terraform.run import Run
from operations.terraform.runs_at_once import runs_at_once
from operations.terraform.stop_signals import stop_signals_interrupt
from operations.terraform.terraform import Event, PlanResult, Terraform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console


_BEHIND = "behind.json"
"""In the run's folder: what really runs behind the emulator, as rehearsals have it."""


@dataclass(frozen=True)
class Demo:
    """The wanted demo: which stacks of which environment, and what becomes of them in the end."""

    patterns: Sequence[str] = ()
    environment: str = "dev"
    keep: bool = False
    destroy: bool = False
    root: Path = ROOT
    checks_of: Callable[[str], Sequence[Check]] = lambda _: ()
    """Checks of a deployment."""
    rehearsal_of: Callable[[str], Rehearsal | None] = lambda _: None
    """The rehearsal of a deployment."""

    def run(self, console: Console) -> bool:
        """Apply the stacks side by side and say how it went; whether all went well.

        Raises OperatorError when it cannot begin, and KeyboardInterrupt, with every process ended, when it is stopped.
        """
        settings = load_environment(self.environment, self.root / "config" / "environments")
        with stop_signals_interrupt(), ExitStack() as cleanup:
            run = cleanup.enter_context(Run("demo", root=self.root, keep=self.keep))
            console.print("Writing the stacks (python main.py)")
            synthesise(run)
            stacks = select(find_stacks(self.root, self.environment), self.patterns)
            emulator = Emulator.start(
                log=run.log_of("emulator"), outlives_parent=self.keep, behind=run.folder / _BEHIND, facts=FACTS
            )
            cleanup.callback(emulator.stop)
            console.print(f"The emulator answers on {emulator.endpoint}")
            aws = Aws(emulator.environment(account_id=settings.account_id, region=stacks[0].region))
            if isinstance(settings.state, StateSettings):
                bootstrap(aws, settings)
            make_existing(aws, stacks)
            before = _census(emulator)
            progress = [StackProgress(stack, console) for stack in stacks]
            self._side_by_side(run, emulator, progress, console)
            summarise(progress, console, destroy=self.destroy)
            fine = not any(line.failure for line in progress)
            if self.destroy and fine:
                fine = _nothing_remains(before, _census(emulator), console)
            if self.keep:
                where = stacks[0].account_id, stacks[0].region
                announce(self.root, Announcement(emulator.endpoint, emulator.pid, emulator.secret, *where))
                _how_to_look_around(run, stacks, console)
                cleanup.pop_all()
            if not fine and not self.keep:
                console.print(f"\nThe emulator's log: {run.log_of('emulator')}")
            return fine

    def _side_by_side(self, run: Run, emulator: Emulator, progress: Sequence[StackProgress], console: Console) -> None:
        with ThreadPoolExecutor(max_workers=runs_at_once()) as pool:
            work: list[Future[None]] = []
            try:
                with shown(progress, console):
                    work += [pool.submit(self._one, run, emulator, line) for line in progress]
                    wait(work)
            except KeyboardInterrupt:
                console.print("Stopping in good order; Ctrl-C again stops at once.")
                run.children.interrupt()
                try:
                    wait(work)
                except KeyboardInterrupt:
                    run.children.kill()
                raise
        for finished in work:
            finished.result()

    def _one(self, run: Run, emulator: Emulator, line: StackProgress) -> None:
        try:
            self._demonstrate(run, emulator, line)
        except (EmulatorError, OperatorError) as error:
            line.failure = str(error)
            line.enter(FAILED)
        except RunInterruptedError:
            line.failure = f"{line.stack.name}: stopped."
            line.enter(FAILED)
        else:
            line.enter(DONE)

    def _demonstrate(self, run: Run, emulator: Emulator, line: StackProgress) -> None:
        stack = line.stack

        def count(event: Event) -> None:
            if event.kind in ("done", "errored"):
                line.finished += 1

        environment = emulator.full_environment(account_id=stack.account_id, region=stack.region)
        if stack.backend is None:
            environment |= OUTSIDE
        terraform = run.terraform(stack, environment=environment, on_event=count)
        if stack.backend is None:
            keep_state_beside(terraform.directory)
        override = path_style(_document(terraform))
        if override:
            (terraform.directory / "path_style_override.tf.json").write_text(json.dumps(override, indent=2))
        line.enter("init")
        terraform.init()
        line.enter("plan")
        plan = terraform.plan()
        line.enter("apply", total=len(plan.planned))
        aws = Aws(emulator.environment(account_id=stack.account_id, region=stack.region))
        apply_plan(terraform, plan, stack=stack, aws=aws, say=_nobody)
        line.resources = _managed(terraform)
        line.enter("second plan")
        line.second_plan = "not empty"
        _upgrade_minor_versions(emulator, terraform, stack)
        second = terraform.plan("second-plan")
        _refuse_changes(terraform, second)
        line.second_plan = "with findings"
        self._refuse_findings(terraform, second, stack)
        line.second_plan = "empty"
        self._check(run, emulator, terraform, line)
        if self.destroy:
            _destroy(terraform, line)

    def _refuse_findings(self, terraform: Terraform, plan: PlanResult, stack: Stack) -> None:
        """Raises OperatorError when `quintet drift` or `quintet plan --fail-on all` would not be green now."""
        background = stack_background(self.root, stack, {})
        reviewed = review(stack.name, stack.environment, terraform.show_json(plan), background)
        found = [
            f"  {finding.address} {finding.message} [{finding.policy}]"
            for finding in reviewed.findings
            if finding.counts
        ]
        drifted = [
            f"  {line.address}: {change.path}: {step(change)}" for line in reviewed.drift for change in line.attributes
        ]
        if found or drifted or reviewed.failure:
            head = f"{terraform.stack}: nothing was changed after the apply, and yet the review finds something."
            raise OperatorError(
                "\n".join([head, *filter(None, [reviewed.failure]), *found, *drifted, f"Log: {terraform.log}"])
            )

    def _check(self, run: Run, emulator: Emulator, terraform: Terraform, line: StackProgress) -> None:
        stack = line.stack
        checks, rehearsal = self.checks_of(stack.deployment), self.rehearsal_of(stack.deployment)
        if not checks and rehearsal is None:
            return
        aws = Aws(emulator.environment(account_id=stack.account_id, region=stack.region))
        context = CheckContext(Applied(stack, terraform.output()), aws)
        passed: list[str] = []
        failed: list[str] = []

        def try_all(phase: str, checks: Sequence[Check]) -> None:
            line.enter(phase, total=len(checks))
            for check in checks:
                more_passed, more_failed = run_checks([check], context)
                passed.extend(more_passed)
                failed.extend(more_failed)
                line.finished += 1

        try_all("checks", checks)
        if rehearsal is not None and not failed:
            line.enter("rehearsal")
            operator = emulator.full_environment(account_id=stack.account_id, region=stack.region)
            stage = Stage(
                context,
                self.root,
                run.folder / _BEHIND,
                environment=operator,
                sleep=_sleep_in(run),
                keys_in_vpc=lambda arn, vpc_id: emulator.keys_of(arn, region=stack.region, vpc_id=vpc_id),
            )
            try:
                with rehearsal(stage) as played:
                    try_all("rehearsal", played)
            except NotRehearsedError as reason:
                line.left_out = f"rehearsal {reason}"
        log = run.log_of(f"{stack.name}-checks")
        lines = [*(f"passed  {text}" for text in passed), *(f"FAILED  {text}" for text in failed), line.left_out]
        log.write_text("\n".join(filter(None, lines)) + "\n")
        line.checks = f"{len(passed)} of {len(passed) + len(failed)} passed"
        if failed:
            reasons = [f"{stack.name}: checks failed.", *(f"  {reason}" for reason in failed), f"Log: {log}"]
            raise OperatorError("\n".join(reasons))


def _nobody(text: str) -> None:
    """Nobody takes over what is left on an emulator that ends with the demo."""
    del text


def _sleep_in(run: Run) -> Callable[[float], None]:
    """Waits, unless the run was stopped: then it raises RunInterruptedError."""

    def sleep(seconds: float) -> None:
        if run.children.stopping:
            raise RunInterruptedError
        time.sleep(seconds)

    return sleep


def _document(terraform: Terraform) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((terraform.directory / FILE).read_text(encoding="utf-8"))
    return document


def _managed(terraform: Terraform) -> int:
    resources = terraform.state_pull().get("resources", [])
    return sum(len(resource["instances"]) for resource in resources if resource["mode"] == "managed")


def _refuse_changes(terraform: Terraform, plan: PlanResult) -> None:
    if plan.changes:
        changes = [f"  {change}" for change in differences(terraform.show_json(plan))]
        head = f"{terraform.stack}: the second plan is not empty."
        raise OperatorError("\n".join([head, *changes, f"Log: {terraform.log}"]))


_DATABASES = {"aws_db_instance": "identifier", "aws_rds_cluster": "cluster_identifier"}
"""Types whose minor version AWS raises by itself, and the argument that names one."""


def _upgrade_minor_versions(emulator: Emulator, terraform: Terraform, stack: Stack) -> None:
    """Upgrade the stack's databases on the emulator as AWS does in a maintenance window: no plan may mind that."""
    names = [
        str((instance["attributes"] or {})[_DATABASES[resource["type"]]])
        for resource in terraform.state_pull().get("resources", [])
        if resource["mode"] == "managed" and resource["type"] in _DATABASES
        for instance in resource["instances"]
    ]
    emulator.upgrade_minor_versions(names, account_id=stack.account_id, region=stack.region)


def differences(plan: dict[str, Any]) -> list[str]:
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
        found.append(f"{resource['address']}: {' and '.join(change['actions'])} ({', '.join(names)})")
    outputs = plan.get("output_changes", {}).items()
    found += [f"output {name}: {' and '.join(c['actions'])}" for name, c in outputs if c["actions"] != ["no-op"]]
    return found


def _destroy(terraform: Terraform, line: StackProgress) -> None:
    override = without_protections(_document(terraform))
    if override:
        (terraform.directory / "unprotected_override.tf.json").write_text(json.dumps(override, indent=2))
        line.enter("protections off")
        terraform.apply(terraform.plan("unprotect"))
    line.enter("destroy", total=line.resources)
    line.destroyed = "failed"
    terraform.destroy()
    left = terraform.state_list()
    if left:
        raise OperatorError(f"{terraform.stack}: destroyed, and yet in its state: {', '.join(left)}.")
    line.destroyed = "state empty"


def _census(emulator: Emulator) -> Counter[tuple[str, ...]]:
    """How many things of each kind the emulator holds, by account, region, service and kind."""
    census: Counter[tuple[str, ...]] = Counter()
    for entry in emulator.status()["inventory"]:
        census[entry["account_id"], entry["region"], entry["service"], entry["kind"]] = entry["number"]
    return census


def _nothing_remains(before: Counter[tuple[str, ...]], after: Counter[tuple[str, ...]], console: Console) -> bool:
    left = after - before
    for (account, region, service, kind), count in left.items():
        console.print(f"Left behind: {count} {service} {kind} in {region} of {account}", style="red")
    if not left:
        console.print("Destroyed: nothing remains, neither in the states nor in the emulator.")
    return not left


def _how_to_look_around(run: Run, stacks: Sequence[Stack], console: Console) -> None:
    lines = ["", "The emulator stays. To look around:", '  eval "$(quintet emulator env)"']
    lines += [f"  export {name}={value}" for name, value in run.provider.items()]
    lines += [f"  cd {run.folder / stack.name} && {run.binary} state list" for stack in stacks]
    lines += [
        "  aws dynamodb list-tables",
        "What it holds: quintet emulator status",
        "To stop it: quintet emulator stop",
    ]
    for text in lines:
        console.print(text)
