"""Health check of an applied contest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.day2.assets import differing
from deployments.beaver_contest.day2.capacity import ReadCapacity
from deployments.beaver_contest.day2.keys import AccessKeys
from deployments.beaver_contest.day2.opening import Gate
from operations.aws import refusals_explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployments.beaver_contest.day2.contest import Contest

OLDEST_KEY_DAYS = 90
PLACEHOLDER = "placeholder"
"""The version that environments begin with; it has no assets."""

_SECONDS = 10


@dataclass(frozen=True)
class ContestFinding:
    """One thing looked at; `wrong` says what is wrong with it, or nothing."""

    what: str
    seen: str
    wrong: tuple[str, ...] = ()


def look(contest: Contest, *, get: Callable[[str], int] | None) -> list[ContestFinding]:
    """Everything that can be looked at from outside; `get` fetches a page and returns its status, None leaves that out.

    Raises OperatorError when AWS refuses.
    """
    with refusals_explained():
        findings = [environments_of(contest), *(_table(contest, name) for name in contest.outputs.tables.values())]
        findings += [*_assets(contest), _key(contest), _gate(contest)]
    if get is not None:
        findings += [_page(url, get) for url in contest.outputs.urls.values()]
    return findings


def status_of(url: str) -> int:
    """The status with which a page answers, redirects followed; 0 when nothing answers."""
    import requests

    try:
        return requests.get(url, timeout=_SECONDS).status_code
    except requests.RequestException:
        return 0


def environments_of(contest: Contest) -> ContestFinding:
    """Both environments: not ready, not healthy, or of two versions is wrong."""
    found = contest.client("elasticbeanstalk").describe_environments(
        ApplicationName=contest.outputs.application, IncludeDeleted=False
    )["Environments"]
    environments = {environment["EnvironmentName"]: environment for environment in found}
    wrong, seen = [], []
    labels = set()
    for name in contest.outputs.environments.values():
        environment = environments.get(name)
        if environment is None:
            wrong.append(f"{name} is not there")
            continue
        seen.append(f"{name} {environment['Health'].lower()} with {environment['VersionLabel']}")
        labels.add(environment["VersionLabel"])
        if environment["Status"] != "Ready" or environment["Health"] not in ("Green", "Yellow"):
            wrong.append(f"{name} is {environment['Status'].lower()} and {environment['Health'].lower()}")
    if len(labels) > 1:
        wrong.append("the environments run different versions: deploy again")
    return ContestFinding("environments", ", ".join(seen), tuple(wrong))


def _table(contest: Contest, name: str) -> ContestFinding:
    dynamodb = contest.client("dynamodb")
    status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    before = ReadCapacity(dynamodb, contest.client("application-autoscaling"), name).left_raised()
    wrong = [] if status == "ACTIVE" else [f"it is {status.lower()}"]
    if before is not None:
        wrong.append(f"an export that never ended left its read capacity raised, from {before}: export again")
    return ContestFinding(f"table {name}", status.lower(), tuple(wrong))


def _assets(contest: Contest) -> Iterator[ContestFinding]:
    found = contest.client("elasticbeanstalk").describe_environments(
        ApplicationName=contest.outputs.application, IncludeDeleted=False
    )["Environments"]
    for label in sorted({environment["VersionLabel"] for environment in found} - {PLACEHOLDER}):
        wrong = tuple(differing(contest, label))
        yield ContestFinding(f"assets {label}", "published" if not wrong else "incomplete", wrong)


def _key(contest: Contest) -> ContestFinding:
    current = AccessKeys(contest, say=lambda _: None).current()
    if current is None:
        return ContestFinding("access key", "none", ("the PHP code has no key: quintet beaver rotate-key",))
    keys: list[dict[str, Any]] = contest.client("iam").list_access_keys(UserName=contest.outputs.php_user)[
        "AccessKeyMetadata"
    ]
    (mine,) = [key for key in keys if key["AccessKeyId"] == current]
    days = (datetime.now(UTC) - mine["CreateDate"]).days
    wrong = [] if mine["Status"] == "Active" else ["it is not active"]
    if days > OLDEST_KEY_DAYS:
        wrong.append(f"it is {days} days old: quintet beaver rotate-key")
    return ContestFinding("access key", f"{current}, {days} days old", tuple(wrong))


def _gate(contest: Contest) -> ContestFinding:
    open_to = [rule["CidrIpv4"] for rule in Gate(contest).rules()]
    wrong = tuple(f"it is open to {block}: quintet beaver open-database --close" for block in open_to)
    return ContestFinding("database's gate", "open" if open_to else "closed", wrong)


def _page(url: str, get: Callable[[str], int]) -> ContestFinding:
    status = get(f"{url}/")
    seen = str(status) if status else "no answer"
    return ContestFinding(f"{url}/", seen, () if status == 200 else (f"it answers {seen}, not 200",))
