#!/usr/bin/env bash
# Runs what README.md and docs/getting-started.md tell a newcomer to type on a machine without a cluster, as it is written there.
# The blocks for a cluster are run by tests/e2e.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
work=$(mktemp -d)
staying=

finish() {
    local status=$?
    if [ -n "$staying" ]; then
        # Its own group: make, cargo and what they started.
        kill -TERM -- "-$staying" 2>/dev/null || true
        wait "$staying" 2>/dev/null || true
    fi
    if [ "$status" -eq 0 ]; then
        echo "test result: ok. 2 passed; 0 failed"
    elif [ -f "$work/stays.log" ]; then
        tail -n 40 "$work/stays.log"
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

written() { # document, place: the script; it must not be empty
    tests/docs/commands.sh "$1" "$2" >"$work/script"
    [ -s "$work/script" ] || { echo "run: $1 has nothing to run on: $2" >&2; exit 1; }
}

echo "run: README.md"
written README.md machine
bash -euxo pipefail "$work/script"

echo "run: docs/getting-started.md"
written docs/getting-started.md "machine, stays"
cp "$work/script" "$work/stays"
setsid bash -euxo pipefail "$work/stays" >"$work/stays.log" 2>&1 &
staying=$!
deadline=$((SECONDS + 600))
until grep -q '^  export PATH=' "$work/stays.log"; do
    kill -0 "$staying" 2>/dev/null || { echo "run: it ended" >&2; exit 1; }
    [ "$SECONDS" -lt "$deadline" ] || { echo "run: it tells nothing to paste" >&2; exit 1; }
    sleep 0.2
done
written docs/getting-started.md machine
# What it says is to be pasted into the other terminal.
{ grep '^  export ' "$work/stays.log"; cat "$work/script"; } >"$work/other"
bash -euxo pipefail "$work/other"
