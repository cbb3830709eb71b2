"""Versions in settings and committed stacks that AWS no longer offers, or stops supporting soon, by the dated facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from config.beanstalk import BeanstalkEnvironmentSettings
from config.components import AuroraSettings, MysqlSettings, PostgresqlSettings, RedisSettings
from config.memcached import MemcachedSettings
from config.settings import Problem
from operations.stacks import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.stack_settings import StackSettings
    from operations.review.facts import DatedFacts
    from operations.stacks import Stack

NOTICE = timedelta(days=180)
"""Time before an end in which it is announced; facts older than this are called old."""


@dataclass(frozen=True)
class Ageing:
    """One value that is gone, or that will be."""

    gone: bool
    problem: Problem


@dataclass(frozen=True)
class _Use:
    """One value, at its key of a settings file or its address in a committed stack."""

    file: str
    key: str
    value: str

    def gone(self, message: str) -> Ageing:
        return Ageing(True, Problem(self.file, self.key, f'"{self.value}"', message))

    def ends(self, last: date | None, today: date, message: str, *, alternative: str) -> Iterator[Ageing]:
        if last is not None and last - today <= NOTICE:
            text = f"{message} on {last}, in {(last - today).days} days{alternative}"
            yield Ageing(False, Problem(self.file, self.key, f'"{self.value}"', text))


def ageing(plans: Sequence[StackSettings], stacks: Sequence[Stack], facts: DatedFacts, *, today: date) -> list[Ageing]:
    """Every value of the settings, and of the committed stacks where the code sets it, that is gone or ends soon."""
    found = [
        item
        for plan in plans
        for path, part in _parts(plan.settings, "")
        for item in _judged(plan.file, path, part, facts, today)
    ]
    for stack in stacks:
        document = json.loads((stack.folder / FILE).read_text(encoding="utf-8"))
        for name, function in document.get("resource", {}).get("aws_lambda_function", {}).items():
            if "runtime" in function:
                use = _Use(f"generated/stacks/{stack.name}/{FILE}", f"aws_lambda_function.{name}", function["runtime"])
                found.extend(_runtime(use, facts, today))
    return found


def old_groups(facts: DatedFacts, *, today: date) -> list[str]:
    """Groups that were looked up longer ago than the notice, so that an end may have passed unseen."""
    return sorted(name for name, group in facts.groups.items() if today - group.day > NOTICE)


def _parts(value: object, path: str) -> Iterator[tuple[str, BaseModel]]:
    """Every model below `value` with its dotted key."""
    if isinstance(value, BaseModel):
        yield path, value
        items: Mapping[str, object] = {name: getattr(value, name) for name in type(value).model_fields}
    elif isinstance(value, Mapping):
        items = value
    elif isinstance(value, list | tuple):
        items = {str(index): item for index, item in enumerate(value)}
    else:
        return
    for name, item in items.items():
        yield from _parts(item, f"{path}.{name}" if path else str(name))


def _judged(file: str, path: str, part: BaseModel, facts: DatedFacts, today: date) -> Iterator[Ageing]:
    def use(key: str, value: str) -> _Use:
        return _Use(file, f"{path}.{key}" if path else key, value)

    match part:
        case BeanstalkEnvironmentSettings():
            yield from _platform(use("platform_branch", part.platform_branch), facts, today)
        case MysqlSettings():
            yield from _database(
                use("engine_version", part.engine_version), "mysql", part.extended_support, facts, today
            )
        case PostgresqlSettings():
            yield from _database(
                use("engine_version", part.engine_version), "postgres", part.extended_support, facts, today
            )
        case AuroraSettings():
            yield from _database(
                use("engine_version", part.engine_version), "aurora-postgresql", part.extended_support, facts, today
            )
        case RedisSettings():
            yield from _cache(use("engine_version", part.engine_version), "redis", facts)
        case MemcachedSettings():
            yield from _cache(use("engine_version", part.engine_version), "memcached", facts)
        case _:
            return


def _platform(use: _Use, facts: DatedFacts, today: date) -> Iterator[Ageing]:
    branches = {known["branch"]: known["retires"] for known in facts.values("platform_branches")}
    lasting = [branch for branch, retires in branches.items() if retires is None and branch != use.value]
    alternative = f"; the newest is {lasting[-1]}" if lasting else ""
    if use.value not in branches:
        yield use.gone(
            f"is not among the branches of {facts.day('platform_branches')}: {', '.join(branches)}; "
            "if AWS has it by now: quintet facts refresh --account"
        )
        return
    retires = date.fromisoformat(branches[use.value]) if branches[use.value] else None
    if retires is not None and retires <= today:
        yield use.gone(f"was retired on {retires}: no environment can be created on it{alternative}")
        return
    yield from use.ends(retires, today, "retires", alternative=alternative)


def _database(use: _Use, engine: str, extended: bool, facts: DatedFacts, today: date) -> Iterator[Ageing]:
    offered = facts.series(engine)
    newer = list(offered[offered.index(use.value) + 1 :]) if use.value in offered else offered
    alternative = f"; newer series: {', '.join(newer)}" if newer else ""
    if use.value not in offered:
        yield use.gone(f"is a series of {engine} that RDS creates no more{alternative}")
        return
    standard, last = facts.support_ends(engine, use.value)
    if last is not None and last < today:
        yield use.gone(f"had extended support until {last}{alternative}")
    elif standard is not None and standard < today and not extended:
        yield use.gone(
            f"had standard support until {standard}, and extended_support = true is not set: RDS would upgrade it"
            f"{alternative}"
        )
    else:
        end, kind = (last, "extended") if extended else (standard, "standard")
        yield from use.ends(end, today, f"has {kind} support that ends", alternative=alternative)


def _cache(use: _Use, engine: str, facts: DatedFacts) -> Iterator[Ageing]:
    offered = facts.values("cache_versions")[engine]
    if use.value not in offered:
        yield use.gone(f"is a version of {engine} that ElastiCache does not create; it creates {', '.join(offered)}")


def _runtime(use: _Use, facts: DatedFacts, today: date) -> Iterator[Ageing]:
    known = facts.values("function_runtimes")
    lasting = max(known, key=lambda name: (known[name]["deprecated"] or "", name))
    if use.value not in known:
        yield use.gone(f"is not among the runtimes of {facts.day('function_runtimes')}")
        return
    days = {name: date.fromisoformat(day) if day else None for name, day in known[use.value].items()}
    if days["creation_ends"] is not None and days["creation_ends"] <= today:
        yield use.gone(f"cannot be created since {days['creation_ends']}; {lasting} lasts longest")
        return
    yield from use.ends(days["deprecated"], today, "is deprecated", alternative=f"; {lasting} lasts longest")
