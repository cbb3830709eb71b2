#!/bin/bash
# First boot of a webhead of Sync Storage. Everything printed here goes to /var/log/cloud-init-output.log.
set -Eeuo pipefail
umask 022

# set by tests only: another root for all paths
root=$(printenv SYNCSTORAGE_ROOT || true)

tag=syncstorage
region='@{region}'
boot_log_group='@{boot_log_group}'
@{file:../../../modules/first_boot.sh}

registry='@{registry}'
container_image='@{container_image}'
@{file:install.sh}
install_webhead

install --directory "$root/etc/syncstorage" "$root/etc/systemd/system" "$root/etc/nginx/conf.d" \
    "$root/etc/nginx/syncstorage.d" "$root/etc/logrotate.d" "$root/usr/local/sbin"
install --directory --mode 0750 "$root/etc/mozilla-services" "$root/etc/mozilla-services/syncstorage"
chgrp -R "$(printenv SYNCSTORAGE_GROUP || echo syncstorage)" "$root/etc/mozilla-services"

cat >"$root/etc/syncstorage/webhead.json" <<'END_OF_FILE'
{"region": "@{region}", "path": "@{parameter_path}", "application_secret": "@{application_secret}"}
END_OF_FILE
cat >"$root/etc/syncstorage/webhead.env" <<'END_OF_FILE'
CONTAINER_IMAGE="@{container_image}"
GUNICORN_WORKERS="@{gunicorn_workers}"
END_OF_FILE
cat >"$root/usr/local/sbin/syncstorage-render" <<'END_OF_FILE'
@{file:render.py}
END_OF_FILE
cat >"$root/usr/local/sbin/syncstorage-serve" <<'END_OF_FILE'
@{file:serve.sh}
END_OF_FILE
chmod 0755 "$root/usr/local/sbin/syncstorage-render" "$root/usr/local/sbin/syncstorage-serve"
cat >"$root/etc/systemd/system/gunicorn-syncstorage.service" <<'END_OF_FILE'
@{file:gunicorn-syncstorage.service}
END_OF_FILE
cat >"$root/etc/nginx/nginx.conf" <<'END_OF_FILE'
@{file:nginx/nginx.conf}
END_OF_FILE
cat >"$root/etc/nginx/conf.d/syncstorage.conf" <<'END_OF_FILE'
@{file:nginx/syncstorage.conf}
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
  "agent": {"region": "@{region}", "run_as_user": "root"},
  "logs": {"logs_collected": {"files": {"collect_list": [
    {"file_path": "/var/log/nginx/access.log", "log_group_name": "@{nginx_log_group}", "log_stream_name": "{instance_id}/access"},
    {"file_path": "/var/log/nginx/error.log", "log_group_name": "@{nginx_log_group}", "log_stream_name": "{instance_id}/error"},
    {"file_path": "/var/log/gunicorn-syncstorage.log", "log_group_name": "@{gunicorn_log_group}", "log_stream_name": "{instance_id}"},
    {"file_path": "/var/log/cloud-init.log", "log_group_name": "@{boot_log_group}", "log_stream_name": "{instance_id}/steps"},
    {"file_path": "/var/log/cloud-init-output.log", "log_group_name": "@{boot_log_group}", "log_stream_name": "{instance_id}/output"}
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
