#!/bin/bash
# First boot of a webhead of Sync Storage. Everything printed here goes to /var/log/cloud-init-output.log.
set -Eeuo pipefail
umask 022

# set by tests only: another root for all paths
root=$(printenv SYNCSTORAGE_ROOT || true)

tag=syncstorage
region='${region}'
boot_log_group='${boot_log_group}'
# What a first boot does whatever it installs: reports to CloudWatch, and ends the host when it fails.
# Wants $root, $tag, $region and $boot_log_group; works with what the image has, before any package is installed.
report() {
    local file stream now
    file=$(mktemp)
    stream="$(cat "$root/var/lib/cloud/data/instance-id")/first-boot"
    now="$(date +%s)000"
    sleep 2 # cloud-init copies what was said so far into the file
    tail -n 500 "$root/var/log/cloud-init-output.log" | tr -d '\000-\010\013-\037\177' | sed 's/[\\"]/\\&/g; s/\t/ /g' |
        awk -v now="$now" 'NF {printf "%s{\"timestamp\":%s,\"message\":\"%s\"}", before, now, $0; before = ","}
            BEGIN {printf "["} END {printf "]"}' >"$file"
    set -- --log-group-name "$boot_log_group" --log-stream-name "$stream" --region "$region" --cli-connect-timeout 10
    AWS_MAX_ATTEMPTS=2 aws logs create-log-stream "$@" >/dev/null 2>&1 || true # it may be there
    AWS_MAX_ATTEMPTS=2 aws logs put-log-events "$@" --log-events "file://$file" >/dev/null ||
        echo "$tag: the boot log did not reach $boot_log_group" >&2
    rm -f "$file"
}

failed() {
    trap - ERR
    local message="$tag: user data failed at line $1: $2"
    echo "$message" >&2
    logger --priority user.err --tag "$tag" "$message" || true
    journalctl --no-pager --lines 50 >&2 || true
    echo "$tag: the instance ends itself in 10 minutes and its group starts another; shutdown -c keeps it" >&2
    report || true
    shutdown -h +10 || true
}
trap 'failed "$LINENO" "$BASH_COMMAND"' ERR

echo "$tag: first boot"
report || true

registry='${registry}'
container_image='${container_image}'
# Everything a webhead needs that takes long and holds nothing of its own: done at first boot, or once for an image.
# Wants $root and $container_image, and for a private registry $registry and $region.
retry() {
    local attempt
    for attempt in 1 2 3 4 5; do
        if "$@"; then return 0; fi
        echo "syncstorage: attempt $attempt of 5 failed: $*" >&2
        sleep 10
    done
    return 1
}

pull_image() {
    if [[ -n "$registry" ]]; then
        aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"
    fi
    docker pull --quiet "$container_image"
}

install_webhead() {
    local wanted="$container_image" installed="$root/var/lib/syncstorage/installed"
    if [[ -e "$installed" && "$(cat "$installed")" = "$wanted" ]]; then
        echo "syncstorage: $wanted is installed already"
        return 0
    fi
    retry dnf install --assumeyes nginx logrotate amazon-cloudwatch-agent docker
    if ! getent group syncstorage >/dev/null; then
        groupadd --system --gid 10001 syncstorage
        useradd --system --uid 10001 --gid 10001 --no-create-home --shell /sbin/nologin syncstorage
    fi
    systemctl enable docker.service
    systemctl start docker.service
    retry pull_image
    mkdir -p "$root/var/lib/syncstorage"
    echo "$wanted" >"$installed"
}
install_webhead

install --directory "$root/etc/syncstorage" "$root/etc/systemd/system" "$root/etc/nginx/conf.d" \
    "$root/etc/nginx/syncstorage.d" "$root/etc/logrotate.d" "$root/usr/local/sbin"
install --directory --mode 0750 "$root/etc/mozilla-services" "$root/etc/mozilla-services/syncstorage"
chgrp -R "$(printenv SYNCSTORAGE_GROUP || echo syncstorage)" "$root/etc/mozilla-services"

cat >"$root/etc/syncstorage/webhead.json" <<'END_OF_FILE'
{"region": "${region}", "path": "${parameter_path}", "application_secret": "${application_secret}"}
END_OF_FILE
cat >"$root/etc/syncstorage/webhead.env" <<'END_OF_FILE'
CONTAINER_IMAGE="${container_image}"
GUNICORN_WORKERS="${gunicorn_workers}"
END_OF_FILE
cat >"$root/usr/local/sbin/syncstorage-render" <<'END_OF_FILE'
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
END_OF_FILE
cat >"$root/usr/local/sbin/syncstorage-serve" <<'END_OF_FILE'
#!/bin/bash
# Runs the application in the foreground: gunicorn in a container, published on port 8000 of this machine alone.
# On Docker's own network the metadata service does not answer: its tokens travel one hop, and the bridge is another.
set -eu
folder=/etc/mozilla-services/syncstorage
docker rm --force syncstorage >/dev/null 2>&1 || true
# nginx reaches it by the bridge's address, and is the only one: what it forwards may be trusted
# shellcheck disable=SC2154  # systemd sets both, from webhead.env
exec docker run --rm --name syncstorage --publish 127.0.0.1:8000:8000 --user 10001:10001 --cap-drop ALL \
    --security-opt no-new-privileges --read-only --tmpfs /tmp --volume "$folder:$folder:ro" --entrypoint gunicorn \
    "$CONTAINER_IMAGE" --paste "$folder/production.ini" --log-config "$folder/production.ini" --bind 0.0.0.0:8000 \
    --forwarded-allow-ips '*' --workers "$GUNICORN_WORKERS" --worker-class gevent --timeout 500 \
    --graceful-timeout 500 --max-requests 5000
