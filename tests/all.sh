#!/usr/bin/env bash
# Runs every test, goes on after a failure, and counts: the last line is "N passed, N failed, N skipped" over all suites.
# LAKEVAULT_REQUIRE_SHARED=1 makes recordings that are not there a failure instead of something skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
log=$target/test.log
: >"$log"
broken=0

# A suite that ends badly without a counted failure (it did not build, it crashed) counts as one.
suite() {
    local name=$1 before after status
    shift
    echo "=== $name"
    before=$(count failed)
    "$@" 2>&1 | tee -a "$log"
    status=${PIPESTATUS[0]}
    after=$(count failed)
    if [ "$status" -ne 0 ] && [ "$before" -eq "$after" ]; then
        echo "=== $name ended with status $status"
        broken=$((broken + 1))
    fi
}

# Sums "N <word>" over the closing lines of cargo's and pytest's runners.
count() {
    grep -aE '^test result: |^=+ .* in [0-9.]+s' "$log" | grep -aoE "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'
}

suite "control plane" tests/control-plane/build.sh
suite "helm" tests/control-plane/build.sh chart
suite "rules of Flux and Argo CD" tests/control-plane/build.sh rules
suite "build" cargo build --workspace --all-targets
# Rust tests compare our requests with those of these clients.
suite "environment of the official Python clients" tests/azure-simulator/python/venv.sh
suite "Rust" cargo test --workspace --no-fail-fast
suite "what newcomers type" tests/docs/run.sh
suite "official Python clients" tests/azure-simulator/python/run.sh

passed=$(count passed)
failed=$(($(count failed) + $(count error) + broken))
skipped=$(($(count ignored) + $(count skipped) + $(grep -ac 'SKIPPED' "$log")))
if [ "$failed" -gt 0 ]; then
    # Each failure in its own words, from "failures:" to the list of names that follows; a log that is cut keeps its end.
    echo "=== failures"
    awk '/^failures:$/ { told = !told; next } /^test result: / { told = 0 } told && n++ < 300' "$log"
    grep -aE '^test .* FAILED|^FAILED |^ERROR |^    [a-z_:]+$|ended with status' "$log" | sort -u
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
