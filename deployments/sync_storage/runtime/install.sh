# Everything a webhead needs that takes long and holds nothing of its own: done at first boot, or once for an image.
# Wants $root and $container_image, and for a private registry $registry and $region.
retry() {
    local attempt
    for attempt in 1 2 3 4 5; do
        if "$@"; then return 0; fi
        echo "syncstorage: attempt $attempt of 5 failed: $*" >&2
        sleep 10
    done
    return 1
}

pull_image() {
    if [[ -n "$registry" ]]; then
        aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"
    fi
    docker pull --quiet "$container_image"
}

install_webhead() {
    local wanted="$container_image" installed="$root/var/lib/syncstorage/installed"
    if [[ -e "$installed" && "$(cat "$installed")" = "$wanted" ]]; then
        echo "syncstorage: $wanted is installed already"
        return 0
    fi
    retry dnf install --assumeyes nginx logrotate amazon-cloudwatch-agent docker
    if ! getent group syncstorage >/dev/null; then
        groupadd --system --gid 10001 syncstorage
        useradd --system --uid 10001 --gid 10001 --no-create-home --shell /sbin/nologin syncstorage
    fi
    systemctl enable docker.service
    systemctl start docker.service
    retry pull_image
    mkdir -p "$root/var/lib/syncstorage"
    echo "$wanted" >"$installed"
}
