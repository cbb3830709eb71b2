"""Upstream's revisions of the database's schema, run in their order and remembered in the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.beaver_contest.day2.mysql import quoted
from operations.errors import OperatorError

FOLDER = "dbv_data/revisions"
RECORD = "quintet_revisions"
"""The table that remembers, for each revision, how many of its statements were run."""

SESSION = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'"
"""Upstream wrote its revisions on servers that were not strict."""

CORRECTED = {
    423: (
        re.compile(r"CREATE TABLE IF NOT EXISTS `school_year`.*KEY `awarded` \(`awarded`\).*", re.DOTALL),
        "",
        "skipped school_year, whose index names a column that it lacks: revision 453 creates the table",
    ),
    1234: (
        re.compile(r"CHANGE `TYPE` (ENUM\(.*\)) CHARACTER SET utf8 COLLATE utf8-general-ci"),
        r"CHANGE `type` `type` \1 CHARACTER SET utf8 COLLATE utf8_general_ci",
        "the column's second name and the collation's underscores are added",
    ),
}
"""Revision → a statement that no server takes, what it has to be, and what that changes."""

COLUMNS = {
    1230: {"contestant": {"tmpIsOfficial": "TINYINT"}},
    1252: {
        "team": {
            "old_groupID": "BIGINT", "max_grade": "INT", "newScore": "INT", "tmpScore": "INT", "tmpScore2": "INT",
            "tmpScore3": "INT", "tmpLastAnswerDate": "DATETIME",
        },
        "algorea_registration": {
            "old_groupID": "BIGINT", "scoreDemi2019": "INT", "rankDemi2019": "INT", "lastParticipation": "DATETIME",
        },
    },
}  # fmt: skip
"""Revision → columns that it or the code expects and that no revision adds: contests cannot be closed without."""

_ALREADY = (1050, 1060, 1061, 1091)
"""MySQL's errors for a table, column or index that exists already, and for one to be dropped that exists no more."""

_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|--[ \t][^\n]*|--\n|#[^\n]*|/\*.*?\*/|;""", re.DOTALL
)


@dataclass(frozen=True)
class Revision:
    """One folder of upstream's: its number and its statements."""

    number: int
    statements: tuple[str, ...]
    note: str = ""
    """The change made to a statement that no server takes."""


def revisions(checkout: Path) -> list[Revision]:
    """The revisions of a checkout in their order. Raises OperatorError when it has none."""
    folders = [path for path in (checkout / FOLDER).glob("*") if path.is_dir() and path.name.isdecimal()]
    if not folders:
        raise OperatorError(f"{checkout} has no {FOLDER}/NUMBER.", hint="Give a checkout of the contest.")
    return [_revision(folder) for folder in sorted(folders, key=lambda path: int(path.name))]


