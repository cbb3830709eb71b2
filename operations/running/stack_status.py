"""`quintet status`: one row for each stack: applied, version, health, alarms, drift, support of its databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError
from operations.no_access import NoAccessError
from operations.plans.record import read_record
from operations.running.applied_stack import AppliedStack, current_state_of, plain_outputs
from operations.running.health import alarms, unhealthy_parts
from operations.state.difference import resources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from operations.review.facts import DatedFacts
    from operations.stacks import Stack

EXTENDED_SUPPORT = "open-source-rds-extended-support"


@dataclass(frozen=True)
class DatabaseSupport:
    """The last day on which AWS supports a database's release series, as far as the dated facts know it."""

    database: str
    engine: str
    version: str
    ends: date | None

    def __str__(self) -> str:
        return f"{self.database}: {self.engine} {self.version}, {f'until {self.ends}' if self.ends else 'end unknown'}"


@dataclass(frozen=True)
class RunningStatus:
    """The row of a stack. `problem` is why nothing is known of it, and is empty otherwise."""

    stack: Stack
    applied: bool = False
    problem: str = ""
    version: str | None = None
    unhealthy: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    drift_looked_at: datetime | None = None
    """Time of the last drift run from this checkout that reached the stack."""
    databases: tuple[DatabaseSupport, ...] = field(default=())

    @property
    def fine(self) -> bool:
        """Everything that is applied is healthy, and no alarm is in ALARM."""
        return not (self.problem or self.unhealthy or self.alarms)


def running_status(
    stack: Stack,
    aws: Aws,
    *,
    root: Path,
    facts: DatedFacts,
    version_of: Callable[[AppliedStack], str | None] | None = None,
) -> RunningStatus:
    """Ask AWS about one stack; what AWS refuses is its problem and no error, unless it refuses everything."""
    try:
        state = current_state_of(stack, aws)
        if not state:
            return RunningStatus(stack)
        applied = AppliedStack(stack, aws, resources_of(state), plain_outputs(state))
        with refusals_explained():
            return RunningStatus(
                stack,
                applied=True,
                version=version_of(applied) if version_of else None,
                unhealthy=tuple(unhealthy_parts(applied)),
                alarms=tuple(alarms(applied)),
                drift_looked_at=last_drift_run(root, stack.name),
                databases=tuple(database_support(applied, facts)),
            )
    except NoAccessError:
        raise
    except OperatorError as refused:
        return RunningStatus(stack, problem=str(refused).splitlines()[0])


def last_drift_run(root: Path, stack: str) -> datetime | None:
    """Time of the newest `quintet drift` below `.runs` that reached the stack; None when none is left there."""
    for folder in sorted((root / ".runs").glob("*-drift-*"), reverse=True):
        with suppress(OperatorError, ValueError):
            began = datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").astimezone()
            if any(each.name == stack and each.outcome != "failed" for each in read_record(folder).stacks):
                return began.astimezone(UTC)
    return None


def database_support(applied: AppliedStack, facts: DatedFacts) -> Iterator[DatabaseSupport]:
    """Each database of the stack, in the version that runs, with its last supported day."""
    for found in applied.of_type("aws_db_instance", "aws_rds_cluster").values():
        engine = found["engine"]
        version = found.get("engine_version_actual") or found["engine_version"]
        series = ".".join(version.split(".")[: 1 if "postgres" in engine else 2])
        standard, extended = facts.support_ends(engine, series)
        ends = extended if found.get("engine_lifecycle_support") == EXTENDED_SUPPORT else standard
        name = found.get("identifier") or found["cluster_identifier"]
        yield DatabaseSupport(name, engine, version, ends)
