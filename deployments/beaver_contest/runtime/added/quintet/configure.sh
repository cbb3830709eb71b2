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
EOF
mv "$root/etc/php.d/99-beaver.ini.new" "$root/etc/php.d/99-beaver.ini"

if [ -n "$(get HTTPS_ONLY)" ]; then touch "$state/https-only"; else rm -f "$state/https-only"; fi
[ -e "$state/tasks.htpasswd" ] || install -m 644 /dev/null "$state/tasks.htpasswd" # nobody may read the tasks yet

"$state/refresh-secrets.sh"
install -m 644 "$here/beaver-secrets.service" "$here/beaver-secrets.timer" "$root/etc/systemd/system/"
systemctl daemon-reload
systemctl enable --now beaver-secrets.timer
