#!/bin/bash
# Brings what PHP, Apache and systemd need to know from the environment's properties to where they look for it.
# BEAVER_ROOT is a folder to do that in instead of /, to try it out.
set -euo pipefail

root=${BEAVER_ROOT:-}
here=$(cd "$(dirname "$0")" && pwd)
state=$root/var/lib/beaver

get() { "$root/opt/elasticbeanstalk/bin/get-config" environment -k "$1" 2>/dev/null || true; }

mkdir -p "$state" "$root/etc/php.d" "$root/etc/systemd/system"
chmod 755 "$state"
install -m 644 "$here/polyfill.php" "$state/polyfill.php"
install -m 755 "$here/refresh-secrets.sh" "$state/refresh-secrets.sh"

cat >"$root/etc/php.d/99-beaver.ini.new" <<EOF
max_input_vars = $(get MAX_INPUT_VARS)
session.gc_maxlifetime = $(get SESSION_LENGTH_SECONDS)
date.timezone = $(get TIMEZONE)
auto_prepend_file = $state/polyfill.php
error_reporting = E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED
display_errors = Off
log_errors = On
EOF
mv "$root/etc/php.d/99-beaver.ini.new" "$root/etc/php.d/99-beaver.ini"

# Redirects name a host that is known, never the one that a request claims.
https_host=$(get HTTPS_HOST)
printf '%s\n' "${https_host:+https $https_host}" >"$state/redirects.txt.new"
mv "$state/redirects.txt.new" "$state/redirects.txt"

# Tasks come with their solutions: instances that serve contests have none of them.
if [ -n "$(get CONTEST_URL)" ] && [ -z "$(get TASKS_PASSWORD_SECRET_ARN)" ] && [ -e "$here/tasks" ]; then
    while read -r folder; do
        rm -rf "$here/../${folder:?}"
    done <"$here/tasks"
fi
mkdir -p "$here/../contestInterface/contests"
[ -e "$state/tasks.htpasswd" ] || install -m 644 /dev/null "$state/tasks.htpasswd" # nobody may read the tasks yet

"$state/refresh-secrets.sh"
install -m 644 "$here/beaver-secrets.service" "$here/beaver-secrets.timer" "$root/etc/systemd/system/"
systemctl daemon-reload
systemctl enable --now beaver-secrets.timer
