#!/bin/bash
# First boot of an instance of Aquamark; timers repeat what later needs. Prints to /var/log/cloud-init-output.log.
set -Eeuo pipefail
umask 022

root=$(printenv AQUAMARK_ROOT || true) # set by tests only: another root for all paths

tag=aquamark
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

retry() {
    local attempt
    for attempt in 1 2 3 4 5; do
        if "$@"; then return 0; fi
        echo "aquamark: attempt $attempt of 5 failed: $*" >&2
        sleep 10
    done
    return 1
}

packages="docker amazon-cloudwatch-agent"
if [[ "${role}" == daemons ]]; then
    packages="$packages postgresql${database_major_version}" # for dumps and migrations
fi
# shellcheck disable=SC2086 # a list of words
retry dnf install --assumeyes $packages

lib="$root/usr/local/lib/aquamark"
install --directory "$root/etc/aquamark" "$root/etc/systemd/system" "$root/usr/local/sbin" "$lib" "$root/var/lib/aquamark"
cat >"$root/etc/aquamark/host.json" <<'END_OF_FILE'
{
  "role": "${role}",
  "fleet": "${fleet}",
  "region": "${region}",
  "repository": "${repository}",
  "version": "${version}",
  "generation": "${generation}",
  "config_directory": "${config_directory}",
  "analytics_id": "${analytics_id}",
  "force_https": "${force_https}",
  "database_host": "${database_host}",
  "database_port": "${database_port}",
  "database_name": "${database_name}",
  "database_user": "${database_user}",
  "login_secret_arn": "${login_secret_arn}",
  "storage_secret_arn": "${storage_secret_arn}",
  "smtp_secret_arn": "${smtp_secret_arn}",
  "bucket": "${bucket}",
  "dumps_bucket": "${dumps_bucket}",
  "smtp_server": "${smtp_server}",
  "smtp_port": "${smtp_port}",
  "smtp_use_tls": "${smtp_use_tls}",
  "send_from": "${send_from}",
  "error_send_to": "${error_send_to}",
  "topic_arn": "${topic_arn}",
  "log_group": "${log_group}",
  "boot_log_group": "${boot_log_group}"
}
END_OF_FILE
cat >"$lib/host.py" <<'END_OF_FILE'
#!/usr/bin/env python3
"""Runs Aquamark's containers on an instance; installed as /usr/local/lib/aquamark/host.py, called aquamark-host.

  start    write the environment and configuration files, fetch the image, run what does not run as it should
  watch    tell CloudWatch which containers run, and people which crashed and recovered
  wait     wait until the web service answers

Runs with the Python of Amazon Linux 2023 (3.9), its AWS command line and Docker, nothing else. AQUAMARK_ROOT puts all
paths below another root.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

Values = dict[str, str]

ROOT = Path(os.environ.get("AQUAMARK_ROOT", "/"))
ETC = ROOT / "etc/aquamark"
STATE = ROOT / "var/lib/aquamark/watch.json"
AGENT = ROOT / "opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
MINIMUM_UPTIME_SECONDS = 60
PORT = "8000"
CONFINED = ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--tmpfs=/tmp"]
PATIENCE = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "10"}
DAEMONS = {"recalc": "recalculate", "notify": "notification"}
PROGRAMS = {"recalc": "./server/recalculate.py", "notify": "./server/notifications.py"}
READ: Values = {}
"""ARN → value of each secret that this process has read, for reading it starts the AWS command line."""


class HostError(Exception):
    """The host cannot do what it should; the message holds no secret."""


def run(*command: str, data: bytes | None = None) -> str:
    """What a command prints."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, env={**PATIENCE, **os.environ}, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{command[0]} {command[1]}: {error}") from None
    if done.returncode:
        raise HostError(f"{' '.join(command[:4])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def aws(values: Values, *arguments: str) -> str:
    """What the AWS command line prints."""
    return run("aws", "--region", values["region"], *arguments)


def secret(values: Values, which: str, *keys: str) -> list[str]:
    """The named texts of a secret, none of them empty and each of one line: an environment file knows no other."""
    arn = values[which]
    if arn not in READ:
        READ[arn] = aws(values, "secretsmanager", "get-secret-value", "--secret-id", arn, "--output", "json")
    try:
        fields = json.loads(json.loads(READ[arn])["SecretString"])
        found = [fields[key] for key in keys]
        if not all(isinstance(text, str) and text and not re.search(r"[\0\r\n]", text) for text in found):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise HostError(f"{arn} is not JSON with {', '.join(keys)}, each one line of text") from None
    return found


def database(values: Values) -> Values:
    """The variables that lead to the database, those of every supported release.

    Releases read DATABASE_URL up to 1.5.0 and PG* after it. DATABASE_URL is without the password: alembic takes no %
    in it, so that one could not be written there as a URL wants it. libpq reads PGPASSWORD.
    """
    user, password = secret(values, "login_secret_arn", "username", "password")
    host, port, name = values["database_host"], values["database_port"], values["database_name"]
    return {
        "DATABASE_URL": f"postgresql://{user}@{host}:{port}/{name}",
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": user,
        "PGDATABASE": name,
        "PGPASSWORD": password,
    }


def web(values: Values) -> Values:
    """The variables of the web server. An empty key would make it store files in the database, and say nothing."""
    key, secret_key = secret(values, "storage_secret_arn", "access_key_id", "secret_access_key")
    try:
        report_age(values, values["storage_secret_arn"])
    except (HostError, ValueError) as error:  # nothing depends on it
        say(f"WARNING: the age of the storage key is not reported: {error}")
    return {
        "ANALYTICS_ID": values["analytics_id"],
        **database(values),
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION_NAME": values["region"],
        "AWS_BUCKET": values["bucket"],
        "DEV_MODE": "False",
        "AQ_XSRF": "True",
        "FORCE_HTTPS": values["force_https"],
        "PORT": PORT,  # without it, 80 from 1.5.0 on
    }


def report_age(values: Values, arn: str) -> None:
    """Tell CloudWatch how old the key in a secret is: whoever made it has written it there at once."""
    which = ["secretsmanager", "get-secret-value", "--secret-id", arn, "--query", "CreatedDate", "--output", "text"]
    created = aws(values, *which).strip()
    made = datetime.fromisoformat(created).timestamp() if "-" in created else float(created)
    name = re.sub("-[A-Za-z0-9]{6}$", "", arn.rpartition(":")[2])
    days = str(int((time.time() - made) / 86400))
    where = ["--namespace", "Quintet/AccessKeys", "--metric-name", "AgeDays", "--dimensions", f"Secret={name}"]
    aws(values, "cloudwatch", "put-metric-data", *where, "--value", days)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file at once; readable by root alone unless `mode` says otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=str(path.parent))
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    Path(unfinished).replace(path)


