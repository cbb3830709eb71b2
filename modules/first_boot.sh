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
