#!/usr/bin/env bash
# Builds the Kubernetes programs that tests, demo and benchmarks run (pinned in the go.mod files here) into bin/.
#
# Usage: build.sh [--list] [PROGRAM|SET…]
#   without a name   the control plane: etcd, kube-apiserver, kube-controller-manager, kubectl
#   chart            helm
#   rules            what judges objects as Flux and Argo CD do; its source is here
#   node             what a node needs besides: kube-proxy, kube-scheduler, kubelet
#
# A program that KUBEBUILDER_ASSETS holds is used from there and not built. One that is up to date (its stamp is the hash of what
# it was built from) is left alone. The first build with a cold Go cache takes some ten minutes on two cores.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$here/bin
running= # the pid of the build that is under way
trap '[ -z "$running" ] || kill "$running" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
default_programs=(etcd kube-apiserver kube-controller-manager kubectl)
chart_programs=(helm)
rules_programs=(rules)
node_programs=(kube-proxy kube-scheduler kubelet)

# What a program is made of: "<folder of its module> <package>". A new program is one line here and one `tool` line in that go.mod.
source_of() {
    case $1 in
        etcd) echo "etcd go.etcd.io/etcd/server/v3" ;;
        helm) echo "helm helm.sh/helm/v4/cmd/helm" ;;
        rules) echo "rules ." ;;
        kube-apiserver | kube-controller-manager | kube-proxy | kube-scheduler | kubectl | kubelet) echo ". k8s.io/kubernetes/cmd/$1" ;;
        *) fail "unknown program '$1'; known: ${default_programs[*]} ${chart_programs[*]} ${rules_programs[*]} ${node_programs[*]}" ;;
    esac
}

# The programs of a set, or the program itself.
named() {
    case $1 in
        chart) echo "${chart_programs[@]}" ;;
        rules) echo "${rules_programs[@]}" ;;
        node) echo "${node_programs[@]}" ;;
        *) echo "$1" ;;
    esac
}

say() { printf 'control-plane: %s\n' "$*"; }
fail() { printf 'control-plane: %s\n' "$*" >&2; exit 1; }

# Kubernetes and helm learn their versions from the linker; without it the API server says v0.0.0.
linker_flags() {
    local version minor package flags="-s -w"
    if [ "$1" = helm ]; then
        version=$(sed -n 's|^.*helm.sh/helm/v4 \(v[0-9.]*\).*|\1|p' "$here/helm/go.mod" | head -n 1)
        flags+=" -X helm.sh/helm/v4/internal/version.version=$version -X helm.sh/helm/v4/internal/version.gitTreeState=clean"
    elif [ "$1" = . ]; then
        version=$(sed -n 's|^.*k8s.io/kubernetes \(v[0-9.]*\).*|\1|p' "$here/go.mod" | head -n 1)
        minor=${version#v1.}
        minor=${minor%%.*}
        for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
            flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
        done
    fi
    echo "$flags"
}

# A module that has sources of its own is made of them, too.
fingerprint() { (shopt -s nullglob && cat "$here/$1/go.mod" "$here/$1/go.sum" "$here/build.sh" "$here/$1"/*.go) | sha256sum | cut -d ' ' -f 1; }

provided() { [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$1" ]; }

up_to_date() { [ -x "$bin/$1" ] && [ "$(cat "$bin/.$1.stamp" 2>/dev/null)" = "$(fingerprint "$2")" ]; }

check_go() { # programs
    local wanted have program module modules=()
    for program in "$@"; do
        read -r module _ <<<"$(source_of "$program")"
        modules+=("$here/$module/go.mod")
    done
    wanted=$(sed -n 's/^go \([0-9.]*\)$/\1/p' "${modules[@]}" | sort -V | tail -n 1)
    command -v go >/dev/null || fail "Go is missing: install Go $wanted or newer (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder with $*"
    have=$(cd / && go env GOVERSION)
    have=${have#go}
    if [ "$(printf '%s\n%s\n' "$wanted" "${have%%[- ]*}" | sort -V | head -n 1)" != "$wanted" ]; then
        fail "Go $have is too old: install Go $wanted or newer (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder with $*"
    fi
}

build() { # program, module folder, package
    local program=$1 module=$2 package=$3 log=$bin/.$1.log began=$SECONDS
    say "$program: building $package"
    (
        cd "$here/$module"
        CGO_ENABLED=0 GOWORK=off exec go build -v -buildvcs=false -trimpath -ldflags "$(linker_flags "$module")" -o "$bin/.$program.new" "$package"
    ) >"$log" 2>&1 9>&- &
    running=$!
    heartbeat "$program" "$running" "$log" "$began" 9>&- &
    if ! wait "$running"; then
        tail -n 20 "$log" >&2
        fail "$program: the build failed after $((SECONDS - began)) s; the whole output is in $log"
    fi
    running=
    mv "$bin/.$program.new" "$bin/$program"
    fingerprint "$module" >"$bin/.$program.stamp"
    say "$program: ready after $((SECONDS - began)) s"
}

# A line every 20 seconds for as long as the build runs, so that a silent ten minutes is not taken for a hang.
heartbeat() { # program, pid, log, start
    local tick=0
    while sleep 1 && kill -0 "$2" 2>/dev/null; do
        tick=$((tick + 1))
        if [ $((tick % 20)) -eq 0 ]; then
            say "$1: still building, $(grep -c -v '^go: ' "$3" || true) packages compiled, $((SECONDS - $4)) s so far"
        fi
    done
}

main() {
    local programs=() missing=() program module package began=$SECONDS
    if [ "${1:-}" = --list ]; then
        printf '%s\n' "${default_programs[@]}"
        return
    fi
    [ $# -gt 0 ] || set -- "${default_programs[@]}"
    for program in "$@"; do
        read -r -a module <<<"$(named "$program")"
        programs+=("${module[@]}")
    done
    mkdir -p "$bin"
    # Two calls at once (make -j, two terminals) take turns; the second then finds everything up to date.
    exec 9>"$bin/.lock"
    flock --nonblock 9 || { say "another build is running, waiting for it"; flock 9; }
    for program in "${programs[@]}"; do
        source_of "$program" >/dev/null
        read -r module _ <<<"$(source_of "$program")"
        if provided "$program"; then
            say "$program: from KUBEBUILDER_ASSETS"
        elif ! up_to_date "$program" "$module"; then
            missing+=("$program")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "up to date"
        return
    fi
    check_go "${missing[@]}"
    say "to build: ${missing[*]} (the first time takes some ten minutes on two cores)"
    for program in "${missing[@]}"; do
        read -r module package <<<"$(source_of "$program")"
        build "$program" "$module" "$package"
    done
    say "all ready after $((SECONDS - began)) s"
}

main "$@"
