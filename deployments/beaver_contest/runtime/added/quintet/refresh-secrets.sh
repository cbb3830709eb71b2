#!/bin/bash
# Fetches the secrets that config_local.php and Apache read. A secret that cannot be fetched keeps its last value.
set -euo pipefail

root=${BEAVER_ROOT:-}
state=$root/var/lib/beaver

get() { "$root/opt/elasticbeanstalk/bin/get-config" environment -k "$1" 2>/dev/null || true; }

fetch() { # fetch PROPERTY FILE: the secret whose ARN stands in the property, if the environment has it
    local arn answer
    created=
    arn=$(get "$1")
    [ -n "$arn" ] || return 0
    if answer=$(aws secretsmanager get-secret-value --region "$region" --secret-id "$arn" \
        --query '[CreatedDate,SecretString]' --output text 2>"$state/refresh.log"); then
        created=${answer%%$'\t'*}
        (umask 077 && printf '%s\n' "${answer#*$'\t'}" >"$state/$2.new")
        if getent group webapp >/dev/null; then chgrp webapp "$state/$2.new"; fi
        chmod 640 "$state/$2.new"
        mv "$state/$2.new" "$state/$2"
    else
        echo "The secret $arn cannot be fetched: $(tr '\n' ' ' <"$state/refresh.log")" >&2
    fi
}

report_key_age() { # once an hour: the key was written into its secret when it was made, and an alarm watches its age
    local arn name days
    if [ -z "$created" ] || [ -n "$(find "$state/key-age" -mmin -60 2>/dev/null)" ]; then return; fi
    case $created in *-*) ;; *) created=@$created ;; esac # the first version of the AWS command line prints seconds
    arn=$(get AWS_KEY_SECRET_ARN)
    name=${arn##*:}
    days=$((($(date +%s) - $(date --date "$created" +%s)) / 86400))
    if aws cloudwatch put-metric-data --region "$region" --namespace Quintet/AccessKeys --metric-name AgeDays \
        --dimensions "Secret=${name%-??????}" --value "$days" 2>"$state/refresh.log"; then
        touch "$state/key-age"
    else
        echo "The age of the access key is not reported: $(tr '\n' ' ' <"$state/refresh.log")" >&2
    fi
}

region=$(get BEAVER_REGION)
fetch DATABASE_SECRET_ARN database.json
fetch AWS_KEY_SECRET_ARN aws.json
report_key_age
fetch TASKS_PASSWORD_SECRET_ARN tasks.htpasswd
