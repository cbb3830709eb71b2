"""Programs whose effect would reach beyond a host's folder: they check how they are called, and write it down.

Their options are those of the manuals: shutdown(8) and journalctl(1) of systemd 252, useradd(8) and groupadd(8) of
shadow-utils 4.9, logger(1) and setpriv(1) of util-linux 2.37; they refuse others. `sleep` sleeps as much shorter as
$HOST_SPEED says, `logger` adds to the host's journal, `journalctl` prints it, and `setpriv` becomes the program it is
given, below $HOST_ROOT and without another account.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["HOST_ROOT"])
OPTIONS = {
    "useradd": {"--system", "--user-group", "--no-create-home", "--home-dir", "--shell", "--uid", "--gid"},
    "groupadd": {"--system", "--gid"},
    "logger": {"--priority", "--tag"},
    "setpriv": {"--reuid", "--regid", "--clear-groups", "--init-groups"},
    "journalctl": {"--no-pager", "--lines", "--unit"},
    "shutdown": {"-h", "-r", "-c", "-P", "--poweroff", "--reboot"},
}
TIME = re.compile(r"now|\+\d+|[012]?\d:\d\d")


def main(name: str, arguments: list[str]) -> int:
    """Behaviour of the program of this name."""
    if name == "sleep":
        time.sleep(float(arguments[0]) / float(os.environ.get("HOST_SPEED", "1")))
        return 0
    with (ROOT / "calls").open("a") as calls:
        calls.write(" ".join([name, *arguments]) + "\n")
    if name == "setpriv":
        program = next((number for number, word in enumerate(arguments) if not word.startswith("-")), len(arguments))
        arguments, words = arguments[:program], arguments[program:]
    options = {word.partition("=")[0] for word in arguments if word.startswith("-")}
    if unknown := options - OPTIONS[name]:
        sys.stderr.write(f"{name}: unrecognized option '{unknown.pop()}'\n")
        return 1
    if name == "shutdown" and "-c" not in options:
        when = [word for word in arguments if not word.startswith("-")]
        if not when or not TIME.fullmatch(when[0]):
            sys.stderr.write(f"Failed to parse time specification: {when[0] if when else 'none'}\n")
            return 1
    if name == "setpriv":
        below = ROOT / words[0].lstrip("/")
        os.execvp(str(below) if below.exists() else words[0], words)  # noqa: S606 - no shell is wanted
    journal = ROOT / "journal"
    if name == "journalctl" and journal.exists():
        sys.stdout.write(journal.read_text(errors="replace"))
    if name == "logger":
        with journal.open("a") as log:
            log.write(f"{arguments[-1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
