#!/bin/sh
# Makes the environment of the official Python clients, or with the argument `cli` that of the Azure CLI, which pins other
# versions; once for each state of its requirements. Prints its folder. Needs python3 with venv; works from any folder, and
# several times at once.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case ${1:-clients} in
clients) name=venv requirements=$here/requirements.txt options= ;;
cli) name=venv-cli requirements=$here/requirements-cli.txt options="--no-deps --no-compile" ;;
*) echo "usage: venv.sh [clients|cli]" >&2 && exit 2 ;;
esac
venv=$target/$name
mkdir -p "$target"

exec 9>"$target/$name.lock"
flock 9
stamp=$(sha256sum "$requirements" | cut -d ' ' -f 1)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    # shellcheck disable=SC2086 # The options are words.
    "$venv/bin/pip" install --quiet --disable-pip-version-check $options --requirement "$requirements" >&2
    if [ "$name" = venv-cli ]; then
        for module in "$venv"/lib/python3*/site-packages/azure/cli/command_modules/*/; do
            case $(basename "$module") in
            cloud | config | configure | keyvault | profile | resource | role | util) ;;
            *) rm -rf "$module" ;;
            esac
        done
        "$venv/bin/python" -m compileall -q "$venv/lib" >&2 || true
    fi
    echo "$stamp" >"$venv/stamp"
fi
echo "$venv"
