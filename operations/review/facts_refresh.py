"""Renewal of the dated facts: from the data of an installed cfn-lint, and from the operator's account."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mypy_boto3_elasticbeanstalk.client import ElasticBeanstalkClient
    from mypy_boto3_rds.client import RDSClient

ENGINES = ("aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "postgres")
_CLASSES_OF = ("aurora-postgresql", "mysql", "postgres")
_FULL = re.compile(r"\d+\.\d+(\.\d+)?(\.mysql_aurora\.[\d.]+)?")
_PHP = re.compile(r"64bit Amazon Linux 2023 v([0-9.]+) running (PHP [0-9.]+)")

Group = dict[str, Any]
"""`source`, `day` and `values`, as in config/aws."""


def from_cfn_lint(environment: Path, *, day: date) -> dict[str, Group]:
    """The groups that cfn-lint's data give, by name. Raises OperatorError when it is not installed there."""
    data = next(environment.glob("lib/python*/site-packages/cfnlint/data"), None)
    installed = next(environment.glob("lib/python*/site-packages/cfn_lint-*.dist-info"), None)
    if data is None or installed is None:
        raise OperatorError(f"cfn-lint is not in {environment}.", hint="Install it: make venv-cfnlint")
    version = installed.name.removeprefix("cfn_lint-").removesuffix(".dist-info")
    extensions = data / "schemas" / "extensions"

    def group(values: Any, origin: str) -> Group:
        return {"source": f"cfn-lint {version}, from {origin}", "day": day.isoformat(), "values": values}

    offers = "AWS's DescribeDBEngineVersions and price lists"
    runtimes = _read(data / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json")
    return {
        "database_versions": group(_database_versions(extensions / "aws_rds_dbinstance"), offers),
        "database_classes": group(_database_classes(extensions / "aws_rds_dbinstance"), offers),
        "cache_versions": group(
            {
                engine: sorted(versions, key=_order)
                for engine, versions in _versions(
                    extensions / "aws_elasticache_cachecluster/engine_version.json"
                ).items()
            },
            offers,
        ),
        "cache_node_types": group(_node_types(extensions / "aws_elasticache_cachecluster"), offers),
        "function_runtimes": group(
            {
                name: {
                    "deprecated": ends["deprecated"],
                    "creation_ends": ends["create-block"],
                    "update_ends": ends["update-block"],
                }
                for name, ends in sorted(runtimes.items())
                if name.startswith("python")
            },
            "the Lambda Developer Guide",
        ),
    }


def from_account(
    rds: RDSClient, beanstalk: ElasticBeanstalkClient, known: Mapping[str, Group], *, day: date
) -> dict[str, Group]:
    """The groups that AWS answers, by name.

    Retirement dates of platforms are kept from the `known` facts: no call returns them.
    """
    versions = {
        engine: sorted(
            {
                found["EngineVersion"]
                for page in rds.get_paginator("describe_db_engine_versions").paginate(Engine=engine)
                for found in page["DBEngineVersions"]
            },
            key=_order,
        )
        for engine in ENGINES
    }
    ends: dict[str, dict[str, dict[str, str]]] = {}
    for page in rds.get_paginator("describe_db_major_engine_versions").paginate():
        for found in page["DBMajorEngineVersions"]:
            if found["Engine"] in ENGINES and (lifecycle := _ends(found.get("SupportedEngineLifecycles", ()))):
                ends.setdefault(found["Engine"], {})[found["MajorEngineVersion"]] = lifecycle
    return {
        "database_versions": _asked("DescribeDBEngineVersions", versions, day),
        "database_support": _asked("DescribeDBMajorEngineVersions", ends, day),
        "platform_branches": _asked(
            "ListAvailableSolutionStacks; retirement dates: Elastic Beanstalk Platforms guide",
            _branches(beanstalk.list_available_solution_stacks()["SolutionStacks"], known),
            day,
        ),
    }


def write(folder: Path, groups: Mapping[str, Group]) -> list[str]:
    """Put the groups into the files that hold them; the names of those whose values are others now.

    A group whose source and values stay as they were keeps its day. Raises OperatorError for a group no file holds.
    """
    changed = []
    missing = set(groups)
    for path in sorted(folder.glob("*.json")):
        document = _read(path)
        for name in sorted(document.keys() & groups.keys()):
            missing.discard(name)
            if document[name]["values"] != groups[name]["values"]:
                changed.append(name)
            elif document[name]["source"] == groups[name]["source"]:
                continue
            document[name] = groups[name]
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if document.keys() & groups.keys() and text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
    if missing:
        raise OperatorError(
            f"No file of {folder} holds {', '.join(sorted(missing))}.", hint="Take config/aws from git."
        )
    return sorted(changed)


def _asked(call: str, values: Any, day: date) -> Group:
    return {"source": f"the operator's account, {call}", "day": day.isoformat(), "values": values}


def _branches(stacks: Iterable[str], known: Mapping[str, Group]) -> list[dict[str, str | None]]:
    newest: dict[str, str] = {}
    for name in stacks:
        if match := _PHP.fullmatch(name):
            branch = f"{match[2]} running on 64bit Amazon Linux 2023"
            newest[branch] = max(newest.get(branch, "0"), match[1], key=_order)
    retires = {branch["branch"]: branch["retires"] for branch in known["platform_branches"]["values"]}
    return [
        {"branch": branch, "newest_version": newest.get(branch), "retires": retires.get(branch)}
        for branch in sorted(newest.keys() | retires.keys())
    ]


def _ends(lifecycles: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    names = {"open-source-rds-standard-support": "standard_ends", "open-source-rds-extended-support": "extended_ends"}
    return {
        names[each["LifecycleSupportName"]]: f"{each['LifecycleSupportEndDate']:%Y-%m-%d}"
        for each in lifecycles
        if each["LifecycleSupportName"] in names
    }


def _database_versions(folder: Path) -> dict[str, list[str]]:
    offered, gone = _versions(folder / "engine_version.json"), _versions(folder / "engine_version_deprecated.json")
    found = {}
    for engine in ENGINES:
        versions = [each for each in offered[engine] if each not in gone.get(engine, ()) and _FULL.fullmatch(each)]
        if engine in ("mysql", "mariadb"):
            versions = [each for each in versions if each.count(".") == 2]
        if engine == "aurora-mysql":
            versions = [each for each in versions if "mysql_aurora" in each]
        found[engine] = sorted(versions, key=_order)
    return found


def _versions(path: Path) -> dict[str, list[str]]:
    """Engine → its versions: in the condition of a rule where they are refused, in its consequence where allowed."""
    found = {}
    for rule in _read(path)["allOf"]:
        condition, consequence = rule["if"]["properties"], rule["then"]
        allowed = consequence["properties"] if isinstance(consequence, dict) else {}
        versions = allowed.get("EngineVersion", {}).get("enum") or condition.get("EngineVersion", {}).get("enum")
        if versions and "const" in condition.get("Engine", {}):
            found[condition["Engine"]["const"]] = versions
    return found


def _database_classes(folder: Path) -> dict[str, dict[str, list[str]]]:
    found: dict[str, set[str]] = defaultdict(set)
    for region in _read(folder / "dbinstanceclass_enum.json").values():
        for rule in region.get("allOf", ()):
            engine = rule["if"]["properties"].get("Engine", {}).get("const")
            if engine in _CLASSES_OF:
                found[engine].update(rule["then"]["properties"].get("DBInstanceClass", {}).get("enum", ()))
    return {engine: _by_family(found[engine]) for engine in _CLASSES_OF}


def _node_types(folder: Path) -> dict[str, list[str]]:
    regions = _read(folder / "cachenodetype_enum.json").values()
    return _by_family({name for region in regions if isinstance(region, dict) for name in region.get("enum", ())})


def _by_family(names: Iterable[str]) -> dict[str, list[str]]:
    families: dict[str, list[str]] = {}
    for name in sorted(names):
        family, _, size = name.rpartition(".")
        families.setdefault(family, []).append(size)
    return dict(sorted(families.items()))


def _order(version: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"[.\-_]", version)]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(f"{path} cannot be read: {error}.") from None
