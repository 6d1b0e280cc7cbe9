#!/usr/bin/env bash
# The built image on a real node: the chart is installed by helm, its pods become ready under Pod Security `restricted`, and the
# definitions are served. Usage: smoke.sh FOLDER [ARCHIVE]     (default: the archive that `make image` left in dist/)
# KEEP=1 leaves the node up.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$1
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
archive=${2:-$root/dist/lakevault-$version.oci.tar}
[ -f "$archive" ] || { echo "smoke: $archive is missing: make image" >&2; exit 1; }

finish() {
    local status=$?
    if [ "$status" -ne 0 ]; then
        in_it kubectl --namespace lakevault-system get pods --output wide || true
        in_it kubectl --namespace lakevault-system describe pods | tail -n 40 || true
        in_it kubectl --namespace lakevault-system logs --selector app.kubernetes.io/name=lakevault --tail 20 || true
    fi
    [ -n "${KEEP:-}" ] || "$here/node.sh" down "$folder"
    [ "$status" -ne 0 ] || echo "smoke: 1 passed, 0 failed"
    exit "$status"
}
in_it() { "$here/node.sh" in "$folder" "$@"; }

"$root/tests/control-plane/build.sh" chart >/dev/null
trap finish EXIT
"$here/node.sh" up "$folder" "$archive"
in_it kubectl create namespace lakevault-system
in_it kubectl label namespace lakevault-system pod-security.kubernetes.io/enforce=restricted
in_it helm install lakevault "$root/charts/lakevault" --namespace lakevault-system --set image.pullPolicy=Never ${VALUES:+--values "$VALUES"}
in_it kubectl --namespace lakevault-system rollout status deployment/lakevault --timeout=120s
in_it kubectl explain vaultsecretsync.spec.vaultUri >/dev/null
# A readiness probe has passed already; this is what it saw.
address=$(in_it kubectl --namespace lakevault-system get pods --selector app.kubernetes.io/name=lakevault --output jsonpath='{.items[0].status.podIP}')
in_it curl --silent --show-error --fail "http://$address:8080/readyz"
in_it helm uninstall lakevault --namespace lakevault-system
