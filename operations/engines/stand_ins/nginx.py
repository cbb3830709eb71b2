"""nginx as its unit starts it: the real one, with the host's own files, on the ports this machine has free for it.

Paths that the files name are below $HOST_ROOT, and the ports are those of $HOST_ROOT/host.json. nginx itself says
whether the files are right.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(os.environ["HOST_ROOT"])
BODIES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def main() -> None:
    """Become nginx."""
    program = shutil.which("nginx", path=f"/usr/sbin:/usr/local/sbin:{os.defpath}")
    if program is None:
        sys.exit("nginx: the package is not installed on this machine")
    here = ROOT / "run/nginx"
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(ROOT / "etc/nginx", here)
    (ROOT / "var/log/nginx").mkdir(parents=True, exist_ok=True)
    for file in here.rglob("*.conf"):
        file.write_text(translated(file.read_text(), here))
    user = "user root; " if os.geteuid() == 0 else ""
    first = f"daemon off; lock_file {here}/lock; {user}"
    arguments = ["-p", str(here), "-e", str(ROOT / "var/log/nginx/error.log"), "-c", str(here / "nginx.conf")]
    os.execv(program, [program, *arguments, "-g", first])  # noqa: S606 - no shell is wanted


def translated(text: str, here: Path) -> str:
    """A configuration file with this machine's paths and ports."""
    ports = json.loads((ROOT / "host.json").read_text())["ports"]
    text = re.sub(r"(?m)^\s*user [^;]+;", "", text).replace("/run/nginx.pid", f"{here}/pid")
    text = text.replace("/var/log/nginx", f"{ROOT}/var/log/nginx").replace("/etc/nginx", str(here))
    temporary = "".join(f"    {kind}_temp_path {here}/{kind};\n" for kind in BODIES)
    text = text.replace("http {\n", f"http {{\n{temporary}")
    for port, free in ports.items():
        text = re.sub(rf"listen {port}\b", f"listen 127.0.0.1:{free}", text)
        text = text.replace(f"127.0.0.1:{port};", f"127.0.0.1:{free};")
    return text


if __name__ == "__main__":
    main()
