"""The dated facts are renewed from cfn-lint's data or from the account; what is not asked stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from config.limits import FACTS
from config.settings import ROOT
from operations.errors import OperatorError
from operations.review.facts import read_facts
from operations.review.facts_refresh import from_account, from_cfn_lint, write

DAY = date(2026, 12, 1)
INSTALLED = ROOT / ".venv-cfnlint"


def enum(engine: str, versions: list[str]) -> dict[str, Any]:
    return {
        "if": {"properties": {"Engine": {"const": engine}}},
        "then": {"properties": {"EngineVersion": {"enum": versions}}},
    }


def refused(engine: str, versions: list[str]) -> dict[str, Any]:
    return {"if": {"properties": {"Engine": {"const": engine}, "EngineVersion": {"enum": versions}}}, "then": False}


def classes(engine: str, names: list[str]) -> dict[str, Any]:
    return {
        "allOf": [
            {
                "if": {"properties": {"Engine": {"const": engine}}},
                "then": {"properties": {"DBInstanceClass": {"enum": names}}},
            }
        ]
    }


@pytest.fixture
def cfn_lint(tmp_path: Path) -> Path:
    """An environment with a small cfn-lint 1.99.0."""
    packages = tmp_path / "environment" / "lib" / "python3.13" / "site-packages"
    (packages / "cfn_lint-1.99.0.dist-info").mkdir(parents=True)
    data = packages / "cfnlint" / "data"
    rds, cache = (
        data / "schemas" / "extensions" / name for name in ("aws_rds_dbinstance", "aws_elasticache_cachecluster")
    )
    engines = {
        "aurora-mysql": ["8.0.mysql_aurora.3.10.0", "8.0"],
        "aurora-postgresql": ["16.10", "16.9", "16"],
        "mariadb": ["11.4.3"],
        "mysql": ["8.4.9", "8.4.10", "8.4", "5.7.44-rds.20240408"],
        "postgres": ["17.5"],
    }
    documents = {
        rds / "engine_version.json": {"allOf": [{"if": {"properties": {"Engine": {"type": "string"}}}, "then": {"properties": {}}}, *(enum(*item) for item in engines.items())]},
        rds / "engine_version_deprecated.json": {"allOf": [refused("aurora-postgresql", ["16.9"])]},
        rds / "dbinstanceclass_enum.json": {"eu-west-3": classes("mysql", ["db.t4g.micro"]), "us-east-1": classes("mysql", ["db.t4g.small"])},
        cache / "engine_version.json": {"allOf": [enum("redis", ["7.1", "5.0.6"])]},
        cache / "cachenodetype_enum.json": {"eu-west-3": {"enum": ["cache.t4g.micro"]}},
        data / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json": {
            "python3.14": {"deprecated": "2029-06-30", "create-block": "2029-07-31", "update-block": "2029-08-31", "successor": None},
            "go1.x": {"deprecated": "2024-01-08", "create-block": None, "update-block": None, "successor": None},
        },
    }  # fmt: skip
    for path, document in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    return tmp_path / "environment"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FACTS, tmp_path / "aws"))


def test_versions_that_can_be_created_are_in_order_and_without_series(cfn_lint: Path) -> None:
    groups = from_cfn_lint(cfn_lint, day=DAY)
    assert groups["database_versions"]["values"]["mysql"] == ["8.4.9", "8.4.10"]
    assert groups["database_versions"]["values"]["aurora-postgresql"] == ["16.10"], "16.9 is deprecated"
    assert groups["database_classes"]["values"]["mysql"] == {"db.t4g": ["micro", "small"]}
    assert groups["cache_versions"]["values"] == {"redis": ["5.0.6", "7.1"]}
    assert list(groups["function_runtimes"]["values"]) == ["python3.14"]
    assert groups["database_versions"]["source"].startswith("cfn-lint 1.99.0, from ")


def test_groups_that_are_not_renewed_and_limits_stay_as_they_are(cfn_lint: Path, folder: Path) -> None:
    before = {path.name: path.read_text() for path in folder.glob("*.json")}
    changed = write(folder, from_cfn_lint(cfn_lint, day=DAY))
    assert changed == [
        "cache_node_types",
        "cache_versions",
        "database_classes",
        "database_versions",
        "function_runtimes",
    ]
    for name in ("limits.json", "platforms.json", "support.json"):
        assert (folder / name).read_text() == before[name]
    facts = read_facts(folder)
    assert facts.day("database_versions") == DAY
    assert facts.values("fixed_parameters") == read_facts().values("fixed_parameters")


def test_renewing_twice_changes_nothing_the_second_time(cfn_lint: Path, folder: Path) -> None:
    write(folder, from_cfn_lint(cfn_lint, day=DAY))
    before = {path.name: path.read_text() for path in folder.glob("*.json")}
    assert write(folder, from_cfn_lint(cfn_lint, day=date(2026, 12, 24))) == []
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == before


def test_without_cfn_lint_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="make venv-cfnlint"):
        from_cfn_lint(tmp_path, day=DAY)


@pytest.mark.skipif(not INSTALLED.is_dir(), reason="cfn-lint is not installed: make venv-cfnlint")
def test_the_committed_facts_are_those_of_the_locked_cfn_lint(folder: Path) -> None:
    assert write(folder, from_cfn_lint(INSTALLED, day=read_facts().day("database_versions"))) == []


class Account:
    """Answers as RDS and Elastic Beanstalk do."""

    def get_paginator(self, operation: str) -> Account:
        self.operation = operation
        return self

    def paginate(self, Engine: str = "") -> Iterator[Any]:  # noqa: N803
        if self.operation == "describe_db_engine_versions":
            yield {
                "DBEngineVersions": [{"EngineVersion": "8.4.10"}, {"EngineVersion": "8.4.9"}]
                if Engine == "mysql"
                else []
            }
            return
        ends = [
            {
                "LifecycleSupportName": f"open-source-rds-{kind}-support",
                "LifecycleSupportEndDate": datetime(year, 2, 28, tzinfo=UTC),
            }
            for kind, year in (("standard", 2030), ("extended", 2033))
        ]
        yield {
            "DBMajorEngineVersions": [
                {"Engine": "postgres", "MajorEngineVersion": "17", "SupportedEngineLifecycles": ends}
            ]
        }

    def list_available_solution_stacks(self) -> Any:
        return {
            "SolutionStacks": [
                "64bit Amazon Linux 2023 v4.20.1 running PHP 8.6",
                "64bit Amazon Linux 2023 v4.9.1 running PHP 8.5",
            ]
        }


def test_the_account_says_versions_ends_of_support_and_platforms(folder: Path) -> None:
    known = json.loads((folder / "platforms.json").read_text())
    groups = from_account(Account(), Account(), known, day=DAY)
    write(folder, groups)
    facts = read_facts(folder)
    assert facts.values("database_versions")["mysql"] == ["8.4.9", "8.4.10"]
    assert facts.support_ends("postgres", "17") == (date(2030, 2, 28), date(2033, 2, 28))
    branches = {each["branch"]: each for each in facts.values("platform_branches")}
    assert branches["PHP 8.6 running on 64bit Amazon Linux 2023"] == {
        "branch": "PHP 8.6 running on 64bit Amazon Linux 2023",
        "newest_version": "4.20.1",
        "retires": None,
    }
    assert branches["PHP 8.1 running on 64bit Amazon Linux 2023"]["retires"] == "2026-03-31", "no call says so: kept"
