"""A docker whose images are programs of this machine, and an alembic with two revisions, for tests of hosts."""

from __future__ import annotations

import sys
from pathlib import Path

_DOCKER = f'''#!{sys.executable}
"""Runs containers as processes that see nothing but what docker would give them."""
import json, os, pathlib, subprocess, sys, datetime

root = pathlib.Path(os.environ["AQUAMARK_ROOT"])
state = root / "docker.json"
kept = json.loads(state.read_text()) if state.exists() else {{"images": [], "containers": {{}}}}
arguments = sys.argv[1:]
with open(root / "calls", "a") as calls:
    calls.write(" ".join(["docker", *arguments]) + "\\n")

def keep():
    state.write_text(json.dumps(kept))

def environment(file):
    """As docker reads an environment file: no quotes, no expansion; blank lines and lines with # are left out."""
    found = {{}}
    for line in pathlib.Path(file).read_bytes().decode("utf-8").split("\\n"):
        line = line.removesuffix("\\r")
        if line.lstrip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not name or any(letter.isspace() for letter in name):
                sys.exit(f"docker: poorly formatted environment: variable {{name!r}}")
            found[name] = value
    return found

if arguments[:2] == ["image", "inspect"]:
    sys.exit(arguments[2] not in kept["images"])
if arguments[0] == "login":
    sys.stdin.read()
elif arguments[0] == "pull":
    kept["images"].append(arguments[-1])
    keep()
elif arguments[:2] == ["container", "inspect"]:
    if arguments[2] not in kept["containers"]:
        sys.exit("No such container")
    print(json.dumps([kept["containers"][arguments[2]]]))
elif arguments[0] == "rm":
    del kept["containers"][arguments[-1]]
    keep()
elif arguments[0] == "logs":
    lines = (root / "output").read_text().splitlines() if (root / "output").exists() else []
    print("\\n".join(lines[-int(arguments[arguments.index("--tail") + 1]):]))
elif arguments[0] == "exec":
    print("sent")
elif arguments[0] == "run":
    rest, options, flags = arguments[1:], {{}}, []
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        name, equals, value = option.partition("=")
        if option in ("-d", "--rm"):
            flags.append(option)
        else:
            options.setdefault(name, []).append(value if equals else rest.pop(0))
    image, command = rest[0], rest[1:]
    if image not in kept["images"]:
        sys.exit(f"Unable to find image {{image}}")
    variables = environment(options["--env-file"][0]) if "--env-file" in options else {{}}
    inside = {{"PATH": os.environ["PATH"], "STAND_IN_IMAGE": image, "STAND_IN_ROOT": str(root), **variables}}
    if options.get("--entrypoint") == ["cat"]:
        print((root / "image" / pathlib.Path(command[0]).name).read_text(), end="")
        sys.exit()
    entry = [str(root / "image" / "alembic"), *command[1:]] if command[:1] == ["alembic"] else [str(root / "image" / "entry"), *command]
    done = subprocess.run(entry, env=inside, capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode:
        sys.exit(done.returncode)
    if "-d" in flags:
        started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
        labels = dict(label.split("=", 1) for label in options.get("--label", []))
        kept["containers"][options["--name"][0]] = {{
            "State": {{"Running": True, "StartedAt": started}}, "Config": {{"Image": image, "Labels": labels}}, "Options": options
        }}
        keep()
'''
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


def install_stand_ins(root: Path, programs: Path) -> None:
    """Put docker into `programs`, and what is inside its images below `root`."""
    for path, text in {
        programs / "docker": _DOCKER,
        root / "image" / "entry": _ENTRY,
        root / "image" / "alembic": _ALEMBIC,
        root / "image" / "recalculate.yaml": _RECALCULATE,
        root / "image" / "notification.yaml": _NOTIFICATION,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