def write_environment(values: Values) -> Path:
    """The file for docker's --env-file, which takes each line as it is, without quotes."""
    variables = web(values) if values["role"] == "web" else database(values)
    path = ETC / ("upmark.conf" if values["generation"] == "current" else "aq.conf")
    write(path, "".join(f"{name}={value}\n" for name, value in variables.items()))
    return path


def write_mail_settings(values: Values, daemon: str, image: str) -> str:
    """The image's own configuration file of a daemon with our mail settings in place of its examples."""
    user, password = secret(values, "smtp_secret_arn", "username", "password")
    file = f"{DAEMONS[daemon]}.yaml"
    text = run("docker", "run", "--rm", "--entrypoint", "cat", image, f"{values['config_directory']}/{file}")
    ours = {
        "SMTP_SERVER": values["smtp_server"],
        "SMTP_PORT": int(values["smtp_port"]),
        "SMTP_USE_TLS": values["smtp_use_tls"] == "True",
        "SMTP_USERNAME": user,
        "SMTP_PASSWORD": password,
        "MESSAGE_SEND_FROM": values["send_from"],
        "ERROR_SEND_TO": values["error_send_to"],
    }
    kept = [line for line in text.splitlines() if line.partition(":")[0] not in ours]
    lines = [f"{key}: {json.dumps(value)}" for key, value in ours.items()]  # a JSON text is YAML as well
    write(ETC / file, "\n".join([*lines, *kept]) + "\n")
    return file


def containers(values: Values, image: str) -> dict[str, list[str]]:
    """Name → what docker run is told besides; the files they read are written."""
    environment = ["--env-file", str(write_environment(values))]
    if values["role"] == "web":
        return {"aquamark": [*environment, *CONFINED, "--user", "10001:10001", "-p", f"80:{PORT}", image]}
    made = {}
    for name, program in PROGRAMS.items():
        file = write_mail_settings(values, name, image)
        mount = f"{ETC / file}:{values['config_directory']}/{file}:ro"
        made[name] = [*environment, *CONFINED, "-v", mount, image, "python3", program]  # root, for its file is root's
    return made


