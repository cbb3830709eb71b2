#!/bin/bash
# First boot of an instance of the SUAI Cloud App; systemd repeats what later boots need.
# Everything that is printed here goes to /var/log/cloud-init-output.log.
set -Eeuo pipefail
umask 022

# both are set by tests only: another root for all paths, and an account that exists there
root=$(printenv SUAICLOUDAPP_ROOT || true)
user=$(printenv SUAICLOUDAPP_USER || echo suaicloudapp)

tag=suaicloudapp
region='@{region}'
boot_log_group='@{boot_log_group}'
@{file:../../../modules/first_boot.sh}

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
  "region": "@{region}",
  "bucket": "@{bucket}",
  "release_prefix": "@{release_prefix}",
  "server_port": "@{server_port}",
  "database_secret_arn": "@{database_secret_arn}",
  "database_host": "@{database_host}",
  "database_port": "@{database_port}",
  "database_name": "@{database_name}",
  "redis_host": "@{redis_host}",
  "redis_port": "@{redis_port}",
  "redis_secret_arn": "@{redis_secret_arn}",
  "table": "@{table}",
  "partition_key": "@{partition_key}",
  "app_log_group": "@{app_log_group}",
  "boot_log_group": "@{boot_log_group}"
}
END_OF_FILE
cat >"$root/etc/suaicloudapp/config.toml.tmpl" <<'END_OF_FILE'
@{file:config.toml.tmpl}
END_OF_FILE
cat >"$root/etc/suaicloudapp/amazon-cloudwatch-agent.json.tmpl" <<'END_OF_FILE'
@{file:amazon-cloudwatch-agent.json.tmpl}
END_OF_FILE
cat >"$root/usr/local/sbin/suaicloudapp-boot" <<'END_OF_FILE'
@{file:boot.py}
END_OF_FILE
chmod 0755 "$root/usr/local/sbin/suaicloudapp-boot"
cat >"$root/etc/systemd/system/suaicloudapp-boot.service" <<'END_OF_FILE'
@{file:systemd/suaicloudapp-boot.service}
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp.service" <<'END_OF_FILE'
@{file:systemd/suaicloudapp.service}
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp-refresh.service" <<'END_OF_FILE'
@{file:systemd/suaicloudapp-refresh.service}
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp-refresh.timer" <<'END_OF_FILE'
@{file:systemd/suaicloudapp-refresh.timer}
END_OF_FILE
cat >"$root/etc/systemd/system/suaicloudapp-refresh.path" <<'END_OF_FILE'
@{file:systemd/suaicloudapp-refresh.path}
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
