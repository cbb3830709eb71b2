"""The files of Upmark's image on a host of this machine, as far as `docker` of that host looks for them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import ROOT
from operations.errors import OperatorError

if TYPE_CHECKING:
    from operations.engines.host import Host

_PACKAGE = "deployments.aquamark.day2.rehearsal"
_APP = "/usr/share/aquamark/app"
_STAND_IN = """#!{python}
import json, os, sys
os.environ["PYTHONPATH"], inside = {root!r}, os.environ.get("PYTHONPATH", ".:/usr/share/aquamark/app/server/")
os.environ.update({variables!r})
if {published}:
    os.environ["PORT"] = str(json.load(open(os.environ["STAND_IN_ROOT"] + "/host.json"))["ports"]["80"])
os.environ["STAND_IN_PYTHONPATH"] = inside
os.execv({python!r}, [{python!r}, "-m", {module!r}, *sys.argv[1:]])
"""
_REAL = """#!{python}
import json, os, shutil, sys
app = {app!r}
for line in os.environ.get("STAND_IN_VOLUMES", "").splitlines():
    outside, inside = line.split(":")[:2]
    shutil.copy(outside, inside.replace({inside!r}, app))
path = os.environ.get("PYTHONPATH", ".:{inside}/server/")
os.environ.update({variables!r}, PYTHONPATH=path.replace({inside!r}, app), LANG="C.UTF-8")
if {published}:
    os.environ["PORT"] = str(json.load(open(os.environ["STAND_IN_ROOT"] + "/host.json"))["ports"]["80"])
os.chdir(app)
os.execv({command[0]!r}, [*{command!r}, *sys.argv[1:]])
"""
MAIL_SETTINGS = """SMTP_SERVER: <YOUR SMTP SERVER>
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
"""config/recalculate.yaml of v1.4.7; notification.yaml has the same keys and more."""


@dataclass(frozen=True)
class UpmarkCheckout:
    """An operator's checkout of Upmark with its packages: `src/app`, `local/bin/python3`, `local/bin/alembic`."""

    path: Path

    def __post_init__(self) -> None:
        for needed in (self.app / "alembic.ini", self.program("python3"), self.program("alembic")):
            if not needed.exists():
                raise OperatorError(
                    f"{needed} is not there.",
                    hint=f"With Python 3.6: cd {self.path} && python3.6 -m venv local && local/bin/pip install "
                    "--no-deps --requirement …/deployments/aquamark/runtime/image/requirements-RELEASE.txt",
                )

    @property
    def app(self) -> Path:
        """The folder that the image has as /usr/share/aquamark/app."""
        return self.path.absolute() / "src" / "app"

    def program(self, name: str) -> Path:
        """One of the programs of its environment."""
        return self.path.absolute() / "local" / "bin" / name


def stand_in(module: str, *, published: bool = False, variables: Mapping[str, str] | None = None) -> str:
    """A program of the image that is a module of this package; `published` ones answer on the host's port 80."""
    return _STAND_IN.format(
        python=sys.executable,
        root=str(ROOT),
        variables=dict(variables or {}),
        published=published,
        module=f"{_PACKAGE}.{module}",
    )


def write_image(host: Host, endpoint: str, checkout: UpmarkCheckout | None) -> None:
    """Put the image there: the checkout's programs, or those of this package; S3 is at `endpoint` for them."""
    if checkout is None:
        variables = {"AWS_ENDPOINT_URL": endpoint}
        host.write("image/alembic", stand_in("migrations"), executable=True)
        host.write("image/entry", stand_in("application", published=True, variables=variables), executable=True)
        host.write("image/python3", stand_in("application"), executable=True)
        host.write("image/recalculate.yaml", MAIL_SETTINGS)
        host.write("image/notification.yaml", MAIL_SETTINGS.replace("300", "3600") + "MAX_EMAILS_PER_SECOND: 10\n")
    else:
        _write_real(host, endpoint, checkout)
    host.write("image/stays", "")


def _write_real(host: Host, endpoint: str, checkout: UpmarkCheckout) -> None:
    app = host.root / _APP.lstrip("/")
    shutil.copytree(checkout.app, app, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    region = host.environment["AWS_REGION"]
    # SDKs of that time know no AWS_ENDPOINT_URL
    endpoints = {"endpoints": {region: {"hostname": endpoint.partition("//")[2], "protocols": ["http"]}}}
    s3 = {"defaults": {"protocols": ["http"], "signatureVersions": ["s3v4"]}, **endpoints}
    partition = {"partition": "aws", "dnsSuffix": "amazonaws.com", "partitionName": "AWS", "regionRegex": ".*"}
    defaults = {"hostname": "{service}.{region}.{dnsSuffix}", "protocols": ["http"], "signatureVersions": ["v4"]}
    document = {"partitions": [{**partition, "regions": {region: {}}, "defaults": defaults, "services": {"s3": s3}}]}
    host.write("aws-data/endpoints.json", json.dumps({"version": 3, **document}))
    variables = {"AWS_DATA_PATH": str(host.root / "aws-data")}
    python = str(checkout.program("python3"))
    commands = {
        "alembic": [str(checkout.program("alembic"))],
        "entry": [python, "./server/app.py"],
        "python3": [python],
    }
    for name, command in commands.items():
        text = _REAL.format(
            python=sys.executable,
            app=str(app),
            inside=_APP,
            variables=variables,
            published=name == "entry",
            command=command,
        )
        host.write(f"image/{name}", text, executable=True)
    for file in ("recalculate.yaml", "notification.yaml"):
        host.write(f"image/{file}", (app / "config" / file).read_text())
