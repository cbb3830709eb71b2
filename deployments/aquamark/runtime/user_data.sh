#!/bin/bash
# First boot of an instance of Aquamark; timers repeat what later needs. Prints to /var/log/cloud-init-output.log.
set -Eeuo pipefail
umask 022

root=$(printenv AQUAMARK_ROOT || true) # set by tests only: another root for all paths

tag=aquamark
region='@{region}'
boot_log_group='@{boot_log_group}'
@{file:../../../modules/first_boot.sh}

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
if [[ "@{role}" == daemons ]]; then
    packages="$packages postgresql@{database_major_version}" # for dumps and migrations
fi
# shellcheck disable=SC2086 # a list of words
retry dnf install --assumeyes $packages

lib="$root/usr/local/lib/aquamark"
install --directory "$root/etc/aquamark" "$root/etc/systemd/system" "$root/usr/local/sbin" "$lib" "$root/var/lib/aquamark"
cat >"$root/etc/aquamark/host.json" <<'END_OF_FILE'
{
  "role": "@{role}",
  "fleet": "@{fleet}",
  "region": "@{region}",
  "repository": "@{repository}",
  "version": "@{version}",
  "generation": "@{generation}",
  "config_directory": "@{config_directory}",
  "analytics_id": "@{analytics_id}",
  "force_https": "@{force_https}",
  "database_host": "@{database_host}",
  "database_port": "@{database_port}",
  "database_name": "@{database_name}",
  "database_user": "@{database_user}",
  "login_secret_arn": "@{login_secret_arn}",
  "storage_secret_arn": "@{storage_secret_arn}",
  "smtp_secret_arn": "@{smtp_secret_arn}",
  "bucket": "@{bucket}",
  "dumps_bucket": "@{dumps_bucket}",
  "smtp_server": "@{smtp_server}",
  "smtp_port": "@{smtp_port}",
  "smtp_use_tls": "@{smtp_use_tls}",
  "send_from": "@{json:send_from}",
  "error_send_to": "@{json:error_send_to}",
  "topic_arn": "@{topic_arn}",
  "log_group": "@{log_group}",
  "boot_log_group": "@{boot_log_group}"
}
END_OF_FILE
cat >"$lib/host.py" <<'END_OF_FILE'
@{file:host.py}
END_OF_FILE
chmod 0755 "$lib/host.py"
ln -sf ../lib/aquamark/host.py "$root/usr/local/sbin/aquamark-host"
cat >"$root/etc/systemd/system/aquamark.service" <<'END_OF_FILE'
@{file:systemd/aquamark.service}
END_OF_FILE
cat >"$root/etc/systemd/system/aquamark.timer" <<'END_OF_FILE'
@{file:systemd/aquamark.timer}
END_OF_FILE
cat >"$root/etc/systemd/system/aquamark-watch.service" <<'END_OF_FILE'
@{file:systemd/aquamark-watch.service}
END_OF_FILE
cat >"$root/etc/systemd/system/aquamark-watch.timer" <<'END_OF_FILE'
@{file:systemd/aquamark-watch.timer}
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
