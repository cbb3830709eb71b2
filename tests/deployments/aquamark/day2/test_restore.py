"""A restore of Aquamark's database on the emulator with the real Terraform, cut off after every step, then once more."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from config.limits import FACTS
from deployments.aquamark.day2.database import SiteDatabase
from deployments.aquamark.day2.database_look import POLICY
from deployments.aquamark.day2.restore import ADDRESS, RestoredAquamark
from deployments.aquamark.day2.site import Site
from emulator.server import Emulator
from operations.console import new_console
from operations.errors import OperatorError
from operations.restore.database import BEFORE, DatabaseRestore
from operations.restore.source import Moment, Snapshot, Source
from tests.deployments.applied_stack import CutOff
from tests.deployments.aquamark.day2.restore_rehearsal import Rehearsal

pytestmark = [pytest.mark.terraform(minutes=16), pytest.mark.xdist_group("aquamark-restore")]
NAME = "aquamark-dev-database"
STEPS = (*BEFORE, *RestoredAquamark.steps, "end")
FULL = {"schema": "r1", "tables": {"survey": 12, "appuser": 3}}


@dataclass(frozen=True)
class LookingSite(Site):
    """Its databases hold what `held` says: the emulator has none behind its instances."""

    held: str = json.dumps(FULL)

    def task(self, *arguments: str, what: str) -> str:
        answer = super().task(*arguments, what=what)
        return self.held if arguments[0] == "look" else answer


class Restoring:
    """Restores in a rehearsal, and what is there afterwards."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.site = LookingSite("dev", root=rehearsal.root, aws=rehearsal.aws, poll_seconds=0.2)
        self.rds: Any = rehearsal.aws.client("rds", region=rehearsal.stack.region)

    def restore(self, source: Source, *, cut_after: str | None = None, **asked: Any) -> str:
        """Lines of a restore; CutOff once the named step is done."""

        def cut(step: str) -> None:
            if step == cut_after:
                raise CutOff(step)

        said = io.StringIO()
        site = asked.pop("site", self.site)
        application = RestoredAquamark(site, terraform_environment=self.rehearsal.environment)
        asked = {"timeout_seconds": 60, **asked}
        DatabaseRestore(application, source, after_step=cut, **asked).run(new_console(file=said, width=200))
        return said.getvalue()

    def abandon(self) -> str:
        """Lines when the restore under way is given up."""
        said = io.StringIO()
        DatabaseRestore(RestoredAquamark(self.site), Snapshot("")).abandon(new_console(file=said, width=200))
        return said.getvalue()

    def instances(self) -> dict[str, dict[str, Any]]:
        """Every instance by its lasting id."""
        return {found["DbiResourceId"]: found for found in self.rds.describe_db_instances()["DBInstances"]}

    def serving(self) -> dict[str, Any]:
        """The instance that has the database's name."""
        (found,) = self.rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"]
        instance: dict[str, Any] = found
        return instance

    def policies(self) -> list[str]:
        """The inline policies of the daemon host's role."""
        role = self.site.outputs().daemon_role_arn.rpartition("/")[2]
        names: list[str] = self.site.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
        return names


def alike(instance: dict[str, Any]) -> dict[str, Any]:
    """Properties that two instances share when one stands in for the other."""
    own = ("DbiResourceId", "MasterUserSecret", "InstanceCreateTime", "LatestRestorableTime")
    tags = {tag["Key"]: tag["Value"] for tag in instance["TagList"]}
    return {**{key: value for key, value in instance.items() if key not in own}, "TagList": tags}


@pytest.fixture(scope="module")
def restoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restoring]:
    folder = tmp_path_factory.mktemp("restore")
    with (
        Emulator.start(log=folder / "emulator.log", facts=FACTS) as emulator,
        Rehearsal(folder / "repository", emulator) as rehearsal,
    ):
        yield Restoring(rehearsal)


@pytest.fixture
def held(restoring: Restoring) -> Iterator[None]:
    with restoring.rehearsal.provider_held():
        yield


