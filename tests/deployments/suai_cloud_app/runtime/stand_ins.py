"""Stand-ins for the programs of Amazon Linux that would change the machine the tests run on."""

from __future__ import annotations

import sys
from pathlib import Path

_RECORD = 'echo "$(basename "$0") $*" >>"$SUAICLOUDAPP_ROOT/calls"\n'
_PACKAGE_MANAGER = f"""#!/bin/sh
{_RECORD}
bin="$SUAICLOUDAPP_ROOT/opt/aws/amazon-cloudwatch-agent/bin"
mkdir -p "$bin"
printf '#!/bin/sh\\necho "agent $*" >>"$SUAICLOUDAPP_ROOT/calls"\\n' >"$bin/amazon-cloudwatch-agent-ctl"
chmod +x "$bin/amazon-cloudwatch-agent-ctl"
"""
_SYSTEMCTL = f'''#!{sys.executable}
"""Starts units of $SUAICLOUDAPP_ROOT as systemd would: what they require first, then ExecStart in WorkingDirectory."""
import configparser, os, pathlib, signal, subprocess, sys, time

root = pathlib.Path(os.environ["SUAICLOUDAPP_ROOT"])
journal = open(root / "journal", "ab")

def unit(name):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(root / "etc/systemd/system" / name)
    return {{key: value for section in parser.sections() for key, value in parser[section].items()}}

def pid_file(name):
    return root / f"{{name}}.pid"

def is_running(name):
    try:
        os.kill(int(pid_file(name).read_text()), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True

def stop(name):
    if is_running(name):
        os.kill(int(pid_file(name).read_text()), signal.SIGTERM)
        while is_running(name):
            time.sleep(0.05)

def start(name):
    if is_running(name):
        return
    settings = unit(name)
    for required in settings.get("Requires", "").split():
        start(required)
    command = [str(root) + settings["ExecStart"].split()[0], *settings["ExecStart"].split()[1:]]
    where = str(root) + settings.get("WorkingDirectory", "/")
    if settings.get("Type") == "oneshot":
        if subprocess.call(command, cwd=where, stdout=journal, stderr=journal):
            sys.exit(f"Job for {{name}} failed")
        return
    if os.fork() == 0:  # its child is nobody's here, so that it leaves no zombie when it ends
        process = subprocess.Popen(command, cwd=where, stdin=subprocess.DEVNULL, stdout=journal, stderr=journal, start_new_session=True)
        pid_file(name).write_text(str(process.pid))
        os._exit(0)
    os.wait()

with open(root / "calls", "a") as calls:
    calls.write(" ".join(["systemctl", *sys.argv[1:]]) + "\\n")
action, names = sys.argv[1], sys.argv[2:]
for name in names:
    if action in ("start", "restart") and name.endswith(".service"):
        if action == "restart":
            stop(name)
        start(name)
    if action == "stop":
        stop(name)
'''


def install_stand_ins(folder: Path, *, package_manager: str) -> None:
    """Put `systemctl` and a package manager (dnf or yum) into `folder`; they record their calls."""
    folder.mkdir(parents=True)
    for name, text in {package_manager: _PACKAGE_MANAGER, "systemctl": _SYSTEMCTL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
