#!/bin/bash
# Runs the application in the foreground: gunicorn in a container, published on port 8000 of this machine alone.
# On Docker's own network the metadata service does not answer: its tokens travel one hop, and the bridge is another.
set -eu
folder=/etc/mozilla-services/syncstorage
docker rm --force syncstorage >/dev/null 2>&1 || true
# nginx reaches it by the bridge's address, and is the only one: what it forwards may be trusted
# shellcheck disable=SC2154  # systemd sets both, from webhead.env
exec docker run --rm --name syncstorage --publish 127.0.0.1:8000:8000 --user 10001:10001 --cap-drop ALL \
    --security-opt no-new-privileges --read-only --tmpfs /tmp --volume "$folder:$folder:ro" --entrypoint gunicorn \
    "$CONTAINER_IMAGE" --paste "$folder/production.ini" --log-config "$folder/production.ini" --bind 0.0.0.0:8000 \
    --forwarded-allow-ips '*' --workers "$GUNICORN_WORKERS" --worker-class gevent --timeout 500 \
    --graceful-timeout 500 --max-requests 5000
