#!/bin/sh
# Runs the official Python clients and the Azure CLI against the simulator. Needs the built binary; works from any folder. Arguments go to
# pytest.
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

venv=$("$here/venv.sh")
AZURE_CLI=$("$here/venv.sh" cli)/bin/az
export AZURE_CLI
cd "$here"
exec "$venv/bin/python" -m pytest "$@"
