#!/bin/sh
# Makes the environment of the official Python clients, once for each state of requirements.txt, and prints its folder.
# Needs python3 with venv; works from any folder, and several times at once.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/venv
mkdir -p "$target"

exec 9>"$target/venv.lock"
flock 9
stamp=$(sha256sum "$here/requirements.txt" | cut -d ' ' -f 1)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
    echo "$stamp" >"$venv/stamp"
fi
echo "$venv"