def pull(values: Values, image: str) -> None:
    """Fetch an image unless it is here; its tag never changes its meaning."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode:
        token = aws(values, "ecr", "get-login-password")
        run("docker", "login", "--username", "AWS", "--password-stdin", image.partition("/")[0], data=token.encode())
        run("docker", "pull", "--quiet", image)


def wait_alone(values: Values) -> None:
    """Wait until every host before this one has ended: two daemons of a kind must never run at once."""
    token = fetch("latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    me = fetch("latest/meta-data/instance-id", headers={"X-aws-ec2-metadata-token": token})
    query = "Reservations[].Instances[].[InstanceId,LaunchTime]"
    filters = f"Name=tag:Name,Values={values['fleet']}"
    states = "Name=instance-state-name,Values=pending,running,shutting-down,stopping"
    while True:
        answer = aws(values, "ec2", "describe-instances", "--filters", filters, states, "--query", query)
        launched = {instance: (at, instance) for instance, at in json.loads(answer)}
        if me in launched:
            older = sorted(other for other, at in launched.items() if at < launched[me])
            if not older:
                return
            say(f"waiting for {', '.join(older)} to end")
        else:  # what EC2 tells of a new instance may be late
            say(f"waiting for EC2 to list {me} as {values['fleet']}")
        time.sleep(float(os.environ.get("AQUAMARK_POLL_SECONDS", "5")))


def fetch(path: str, method: str = "GET", headers: Values | None = None) -> str:
    """What the instance's metadata say."""
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    question = urllib.request.Request(f"{base}/{path}", method=method, headers=headers or {})  # noqa: S310 - http
    with opener.open(question, timeout=5) as said:
        answer: bytes = said.read()
    return answer.decode()


def start(values: Values) -> None:
    """Bring about that each container runs with the files of now, and leave alone what does so already."""
    image = f"{values['repository']}:{values['version']}"
    if not values["version"]:
        say("no version is chosen yet: quintet aquamark upgrade")
        return
    if values["role"] == "daemons":
        wait_alone(values)
    pull(values, image)
    for name, arguments in containers(values, image).items():
        told = hashlib.sha256(json.dumps(arguments).encode())
        for file in sorted(ETC.glob("*.conf")) + sorted(ETC.glob("*.yaml")):
            told.update(file.read_bytes())
        found = inspect(name)
        if found and found["State"]["Running"] and found["Config"]["Labels"].get("quintet") == told.hexdigest():
            continue
        if found:
            run("docker", "rm", "-fv", name)
        group = f"awslogs-group={values['log_group']}"
        where = [
            "--log-opt",
            group,
            "--log-opt",
            f"awslogs-region={values['region']}",
            "--log-opt",
            "mode=non-blocking",
        ]
        log = ["--log-driver=awslogs", *where, "--log-opt", f"tag={name}/{os.uname().nodename}/{{{{.ID}}}}"]
        run(
            "docker",
            "run",
            "-d",
            "--name",
            name,
            "--restart=always",
            "--label",
            f"quintet={told.hexdigest()}",
            *log,
            *arguments,
        )
        say(f"{name} runs {image}")
        remember({**remembered(), name: {"started": (inspect(name) or {"State": {}})["State"].get("StartedAt")}})


def inspect(name: str) -> dict[str, Any] | None:
    """What docker knows of a container; None when there is none."""
    done = subprocess.run(["docker", "container", "inspect", name], capture_output=True)
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
    return found[0] if found else None