END_OF_FILE
chmod 0755 "$root/usr/local/sbin/syncstorage-render" "$root/usr/local/sbin/syncstorage-serve"
cat >"$root/etc/systemd/system/gunicorn-syncstorage.service" <<'END_OF_FILE'
[Unit]
Description=Sync Storage
Wants=network-online.target docker.service
After=network-online.target docker.service

[Service]
EnvironmentFile=/etc/syncstorage/webhead.env
ExecStartPre=/usr/local/sbin/syncstorage-render
ExecStart=/usr/local/sbin/syncstorage-serve
# gunicorn reads its files anew and lets requests under way end; docker hands the signal on
ExecReload=/bin/kill -HUP $MAINPID
StandardOutput=append:/var/log/gunicorn-syncstorage.log
StandardError=append:/var/log/gunicorn-syncstorage.log
Restart=always
RestartSec=5
TimeoutStartSec=15min
TimeoutStopSec=510

[Install]
WantedBy=multi-user.target
END_OF_FILE
cat >"$root/etc/nginx/nginx.conf" <<'END_OF_FILE'
# Knows nothing of any application: each puts a file of its own into conf.d.
user nginx;
worker_processes auto;
worker_rlimit_nofile 65536;
error_log /var/log/nginx/error.log warn;
pid /run/nginx.pid;

events {
    worker_connections 20480;
}

http {
    default_type application/octet-stream;
    server_tokens off;
    log_format forwarded '$http_x_forwarded_for $remote_addr [$time_iso8601] "$host" "$request" $status '
                         '$body_bytes_sent $request_time "$http_user_agent"';
    access_log /var/log/nginx/access.log forwarded;
    # longer than the load balancer keeps idle connections, or it would use one that is just being closed
    keepalive_timeout 650s;
    keepalive_requests 100000;
    include /etc/nginx/conf.d/*.conf;
}
END_OF_FILE
cat >"$root/etc/nginx/conf.d/syncstorage.conf" <<'END_OF_FILE'
# what clients spoke to the load balancer, which sets this header; anything else counts as http
map $http_x_forwarded_proto $syncstorage_scheme {
    default http;
    https https;
}

server {
    listen 80 default_server;
    # the application tells clients that it takes 2101248 bytes, and leaves it to nginx to refuse larger requests
    client_max_body_size 3m;
    # other files may add locations here
    include /etc/nginx/syncstorage.d/*.conf;

    location / {
        proxy_pass http://127.0.0.1:8000;
        # a node's master secrets are looked up by scheme and host
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $syncstorage_scheme;
        # a client's own would contradict it, and gunicorn refuses that
        proxy_set_header X-Forwarded-Protocol "";
        proxy_set_header X-Forwarded-Ssl "";
        proxy_redirect off;
        proxy_connect_timeout 10s;
        # gunicorn gives up after 500 seconds and says so; the load balancer waits longer than both
        proxy_send_timeout 575s;
        proxy_read_timeout 575s;
    }
}
END_OF_FILE
cat >"$root/etc/logrotate.d/gunicorn-syncstorage" <<'END_OF_FILE'
/var/log/gunicorn-syncstorage.log {
    daily
    rotate 7
    compress
    missingok
    copytruncate
}
END_OF_FILE

# before the application, so that its failure to start reaches CloudWatch; without logs it is still worth running
agent="$root/opt/aws/amazon-cloudwatch-agent"
install --directory "$agent/etc"
cat >"$agent/etc/amazon-cloudwatch-agent.json" <<'END_OF_FILE'
{
  "agent": {"region": "${region}", "run_as_user": "root"},
  "logs": {"logs_collected": {"files": {"collect_list": [
    {"file_path": "/var/log/nginx/access.log", "log_group_name": "${nginx_log_group}", "log_stream_name": "{instance_id}/access"},
    {"file_path": "/var/log/nginx/error.log", "log_group_name": "${nginx_log_group}", "log_stream_name": "{instance_id}/error"},
    {"file_path": "/var/log/gunicorn-syncstorage.log", "log_group_name": "${gunicorn_log_group}", "log_stream_name": "{instance_id}"},
    {"file_path": "/var/log/cloud-init.log", "log_group_name": "${boot_log_group}", "log_stream_name": "{instance_id}/steps"},
    {"file_path": "/var/log/cloud-init-output.log", "log_group_name": "${boot_log_group}", "log_stream_name": "{instance_id}/output"}
  ]}}}
}
END_OF_FILE
"$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$agent/etc/amazon-cloudwatch-agent.json" ||
    echo "syncstorage: WARNING: the CloudWatch agent did not start, nothing is sent to CloudWatch Logs" >&2

systemctl daemon-reload
systemctl enable gunicorn-syncstorage.service nginx.service
systemctl restart nginx.service
# systemd tries again until what the application reads is there; nginx does not wait for it
systemctl restart --no-block gunicorn-syncstorage.service
"$root/usr/local/sbin/syncstorage-render" --wait
echo "syncstorage: started"
