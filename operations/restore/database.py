"""A database restored into one of its own, looked into, and put in the place of the one that is there.

The names change and the databases stay: the old one makes room by a new name and is never deleted. Every step looks at
what is there, so that a run may begin where one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from operations.aws import refusals_explained
from operations.errors import OperatorError
from operations.plans.apply_plan import apply_plan
from operations.plans.standing_provider import StandingProviders
from operations.restore.clusters import Clusters
from operations.restore.instances import Instances
from operations.restore.record import DatabaseRestoration, RestoreRecord
from operations.state.difference import resources_of
from operations.state.one_operator import one_operator
from operations.terraform.run import Run

if TYPE_CHECKING:
    from rich.console import Console

    from operations.restore.place import DatabasePlace, Resources
    from operations.restore.source import Source
    from operations.terraform.terraform import PlanResult, Terraform

    _Plan = Callable[[], PlanResult]

BEFORE = ("plan", "instance", "settings", "check", "old", "new", "state", "apply")
"""The steps of every restore; those of the application follow, then `end`."""
Found = dict[str, Any]
"""A database as RDS describes it."""


class RestoredApplication(Protocol):
    """The part of a deployment in the restore of its database. Methods raise OperatorError."""

    @property
    def place(self) -> DatabasePlace:
        """The database."""

    @property
    def expected(self) -> Mapping[str, str]:
        """Changes that the new database brings about in the rest of the stack: address → action."""

    @property
    def steps(self) -> Sequence[str]:
        """The names of the steps of `follow`."""

    def ready(self) -> None:
        """Raises OperatorError when the restore could not be finished, before anything is changed."""

    def compare(self, new: Found, old: Found | None) -> str:
        """The content of the new database beside that of the old one. Raises OperatorError when it may not follow."""

    def follow(self, new: Found) -> Iterator[tuple[str, str]]:
        """Have the application use the new database: each step that is done and a sentence. Safe to run again."""

    def close(self) -> None:
        """Take away what `compare` and `follow` needed. Safe to run again."""


class Databases(Protocol):
    """Databases of one kind by the ids that stay when they are renamed."""

    @property
    def addresses(self) -> Collection[str]:
        """Where they stand in Terraform's state: nothing there may be replaced or destroyed."""

    def named(self, identifier: str) -> Found | None:
        """The one with this name; None when there is none."""

    def with_id(self, resource_id: str) -> Found | None:
        """The one with this lasting id, whatever its name; None when it is gone."""

    def identifier(self, found: Found) -> str:
        """Its name."""

    def resource_id(self, found: Found) -> str:
        """Its lasting id."""

    def resource_id_in(self, state: Resources) -> str | None:
        """The lasting id of the one that Terraform's state holds; None when it holds none."""

    def host(self, found: Found) -> str:
        """Its host name."""

    def restore(self, source: Source, identifier: str, target: str, state: Resources) -> None:
        """Have RDS restore `target` from `source`, in the shape that `state` says."""

    def complete(self, resource_id: str, state: Resources, console: Console) -> Found:
        """Wait until the restored one can be used."""

    def fit(self, new: Found, state: Resources, console: Console) -> tuple[Found, int]:
        """Change the settings that a restore leaves out; as it is then, and how many there were.

        Raises OperatorError when Terraform would replace it, or it is open to others.
        """

    def make_room(self, old: Found, identifier: str, console: Console) -> Found:
        """Rename the old one. Does nothing when it is done."""

    def take_name(self, new: Found, identifier: str, state: Resources, console: Console) -> Found:
        """Rename the new one. Does nothing when it is done."""

    def adopt(self, terraform: Terraform, new: Found, done: Callable[[str], None]) -> None:
        """Have Terraform's state follow; `done` is told steps within it."""

    def deletion(self, identifier: str, region: str) -> str:
        """The commands that delete one, with a last snapshot."""


def _nothing(step: str) -> None:
    del step


