"""`settings check` refuses what AWS no longer offers and announces what ends within half a year."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from config.stack_settings import load_all
from operations.errors import OperatorError
from operations.review.ageing import Ageing, ageing, old_groups
from operations.review.facts import DatedFacts, Group, read_facts
from operations.stacks import Stack, find_stacks
from tests.settings.conftest import Files, copy_settings

TODAY = date(2026, 11, 29)
BEAVER = "beaver_contest/environments/dev.toml"
SYNC = "sync_storage/environments/dev.toml"
CANVAS = "canvas_data_2/environments/dev.toml"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return copy_settings(tmp_path / "settings")


def judge(
    files: Files, facts: DatedFacts | None = None, *, today: date = TODAY, stacks: list[Stack] | None = None
) -> list[Ageing]:
    return ageing(files.load(), stacks or [], facts or read_facts(), today=today)


def changed(group: str, values: Any) -> DatedFacts:
    facts = read_facts()
    return DatedFacts({**facts.groups, group: Group("a test", TODAY, values)})


def texts(found: list[Ageing], *, gone: bool) -> list[str]:
    return [str(item.problem) for item in found if item.gone is gone]


def test_committed_settings_and_stacks_ask_for_nothing_that_is_gone() -> None:
    assert texts(ageing(load_all(), find_stacks(ROOT), read_facts(), today=TODAY), gone=True) == []


def test_a_retired_platform_branch_is_refused_with_the_newest_one(files: Files) -> None:
    path = files.path(BEAVER)
    path.write_text(path.read_text().replace("PHP 8.4 running", "PHP 8.1 running"))
    refused = texts(judge(files), gone=True)
    assert len(refused) == 2, "both environments"
    assert 'admin.platform_branch = "PHP 8.1 running on 64bit Amazon Linux 2023"' in refused[0]
    assert "was retired on 2026-03-31" in refused[0]
    assert "the newest is PHP 8.5 running on 64bit Amazon Linux 2023" in refused[0]


def test_a_branch_is_announced_180_days_before_it_retires_and_not_earlier(files: Files) -> None:
    path = files.path(BEAVER)
    path.write_text(path.read_text().replace("PHP 8.4 running", "PHP 8.2 running"))
    assert texts(judge(files, today=date(2026, 10, 1)), gone=False) == []
    announced = texts(judge(files, today=date(2026, 10, 2)), gone=False)
    assert len(announced) == 2
    assert "retires on 2027-03-31, in 180 days" in announced[0]
    assert texts(judge(files, today=date(2027, 3, 31)), gone=True) != []


def test_a_branch_the_facts_do_not_have_is_refused_with_the_command_that_renews_them(files: Files) -> None:
    path = files.path(BEAVER)
    path.write_text(path.read_text().replace("PHP 8.4 running", "PHP 8.9 running"))
    assert "if AWS has it by now: quintet facts refresh --account" in texts(judge(files), gone=True)[0]


def test_a_series_nobody_can_create_is_refused_with_newer_ones(files: Files) -> None:
    files.replace(CANVAS, 'engine_version = "16"', 'engine_version = "10"')
    (refused,) = texts(judge(files), gone=True)
    assert 'aurora.engine_version = "10"' in refused
    assert "creates no more" in refused
    assert "17, 18" in refused


def test_a_series_after_standard_support_is_refused_unless_extended_support_is_set(files: Files) -> None:
    path = files.path(BEAVER)
    path.write_text(path.read_text().replace('engine_version = "8.4"', 'engine_version = "8.0"'))
    (refused,) = texts(judge(files), gone=True)
    assert "standard support until 2026-07-31" in refused
    assert "8.4" in refused
    path.write_text(
        path.read_text()
        .replace('engine_version = "8.0"', 'engine_version = "8.0"\nextended_support = true')
        .replace("[database.reasons]\n", '[database.reasons]\nextended_support = "moved to 8.4 after the contest"\n')
    )
    assert texts(judge(files), gone=True) == []
    assert texts(judge(files, today=date(2029, 8, 1)), gone=True) != []


def test_a_series_of_aurora_after_its_standard_support_is_refused_and_announced_before(files: Files) -> None:
    assert texts(judge(files, today=date(2028, 8, 31)), gone=True) == []
    announced = [text for text in texts(judge(files, today=date(2028, 9, 1)), gone=False) if "aurora" in text]
    assert "has standard support that ends on 2029-02-28, in 180 days" in announced[0]
    refused = [text for text in texts(judge(files, today=date(2029, 3, 1)), gone=True) if "aurora" in text]
    assert "standard support until 2029-02-28" in refused[0]
    assert "17, 18" in refused[0]


def test_a_cache_version_that_is_not_created_is_refused(files: Files) -> None:
    facts = changed("cache_versions", {"redis": ["7.1"], "memcached": ["1.6.99"]})
    refused = texts(judge(files, facts), gone=True)
    assert refused
    assert all("it creates 1.6.99" in text for text in refused)


def test_runtimes_of_committed_functions_are_judged(files: Files) -> None:
    runtimes = {
        function["runtime"]
        for stack in find_stacks(ROOT)
        for function in json.loads((stack.folder / "cdk.tf.json").read_text())["resource"]
        .get("aws_lambda_function", {})
        .values()
        if "runtime" in function
    }
    (runtime,) = runtimes
    ended = {"deprecated": "2026-06-01", "creation_ends": "2026-11-29", "update_ends": None}
    lasting = {"deprecated": "2031-06-30", "creation_ends": None, "update_ends": None}
    facts = changed("function_runtimes", {runtime: ended, "python9.9": lasting})
    refused = texts(judge(files, facts, stacks=find_stacks(ROOT)), gone=True)
    assert len(refused) > 3
    assert all("cannot be created since 2026-11-29; python9.9 lasts longest" in text for text in refused)


def test_groups_looked_up_half_a_year_ago_are_old() -> None:
    facts = DatedFacts({"new": Group("a", TODAY, []), "old": Group("a", date(2026, 6, 1), [])})
    assert old_groups(facts, today=TODAY) == ["old"]


def test_every_group_names_its_source_and_a_day_that_has_been() -> None:
    for name, group in read_facts().groups.items():
        assert len(group.source) > 20, name
        assert date(2026, 1, 1) <= group.day, name


def test_a_file_that_holds_no_facts_is_named(tmp_path: Path) -> None:
    (tmp_path / "databases.json").write_text('{"database_versions": {"values": []}}')
    with pytest.raises(OperatorError, match=r"databases\.json is not a file of dated facts"):
        read_facts(tmp_path)
