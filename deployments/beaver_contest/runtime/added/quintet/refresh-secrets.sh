#!/bin/bash
# Fetches the secrets that config_local.php and Apache read. A secret that cannot be fetched keeps its last value.
set -euo pipefail

root=${BEAVER_ROOT:-}
state=$root/var/lib/beaver

get() { "$root/opt/elasticbeanstalk/bin/get-config" environment -k "$1" 2>/dev/null || true; }

fetch() { # fetch PROPERTY FILE: the secret whose ARN stands in the property, if the environment has it
    local arn value
    arn=$(get "$1")
    [ -n "$arn" ] || return 0
    if value=$(aws secretsmanager get-secret-value --region "$region" --secret-id "$arn" \
        --query SecretString --output text 2>"$state/refresh.log"); then
        (umask 077 && printf '%s\n' "$value" >"$state/$2.new")
        if getent group webapp >/dev/null; then chgrp webapp "$state/$2.new"; fi
        chmod 640 "$state/$2.new"
        mv "$state/$2.new" "$state/$2"
    else
        echo "The secret $arn cannot be fetched: $(tr '\n' ' ' <"$state/refresh.log")" >&2
    fi
}

region=$(get BEAVER_REGION)
fetch DATABASE_SECRET_ARN database.json
fetch AWS_KEY_SECRET_ARN aws.json
fetch TASKS_PASSWORD_SECRET_ARN tasks.htpasswd
