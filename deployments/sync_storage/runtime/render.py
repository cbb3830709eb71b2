#!/usr/bin/env python3
"""Writes production.ini and secrets of a webhead from what Parameter Store and Secrets Manager hold now.

  syncstorage-render           write them
  syncstorage-render --reload  write them; when they changed have gunicorn read them; wait until every node is served
  syncstorage-render --wait    only wait until it answers, as long as a first boot may take

Installed as /usr/local/sbin/syncstorage-render; runs with Amazon Linux's Python 3.9 and AWS command line, nothing else.
SYNCSTORAGE_ROOT puts all paths below another root, SYNCSTORAGE_GROUP names the group that may read the files.
"""

from __future__ import annotations

import base64
import functools
import grp
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("SYNCSTORAGE_ROOT", "/"))
GROUP = os.environ.get("SYNCSTORAGE_GROUP", "syncstorage")
SETTINGS = ROOT / "etc/syncstorage/webhead.json"
FOLDER = ROOT / "etc/mozilla-services/syncstorage"
UNIT = "gunicorn-syncstorage.service"
HERE = f"http://127.0.0.1:{os.environ.get('SYNCSTORAGE_PORT', '80')}"
HEARTBEAT = f"{HERE}/__heartbeat__"
USER_0 = "/1.5/0/info/configuration"  # what the application answers to whoever signs, without asking a database
TOKENLIB = b"services.mozilla.com/tokenlib/v1/"
PATIENCE = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "10"}
AT_ONCE = 20  # secrets that Secrets Manager gives in one answer
ANSWER_SECONDS = int(os.environ.get("SYNCSTORAGE_ANSWER_SECONDS", "120"))
FIRST_ANSWER_SECONDS = int(os.environ.get("SYNCSTORAGE_ANSWER_SECONDS", "1800"))  # what it reads may come later
LINE = re.compile(r"https?://[a-z0-9.-]+(,[0-9]+:[0-9a-f]+)+")
PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
COMMON = """[server:main]
# gunicorn 19 loads this section whenever it is started with --paste; the command line decides where it listens
use = egg:gunicorn

[app:main]
use = egg:syncstorage

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic

[formatter_generic]
format = %(asctime)s %(levelname)s %(name)s: %(message)s

[storage]
backend = syncstorage.storage.memcached.MemcachedStorage
cache_servers = {cache}
cached_collections = meta
cache_only_collections = tabs
wraps = sqlstorage

[sqlstorage]
backend = syncstorage.storage.sql.SQLStorage
standard_collections = true
# no host is served that is not named below
sqluri = pymysql://nobody:nothing@localhost:1/nowhere
pool_size = 100
pool_recycle = 3600

[hawkauth]
secrets_file = {folder}/secrets
"""
HOST = """
[host:{host}]
sqlstorage.sqluri = pymysql://{user}:{password}@{address}:{port}/syncstorage{number}
"""


class RenderError(Exception):
    """The files cannot be written; the message holds no secret."""


