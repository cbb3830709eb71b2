"""The programs inside Aquamark's image, as far as hosts see them: its entry point, and an alembic with five revisions."""

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
"""Five revisions of upstream's line, which do to PostgreSQL what matters of them, in one transaction each run.

Upstream's contract, at tag v1.5.0 below src/app: the image's address of the database (alembic/env.py:38); modules that
only env.py finds (alembic/versions/151aa56ffd8…:22: heads, history and show end without them on the path, except up to
1.4.7); CREATE USER analyst (50058a07f33…:39); a constraint by PostgreSQL 11's name (1ef306add5e…:46); GRANT to analyst
(b989f35f3862…:142); alembic's own words for a revision that is unknown or behind.
"""
import os, subprocess, sys

steps = {{
    "50058a07f33": "CREATE TABLE appuser (id int PRIMARY KEY, email text, password text); CREATE TABLE survey (id int, title text);"
          "CREATE TABLE hierarchy (id int, survey_id int, PRIMARY KEY (id, survey_id));"
          "CREATE TABLE purchased_survey (hierarchy_id int, survey_id int, FOREIGN KEY (hierarchy_id, survey_id) REFERENCES hierarchy);"
          "CREATE TABLE systemconfig (name text, value text); CREATE USER analyst WITH PASSWORD 'made-by-the-migration';"
          "INSERT INTO systemconfig VALUES ('analyst_password', 'made-by-the-migration');"
          "GRANT USAGE ON SCHEMA public TO analyst; GRANT SELECT (id, email) ON appuser TO analyst;"
          "GRANT SELECT ON survey, hierarchy, purchased_survey TO analyst;",
    "4959ae79bed": "UPDATE systemconfig SET name = '_analyst_password' WHERE name = 'analyst_password';",
    "1ef306add5e": "ALTER TABLE purchased_survey RENAME CONSTRAINT purchased_survey_hierarchy_id_fkey TO purchased_survey_survey_id_fkey;",
    "151aa56ffd8": "ALTER TABLE survey ADD COLUMN response_type text;",
    "b989f35f3862": "ALTER TABLE survey ADD COLUMN tracking_id text; CREATE TABLE id_map (id int); GRANT SELECT ON id_map TO analyst;",
}}
line, tag = list(steps), os.environ["STAND_IN_IMAGE"].rpartition(":")[2]
known = line[: 5 if tag == "1.5.0" else 4]

def psql(sql):
    target = [os.environ["DATABASE_URL"]]
    done = subprocess.run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-c", sql, *target], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.strip()

if sys.argv[1] in ("heads", "history"):
    path = os.environ.get("PYTHONPATH", ".:/usr/share/aquamark/app/server/")
    if tag == "1.5.0" and "/usr/share/aquamark/app/alembic/versions" not in path.split(":"):
        sys.exit("ModuleNotFoundError: No module named 'old_deps'")
if sys.argv[1:] == ["heads"]:
    print(known[-1], "(head)")
elif sys.argv[1:3] == ["history", "-r"]:
    last = sys.argv[3].removeprefix("base:")
    shown = known[: known.index(last) + 1]
    print("\\n".join(f"{{before}} -> {{after}}, a message" for before, after in reversed(list(zip(["<base>", *shown], shown)))))
elif sys.argv[1] == "upgrade":
    at = psql("SELECT version_num FROM alembic_version") if psql("SELECT to_regclass('alembic_version')") else None
    target = known[-1] if sys.argv[2] == "head" else sys.argv[2]
    if at is not None and at not in known:
        sys.exit(f"Can't locate revision identified by '{{at}}'")
    done = known.index(at) + 1 if at else 0
    if known.index(target) + 1 < done:
        sys.exit(f"Destination {{target}} is not a valid upgrade target from current head(s)")
    table = "" if at else "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('');"
    sql = "".join(steps[revision] for revision in known[done : known.index(target) + 1])
    psql(f"{{table}}{{sql}} UPDATE alembic_version SET version_num = '{{target}}'")
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