def watch(values: Values) -> None:
    """Mail when a container crashed, and when it has run for a minute again."""
    if not values["version"]:
        return
    seen, now = remembered(), datetime.now(timezone.utc)  # noqa: UP017 - Python 3.9 has no other name for it
    for name in ["aquamark"] if values["role"] == "web" else list(PROGRAMS):
        found = inspect(name)
        running = bool(found and found["State"]["Running"])
        started = found["State"]["StartedAt"] if found else ""
        if found or name in seen:  # otherwise it was never started: the host still boots
            before = seen.setdefault(name, {"started": started})
            if not before.get("down") and (not running or started != before["started"]):
                tell(values, name, "crashed")
                before["crashed"] = True
            elif running and before.get("crashed"):
                up = now - datetime.strptime(started[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
                if up.total_seconds() >= MINIMUM_UPTIME_SECONDS:
                    tell(values, name, "recovered")
                    before["crashed"] = False
            before.update(started=started, down=not running)
        where = ["--namespace", "Quintet/Aquamark", "--dimensions", f"Fleet={values['fleet']},Container={name}"]
        aws(
            values,
            "cloudwatch",
            "put-metric-data",
            *where,
            "--metric-name",
            "ContainerRunning",
            "--value",
            str(+running),
        )
    remember(seen)


def tell(values: Values, name: str, what: str) -> None:
    """Send a message that says where the container's lines are: they may hold users' data, so no mail carries them."""
    subject = f"{values['fleet']}: {name} has {what}"[:100]
    stream = f"{name}/{os.uname().nodename}/"
    message = f"{subject}.\nIts lines are in CloudWatch Logs: group {values['log_group']}, streams {stream}..."
    aws(values, "sns", "publish", "--topic-arn", values["topic_arn"], "--subject", subject, "--message", message)


def remembered() -> dict[str, Any]:
    """What `watch` saw last."""
    seen: dict[str, Any] = json.loads(STATE.read_text()) if STATE.exists() else {}
    return seen


def remember(seen: dict[str, Any]) -> None:
    """Keep it for the next look."""
    write(STATE, json.dumps(seen))


def wait(values: Values) -> None:
    """Wait until the web service says that it is up."""
    if values["role"] != "web":
        return
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up = time.monotonic() + 600
    while True:
        try:
            with opener.open(os.environ.get("AQUAMARK_URL", "http://127.0.0.1") + "/ping", timeout=10) as answer:
                say(f"/ping answers {answer.read(100).decode(errors='replace')}")
                return
        except OSError as error:
            if time.monotonic() > give_up:
                raise HostError(f"/ping does not answer after ten minutes: {error}") from None
            time.sleep(1)


def agent(values: Values) -> None:
    """Write the CloudWatch agent's configuration."""
    boot = {
        "file_path": "/var/log/cloud-init-output.log",
        "log_group_name": values["boot_log_group"],
        "log_stream_name": "{instance_id}",
    }
    write(AGENT, json.dumps({"logs": {"logs_collected": {"files": {"collect_list": [boot]}}}}), 0o644)


def settings() -> Values:
    """What the stack told this host."""
    values: Values = json.loads((ETC / "host.json").read_text())
    return values


def say(message: str) -> None:
    """Tell the journal and cloud-init-output.log."""
    sys.stderr.write(f"aquamark-host: {message}\n")


def main() -> int:
    """Do what the argument names."""
    actions = {"start": start, "watch": watch, "wait": wait, "agent": agent}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        say(f"give one of: {', '.join(actions)}")
        return 2
    STATE.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (STATE.parent / "lock").open("w") as lock:  # a container that is being replaced has not crashed
            fcntl.flock(lock, fcntl.LOCK_EX)
            actions[sys.argv[1]](settings())
    except (HostError, OSError, ValueError) as error:
        say(f"ERROR: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
END_OF_FILE
chmod 0755 "$lib/host.py"
ln -sf ../lib/aquamark/host.py "$root/usr/local/sbin/aquamark-host"
cat >"$root/etc/systemd/system/aquamark.service" <<'END_OF_FILE'
[Unit]
Description=Run Aquamark's containers with the files, secrets and image of now
Wants=network-online.target
Requires=docker.service
After=network-online.target docker.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/aquamark-host start
TimeoutStartSec=30min
END_OF_FILE
cat >"$root/etc/systemd/system/aquamark.timer" <<'END_OF_FILE'
[Unit]
Description=Look for changed secrets, and for containers that are gone

[Timer]
OnBootSec=1min
OnUnitInactiveSec=10min
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
END_OF_FILE
cat >"$root/etc/systemd/system/aquamark-watch.service" <<'END_OF_FILE'
[Unit]
Description=Tell who crashed and who recovered
After=docker.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/aquamark-host watch
END_OF_FILE
cat >"$root/etc/systemd/system/aquamark-watch.timer" <<'END_OF_FILE'
[Unit]
Description=Look at Aquamark's containers every minute

[Timer]
OnBootSec=2min
OnUnitInactiveSec=1min
AccuracySec=1s

[Install]
WantedBy=timers.target
END_OF_FILE

# without logs it is still worth running
agent="$root/opt/aws/amazon-cloudwatch-agent"
"$root/usr/local/sbin/aquamark-host" agent
"$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$agent/etc/amazon-cloudwatch-agent.json" ||
    echo "aquamark: WARNING: the CloudWatch agent did not start, nothing is sent to CloudWatch Logs" >&2

systemctl daemon-reload
systemctl enable --now docker.service
systemctl enable --now aquamark.timer aquamark-watch.timer
systemctl start aquamark.service
"$root/usr/local/sbin/aquamark-host" wait
echo "aquamark: started"
