#!/bin/bash
# First boot of an instance of the SUAI Cloud App; systemd repeats what later boots need.
# Everything that is printed here goes to /var/log/cloud-init-output.log.
set -Eeuo pipefail
umask 022

# both are set by tests only: another root for all paths, and an account that exists there
root=$(printenv SUAICLOUDAPP_ROOT || true)
user=$(printenv SUAICLOUDAPP_USER || echo suaicloudapp)

tag=suaicloudapp
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
        echo "suaicloudapp: attempt $attempt of 5 failed: $*" >&2
        sleep 10
    done
    return 1
}

if command -v dnf >/dev/null; then
    retry dnf install --assumeyes python3.11 amazon-cloudwatch-agent
else
    # Amazon Linux 2 has no Python 3.11: it runs a team's own executable, and Python 3.7 is for suaicloudapp-boot
    retry yum install --assumeyes python3 amazon-cloudwatch-agent
fi

if ! id "$user" >/dev/null 2>&1; then
    useradd --system --user-group --home-dir /suaicloudapp --no-create-home --shell /sbin/nologin "$user"
fi
# sticky: the application creates and rotates output.log here, but cannot replace its own program
install --directory --mode 1770 --group "$(id -gn "$user")" "$root/suaicloudapp"
install --directory "$root/etc/suaicloudapp" "$root/etc/systemd/system" "$root/usr/local/sbin"

cat >"$root/etc/suaicloudapp/boot.json" <<'END_OF_FILE'
{
  "region": "${region}",
  "bucket": "${bucket}",
  "release_prefix": "${release_prefix}",
  "server_port": "${server_port}",
  "database_secret_arn": "${database_secret_arn}",
  "database_host": "${database_host}",
  "database_port": "${database_port}",
  "database_name": "${database_name}",
  "redis_host": "${redis_host}",
  "redis_port": "${redis_port}",
  "redis_secret_arn": "${redis_secret_arn}",
  "table": "${table}",
  "partition_key": "${partition_key}",
  "app_log_group": "${app_log_group}",
  "boot_log_group": "${boot_log_group}"
}
END_OF_FILE
cat >"$root/etc/suaicloudapp/config.toml.tmpl" <<'END_OF_FILE'
# Written by suaicloudapp-boot on every start, with the keys the application's document names.
[server]
host = "0.0.0.0"
port = @{server_port}

[aws]
region = "@{region}"

[s3]
bucket = "@{bucket}"

[database]
host = "@{database_host}"
port = @{database_port}
user = "@{database_user}"
password = "@{database_password}"
dbname = "@{database_name}"

[dynamodb]
table = "@{table}"
partition_key = "@{partition_key}"

