"""The programs inside Aquamark's image, as far as hosts see them: alembic, and an entry point that says what it was given."""

from __future__ import annotations

import sys

from deployments.aquamark.day2.rehearsal.image import MAIL_SETTINGS, stand_in

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
_NOTIFICATION = MAIL_SETTINGS.replace("300", "3600") + "MAX_EMAILS_PER_SECOND: 10\nMAX_ACTIVITIES: 1000\n"


IMAGE = {
    "entry": _ENTRY,
    "alembic": stand_in("migrations"),
    "recalculate.yaml": MAIL_SETTINGS,
    "notification.yaml": _NOTIFICATION,
}
"""Name → text of each file that hosts ask the image for."""
