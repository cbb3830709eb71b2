from __future__ import annotations

from typing import Any

import pytest

from operations.plans.plan_document import read_plan
from operations.plans.report.attributes import UNKNOWN, AttributeChange, attribute_changes
from operations.plans.report.secrets import SENSITIVE, Secrets
from tests.operations.plans.plan_support import change, plan_of, recorded


def changes_of(plan: dict[str, Any], address: str) -> dict[str, AttributeChange]:
    document = read_plan(plan)
    (found,) = (one for one in (*document.changes, *document.outputs) if one.address == address)
    secrets = Secrets((*document.changes, *document.outputs))
    return {attribute.path: attribute for attribute in attribute_changes(found, secrets)}


def shown(before: Any, after: Any, **more: Any) -> dict[str, tuple[str | None, str | None]]:
    found = changes_of(plan_of(change("aws_x.x", before, after, **more)), "aws_x.x")
    return {path: (attribute.before, attribute.after) for path, attribute in found.items()}


def test_only_what_changes_is_shown() -> None:
    before = {"name": "a", "size": 1, "tags": {"Team": "red", "Cost": "7"}, "rules": [{"port": 1}, {"port": 2}]}
    after = {"name": "a", "size": 2, "tags": {"Team": "blue", "Cost": "7"}, "rules": [{"port": 1}, {"port": 3}]}
    assert shown(before, after) == {
        "size": ("1", "2"),
        "tags.Team": ('"red"', '"blue"'),
        "rules[1].port": ("2", "3"),
    }


def test_what_is_created_is_shown_attribute_by_attribute() -> None:
    assert shown(None, {"name": "a", "tags": {"Team": "red"}}) == {
        "name": (None, '"a"'),
        "tags": (None, '{"Team": "red"}'),
    }


def test_of_blocks_that_come_and_go_those_that_stay_are_left_out() -> None:
    assert shown({"rules": [{"port": 1}, {"port": 2}]}, {"rules": [{"port": 2}]}) == {"rules": ('{"port": 1}', None)}


def test_json_inside_a_string_is_compared_by_its_parts() -> None:
    found = shown({"policy": '{"a": [1], "b": "x"}'}, {"policy": '{"b":"y", "a":[1]}'})
    assert found == {"policy.b": ('"x"', '"y"')}


def test_sensitive_values_are_masked_wherever_they_are_nested() -> None:
    found = shown(
        {"env": [{"vars": {"KEY": "old-secret", "MODE": "a"}}]},
        {"env": [{"vars": {"KEY": "new-secret", "MODE": "b"}}]},
        before_sensitive={"env": [{"vars": {"KEY": True}}]},
        after_sensitive={"env": [{"vars": {"KEY": True}}]},
    )
    assert found == {"env[0].vars.KEY": (SENSITIVE, SENSITIVE), "env[0].vars.MODE": ('"a"', '"b"')}


def test_an_unchanged_sensitive_value_is_no_change() -> None:
    found = shown({"a": "s", "b": 1}, {"a": "s", "b": 2}, before_sensitive={"a": True}, after_sensitive={"a": True})
    assert found == {"b": ("1", "2")}


def test_a_value_that_becomes_sensitive_is_masked_on_both_sides() -> None:
    found = shown({"a": "was-in-clear"}, {"a": "was-in-clear-too"}, after_sensitive={"a": True})
    assert "was-in-clear-too" not in str(found)


def test_what_is_sensitive_once_is_masked_where_it_is_not_marked() -> None:
    """The provider's tags_all, a script with a password in it."""
    found = shown(
        {"password": "hunter2-old", "tags_all": {"Token": "x"}, "user_data": "pass=hunter2-old"},
        {"password": "hunter2-new", "tags_all": {"Token": "hunter2-new"}, "user_data": "pass=hunter2-new;"},
        before_sensitive={"password": True},
        after_sensitive={"password": True},
    )
    assert "hunter2" not in str(found)
    assert found["user_data"] == ('"pass=(sensitive)"', '"pass=(sensitive);"')


def test_blocks_of_different_number_are_masked_inside() -> None:
    found = shown(
        {"users": []},
        {"users": [{"name": "ann", "password": "hunter2-old"}]},
        after_sensitive={"users": [{"password": True}]},
    )
    assert found == {"users": (None, '{"name": "ann", "password": "(sensitive)"}')}


def test_unknown_values_are_shown_as_such() -> None:
    assert shown({"arn": "a", "n": 1}, {"n": 2}, after_unknown={"arn": True})["arn"] == ('"a"', UNKNOWN)


def test_what_forces_a_replacement_comes_first() -> None:
    found = changes_of(recorded("everything"), "aws_dynamodb_table.sessions")
    assert next(iter(found)) == "hash_key"
    assert [path for path, attribute in found.items() if attribute.forces_replacement] == ["hash_key"]


def test_scripts_are_shown_line_by_line_even_as_base64() -> None:
    found = changes_of(recorded("everything"), "aws_launch_template.web")["user_data"]
    assert found.lines == (" #!/bin/sh", " echo one", "-echo two", "+echo three")


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_how_nothing_is_written_is_no_change(nothing: Any) -> None:
    assert list(shown({"a": None, "n": 1}, {"a": nothing, "n": 2})) == ["n"]


def test_nothing_to_false_is_a_change() -> None:
    assert shown({"a": None}, {"a": False}) == {"a": (None, "false")}


def test_an_output_that_is_sensitive_is_masked() -> None:
    found = changes_of(recorded("everything"), "password")["value"]
    assert (found.before, found.after) == (SENSITIVE, SENSITIVE)
