"""A database restored into an instance of its own, looked into, and put in the place of the one that is there.

The names change and the instances stay: the old one makes room by a new name and is never deleted. Every step looks at
what is there, so that a run may begin where one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deployments.aquamark.day2.database_look import DatabaseLook
from deployments.aquamark.day2.instance_shape import InstanceShape
from deployments.aquamark.day2.instances import Instance, Instances
from deployments.aquamark.day2.restore_record import DatabaseRestoration, RestoreRecord
from deployments.aquamark.day2.version_setting import VersionSetting
from operations.aws import refusals_explained
from operations.errors import OperatorError
from operations.plans.apply_plan import apply_plan
from operations.stacks import Stack, find_stacks, only
from operations.terraform.run import Run

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.aquamark.day2.restore_source import Source
    from deployments.aquamark.day2.site import Site
    from operations.terraform.terraform import PlanResult, Terraform

STEPS = ("plan", "instance", "settings", "check", "old", "new", "state", "apply", "login", "schema", "hosts", "end")
ADDRESS = "aws_db_instance.database"
_EXPECTED = {ADDRESS: "update", "aws_iam_role_policy.database_secret_read_by_daemons": "update"}


def _nothing(step: str) -> None:
    del step


@dataclass
class Restore:
    """What is asked for. `again` restores anew what was restored last, `allow_more` allows a plan that is not empty.

    `terraform_environment` says where AWS is, by default the operator's; `after_step` is told each step that is done.
    """

    site: Site
    source: Source
    again: bool = False
    allow_more: bool = False
    dry_run: bool = False
    timeout_seconds: float = 4 * 3600
    terraform_environment: Mapping[str, str] | None = None
    after_step: Callable[[str], None] = _nothing

    def run(self, console: Console) -> None:
        """Do it, saying each step. Raises OperatorError when it is refused or fails; run again, it goes on."""
        with refusals_explained():
            found = self._record.read()
            if found and found.source == str(self.source) and found.finished and not self.again:
                console.print(f"{self._name} was restored from {self.source} already. To do it again: --again")
                return
            if found and not found.finished and found.source != str(self.source):
                raise OperatorError(
                    f"A restore from {found.source} is under way; it must end first.",
                    hint="Run it again to go on with it, or give it up: quintet aquamark restore --abandon",
                )
            if found and not found.finished and self.dry_run:
                console.print(f"Would go on with the restore from {found.source} that began at {found.stamp}.")
                return
            with Run("restore", root=self.site.root) as run:
                terraform = run.terraform(self._stack(), environment=self.terraform_environment)
                terraform.init()
                begun = self._begin(terraform, found, console) if found is None or found.finished else found
                if begun is not None:
                    self._bring_about(terraform, begun, console)

    def abandon(self, console: Console) -> None:
        """Give up a restore whose switch has not begun. Raises OperatorError when it has, and when there is none."""
        with refusals_explained():
            found = self._record.read()
            if found is None or found.finished:
                raise OperatorError("No restore is under way.")
            if self._switched(found):
                raise OperatorError(
                    "The switch has begun: to give it up now would leave the application without its database.",
                    hint="Run the restore again to finish it. The old instance stays, under another name.",
                )
            if self.dry_run:
                console.print(f"Would give up the restore from {found.source}.")
                return
            self._look.close()
            self._record.forget()
            console.print(f"The restore from {found.source} is given up; {self._name} was not touched.")
            if self._instances.called(self._fresh(found)) is not None:
                self._say_how_to_delete(self._fresh(found), console, "What was restored stays until you delete it")

    def _stack(self) -> Stack:
        return only(find_stacks(self.site.root), f"aquamark-{self.site.environment}")

    def _switched(self, begun: DatabaseRestoration) -> bool:
        """Whether the old instance has made room, or the new one has taken it."""
        old = self._instances.with_id(begun.old)
        new = self._instances.with_id(begun.new) if begun.new else None
        moved = old is not None and old["DBInstanceIdentifier"] != self._name
        return moved or (new is not None and new["DBInstanceIdentifier"] == self._name)

    def _begin(
        self, terraform: Terraform, last: DatabaseRestoration | None, console: Console
    ) -> DatabaseRestoration | None:
        """Everything that can be refused, before anything is changed; None when that is all that is asked for."""
        state = self._in_state(terraform)
        if state is None:
            raise OperatorError(f"The state does not hold {ADDRESS}.", hint="Apply the stack, or adopt the database.")
        self.source.check(self._rds(), self._name, state)
        if self._instances.with_id(state["resource_id"]) is None:
            console.print(f"{self._name} is gone; nothing has to make room.")
        else:
            self._refuse_other_changes(terraform)
        self._done(console, "plan", "the stack is as it was applied, nothing else would change")
        now = datetime.now(UTC)
        begun = DatabaseRestoration(str(self.source), f"{now:%Y%m%d-%H%M%S}", old=state["resource_id"])
        if self.dry_run:
            console.print(f"Would restore {self.source} as {self._fresh(begun)}, look into it, and rename:")
            console.print(f"  {self._name} to {self._kept(begun)}, {self._fresh(begun)} to {self._name}.")
            console.print("Then Terraform's state, the application's login, the schema, and every host would follow.")
            return None
        self._record.begin(begun, after=last)
        return begun

    def _bring_about(self, terraform: Terraform, begun: DatabaseRestoration, console: Console) -> None:
        begun, new = self._restored(terraform, begun, console)
        if new["DBInstanceIdentifier"] != self._name:
            new = self._switch(terraform, begun, new, console)
        self._state(terraform, new, console)
        self._login(new, console)
        self._look.close()
        self._record.update(replace(begun, finished=True))
        self._done(console, "end", f"{self._name} holds what {self.source} held")
        console.print("Look whether all is well: quintet aquamark check")
        if self._instances.with_id(begun.old) is not None:
            self._say_how_to_delete(self._kept(begun), console, "The instance from before stays, and costs, until then")

    def _restored(
        self, terraform: Terraform, begun: DatabaseRestoration, console: Console
    ) -> tuple[DatabaseRestoration, Instance]:
        """The new instance, by whatever name it has by now."""
        if begun.new is not None:
            new = self._instances.wait(begun.new, console)
            self._done(console, "instance", f"{new['DBInstanceIdentifier']} is available")
            return begun, new
        fresh = self._fresh(begun)
        if self._instances.called(fresh) is None:
            self.source.restore(self._rds(), self._name, fresh, self._shape(terraform).when_restored())
        made = self._instances.called(fresh)
        if made is None:
            raise OperatorError(f"RDS does not know {fresh} yet.", hint="Run the same command again.")
        begun = replace(begun, new=made["DbiResourceId"])
        self._record.update(begun)
        new = self._instances.wait(made["DbiResourceId"], console)
        self._done(console, "instance", f"{fresh} is available")
        return begun, new

    def _switch(self, terraform: Terraform, begun: DatabaseRestoration, new: Instance, console: Console) -> Instance:
        """Exchange the names; between the two the application has no database, for RDS restarts what it renames."""
        shape, id_ = self._shape(terraform), new["DbiResourceId"]
        old = self._instances.with_id(begun.old)
        if old is None or old["DBInstanceIdentifier"] == self._name:  # else it was found fit, and is waited for
            new = self._made_fit(shape, new, old, console)
        if old is not None:
            kept = self._instances.rename(begun.old, self._kept(begun), console, **_logs(old, []))
            self._done(console, "old", f"is called {kept['DBInstanceIdentifier']} now, and stays")
        new = self._instances.rename(id_, self._name, console, **_logs(new, shape.log_types))
        self._done(console, "new", f"is called {self._name} now, at {new['Endpoint']['Address']}")
        return new

    def _made_fit(self, shape: InstanceShape, new: Instance, old: Instance | None, console: Console) -> Instance:
        """The new instance as it must be to be switched to, with what it must hold."""
        changes = shape.changes(new)
        if changes:
            self._rds().modify_db_instance(
                DBInstanceIdentifier=new["DBInstanceIdentifier"], ApplyImmediately=True, **changes
            )
        new = self._instances.wait(
            new["DbiResourceId"], console, until=lambda found: not shape.changes(found) and _has_password(found)
        )
        self._done(console, "settings", f"{len(changes)} settings follow those of {self._name}")
        shape.check(new)
        self._done(console, "check", self._compare(new, old))
        return new

    def _compare(self, new: Instance, old: Instance | None) -> str:
        """What the new instance holds, beside what the old one does; an empty one is refused."""
        self._look.open(new)
        held = self._look.contents(new)
        if not held.schema or not sum(held.tables.values()):
            raise OperatorError(
                f"{new['DBInstanceIdentifier']} holds nothing of Aquamark: {held}. Nothing was switched.",
                hint="Give this restore up with --abandon, and try another source.",
            )
        if old is None:
            return str(held)
        try:
            return f"{held}; until now: {self._look.contents(old)}"
        except OperatorError:  # that it does not answer may be the reason for all this
            return f"{held}; the database of until now does not answer"

    def _state(self, terraform: Terraform, new: Instance, console: Console) -> None:
        """Have Terraform follow: it knows instances by the id that renaming does not change."""
        state = self._in_state(terraform)
        if state is None or state["resource_id"] != new["DbiResourceId"]:
            if state is not None:
                terraform.state_remove(ADDRESS)
                self.after_step("state removed")
            terraform.import_resource(ADDRESS, new["DbiResourceId"])
        self._done(console, "state", f"{ADDRESS} is {new['DbiResourceId']}")
        plan = self._refuse_other_changes(terraform, expected=_EXPECTED)
        if plan.changes:
            apply_plan(terraform, plan, stack=self._stack(), aws=self.site.aws, say=console.print)
        self._done(console, "apply", f"{len(plan.planned)} changes, none of what holds data")

    def _login(self, new: Instance, console: Console) -> None:
        master = new["MasterUserSecret"]["SecretArn"]
        self._look.open(new)
        self._done(console, "login", self.site.task("login", master, what="the database login") or "made")
        setting = VersionSetting.of(self.site.root, self.site.environment).read()
        if setting.version is not None:
            task = "back" if setting.rolled_back_from else "migrate"
            said = self.site.task(task, setting.version, what="the schema")
            self._done(console, "schema", said or f"is what {setting.version} wants")
            self._done(console, "hosts", f"{self.site.refresh_hosts()} have started anew")

    def _refuse_other_changes(self, terraform: Terraform, *, expected: Mapping[str, str] | None = None) -> PlanResult:
        plan = terraform.plan()
        others = [
            f"{address} ({action})" for address, action in plan.planned if (expected or {}).get(address) != action
        ]
        loses = any(address == ADDRESS and action != "update" for address, action in plan.planned)
        if others and (loses or not self.allow_more):
            plan.path.unlink(missing_ok=True)
            raise OperatorError(
                f"The plan changes {'more than a restore does' if expected else 'something already'}: "
                f"{', '.join(others)}.",
                hint="Look at it with quintet plan and apply it, then run the same command again; or: --allow-more",
            )
        return plan

    def _in_state(self, terraform: Terraform) -> dict[str, Any] | None:
        """The attributes of the database; None when the state does not hold it."""
        kind, _, name = ADDRESS.partition(".")
        for resource in terraform.state_pull().get("resources", []):
            if (resource.get("mode"), resource["type"], resource["name"]) == ("managed", kind, name):
                attributes: dict[str, Any] = dict(resource["instances"][0]["attributes"] or {})
                return attributes
        return None

    def _shape(self, terraform: Terraform) -> InstanceShape:
        state = self._in_state(terraform)
        if state is None:
            raise OperatorError(f"The state does not hold {ADDRESS}, which the new instance is made like.")
        return InstanceShape(state)

    def _done(self, console: Console, step: str, text: str) -> None:
        console.print(f"  {STEPS.index(step) + 1} of {len(STEPS)}  {step}: {text}")
        self.after_step(step)

    def _say_how_to_delete(self, identifier: str, console: Console, why: str) -> None:
        region = self.site.stack().region
        console.print(
            f"{why}:\n"
            f"  aws rds modify-db-instance --region {region} --db-instance-identifier {identifier} "
            "--no-deletion-protection --apply-immediately\n"
            f"  aws rds delete-db-instance --region {region} --db-instance-identifier {identifier} "
            f"--final-db-snapshot-identifier {identifier}-final",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _rds(self) -> Any:
        return self.site.client("rds")

    def _fresh(self, begun: DatabaseRestoration) -> str:
        """What the new instance is called until the switch."""
        return f"{self._name}-restored-{begun.stamp}"

    def _kept(self, begun: DatabaseRestoration) -> str:
        """What the old one is called from then on."""
        return f"{self._name}-before-{begun.stamp}"

    @cached_property
    def _name(self) -> str:
        """The database's name, which the address is made of: it leads to the old instance now, to the new one soon."""
        return self.site.outputs().database_identifier

    @cached_property
    def _record(self) -> RestoreRecord:
        return RestoreRecord(self.site)

    @cached_property
    def _look(self) -> DatabaseLook:
        return DatabaseLook(self.site)

    @cached_property
    def _instances(self) -> Instances:
        return Instances(self.site, self.timeout_seconds)


def _has_password(instance: Instance) -> bool:
    return bool(instance.get("MasterUserSecret", {}).get("SecretStatus") == "active")


def _logs(instance: Instance, wanted: list[str]) -> dict[str, Any]:
    """The change that makes it send these logs, and no others, to CloudWatch."""
    now = instance.get("EnabledCloudwatchLogsExports", [])
    more, less = [log for log in wanted if log not in now], [log for log in now if log not in wanted]
    change = {"EnableLogTypes": more, "DisableLogTypes": less}
    asked = {key: logs for key, logs in change.items() if logs}
    return {"CloudwatchLogsExportConfiguration": asked} if asked else {}