@dataclass
class DatabaseRestore:
    """A restore that is asked for. `again` repeats the last one, `allow_more` allows a plan that is not empty.

    `after_step` is told each step that is done.
    """

    application: RestoredApplication
    source: Source
    again: bool = False
    allow_more: bool = False
    dry_run: bool = False
    timeout_seconds: float = 4 * 3600
    after_step: Callable[[str], None] = _nothing

    @property
    def steps(self) -> tuple[str, ...]:
        """Every step, in order."""
        return (*BEFORE, *self.application.steps, "end")

    def run(self, console: Console) -> None:
        """Do it, saying each step. Raises OperatorError when it is refused or fails; run again, it goes on."""
        with refusals_explained(), one_operator(self._place.aws, self._place.stack, "restore", dry_run=self.dry_run):
            found = self._record.read()
            if found and found.source == str(self.source) and found.finished and not self.again:
                console.print(f"{self._name} was restored from {self.source} already. To do it again: --again")
                return
            if found and not found.finished and found.source != str(self.source):
                raise OperatorError(
                    f"A restore from {found.source} is under way; it must end first.",
                    hint=f"Run it again to go on with it, or give it up: {self._place.command} --abandon",
                )
            if found and not found.finished and self.dry_run:
                console.print(f"Would go on with the restore from {found.source} that began at {found.stamp}.")
                return
            with Run("restore", root=self._place.root) as run, StandingProviders(run) as providers:
                terraform = run.terraform(self._place.stack, environment=self._place.terraform_environment)
                terraform.init()
                plan = partial(self._plan, terraform, providers)
                begun = self._begin(terraform, plan, found, console) if found is None or found.finished else found
                if begun is not None:
                    self._bring_about(terraform, plan, begun, console)

    def abandon(self, console: Console) -> None:
        """Give up a restore whose switch has not begun. Raises OperatorError when it has, and when there is none."""
        with refusals_explained(), one_operator(self._place.aws, self._place.stack, "restore", dry_run=self.dry_run):
            found = self._record.read()
            if found is None or found.finished:
                raise OperatorError("No restore is under way.")
            if self._switched(found):
                raise OperatorError(
                    "The switch has begun: to give it up now would leave the application without its database.",
                    hint="Run the restore again to finish it. The old database stays, under another name.",
                )
            if self.dry_run:
                console.print(f"Would give up the restore from {found.source}.")
                return
            self.application.close()
            self._record.forget()
            console.print(f"The restore from {found.source} is given up; {self._name} was not touched.")
            if self._databases.named(self._fresh(found)) is not None:
                self._say_how_to_delete(self._fresh(found), console, "The restored one stays until you delete it")

    def _switched(self, begun: DatabaseRestoration) -> bool:
        """True when the old one has made room, or the new one has taken it."""
        old = self._databases.with_id(begun.old)
        new = self._databases.with_id(begun.new) if begun.new else None
        moved = old is not None and self._databases.identifier(old) != self._name
        return moved or (new is not None and self._databases.identifier(new) == self._name)

    def _begin(
        self, terraform: Terraform, plan: _Plan, last: DatabaseRestoration | None, console: Console
    ) -> DatabaseRestoration | None:
        """Everything that can be refused, before anything is changed; None for a dry run."""
        state = resources_of(terraform.state_pull())
        old = self._databases.resource_id_in(state)
        if old is None:
            raise OperatorError(
                f"The state does not hold {self._place.address}.", hint="Apply the stack, or adopt the database."
            )
        self.source.check(self._place.client("rds"), self._name, state[self._place.address])
        self.application.ready()
        if self._databases.with_id(old) is None:
            console.print(f"{self._name} is gone; nothing has to make room.")
        else:
            self._refuse_other_changes(plan())
        self._done(console, "plan", "the stack is as it was applied, nothing else would change")
        begun = DatabaseRestoration(str(self.source), f"{datetime.now(UTC):%Y%m%d-%H%M%S}", old=old)
        if self.dry_run:
            console.print(f"Would restore {self.source} as {self._fresh(begun)}, look into it, and rename:")
            console.print(f"  {self._name} to {self._kept(begun)}, {self._fresh(begun)} to {self._name}.")
            console.print(
                f"Then Terraform's state and a plan would follow, and: {', '.join(self.steps[len(BEFORE) :])}."
            )
            return None
        self._record.begin(begun, after=last)
        return begun

    def _bring_about(self, terraform: Terraform, plan: _Plan, begun: DatabaseRestoration, console: Console) -> None:
        state = resources_of(terraform.state_pull())
        begun, new = self._restored(begun, state, console)
        if self._databases.identifier(new) != self._name:
            new = self._switch(begun, new, state, console)
        self._follow_in_state(terraform, plan, new, console)
        for step, text in self.application.follow(new):
            self._done(console, step, text)
        self.application.close()
        self._record.update(replace(begun, finished=True))
        self._done(console, "end", f"{self._name} holds what {self.source} held")
        console.print(f"Look whether all is well: {self._place.check_command}")
        if self._databases.with_id(begun.old) is not None:
            self._say_how_to_delete(self._kept(begun), console, "The database from before stays, and costs, until then")

    def _restored(
        self, begun: DatabaseRestoration, state: Resources, console: Console
    ) -> tuple[DatabaseRestoration, Found]:
        """The new database, by whatever name it has by now."""
        databases, fresh = self._databases, self._fresh(begun)
        id_ = begun.new
        if id_ is None:
            if databases.named(fresh) is None:
                databases.restore(self.source, self._name, fresh, state)
            made = databases.named(fresh)
            if made is None:
                raise OperatorError(f"RDS does not know {fresh} yet.", hint="Run the same command again.")
            id_ = databases.resource_id(made)
            begun = replace(begun, new=id_)
            self._record.update(begun)
        new = databases.complete(id_, state, console)
        self._done(console, "instance", f"{databases.identifier(new)} is available")
        return begun, new

    def _switch(self, begun: DatabaseRestoration, new: Found, state: Resources, console: Console) -> Found:
        """Exchange the names; between the two the application has no database, for RDS restarts what it renames."""
        databases, old = self._databases, self._databases.with_id(begun.old)
        if old is None or databases.identifier(old) == self._name:  # else it was found fit, and is waited for
            new, changes = databases.fit(new, state, console)
            self._done(console, "settings", f"{changes} settings follow those of {self._name}")
            self._done(console, "check", self.application.compare(new, old))
        if old is not None:
            old = databases.make_room(old, self._kept(begun), console)
            self._done(console, "old", f"is called {databases.identifier(old)} now, and stays")
        new = databases.take_name(new, self._name, state, console)
        self._done(console, "new", f"is called {self._name} now, at {databases.host(new)}")
        return new

    def _follow_in_state(self, terraform: Terraform, plan: _Plan, new: Found, console: Console) -> None:
        """Have Terraform follow, in its state and by a plan that changes what the new database brings about."""
        id_ = self._databases.resource_id(new)
        if self._databases.resource_id_in(resources_of(terraform.state_pull())) != id_:
            self._databases.adopt(terraform, new, self.after_step)
        self._done(console, "state", f"{self._place.address} is {id_}")
        planned = self._refuse_other_changes(plan(), expected=self.application.expected)
        if planned.changes:
            apply_plan(terraform, planned, stack=self._place.stack, aws=self._place.aws, say=console.print)
        self._done(console, "apply", f"{len(planned.planned)} changes, none of what holds data")

    def _plan(self, terraform: Terraform, providers: StandingProviders) -> PlanResult:
        with providers.attached(terraform, self._place.stack):
            return terraform.plan()

    def _refuse_other_changes(self, plan: PlanResult, *, expected: Mapping[str, str] | None = None) -> PlanResult:
        kept = self._databases.addresses
        allowed = {} if expected is None else {**dict.fromkeys(kept, "update"), **expected}
        others = [f"{address} ({action})" for address, action in plan.planned if allowed.get(address) != action]
        loses = any(address in kept and action != "update" for address, action in plan.planned)
        if others and (loses or not self.allow_more):
            plan.path.unlink(missing_ok=True)
            raise OperatorError(
                f"The plan changes {'something already' if expected is None else 'more than a restore does'}: "
                f"{', '.join(others)}.",
                hint="Look at it with quintet plan and apply it, then run the same command again; or: --allow-more",
            )
        return plan

    def _done(self, console: Console, step: str, text: str) -> None:
        console.print(f"  {self.steps.index(step) + 1} of {len(self.steps)}  {step}: {text}")
        self.after_step(step)

    def _say_how_to_delete(self, identifier: str, console: Console, why: str) -> None:
        commands = self._databases.deletion(identifier, self._place.stack.region)
        console.print(f"{why}:\n{commands}", markup=False, highlight=False, soft_wrap=True)

    def _fresh(self, begun: DatabaseRestoration) -> str:
        """The name of the new database until the switch."""
        return self._place.renamed(f"-restored-{begun.stamp}")

    def _kept(self, begun: DatabaseRestoration) -> str:
        """The name of the old one from then on."""
        return self._place.renamed(f"-before-{begun.stamp}")

    @property
    def _place(self) -> DatabasePlace:
        return self.application.place

    @property
    def _name(self) -> str:
        """The name that the host name is made of: it leads to the old database now, to the new one soon."""
        return self._place.identifier

    @cached_property
    def _record(self) -> RestoreRecord:
        return RestoreRecord(self._place)

    @cached_property
    def _databases(self) -> Databases:
        kind = Clusters if self._place.address.startswith("aws_rds_cluster.") else Instances
        return kind(self._place, self.timeout_seconds)
