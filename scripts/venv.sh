#!/bin/sh
# Makes a virtual environment that holds exactly what a lock file names; does nothing when it is there already.
# Usage: scripts/venv.sh FOLDER LOCK [PROJECT]    PROJECT: a folder to install besides, editable, without dependencies
# PYTHON=… chooses the interpreter.
set -eu

folder=$1 lock=$2 project=${3:-}
wanted="$PWD $(cksum <"$lock")"
if [ -x "$folder/bin/python" ] && [ "$(cat "$folder/.complete" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

found=""
for python in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            exec "$python" scripts/make_venv.py "$folder" "$lock" "$wanted" ${project:+"$project"}
        fi
        found="$found $python is $version, without the venv module (Debian: apt install python$version-venv);"
    else
        found="$found $python is $version;"
    fi
done
echo "Python 3.11 or newer is needed, with its venv module.${found:+ Found:${found%;}.}" >&2
echo "Install one and run make again, or name it: make PYTHON=/path/to/python3.11 …" >&2
exit 1
