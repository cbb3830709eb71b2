"""The programs inside Aquamark's image, as far as hosts see them: its entry point, and an alembic with two revisions."""

from __future__ import annotations

import sys

_ENTRY = f'''#!{sys.executable}
"""The application's entry point: says what it was given, and signs in to the database with it."""
import json, os, pathlib, subprocess, sys

given = {{name: value for name, value in os.environ.items() if not name.startswith("STAND_IN") and name not in ("PATH", "LC_CTYPE")}}
if "%" in given.get("DATABASE_URL", ""):
    sys.exit("ValueError: invalid interpolation syntax")
target = [given["DATABASE_URL"]] if "DATABASE_URL" in given else []
done = subprocess.run(["psql", "-X", "-A", "-t", "-c", "SELECT current_user", *target], capture_output=True, text=True)
pathlib.Path(os.environ["STAND_IN_ROOT"], "arrived.json").write_text(json.dumps(
    {{"variables": given, "command": sys.argv[1:], "user": done.stdout.strip(), "error": done.stderr}}
))
'''
_ALEMBIC = f'''#!{sys.executable}
"""Two revisions; the image 1.0.1 knows the first only, and refuses a database that is at the second, as alembic does."""
import os, subprocess, sys

known = ["r1"] if os.environ["STAND_IN_IMAGE"].endswith(":1.0.1") else ["r1", "r2"]
steps = {{
    "r1": "CREATE TABLE appuser (id int PRIMARY KEY, email text, password text); CREATE TABLE survey (id int, title text);"
          "CREATE TABLE systemconfig (name text, value text); CREATE USER analyst WITH PASSWORD 'made-by-the-migration';"
          "INSERT INTO systemconfig VALUES ('_analyst_password', 'made-by-the-migration');"
          "GRANT USAGE ON SCHEMA public TO analyst; GRANT SELECT (id, email) ON appuser TO analyst; GRANT SELECT ON survey TO analyst;"
          "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('r1');",
    "r2": "ALTER TABLE survey ADD COLUMN tracking_id text; UPDATE alembic_version SET version_num = 'r2';",
}}

def psql(sql):
    target = [os.environ["DATABASE_URL"]] if "DATABASE_URL" in os.environ else []
    done = subprocess.run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-c", sql, *target], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.strip()

if sys.argv[1:] == ["heads"]:
    print(known[-1], "(head)")
elif sys.argv[1:] == ["upgrade", "head"]:
    at = psql("SELECT version_num FROM alembic_version") if psql("SELECT to_regclass('alembic_version')") else None
    if at is not None and at not in known:
        sys.exit(f"Can't locate revision identified by '{{at}}'")
    for revision in known[known.index(at) + 1 if at else 0 :]:
        psql(steps[revision])
else:
    sys.exit(2)
'''
_RECALCULATE = """SMTP_SERVER: <YOUR SMTP SERVER>
SMTP_PORT: 25
SMTP_USE_TLS: True
SMTP_USERNAME: <SMTP SERVER USERNAME>
SMTP_PASSWORD: <SMTP SERVER PASSWORD>

MESSAGE_SEND_FROM: <SENDER EMAIL>
ERROR_SEND_TO: <RECEIVER EMAIL>

JOB_INTERVAL_SECONDS: 300

ERROR_SUBJECT: Score calculation error
ERROR_CONTENT: |
    Some errors were encountered:

    {message}
"""
_NOTIFICATION = _RECALCULATE.replace("300", "3600") + "MAX_EMAILS_PER_SECOND: 10\nMAX_ACTIVITIES: 1000\n"


IMAGE = {
    "entry": _ENTRY,
    "alembic": _ALEMBIC,
    "recalculate.yaml": _RECALCULATE,
    "notification.yaml": _NOTIFICATION,
}
"""Name → text of each file that hosts ask the image for."""
