#!/bin/bash
# Runs the application in the foreground: gunicorn on port 8000 of this machine, from its image or its packages.
set -eu
folder=/etc/mozilla-services/syncstorage
# shellcheck disable=SC2154  # systemd sets it, from webhead.env
set -- --paste "$folder/production.ini" --bind 127.0.0.1:8000 --workers "$GUNICORN_WORKERS" --worker-class gevent \
    --timeout 500 --graceful-timeout 500 --max-requests 5000
if [[ -z "$CONTAINER_IMAGE" ]]; then
    exec setpriv --reuid=syncstorage --regid=syncstorage --clear-groups /opt/syncstorage/bin/gunicorn "$@"
fi
docker rm --force syncstorage >/dev/null 2>&1 || true
exec docker run --rm --name syncstorage --network host --user 10001:10001 --cap-drop ALL \
    --security-opt no-new-privileges --read-only --tmpfs /tmp --volume "$folder:$folder:ro" --entrypoint gunicorn \
    "$CONTAINER_IMAGE" "$@"
