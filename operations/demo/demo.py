"""From settings to applied and checked infrastructure: the committed stacks, unchanged, on the emulator."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.announcement import Announcement, announce
from emulator.errors import EmulatorError
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.path_style import path_style
from operations.demo.prerequisites import make_existing
from operations.demo.rehearsals import NotRehearsedError, Rehearsal, Stage
from operations.demo.stack_roles import create_roles, lacking_rights, role_arn
from operations.demo.synth import synthesise
from operations.demo.walk import APPLY, CHECKS, INIT, PLAN, STEPS, Walk, WalkStep, checks_log
from operations.errors import OperatorError
from operations.plans.standing_provider import StandingProviders, attachable
from operations.review.addresses import read_document
from operations.stacks import FILE, Stack, find_stacks, select
from operations.state.bootstrap import bootstrap
from operations.state.hcp_terraform import OUTSIDE, keep_state_beside
from operations.terraform.documents import StackDocument
from operations.terraform.longest_chain import Stopwatch, expected_chain, longest_chain
from operations.terraform.processes import RunInterruptedError
from operations.terraform.progress import StackProgress, summarise
from operations.terraform.run import Run
from operations.terraform.runs_at_once import cores
from operations.terraform.side_by_side import side_by_side
from operations.terraform.stop_signals import stop_signals_interrupt
from operations.terraform.terraform import Event
from operations.terraform.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from operations.demo.check import Check
    from operations.terraform.documents import State


_BEHIND = "behind.json"
"""In the run's folder: what really runs behind the emulator, as rehearsals have it."""


@dataclass(frozen=True)
class _Common:
    """Programs that the stacks of a demo share, and their order."""

    run: Run
    emulator: Emulator
    providers: StandingProviders
    turns: Mapping[WalkStep, Turns]
    """Steps that compute for seconds: the stack that will take longest is not held up by the others."""


@dataclass(frozen=True)
class Demo:
    """The wanted demo: which stacks of which environment, and what becomes of them in the end."""

    patterns: Sequence[str] = ()
    environment: str = "dev"
    keep: bool = False
    destroy: bool = False
    under_roles: bool = False
    """Plan and apply with the keys of the roles that `quintet roles` writes, in place of the account's own."""
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
        begun = time.monotonic()
        with stop_signals_interrupt(), ExitStack() as cleanup:
            run = cleanup.enter_context(Run("demo", root=self.root, keep=self.keep))
            start = partial(Emulator.start, log=run.log_of("emulator"), behind=run.folder / _BEHIND, facts=FACTS)
            besides = cleanup.enter_context(ThreadPoolExecutor(1))
            starting = besides.submit(start, outlives_parent=self.keep)
            cleanup.callback(lambda: starting.result().stop())
            console.print("Writing the stacks (python main.py)")
            synthesise(run)
            stacks = select(find_stacks(self.root, self.environment), self.patterns)
            emulator = starting.result()
            console.print(f"The emulator answers on {emulator.endpoint}")
            aws = Aws(emulator.environment(account_id=settings.account_id, region=stacks[0].region))
            if isinstance(settings.state, StateSettings):
                bootstrap(aws, settings)
            make_existing(aws, stacks)
            if self.under_roles:
                create_roles(aws, stacks)
            before = _census(emulator)
            progress = [StackProgress(stack, console) for stack in stacks]
            providers = cleanup.enter_context(StandingProviders(run))
            longest_first = sorted(progress, key=_expected_seconds, reverse=True)
            names = [line.stack.name for line in longest_first]
            turns = {INIT: Turns(names), PLAN: Turns(names, at_once=cores())}
            work = partial(self._demonstrate, _Common(run, emulator, providers, turns))
            side_by_side(longest_first, work, children=run.children, console=console)
            summarise(progress, console, destroy=self.destroy)
            _compare_with_longest_chain(progress, time.monotonic() - begun, console)
            fine = not any(line.failure for line in progress)
            if self.destroy and fine:
                fine = _nothing_remains(before, _census(emulator), console)
            if self.under_roles:
                fine = _nothing_lacks(list(lacking_rights(emulator.status(), stacks)), console) and fine
            if self.keep:
                where = stacks[0].account_id, stacks[0].region
                announce(self.root, Announcement(emulator.endpoint, emulator.pid, emulator.secret, *where))
                _how_to_look_around(run, stacks, console)
                cleanup.pop_all()
            if not fine and not self.keep:
                console.print(f"\nThe emulator's log: {run.log_of('emulator')}")
            if fine and not self.keep:
                console.print(
                    "Next: quintet demo --keep leaves everything running to look around in; docs/your-own-account.md"
                    " applies the same JSON to AWS."
                )
            return fine

    def _demonstrate(self, common: _Common, line: StackProgress) -> None:
        try:
            self._walk(common, line)
        except EmulatorError as error:
            raise OperatorError(str(error)) from None
        finally:
            for turns in common.turns.values():
                turns.end(line.stack.name)

    def _walk(self, common: _Common, line: StackProgress) -> None:
        run, emulator, turns, stack = common.run, common.emulator, common.turns, line.stack
        watch = Stopwatch()

        def count(event: Event) -> None:
            watch.hear(event)
            if event.kind in ("done", "errored"):
                line.finished += 1

        environment = emulator.full_environment(account_id=stack.account_id, region=stack.region)
        if stack.backend is None:
            environment |= OUTSIDE
        terraform = run.terraform(stack, environment=environment, on_event=count)
        if stack.backend is None:
            keep_state_beside(terraform.directory)
        override = path_style(json.loads((terraform.directory / FILE).read_text(encoding="utf-8")))
        if override:
            (terraform.directory / "path_style_override.tf.json").write_text(json.dumps(override, indent=2))
        aws = Aws(emulator.environment(account_id=stack.account_id, region=stack.region))
        checks = self.checks_of(stack.deployment)
        provider = partial(common.providers.attached, terraform, stack)
        walk = Walk(
            terraform,
            line,
            aws,
            self.root,
            checks,
            provider=provider,
            applying=provider,
            link=self.keep or not attachable(stack),  # what stays is looked at with Terraform alone
            refresh_to_destroy=False,
        )
        for step in STEPS if self.destroy else STEPS[:-1]:
            if step in turns:
                turns[step].wait(stack.name)
            with terraform.using(**self._keys(emulator, stack, step)):
                step.take(walk)
            if step in turns:
                turns[step].end(stack.name)
            elif step is APPLY:
                line.longest_chain = longest_chain(watch.seconds, walk.applied)
                _upgrade_minor_versions(emulator, walk.applied, stack)
            elif step is CHECKS:
                self._rehearse(run, emulator, walk)

    def _keys(self, emulator: Emulator, stack: Stack, step: WalkStep) -> dict[str, str]:
        return emulator.keys_of(role_arn(stack, step.role), region=stack.region) if self.under_roles else {}

    def _rehearse(self, run: Run, emulator: Emulator, walk: Walk) -> None:
        stack, rehearsal = walk.stack, self.rehearsal_of(walk.stack.deployment)
        if rehearsal is None:
            return
        walk.line.enter("rehearsal")
        stage = Stage(
            walk.context,
            self.root,
            run.folder / _BEHIND,
            environment=emulator.full_environment(account_id=stack.account_id, region=stack.region),
            sleep=_sleep_in(run),
            used_afterwards=self.keep or self.destroy,
            keys_in_vpc=lambda arn, vpc_id: emulator.keys_of(arn, region=stack.region, vpc_id=vpc_id),
        )
        try:
            with rehearsal(stage) as played:
                walk.try_checks("rehearsal", played, stage.context)
        except NotRehearsedError as reason:
            walk.line.left_out = f"rehearsal {reason}"
        walk.conclude_checks(checks_log(walk))


