#!/bin/sh
# Makes the Python environment of one generation of clients, once for each state of its list, and prints its python:
#   environment.sh clients-2017
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${CARGO_TARGET_DIR:-$root/target}/venv-$1
list=$here/$1.txt

stamp=$(sha256sum "$list" | cut -d ' ' -f 1)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
    echo "$stamp" >"$venv/stamp"
fi
echo "$venv/bin/python"