@dataclass
class Migration:
    """Brings a database to the newest revision. Safe to interrupt: run it again to resume."""

    connection: Any
    say: Callable[[str], None]

    def pending(self, all_: list[Revision], *, baseline: int | None = None) -> list[tuple[Revision, int]]:
        """Revisions that are not finished, each with its number of statements that were run.

        Raises OperatorError for a database with tables of which nothing says their revision; `baseline` says it.
        """
        tables = {str(row[0]) for row in self._rows("SHOW TABLES")}
        if RECORD not in tables and tables and baseline is None:
            raise OperatorError(
                f"The database has {len(tables)} tables, and nothing says which revision they are of.",
                hint="Give it with --baseline NUMBER: that revision and those before are taken as run.",
            )
        done = dict(self._rows(f"SELECT revision, statements FROM {RECORD}")) if RECORD in tables else {}  # noqa: S608 - a constant
        for revision in all_:
            if baseline is not None and revision.number <= baseline:
                done.setdefault(revision.number, len(revision.statements))
        return [(each, done.get(each.number, 0)) for each in all_ if done.get(each.number, 0) < len(each.statements)]

    def run(self, all_: list[Revision], *, baseline: int | None = None) -> int:
        """Run what is pending and add the columns that the code writes; returns the number of revisions that were run.

        Raises OperatorError with the statement that the server refuses; those before it stay and are not run again.
        """
        pending = self.pending(all_, baseline=baseline)
        self._execute(SESSION)
        self._execute(
            f"CREATE TABLE IF NOT EXISTS {RECORD} (revision INT PRIMARY KEY, statements INT NOT NULL, "
            "at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)"
        )
        unfinished = {revision.number for revision, _ in pending}
        for revision in all_:
            if revision.number not in unfinished:
                self._remember(revision, len(revision.statements))
        for revision, already in pending:
            self._add_columns(COLUMNS.get(revision.number, {}))
            self._run(revision, already)
        for columns in COLUMNS.values():
            self._add_columns(columns)
        return len(pending)

    def _run(self, revision: Revision, already: int) -> None:
        import pymysql

        if revision.note:
            self.say(f"Revision {revision.number}: {revision.note}")
        for number, statement in enumerate(revision.statements[already:], start=already + 1):
            try:
                self._execute(statement)
            except pymysql.MySQLError as error:
                code, reason = (*error.args, "")[:2]
                # it may have been run before the interruption, without being remembered
                if not (already and number == already + 1 and code in _ALREADY):
                    first = " ".join(statement.split())[:100]
                    raise OperatorError(
                        f"Revision {revision.number}, statement {number}: {reason}. The statement begins: {first}",
                        hint="Correct the database or the revision and run the command again: it resumes there.",
                    ) from None
            self._remember(revision, number)

    def _remember(self, revision: Revision, statements: int) -> None:
        self._execute(
            f"REPLACE INTO {RECORD} (revision, statements) VALUES ({revision.number}, {statements})"  # noqa: S608 - numbers
        )

    def _add_columns(self, wanted: dict[str, dict[str, str]]) -> None:
        tables = {str(row[0]) for row in self._rows("SHOW TABLES")}
        for table, columns in wanted.items():
            if table not in tables:
                continue
            there = {str(row[0]).lower() for row in self._rows(f"SHOW COLUMNS FROM {quoted(table)}")}
            missing = {name: kind for name, kind in columns.items() if name.lower() not in there}
            if missing:
                added = ", ".join(f"ADD COLUMN {quoted(name)} {kind} NULL" for name, kind in missing.items())
                self._execute(f"ALTER TABLE {quoted(table)} {added}")
                self.say(f"{table}: added {', '.join(missing)}, which no revision adds")

    def _execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
        self.connection.commit()

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


def make_admin(connection: Any, email: str, *, dry_run: bool = False) -> None:
    """Make the teacher who registered with this address an administrator. Raises OperatorError when nobody did."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ID FROM `user` WHERE officialEmail = %s OR alternativeEmail = %s", (email, email))
        found = cursor.fetchall()
        if len(found) != 1:
            raise OperatorError(
                f"{len(found)} teachers are registered with {email}.",
                hint="Register at /teacherInterface first, with an address that nobody else has.",
            )
        if dry_run:
            return
        cursor.execute(
            "UPDATE `user` SET validated = 1, isAdmin = 1, officialEmailValidated = 1 WHERE ID = %s", found[0]
        )
    connection.commit()


def statements_of(text: str) -> Iterator[str]:
    r"""Statements of an SQL text, without comments between them.

    >>> list(statements_of("-- a; b\nSELECT ';';\n# c\nSELECT `a;b` /* ; */ FROM t"))
    ["SELECT ';'", 'SELECT `a;b` /* ; */ FROM t']
    """
    start, statement = 0, ""
    for token in [*_TOKEN.finditer(text), None]:
        end = len(text) if token is None else token.start()
        statement += text[start:end]
        start = end if token is None else token.end()
        if token is not None and token[0] != ";":
            comment = token[0].startswith(("--", "#")) or (token[0].startswith("/*") and not statement.strip())
            statement += "" if comment and not token[0].startswith("/*!") else token[0]
        elif statement.strip():
            yield statement.strip()
            statement = ""
        else:
            statement = ""


def _revision(folder: Path) -> Revision:
    statements: list[str] = []
    for file in sorted(folder.glob("*.sql")):
        content = file.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252")
        statements += statements_of(text)
    number = int(folder.name)
    if number not in CORRECTED:
        return Revision(number, tuple(statements))
    pattern, replacement, note = CORRECTED[number]
    corrected = [pattern.sub(replacement, statement) for statement in statements]
    return Revision(number, tuple(filter(None, corrected)), note if corrected != statements else "")
