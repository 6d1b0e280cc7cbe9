#!/usr/bin/env bash
# Renders the chart for those who do without helm: install.yaml is all of it, rbac.yaml only what the operator may do.
# Usage: render.sh [FOLDER]     default: this one (`make bless`)
# LAKEVAULT_IMAGE names another image than the chart does, without its tag.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-$root/deploy}
helm=${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS/helm}
[ -n "$helm" ] && [ -x "$helm" ] || helm=$root/tests/control-plane/bin/helm

# What is said of helm is not true of these files.
render() {
    # helm tells of the link to crds/ each time.
    "$helm" template lakevault "$root/charts/lakevault" --namespace lakevault-system \
        ${LAKEVAULT_IMAGE:+--set "image.repository=$LAKEVAULT_IMAGE"} "$@" 2> >(grep -v 'found symbolic link' >&2) |
        sed -e '/^ *helm.sh\/chart: /d' -e '/^ *app.kubernetes.io\/managed-by: /d' -e '/^# Source: /d' |
        awk '/^$/ { blank = blank "\n"; next } !/^---$/ { printf "%s", blank } { blank = ""; print }'
}

rbac=$(render --show-only templates/serviceaccount.yaml --show-only templates/rbac.yaml)
{
    echo "# What the operator may do, line by line, rendered from charts/lakevault (make bless)."
    echo "# Apply after making the namespace: kubectl create namespace lakevault-system"
    echo "$rbac"
} >"$folder/rbac.yaml"

# The policy of helm is the only annotation of the definitions.
all=$(render --set crds.keep=false)
{
    cat <<'END'
# All of Lakevault for the namespace lakevault-system, rendered from charts/lakevault with its default values (make bless).
# Set the image that your nodes can pull, then: kubectl apply --server-side -f install.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: lakevault-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
END
    echo "$all"
} >"$folder/install.yaml"