@pytest.mark.usefixtures("held")
def test_a_restore_is_refused_or_given_up_before_anything_is_switched(restoring: Restoring) -> None:
    before = set(restoring.instances())
    with pytest.raises(OperatorError, match="There is no snapshot missing"):
        restoring.restore(Snapshot("missing"))
    SiteDatabase(restoring.site).snapshot("good", new_console(file=io.StringIO()))
    assert "rename:" in restoring.restore(Snapshot("good"), dry_run=True)
    assert set(restoring.instances()) == before

    empty = LookingSite(
        "dev", root=restoring.site.root, aws=restoring.site.aws, poll_seconds=0.2, held='{"schema": "", "tables": {}}'
    )
    with pytest.raises(OperatorError, match=r"holds nothing of Aquamark.*Nothing was switched"):
        restoring.restore(Snapshot("good"), site=empty)
    with pytest.raises(OperatorError, match="from snapshot good is under way"):
        restoring.restore(Moment(None))
    said = restoring.abandon()
    assert "was not touched" in said
    assert "delete-db-instance" in said
    assert POLICY not in restoring.policies()
    assert restoring.rehearsal.planned() == ()
    (old,) = before
    (rest,) = set(restoring.instances()) - {old}
    restoring.rds.delete_db_instance(
        DBInstanceIdentifier=restoring.instances()[rest]["DBInstanceIdentifier"], SkipFinalSnapshot=True
    )


@pytest.mark.usefixtures("held")
def test_a_restore_survives_a_fault_after_every_step_and_the_next_plan_is_empty(restoring: Restoring) -> None:
    source = Snapshot("good")
    old = restoring.serving()
    steps = [*STEPS[: STEPS.index("state")], "state removed", *STEPS[STEPS.index("state") :]]
    for step in steps:
        with pytest.raises(CutOff, match=step):
            restoring.restore(source, cut_after=step)
        there = restoring.instances()
        assert old["DbiResourceId"] in there, "the old instance is gone"
        assert len(there) <= 2, "a restore that went on has made another instance"
        switched = steps.index(step) >= steps.index("new")
        if steps.index(step) < steps.index("old"):
            assert restoring.serving()["DbiResourceId"] == old["DbiResourceId"]
        assert not switched or restoring.serving()["DbiResourceId"] != old["DbiResourceId"]
        if switched and step != "end":
            with pytest.raises(OperatorError, match="The switch has begun"):
                restoring.abandon()
    assert "was restored from snapshot good already" in restoring.restore(source)

    new = restoring.serving()
    assert new["Endpoint"] == old["Endpoint"]
    assert new["MasterUserSecret"]["SecretArn"] != old["MasterUserSecret"]["SecretArn"]
    assert alike(new) == alike(old)
    kept = restoring.instances()[old["DbiResourceId"]]
    assert kept["DBInstanceIdentifier"].startswith(f"{NAME}-before-")
    assert kept["EnabledCloudwatchLogsExports"] == []
    assert restoring.rehearsal.planned() == ()
    assert restoring.site.outputs().database_secret_arn == new["MasterUserSecret"]["SecretArn"]
    assert POLICY not in restoring.policies()


def test_a_later_restore_to_a_moment_follows_and_says_how_the_old_instance_may_go(restoring: Restoring) -> None:
    """Restore as operators do, with providers that Terraform and the restore start by themselves."""
    before = restoring.serving()["DbiResourceId"]
    said = restoring.restore(Moment(None))
    assert restoring.serving()["DbiResourceId"] != before
    assert before in restoring.instances()
    assert "--final-db-snapshot-identifier aquamark-dev-database-before-" in said
    assert "schema r1, 2 tables, 15 rows; until now: schema r1, 2 tables, 15 rows" in said
    assert ADDRESS in restoring.rehearsal.terraform().state_list()
    assert restoring.rehearsal.planned() == ()


@pytest.mark.usefixtures("held")
def test_a_database_that_is_lost_is_restored_from_its_snapshot(restoring: Restoring) -> None:
    restoring.rds.delete_db_instance(DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)
    said = restoring.restore(Snapshot("good"), again=True)
    assert "is gone; nothing has to make room" in said
    assert restoring.serving()["DBInstanceStatus"] == "available"
    assert restoring.rehearsal.planned() == ()