def _sleep_in(run: Run) -> Callable[[float], None]:
    """Waits, unless the run was stopped: then it raises RunInterruptedError."""

    def sleep(seconds: float) -> None:
        if run.children.stopping:
            raise RunInterruptedError
        time.sleep(seconds)

    return sleep


_DATABASES = {"aws_db_instance": "identifier", "aws_rds_cluster": "cluster_identifier"}
"""Types whose minor version AWS raises by itself, and the argument that names one."""


def _upgrade_minor_versions(emulator: Emulator, state: State, stack: Stack) -> None:
    """Upgrade the stack's databases on the emulator as AWS does in a maintenance window: no plan may mind that."""
    names = [
        str((instance["attributes"] or {})[_DATABASES[resource["type"]]])
        for resource in state.get("resources", [])
        if resource["mode"] == "managed" and resource["type"] in _DATABASES
        for instance in resource["instances"]
    ]
    emulator.upgrade_minor_versions(names, account_id=stack.account_id, region=stack.region)


def _expected_seconds(line: StackProgress) -> float:
    return expected_chain(StackDocument(resource=read_document(line.stack.folder).get("resource", {}))).seconds


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


def _nothing_lacks(found: Sequence[str], console: Console) -> bool:
    for sentence in found:
        console.print(sentence, style="red")
    if not found:
        console.print("Every step had the rights that its role needs: nothing was denied.")
    return not found


def _compare_with_longest_chain(stacks: Sequence[StackProgress], seconds: float, console: Console) -> None:
    """Say how much longer the demo took than the waits of the provider that no apply can avoid."""
    longest = max(stacks, key=lambda line: line.longest_chain.seconds)
    if chain := longest.longest_chain.addresses:
        least = longest.longest_chain.seconds
        console.print(
            f"The demo took {seconds:.0f} s. The longest chain of an apply, resources that each wait for the one"
            f" before, took {least:.0f} s ({longest.stack.name}: {' → '.join(chain)}); that is"
            f" {seconds / least:.1f} times as long."
        )


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
