#!/usr/bin/env bash
# The built images on a real node: installed by helm, used as users do, upgraded, removed. What it shows is in driver/__main__.py.
# Usage: run.sh FOLDER all|smoke|STEP…     (the images are those that `make image` left in dist/)
# KEEP=1 leaves the node up; E2E_SECONDS is the most that all of it may take.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
[ ! -e "$1/pids" ] || { echo "e2e: $1 is in use: $here/node.sh down $1" >&2; exit 1; }
# What an earlier run left, logs and all.
rm -rf --one-file-system "$1"
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
limit=${E2E_SECONDS:-1800}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
image=$root/dist/lakevault-$version.oci.tar
simulator=$root/dist/lakevault-simulator-$version.oci.tar
next=$folder/lakevault-next.oci.tar

say() { printf 'e2e: %s\n' "$*"; }

finish() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "${KEEP:-}" ]; then
        say "the node stays: $here/node.sh in $folder kubectl get pods -A; $here/node.sh down $folder"
    else
        timeout --kill-after=10 120 "$here/node.sh" down "$folder" || say "what ran in $folder may run still"
    fi
    exit "$status"
}

# The same program as another version: an image with another label has another digest.
relabel() {
    local storage=(--storage-driver vfs --root "$folder/relabel" --runroot "$folder/relabel-run") container
    rm -rf "$next" "$folder/relabel"
    container=$(buildah "${storage[@]}" from --quiet "oci-archive:$image")
    buildah "${storage[@]}" config --label org.opencontainers.image.version=next "$container"
    buildah "${storage[@]}" commit --quiet --format oci "$container" "oci-archive:$next:localhost/lakevault:next" >/dev/null
    rm -rf "$folder/relabel" "$folder/relabel-run"
}

"$here/node.sh" can
for archive in "$image" "$simulator"; do
    [ -f "$archive" ] || { say "$archive is missing: make image" >&2; exit 1; }
done
"$root/tests/control-plane/build.sh" chart >/dev/null
trap finish EXIT
trap 'exit 130' INT TERM
timeout --kill-after=10 600 "$here/node.sh" up "$folder" "$image" "$simulator"
"$here/node.sh" program "$folder" reader
"$here/node.sh" busybox "$folder"
relabel
"$here/node.sh" import "$folder" "$next"
PYTHONDONTWRITEBYTECODE=1 timeout --kill-after=240 "$limit" \
    "$here/node.sh" in "$folder" python3 "$here/driver" "$folder" "$image" "$simulator" "$next" "$@"
