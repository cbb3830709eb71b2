"""The statements that prepare the database, and what is left of passwords in them."""

from __future__ import annotations

import doctest
import itertools

from hypothesis import given
from hypothesis import strategies as st

from deployments.canvas_data_2.day2 import preparation, scram
from deployments.canvas_data_2.day2.preparation import VIEWS, split, steps


def prepared(**changes: object) -> list[preparation.Step]:
    given = {
        "user": "canvas", "user_exists": False, "verifier": "SCRAM-SHA-256$1:s$k:v", "admin": "cd2_admin",
        "database": "cd2", "namespaces": ["canvas", "catalog"],
    }  # fmt: skip
    return list(steps(**{**given, **changes}))  # type: ignore[arg-type]


def test_the_examples_in_docstrings_hold() -> None:
    for module in (preparation, scram):
        assert doctest.testmod(module).failed == 0


def test_every_statement_is_one_statement() -> None:
    assert len(split(VIEWS.read_text())) == 7
    for step in prepared():
        assert len(split(step.sql)) == 1


def test_a_user_that_exists_is_not_made_again() -> None:
    assert any(step.sql.startswith("CREATE ROLE") for step in prepared())
    assert not any(step.sql.startswith("CREATE ROLE") for step in prepared(user_exists=True))


def test_every_namespace_and_the_clients_own_schema_belong_to_the_user() -> None:
    schemas = [step.sql for step in prepared() if step.sql.startswith('CREATE SCHEMA IF NOT EXISTS "')]
    assert [sql.split('"')[1] for sql in schemas] == ["canvas", "catalog", "instructure_dap"]
    assert all(sql.endswith('AUTHORIZATION "canvas"') for sql in schemas)


def test_saved_views_are_never_dropped_by_preparing() -> None:
    assert "DROP TABLE IF EXISTS" not in VIEWS.read_text()
    assert "CREATE TABLE IF NOT EXISTS cd2_views.saved" in VIEWS.read_text()


def test_the_password_is_in_no_statement() -> None:
    verifier = scram.verifier("a-password-nobody-may-read")
    for step in prepared(verifier=verifier):
        assert "a-password-nobody-may-read" not in step.sql


def test_the_same_password_has_another_verifier_each_time() -> None:
    assert scram.verifier("same") != scram.verifier("same")


@given(st.lists(st.sampled_from(["SELECT 1", "SELECT ';'", "DO $$ BEGIN; END $$", "DO $x$ $$;$$ $x$"]), min_size=1))
def test_statements_come_back_as_they_were_joined(statements: list[str]) -> None:
    script = "".join(f"{statement};\n-- a comment; with a semicolon\n" for statement in statements)
    assert split(script) == statements
    assert list(itertools.chain(statements)) == split(";\n".join(statements))
