#!/bin/sh
# suaicloudapp: a program and its libraries in one ZIP archive behind these lines. Python runs the file as it is.
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" -I "$0" "$@"
    fi
done
echo "suaicloudapp cannot start: it needs Python 3.11 or newer on PATH ($PATH)" >&2
exit 1
