"""Preparation of the database for the first table: the pipeline's user, schemas, grants and helper functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from config.rendering import sql, sql_name
from config.settings import ROOT

VIEWS = ROOT / "deployments" / "canvas_data_2" / "runtime" / "cd2" / "views.sql"
META_SCHEMA = "instructure_dap"
_DOLLAR_QUOTED = re.compile(r"(\$\w*\$).*?\1|'[^']*'|--[^\n]*|;", re.DOTALL)


class Step(NamedTuple):
    """One statement, and what it is for."""

    what: str
    sql: str


def steps(
    *, user: str, user_exists: bool, verifier: str | None, admin: str, database: str, namespaces: Sequence[str]
) -> Iterator[Step]:
    """Everything, in order; each statement may be executed again.

    `verifier` is the SCRAM verifier of the user's password, None when the password is to stay as it is.
    """
    if not user_exists:
        yield Step(f"user {user}", f"CREATE ROLE {sql_name(user)} LOGIN")
    if verifier is not None:
        yield Step(f"password of {user}", set_password(user, verifier))
    yield Step(f"{admin} may act as {user}", f"GRANT {sql_name(user)} TO {sql_name(admin)}")
    # CREATE SCHEMA IF NOT EXISTS, with which the DAP client begins, asks for this even when the schema is there
    yield Step(f"grants of {user}", f"GRANT CREATE ON DATABASE {sql_name(database)} TO {sql_name(user)}")
    for schema in (*namespaces, META_SCHEMA):
        yield Step(f"schema {schema}", f"CREATE SCHEMA IF NOT EXISTS {sql_name(schema)} AUTHORIZATION {sql_name(user)}")
    for number, statement in enumerate(split(VIEWS.read_text(encoding="utf-8")), start=1):
        yield Step(f"helper functions for views ({number})", statement)
    yield Step("use of the helper functions", f"GRANT USAGE ON SCHEMA cd2_views TO {sql_name(user)}")
    for function in ("save_and_drop", "restore"):
        yield Step(
            "use of the helper functions",
            f"GRANT EXECUTE ON FUNCTION cd2_views.{function}(text, text) TO {sql_name(user)}",
        )


def set_password(user: str, verifier: str) -> str:
    """The statement that gives `user` the password behind `verifier`, which a log may show."""
    return f"ALTER ROLE {sql_name(user)} LOGIN PASSWORD '{sql(verifier)}'"


def split(script: str) -> list[str]:
    r"""The statements of a script, which the Data API takes one by one; semicolons within $$ … $$ and '…' end none.

    >>> split("SELECT ';'; -- a; b\nDO $$ BEGIN NULL; END $$;")
    ["SELECT ';'", 'DO $$ BEGIN NULL; END $$']
    """
    statements, begin = [], 0
    for found in _DOLLAR_QUOTED.finditer(script):
        if found[0] == ";":
            statements.append(script[begin : found.start()])
            begin = found.end()
    statements.append(script[begin:])
    bare = [re.sub(r"(\A|\n)\s*--[^\n]*", r"\1", statement).strip() for statement in statements]
    return [statement for statement in bare if statement]
