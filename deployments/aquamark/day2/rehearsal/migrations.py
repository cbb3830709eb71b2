"""The alembic of an image, with six revisions of Upmark's line, which do to PostgreSQL what matters of them.

Upstream's contract, at tag v1.5.0 below src/app, read on 2026-11-29: the image's address of the database
(alembic/env.py:38); modules that only env.py finds (alembic/versions/151aa56ffd8…:22: heads, history and show end
without them on the path, except up to 1.4.7); CREATE USER analyst (50058a07f33…:39); a constraint by PostgreSQL 11's
name (1ef306add5e…:46); GRANT to analyst (b989f35f3862…:142); one transaction each run; alembic's own words for a
revision that is unknown or behind.
"""

from __future__ import annotations

import os
import sys

from deployments.aquamark.day2.rehearsal.postgres import DatabaseError, psql
from deployments.aquamark.releases import CURRENT, release_of

_APP = "/usr/share/aquamark/app"
REVISIONS = {
    "50058a07f33": "CREATE TABLE appuser (id int PRIMARY KEY, email text, password text);"
    "CREATE TABLE survey (id int, title text);"
    "CREATE TABLE hierarchy (id int, survey_id int, PRIMARY KEY (id, survey_id));"
    "CREATE TABLE purchased_survey (hierarchy_id int, survey_id int,"
    " FOREIGN KEY (hierarchy_id, survey_id) REFERENCES hierarchy);"
    "CREATE TABLE systemconfig (name text, value text); CREATE USER analyst WITH PASSWORD 'made-by-the-migration';"
    "INSERT INTO systemconfig VALUES ('analyst_password', 'made-by-the-migration');"
    "GRANT USAGE ON SCHEMA public TO analyst; GRANT SELECT (id, email) ON appuser TO analyst;"
    "GRANT SELECT ON survey, hierarchy, purchased_survey TO analyst;",
    "4959ae79bed": "UPDATE systemconfig SET name = '_analyst_password' WHERE name = 'analyst_password';",
    "1ef306add5e": "ALTER TABLE purchased_survey"
    " RENAME CONSTRAINT purchased_survey_hierarchy_id_fkey TO purchased_survey_survey_id_fkey;",
    "151aa56ffd8": "ALTER TABLE survey ADD COLUMN response_type text;",
    "b989f35f3862": "ALTER TABLE survey ADD COLUMN tracking_id text; CREATE TABLE id_map (id int);"
    "GRANT SELECT ON id_map TO analyst;",
    "4b9d28136e18": "ALTER TABLE survey ADD COLUMN error text;",
}
"""Revision → what it does; from oldest to newest."""
_HEADS = {"1.3.3 to 1.4.7": "151aa56ffd8", "1.5.0": "b989f35f3862"}


def main(arguments: list[str], tag: str) -> None:
    """Do what alembic's arguments say. Raises DatabaseError."""
    release = release_of(tag) or CURRENT
    line = list(REVISIONS)
    known = line[: line.index(_HEADS.get(release.name, line[-1])) + 1]
    if arguments[:1] in (["heads"], ["history"]):
        path = os.environ["STAND_IN_PYTHONPATH"]
        if _HEADS.get(release.name) != "151aa56ffd8" and f"{_APP}/alembic/versions" not in path.split(":"):
            sys.exit("ModuleNotFoundError: No module named 'old_deps'")
    if arguments == ["heads"]:
        print(known[-1], "(head)")  # noqa: T201 - the answer
    elif arguments[:2] == ["history", "-r"]:
        shown = known[: known.index(arguments[2].removeprefix("base:")) + 1]
        steps = reversed(list(zip(["<base>", *shown], shown, strict=False)))
        print("\n".join(f"{before} -> {after}, a message" for before, after in steps))  # noqa: T201 - the answer
    elif arguments[:1] == ["upgrade"]:
        _upgrade(known, arguments[1])
    else:
        sys.exit(2)


def _upgrade(known: list[str], wanted: str) -> None:
    at = psql("SELECT version_num FROM alembic_version;") if psql("SELECT to_regclass('alembic_version');") else ""
    target = known[-1] if wanted == "head" else wanted
    if at and at not in known:
        sys.exit(f"Can't locate revision identified by '{at}'")
    done = known.index(at) + 1 if at else 0
    if known.index(target) + 1 < done:
        sys.exit(f"Destination {target} is not a valid upgrade target from current head(s)")
    table = "" if at else "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('');"
    statements = "".join(REVISIONS[revision] for revision in known[done : known.index(target) + 1])
    psql(f"{table}{statements} UPDATE alembic_version SET version_num = '{target}';")  # noqa: S608 - a revision's


if __name__ == "__main__":
    try:
        main(sys.argv[1:], os.environ["STAND_IN_IMAGE"].rpartition(":")[2])
    except DatabaseError as refused:
        sys.exit(str(refused))