[redis]
host = "@{redis_host}"
port = @{redis_port}
END_OF_FILE
cat >"$root/etc/suaicloudapp/amazon-cloudwatch-agent.json.tmpl" <<'END_OF_FILE'
{
  "agent": {"region": "@{region}", "run_as_user": "root"},
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {
            "file_path": "/suaicloudapp/output.log",
            "log_group_name": "@{app_log_group}",
            "log_stream_name": "{instance_id}"
          },
          {
            "file_path": "/var/log/cloud-init-output.log",
            "log_group_name": "@{boot_log_group}",
            "log_stream_name": "{instance_id}"
          }
        ]
      }
    }
  }
}
END_OF_FILE
cat >"$root/usr/local/sbin/suaicloudapp-boot" <<'END_OF_FILE'
#!/usr/bin/env python3
"""Prepares an instance for the application; installed as /usr/local/sbin/suaicloudapp-boot.

  prepare  fetch the release the bucket's pointer names, write config.toml with the database's password of now
  refresh  restart the application when config.toml would now be different, start it when it is not running
  agent    write the CloudWatch agent's configuration
  wait     wait until /health answers

Runs with the Python an Amazon Linux image has (2: 3.7, 2023: 3.9) and its AWS command line, nothing else.
SUAICLOUDAPP_ROOT puts all paths below another root; SUAICLOUDAPP_USER is the account that may read config.toml.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(os.environ.get("SUAICLOUDAPP_ROOT", "/"))
USER = os.environ.get("SUAICLOUDAPP_USER", "suaicloudapp")
WORKING = ROOT / "suaicloudapp"
APP = WORKING / "suaicloudapp"
CONFIG = WORKING / "config.toml"
TEMPLATES = ROOT / "etc/suaicloudapp"
INSTALLED = ROOT / "var/lib/suaicloudapp/release.json"
AGENT = ROOT / "opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
AWS_SECONDS = 300
HEALTHY_SECONDS = 120
PATIENCE = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "10"}


class BootError(Exception):
    """The instance cannot be prepared; the message holds no secret."""


def aws(region: str, *arguments: str) -> str:
    """What the AWS command line prints."""
    command = ["aws", "--region", region, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env={**PATIENCE, **os.environ}, timeout=AWS_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BootError(f"{' '.join(command)}: {error}") from None
    if done.returncode:
        raise BootError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def install_release(values: dict[str, str]) -> None:
    """Make the application the release that the pointer in the bucket names; an installed one is kept on trouble."""
    try:
        fetch_release(values)
    except BootError as error:
        if not is_verified_release(INSTALLED):
            raise
        say(f"WARNING: staying with the installed release: {error}")


def fetch_release(values: dict[str, str]) -> None:
    """Fetch the release into a folder of its own, compare its checksum, then put it in place at once."""
    prefix = f"s3://{values['bucket']}/{values['release_prefix']}"
    pointer = aws(values["region"], "s3", "cp", "--only-show-errors", f"{prefix}current", "-")
    try:
        version, sha256 = json.loads(pointer)["version"], json.loads(pointer)["sha256"]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", version) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise BootError(f"{prefix}current must be JSON with a version and a sha256; it is {pointer!r:.200}") from None
    if APP.exists() and digest(APP) == sha256:
        say(f"release {version} is installed")
    else:
        with tempfile.TemporaryDirectory(dir=str(WORKING), prefix=".release-") as folder:
            fetched = Path(folder) / APP.name
            source = f"{prefix}{version}/{APP.name}"
            aws(values["region"], "s3", "cp", "--only-show-errors", source, str(fetched))
            found = digest(fetched)
            if found != sha256:
                raise BootError(f"{source} has SHA-256 {found}, {prefix}current demands {sha256}: not installed")
            fetched.chmod(0o755)
            fetched.replace(APP)
        say(f"release {version} is now installed")
    INSTALLED.parent.mkdir(parents=True, exist_ok=True)
    INSTALLED.write_text(pointer)


def is_verified_release(installed: Path) -> bool:
    """Whether the application is the file that was fetched and verified last."""
    return installed.exists() and APP.exists() and digest(APP) == json.loads(installed.read_text())["sha256"]


def digest(path: Path) -> str:
    """The file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def config_text(values: dict[str, str]) -> str:
    """`config.toml` with the user, the password and the token that Secrets Manager holds now."""
    arguments = ["--secret-id", values["database_secret_arn"], "--query", "SecretString", "--output", "json"]
    answer = aws(values["region"], "secretsmanager", "get-secret-value", *arguments)
    try:
        secret = json.loads(json.loads(answer))
        login = {"database_user": secret["username"], "database_password": secret["password"]}
        if not all(isinstance(text, str) for text in login.values()):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise BootError(f"{values['database_secret_arn']} is not JSON with a username and a password") from None
    return filled("config.toml.tmpl", {**values, **login}) + redis_security(values)


def redis_security(values: dict[str, str]) -> str:
    """More lines of `[redis]`, the last table: TLS, and the token once `quintet suai redis-auth` has set one."""
    arn = values["redis_secret_arn"]
    if not arn:
        return ""
    arguments = ["--secret-id", arn, "--query", "SecretString", "--output", "json"]
    try:
        token = json.loads(aws(values["region"], "secretsmanager", "get-secret-value", *arguments))
    except BootError as error:
        if "ResourceNotFoundException" not in str(error):
            raise
        return "tls = true\n"
    return f'tls = true\nauth_token = "{quoted(token)}"\n'


def write_config(values: dict[str, str]) -> None:
    """Write config.toml for the application's account alone; an existing one is kept when the secret is unreachable."""
    try:
        write(CONFIG, config_text(values), owner=USER)
    except BootError as error:
        if not CONFIG.exists():
            raise
        say(f"WARNING: staying with the {CONFIG} of an earlier start: {error}")


def filled(template: str, values: dict[str, str]) -> str:
    """A template with the values in its places, each inside quotes or a number."""
    text = (TEMPLATES / template).read_text()
    return re.sub(r"@\{(\w+)\}", lambda place: quoted(values[place.group(1)]), text)


