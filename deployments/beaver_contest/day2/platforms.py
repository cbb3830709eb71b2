"""Platform branches that the operator's account offers, and the versions that the settings file names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.settings import SettingsError, load
from deployments.beaver_contest.settings import BeaverContestSettings
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from config.beanstalk import BeanstalkEnvironmentSettings

ROLES = ("admin", "contest")
_SOLUTION_STACK = re.compile(r"(64bit Amazon Linux 2023) v([0-9.]+) running (PHP [0-9.]+)")


@dataclass(frozen=True)
class PlatformChange:
    """New values of one environment's keys in the settings; None removes a key."""

    role: str
    values: Mapping[str, str | None]
    waits: bool = False
    """The environment still runs the branch before, so its key stays."""


def offered(beanstalk: Any) -> dict[str, str]:
    """PHP's branches on Amazon Linux 2023 that this account may create environments on → their newest version."""
    found: dict[str, str] = {}
    for name in beanstalk.list_available_solution_stacks()["SolutionStacks"]:
        if match := _SOLUTION_STACK.fullmatch(name):
            system, version, language = match.groups()
            branch = f"{language} running on {system}"
            found[branch] = max(found.get(branch, "0"), version, key=_numbers)
    return dict(sorted(found.items(), reverse=True))


def running(beanstalk: Any, settings: BeaverContestSettings) -> dict[str, str]:
    """Role → the branch that its environment runs; nothing for an environment that does not exist."""
    names = {getattr(settings, role).name: role for role in ROLES}
    answer = beanstalk.describe_environments(EnvironmentNames=list(names), IncludeDeleted=False)
    found = {}
    for environment in answer["Environments"]:
        if match := _SOLUTION_STACK.fullmatch(environment.get("SolutionStackName", "")):
            found[names[environment["EnvironmentName"]]] = f"{match[3]} running on {match[1]}"
    return found


def changes(
    settings: BeaverContestSettings,
    versions: Mapping[str, str],
    runs: Mapping[str, str],
    *,
    branch: str | None,
) -> list[PlatformChange]:
    """Changes that bring both environments to the newest version of their branch, or of `branch`.

    An environment that moves keeps the branch before in its settings until it runs the new one. Raises OperatorError
    for a branch that is not offered.
    """
    wanted = None if branch is None else _known(branch, versions)
    return [
        change
        for role in ROLES
        if (change := _change(role, getattr(settings, role), versions, runs.get(role), wanted)).values or change.waits
    ]


def _change(
    role: str, now: BeanstalkEnvironmentSettings, versions: Mapping[str, str], runs: str | None, wanted: str | None
) -> PlatformChange:
    branch = wanted or now.platform_branch
    before = now.platform_branch_before
    if branch != now.platform_branch:
        before = before or now.platform_branch
    elif runs in (None, branch):
        before = None
    before = None if before == branch else before
    values = {
        "platform_branch": branch,
        "platform_version": versions[_known(branch, versions)],
        "platform_branch_before": before,
    }
    different = {key: value for key, value in values.items() if getattr(now, key) != value}
    waits = before is not None and branch == now.platform_branch
    return PlatformChange(role, different, waits)


def write(path: Path, wanted: Sequence[PlatformChange]) -> None:
    """Put the changes into the settings file, at once; every other line stays as it is.

    Raises SettingsError, with the file as it was, when the result would not be valid.
    """
    text = path.read_text(encoding="utf-8")
    for change in wanted:
        for key, value in change.values.items():
            text = _with(text, change.role, key, value)
    unfinished = path.with_suffix(".toml.new")
    unfinished.write_text(text, encoding="utf-8")
    try:
        load(unfinished, BeaverContestSettings)
        unfinished.replace(path)
    except SettingsError:
        unfinished.unlink()
        raise


def _with(text: str, table: str, key: str, value: str | None) -> str:
    begin = re.search(rf"^\[{table}\]\n", text, re.MULTILINE)
    if begin is None:
        raise OperatorError(f"The settings have no table [{table}].", hint="Write it with its header on a line.")
    end = re.compile(r"^\[", re.MULTILINE).search(text, begin.end())
    last = end.start() if end else len(text)
    body = text[begin.end() : last]
    line = "" if value is None else f'{key} = "{value}"\n'
    present = re.compile(rf"^{key} = .*\n", re.MULTILINE)
    if present.search(body):
        body = present.sub(line, body)
    else:
        body = re.sub(r"^platform_version = .*\n", lambda found: found[0] + line, body, flags=re.MULTILINE)
    return text[: begin.end()] + body + text[last:]


def _known(branch: str, versions: Mapping[str, str]) -> str:
    known = [name for name in versions if branch in (name, name.partition(" running on ")[0])]
    if not known:
        raise OperatorError(
            f"This account is not offered the branch {branch}; it is offered {', '.join(versions) or 'none'}.",
            hint="quintet beaver platforms --branch BRANCH --write",
        )
    return known[0]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