def aws(region: str, *arguments: str) -> Any:
    """What the AWS command line answers; None when what was asked for is not there."""
    command = ["aws", "--region", region, "--output", "json", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env={**PATIENCE, **os.environ}, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RenderError(f"{' '.join(command)}: {error}") from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()
        if "ResourceNotFoundException" in why:
            return None
        raise RenderError(f"{' '.join(command)}: {why}")
    return json.loads(done.stdout)


def look_up(settings: dict[str, str]) -> tuple[str, list[dict[str, Any]], dict[str, str]]:
    """The cache's address, the nodes whose master secrets are set, and who to be for them."""
    region, path = settings["region"], settings["path"]
    cache = aws(region, "ssm", "get-parameter", "--name", f"{path}/cache")["Parameter"]["Value"]
    entries = aws(region, "ssm", "get-parameters-by-path", "--path", f"{path}/nodes")["Parameters"]
    nodes = [json.loads(entry["Value"]) for entry in entries]
    secrets: dict[str, str] = {}
    for first in range(0, len(nodes), AT_ONCE):
        names = [node["master_secrets"] for node in nodes[first : first + AT_ONCE]]
        answer = aws(region, "secretsmanager", "batch-get-secret-value", "--secret-id-list", *names)
        for error in answer.get("Errors") or []:
            if error["ErrorCode"] != "ResourceNotFoundException":
                raise RenderError(f"{error['SecretId']}: {error['ErrorCode']}: {error['Message']}")
        secrets.update((found["Name"], found["SecretString"]) for found in answer["SecretValues"])
    ready = [{**node, "lines": secrets[node["master_secrets"]]} for node in nodes if node["master_secrets"] in secrets]
    login = aws(region, "secretsmanager", "get-secret-value", "--secret-id", settings["application_secret"])
    if ready and login is None:
        raise RenderError(f"{settings['application_secret']} is empty, although there are nodes")
    return cache, ready, json.loads(login["SecretString"]) if login else {}


def production_ini(cache: str, nodes: list[dict[str, Any]], login: dict[str, str]) -> str:
    """The application's settings: one section for each host name, with its database."""
    text = COMMON.format(cache=cache, folder="/etc/mozilla-services/syncstorage")
    for node in nodes:
        for number, host in enumerate(node["host_names"]):
            values = {"user": login["username"], "password": login["password"], "address": node["address"]}
            for name, value in values.items():
                if not PLAIN.fullmatch(value):
                    raise RenderError(f"the {name} for {host} has characters that cannot stand in a database's address")
            text += HOST.format(host=host, number=number, port=node["port"], **values)
    return text


def secrets_file(nodes: list[dict[str, Any]]) -> str:
    """The master secrets, a line for each host name: `node,timestamp:secret,…`, as mozsvc reads it."""
    found: dict[str, str] = {}
    for node in nodes:
        expected = {f"{node['scheme']}://{host}" for host in node["host_names"]}
        for line in node["lines"].splitlines():
            name = line.partition(",")[0]
            if not LINE.fullmatch(line) or name not in expected or name in found:
                raise RenderError(f"{node['master_secrets']} has a line that is malformed, foreign or double: {name}")
            found[name] = line
        if missing := expected - found.keys():
            raise RenderError(f"{node['master_secrets']} has no line for {', '.join(sorted(missing))}")
    return "".join(f"{line}\n" for _, line in sorted(found.items()))


def write(path: Path, text: str) -> bool:
    """Replace the file at once, readable by root and the application's group; whether it was different."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchown(file.fileno(), -1, grp.getgrnam(GROUP).gr_gid)
            os.fchmod(file.fileno(), 0o640)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink()
        raise
    return True


def render() -> list[str]:
    """Write both files; the names of those that changed."""
    cache, nodes, login = look_up(json.loads(SETTINGS.read_text()))
    texts = {FOLDER / "secrets": secrets_file(nodes), FOLDER / "production.ini": production_ini(cache, nodes, login)}
    changed = [path.name for path, text in texts.items() if write(path, text)]
    say(f"{len(nodes)} nodes; changed: {', '.join(changed) or 'nothing'}")
    return changed


def wait(seconds: int = ANSWER_SECONDS) -> None:
    """Wait until the application answers its heartbeat through nginx."""
    answer(HEARTBEAT, dict, seconds)


def wait_for_nodes() -> None:
    """Wait until workers that have read the files anew serve every host name; those of before refuse its tokens."""
    for line in (FOLDER / "secrets").read_text(encoding="utf-8").splitlines():
        name, *secrets = line.split(",")
        newest = secrets[-1].partition(":")[2]
        answer(HERE + USER_0, functools.partial(signed, name, newest), name=name)


def answer(
    url: str, headers: Callable[[], dict[str, str]], seconds: int = ANSWER_SECONDS, name: str = HEARTBEAT
) -> None:
    """Wait until a request is answered with 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up = time.monotonic() + seconds
    while True:
        try:
            with opener.open(urllib.request.Request(url, headers=headers()), timeout=5):  # noqa: S310 - our own
                say(f"{name} answers")
            return
        except OSError as error:
            if time.monotonic() > give_up:
                raise RenderError(f"{name} does not answer after {seconds} seconds: {error}") from None
            time.sleep(0.5)


def signed(name: str, secret: str) -> dict[str, str]:
    """The headers of a request for user 0 of a host name, signed with a token that this secret makes."""
    scheme, _, host = name.partition("://")
    now, salt, key = int(time.time()), os.urandom(3).hex(), secret.encode()
    data = json.dumps({"uid": 0, "node": name, "salt": salt, "expires": now + 60}).encode()
    signature = hmac.digest(derived(key, b"", b"signing"), data, "sha256")
    token = base64.urlsafe_b64encode(data + signature)
    request = f"hawk.1.header\n{now}\n{salt}\nGET\n{USER_0}\n{host}\n{443 if scheme == 'https' else 80}\n\n\n"
    mine = base64.urlsafe_b64encode(derived(key, salt.encode(), b"derive/" + token))
    mac = base64.b64encode(hmac.digest(mine, request.encode(), "sha256")).decode()
    hawk = f'Hawk id="{token.decode()}", ts="{now}", nonce="{salt}", mac="{mac}"'
    return {"Host": host, "X-Forwarded-Proto": scheme, "Authorization": hawk}


def derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF with SHA-256 (RFC 5869), as tokenlib uses it."""
    return hmac.digest(hmac.digest(salt or bytes(32), secret, "sha256"), TOKENLIB + info + b"\x01", "sha256")


def say(message: str) -> None:
    """Tell the journal, cloud-init-output.log or whoever sent the command."""
    sys.stderr.write(f"syncstorage-render: {message}\n")


def main() -> int:
    """Do what the argument names."""
    if sys.argv[1:] not in ([], ["--reload"], ["--wait"]):
        say("give nothing, --reload or --wait")
        return 2
    try:
        if sys.argv[1:] == ["--wait"]:
            wait(FIRST_ANSWER_SECONDS)
        elif sys.argv[1:] == ["--reload"]:
            if render():
                subprocess.run(["systemctl", "reload-or-restart", UNIT], check=True)
                wait_for_nodes()
            wait()
        else:
            start_render()
    except (RenderError, OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
        say(f"ERROR: {error}")
        return 1
    return 0


def start_render() -> None:
    """Before a start, files of earlier are better than none while AWS is out of reach."""
    try:
        render()
    except RenderError as error:
        if not (FOLDER / "production.ini").exists():
            raise
        say(f"WARNING: staying with the files of an earlier start: {error}")


if __name__ == "__main__":
    sys.exit(main())