def quoted(value: str) -> str:
    """Any text as it stands inside the double quotes of TOML and JSON alike."""
    return json.dumps(value, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007F")


def write(path: Path, text: str, owner: str | None = None) -> None:
    """Replace a file at once; readable by `owner` alone when one is given, by everyone otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if owner is None:
                os.fchmod(file.fileno(), 0o644)
            else:
                account = pwd.getpwnam(owner)
                os.fchown(file.fileno(), account.pw_uid, account.pw_gid)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink()
        raise


def refresh(values: dict[str, str]) -> None:
    """RDS rotates the password it manages every few days: a restart writes config.toml anew."""
    written = CONFIG.read_text(encoding="utf-8") if CONFIG.exists() else ""
    action = "start" if config_text(values) == written else "restart"
    say(f"systemctl {action} suaicloudapp.service")
    subprocess.run(["systemctl", action, "suaicloudapp.service"], check=True)


def wait(values: dict[str, str]) -> None:
    """Wait until the application says that it is healthy."""
    url = f"http://127.0.0.1:{values['server_port']}/health"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up = time.monotonic() + HEALTHY_SECONDS
    while True:
        try:
            with opener.open(url, timeout=5) as answer:
                say(f"{url} answers {answer.read(100).decode(errors='replace')}")
            return
        except OSError as error:
            if time.monotonic() > give_up:
                raise BootError(f"{url} does not answer after {HEALTHY_SECONDS} seconds: {error}") from None
            time.sleep(0.5)


def say(message: str) -> None:
    """Tell the journal and cloud-init-output.log."""
    sys.stderr.write(f"suaicloudapp-boot: {message}\n")


def prepare(values: dict[str, str]) -> None:
    """Everything the application needs before it starts."""
    install_release(values)
    write_config(values)


def agent(values: dict[str, str]) -> None:
    """Write the CloudWatch agent's configuration."""
    write(AGENT, filled("amazon-cloudwatch-agent.json.tmpl", values))


def main() -> int:
    """Do what the argument names."""
    actions = {"prepare": prepare, "refresh": refresh, "agent": agent, "wait": wait}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        say(f"give one of: {', '.join(actions)}")
        return 2
    try:
        actions[sys.argv[1]](json.loads((TEMPLATES / "boot.json").read_text()))
    except (BootError, OSError, subprocess.CalledProcessError) as error:
        say(f"ERROR: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
END_OF_FILE
chmod 0755 "$root/usr/local/sbin/suaicloudapp-boot"
cat >"$root/etc/systemd/system/suaicloudapp-boot.service" <<'END_OF_FILE'
[Unit]
Description=Fetch the SUAI Cloud App's release and write its config.toml
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/suaicloudapp-boot prepare
TimeoutStartSec=15min
PrivateTmp=true
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp.service" <<'END_OF_FILE'
[Unit]
Description=SUAI Cloud App
# not RemainAfterExit there: every start of this unit fetches the release and the password anew
Requires=suaicloudapp-boot.service
After=suaicloudapp-boot.service network-online.target

[Service]
User=suaicloudapp
WorkingDirectory=/suaicloudapp
ExecStart=/suaicloudapp/suaicloudapp
Restart=always
RestartSec=5
UMask=0027
NoNewPrivileges=true
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=/suaicloudapp
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
LockPersonality=true
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp-refresh.service" <<'END_OF_FILE'
[Unit]
Description=Restart the SUAI Cloud App when its database password was rotated

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/suaicloudapp-boot refresh
PrivateTmp=true
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp-refresh.timer" <<'END_OF_FILE'
[Unit]
Description=Look for a rotated database password

[Timer]
OnBootSec=15min
OnUnitActiveSec=15min
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp-refresh.path" <<'END_OF_FILE'
[Unit]
Description=Look for a rotated database password as soon as the database refuses the old one

[Path]
PathChanged=/suaicloudapp/refresh-requested

[Install]
WantedBy=multi-user.target
END_OF_FILE

# before the application, so that its failure to start reaches CloudWatch; without logs it is still worth running
agent="$root/opt/aws/amazon-cloudwatch-agent"
"$root/usr/local/sbin/suaicloudapp-boot" agent
"$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$agent/etc/amazon-cloudwatch-agent.json" ||
    echo "suaicloudapp: WARNING: the CloudWatch agent did not start, nothing is sent to CloudWatch Logs" >&2

systemctl daemon-reload
systemctl enable suaicloudapp.service suaicloudapp-refresh.timer suaicloudapp-refresh.path
systemctl start suaicloudapp-refresh.timer suaicloudapp-refresh.path
systemctl restart suaicloudapp.service
"$root/usr/local/sbin/suaicloudapp-boot" wait
echo "suaicloudapp: started"
