"""Statements on the database that the variables of a container lead to, by the psql of this machine."""

from __future__ import annotations

import os
import subprocess
import sys

from deployments.aquamark.releases import CURRENT, release_of


def psql(statements: str, *, user: str | None = None, password: str | None = None) -> str:
    """Output of psql for the statements, all of them or none; ends the program with its error when it refuses.

    The release that the image is tagged with decides which variables are read, as upstream's programs decide it:
    alembic/env.py:27 and server/app.py:138 at v1.4.7, server/model/connection.py:54 at 5813fa8.
    """
    release = release_of(os.environ["STAND_IN_IMAGE"].rpartition(":")[2]) or CURRENT
    missing = [name for name in release.variables if name not in os.environ]
    if missing:
        sys.exit(f"KeyError: {missing[0]!r}")
    target = os.environ[release.variables[0]] if len(release.variables) == 1 else ""
    if "%" in target:  # alembic reads its address through ConfigParser
        sys.exit("ValueError: invalid interpolation syntax")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PG") or name == "PGPASSWORD"}
    variables = own if target else dict(os.environ)
    if user is not None:
        target = target.replace(f"//{target.partition('//')[2].partition('@')[0]}@", f"//{user}@")
        variables |= {"PGUSER": user, "PGPASSWORD": password or ""}
    options = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction"]
    done = subprocess.run(
        ["psql", *options, *([target] if target else [])],
        input=statements,
        env=variables,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise DatabaseError(done.stderr.strip())
    return done.stdout.strip()


class DatabaseError(Exception):
    """The server refused; the message is its own."""
