#!/bin/sh
# Runs the official Python clients against the simulator. Needs the built binary and python3 with venv; works from any
# folder. The environment is made once for each state of requirements.txt. Arguments go to pytest.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
AZURE_SIMULATOR_BIN=${AZURE_SIMULATOR_BIN:-$target/debug/azure-simulator}
export AZURE_SIMULATOR_BIN PYTHONDONTWRITEBYTECODE=1

if [ ! -x "$AZURE_SIMULATOR_BIN" ]; then
    echo "no simulator at $AZURE_SIMULATOR_BIN: cargo build -p azure-simulator" >&2
    exit 1
fi

venv=$target/venv
stamp=$(sha256sum "$here/requirements.txt" | cut -d ' ' -f 1)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    echo "$stamp" >"$venv/stamp"
fi

cd "$here"
exec "$venv/bin/python" -m pytest "$@"
