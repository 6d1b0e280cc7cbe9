#!/usr/bin/env bash
# A real cluster of one node: etcd, API server, controller manager, scheduler, containerd, kubelet, kube-proxy, and pods with addresses
# of their own. All of it is in one network namespace that has no way out, and in one folder.
#
# Usage: node.sh can                      says in one line why a node cannot run on this machine, and fails then
#        node.sh packages                installs what is missing of Debian's
#        node.sh up FOLDER [IMAGE.tar…]   brings it up and imports images; the admin's kubeconfig is FOLDER/admin.kubeconfig
#        node.sh import FOLDER IMAGE.tar  imports one more, also by its digest
#        node.sh program FOLDER NAME      builds NAME.c as the image localhost/NAME:1 and imports it
#        node.sh busybox FOLDER           makes the image docker.io/library/busybox:1.36 of Debian's busybox and imports it
#        node.sh in FOLDER COMMAND…       runs a command where the API server and the pods can be reached
#        node.sh down FOLDER              ends all of it, by process id
#
# Needs what can() asks for, and what packages() installs on Debian and its kin.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$root/tests/control-plane/bin

# Services have the first range, the API server being the first of them; pods the second, the node being its gateway.
services=10.64.0.0/24
api=10.64.0.1
pods=10.64.1.0/24
node=10.64.1.1

# A Kubernetes program: from KUBEBUILDER_ASSETS where that folder has it, else the one that was built.
program() {
    if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$1" ]; then
        echo "$KUBEBUILDER_ASSETS/$1"
    else
        echo "$bin/$1"
    fi
}

say() { printf 'node: %s\n' "$*"; }
fail() { printf 'node: %s\n' "$*" >&2; exit 1; }

can() {
    [ "$(uname -s)" = Linux ] || fail "this is $(uname -s); containers need Linux"
    [ "$(uname -m)" = x86_64 ] || fail "this machine is $(uname -m); the images are made for x86_64"
    [ "$(id -u)" = 0 ] || fail "containers need root"
    local probe
    probe=$(find /sys/fs/cgroup -maxdepth 1 -name memory -o -maxdepth 1 -name cgroup.controllers 2>/dev/null)
    [ -n "$probe" ] || fail "there are no cgroups in /sys/fs/cgroup"
    probe=/sys/fs/cgroup/$([ -d /sys/fs/cgroup/memory ] && echo memory/)lakevault-probe-$$
    mkdir "$probe" 2>/dev/null || fail "no cgroup can be made in /sys/fs/cgroup"
    rmdir "$probe"
    unshare --net --mount true 2>/dev/null || fail "no network namespace can be made"
}

packages() {
    local missing=()
    command -v containerd >/dev/null || missing+=(containerd)
    command -v runc >/dev/null || missing+=(runc)
    [ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
    command -v buildah >/dev/null || missing+=(buildah)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v iptables >/dev/null || missing+=(iptables)
    [ -x /bin/busybox ] || missing+=(busybox-static)
    if [ ${#missing[@]} -gt 0 ]; then
        command -v apt-get >/dev/null || fail "missing: ${missing[*]}"
        say "installing ${missing[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

need() {
    can
    packages
    "$root/tests/control-plane/build.sh" >/dev/null
    "$root/tests/control-plane/build.sh" node >/dev/null
}

# A name of its own for each folder.
namespace() { echo "lakevault-$(echo -n "$folder" | sha256sum | head -c 8)"; }
inside() { nsenter --net="/run/netns/$(namespace)" -- "$@"; }
kubectl() { inside "$(program kubectl)" --kubeconfig "$folder/admin.kubeconfig" "$@"; }
containers() { ctr --address "$folder/containerd/containerd.sock" --namespace k8s.io "$@"; }

# Looks again until it is so, or for so many seconds.
until_so() { # seconds, what, command…
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $what; logs are in $folder/logs"
        sleep 0.2
    done
}

start() { # name, command…
    local name=$1
    shift
    setsid nsenter --net="/run/netns/$(namespace)" -- "$@" >>"$folder/logs/$name.log" 2>&1 </dev/null &
    echo $! >"$folder/pids/$name"
}

# Ends what start() started, and only that: a process number may have been given away since.
stop() { # name, seconds
    local file=$folder/pids/$1 pid deadline=$((SECONDS + $2))
    [ -f "$file" ] || return 0
    pid=$(cat "$file")
    if [ "$(readlink "/proc/$pid/ns/net" 2>/dev/null)" = "$(inside readlink /proc/self/ns/net)" ]; then
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do
            [ "$SECONDS" -lt "$deadline" ] || { kill -KILL "$pid" 2>/dev/null || true; break; }
            sleep 0.1
        done
    fi
    rm -f "$file"
}

certificates() {
    local pki=$folder/pki
    mkdir -p "$pki"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=node.sh" -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null
    issue() { # name, subject, extension
        openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$pki/$1.key" -out "$pki/$1.csr" 2>/dev/null
        openssl x509 -req -days 2 -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial \
            -extfile <(echo "$3") -out "$pki/$1.crt" 2>/dev/null
    }
    issue api "/CN=kube-apiserver" "subjectAltName=IP:$api,IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
    issue kubelet "/CN=node" "subjectAltName=IP:$node,DNS:node"
    issue api-client "/O=system:masters/CN=kube-apiserver-kubelet-client" "extendedKeyUsage=clientAuth"
    openssl genrsa -out "$pki/accounts.key" 2048 2>/dev/null
    openssl rsa -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub" 2>/dev/null
    local user
    while read -r user subject; do
        issue "$user" "$subject" "extendedKeyUsage=clientAuth"
        cat >"$folder/$user.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: node, cluster: {server: "https://$api", certificate-authority: $pki/ca.crt}}]
users: [{name: $user, user: {client-certificate: $pki/$user.crt, client-key: $pki/$user.key}}]
contexts: [{name: node, context: {cluster: node, user: $user}}]
current-context: node
END
    done <<END
admin /O=system:masters/CN=admin
controller-manager /CN=system:kube-controller-manager
scheduler /CN=system:kube-scheduler
node /O=system:nodes/CN=system:node:node
proxy /CN=system:kube-proxy
END
}

network() {
    ip netns add "$(namespace)"
    inside ip link set lo up
    # The address of the Service `kubernetes` is a real one: kube-proxy has nothing to do with it.
    inside ip address add "$api/32" dev lo
    # The bridge is there before the first pod, since the node has its address.
    inside ip link add pods type bridge
    inside ip address add "$node/24" dev pods
    inside ip link set pods up
    inside ip route add default via "$node"
    mkdir -p "$folder/cni"
    cat >"$folder/cni/10-pods.conf" <<END
{"cniVersion": "0.4.0", "name": "pods", "type": "bridge", "bridge": "pods", "isDefaultGateway": true, "ipMasq": false,
 "ipam": {"type": "host-local", "ranges": [[{"subnet": "$pods", "gateway": "$node"}]], "dataDir": "$folder/cni/addresses"}}
END
}

control_plane() {
    start etcd "$(program etcd)" --data-dir "$folder/etcd" --unsafe-no-fsync --log-level warn \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
        --initial-cluster default=http://127.0.0.1:2380
    local pki=$folder/pki
    start api "$(program kube-apiserver)" --etcd-servers=http://127.0.0.1:2379 --bind-address="$api" --advertise-address="$api" \
        --secure-port=443 --tls-cert-file="$pki/api.crt" --tls-private-key-file="$pki/api.key" --client-ca-file="$pki/ca.crt" \
        --service-cluster-ip-range="$services" --service-account-key-file="$pki/accounts.pub" \
        --service-account-signing-key-file="$pki/accounts.key" --service-account-issuer="https://$api" \
        --service-account-jwks-uri="https://$api/openid/v1/jwks" --authorization-mode=Node,RBAC \
        --enable-admission-plugins=NodeRestriction --endpoint-reconciler-type=none --profiling=false \
        --kubelet-client-certificate="$pki/api-client.crt" --kubelet-client-key="$pki/api-client.key" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP
    until_so 60 "the API server" kubectl get --raw /readyz
    start controller-manager "$(program kube-controller-manager)" --kubeconfig="$folder/controller-manager.kubeconfig" \
        --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/accounts.key" \
        --use-service-account-credentials=true --leader-elect=false --secure-port=0
    start scheduler "$(program kube-scheduler)" --kubeconfig="$folder/scheduler.kubeconfig" --leader-elect=false --secure-port=0
}

# Without restrict_oom_score_adj runc ends with "can't get final child's PID from pipe" where the score may not be lowered. The native
# snapshotter needs no overlay.
runtime() {
    mkdir -p "$folder/containerd"
    cat >"$folder/containerd.toml" <<END
version = 2
root = "$folder/containerd/root"
state = "$folder/containerd/state"
[grpc]
  address = "$folder/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$folder/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
END
    start containerd containerd --config "$folder/containerd.toml"
    until_so 30 containerd containers version
}

# No registry can be reached: what pods run besides is made here.
make_image() { # image, context with a Dockerfile
    local storage=(--storage-driver vfs --root "$folder/buildah" --runroot "$folder/buildah-run")
    buildah "${storage[@]}" bud --quiet --isolation chroot --tag "$1" "$2" >/dev/null
    buildah "${storage[@]}" push --quiet "$1" "oci-archive:$2.tar:$1"
    buildah "${storage[@]}" rmi --force "$1" >/dev/null
    import "$2.tar"
}

program_image() { # name of a C program
    local name=$1 context=$folder/programs/$1
    mkdir -p "$context"
    cc -static -Os -Wall -Werror -o "$context/$name" "$here/$name.c"
    printf 'FROM scratch\nCOPY %s /%s\nUSER 65532:65532\nENTRYPOINT ["/%s"]\n' "$name" "$name" "$name" >"$context/Dockerfile"
    make_image "localhost/$name:1" "$context"
}

busybox_image() {
    local context=$folder/programs/busybox link
    mkdir -p "$context/root/bin"
    cp /bin/busybox "$context/root/bin/busybox"
    for link in sh cat sleep; do
        ln -sf busybox "$context/root/bin/$link"
    done
    printf 'FROM scratch\nCOPY root /\nCMD ["sh"]\n' >"$context/Dockerfile"
    make_image docker.io/library/busybox:1.36 "$context"
}

# Also by its digest, as a registry would give it.
import() { # archive
    local name digest
    containers images import --snapshotter native "$1" >/dev/null
    read -r name digest < <(tar -xOf "$1" index.json | python3 -c '
import json, sys
[manifest] = json.load(sys.stdin)["manifests"]
print(manifest["annotations"]["org.opencontainers.image.ref.name"], manifest["digest"])')
    containers images tag --force "$name" "${name%:*}@$digest" >/dev/null
}

kubelet() {
    cat >"$folder/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node
readOnlyPort: 0
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $folder/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $folder/pki/kubelet.crt
tlsPrivateKeyFile: $folder/pki/kubelet.key
cgroupDriver: cgroupfs
cgroupRoot: /
failSwapOn: false
failCgroupV1: false
containerRuntimeEndpoint: unix://$folder/containerd/containerd.sock
evictionHard: {memory.available: 50Mi, nodefs.available: 100Mi, imagefs.available: 100Mi}
# Secrets in volumes follow within so long.
syncFrequency: 5s
configMapAndSecretChangeDetectionStrategy: Watch
END
    start kubelet "$(program kubelet)" --config="$folder/kubelet.yaml" --kubeconfig="$folder/node.kubeconfig" \
        --hostname-override=node --node-ip="$node" --root-dir="$folder/kubelet" --cert-dir="$folder/pki"
    until_so 30 "a ServiceAccount for pods" kubectl get serviceaccount default
    until_so 90 "the node" kubectl wait node/node --for=condition=Ready --timeout=1s
}

# Addresses of Services lead to pods. What is asked for from a pod must come back by the node: both ends are on one bridge.
proxy() {
    kubectl label service kubernetes service.kubernetes.io/service-proxy-name=none >/dev/null
    start proxy "$(program kube-proxy)" --kubeconfig="$folder/proxy.kubeconfig" --hostname-override=node --proxy-mode=iptables \
        --cluster-cidr="$pods" --masquerade-all=true --iptables-localhost-nodeports=false --metrics-bind-address=127.0.0.1:10249 \
        --healthz-bind-address=127.0.0.1:10256 --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
        --conntrack-tcp-timeout-close-wait=0
    until_so 30 kube-proxy inside curl --silent --fail http://127.0.0.1:10256/healthz
}

up() {
    [ ! -e "$folder/pids" ] || fail "$folder is in use: node.sh down $folder"
    need
    mkdir -p "$folder/pids" "$folder/logs"
    certificates
    network
    control_plane
    runtime
    program_image pause
    local image
    for image in "$@"; do
        import "$image"
    done
    kubelet
    proxy
    say "ready after $SECONDS s: node.sh in $folder kubectl get nodes"
}

down() {
    [ -d "$folder/pids" ] || return 0
    # What cannot be ended must not keep the rest from its end.
    set +e
    # The kubelet first: it would start again what is ended.
    stop kubelet 10
    local task mount networks=
    for task in $(containers tasks list --quiet 2>/dev/null); do
        # A pod in the node's own network has none.
        networks+=" $(containers containers info "$task" | grep -o 'cni-[0-9a-f-]*' | sort -u || true)"
        containers tasks kill --signal SIGKILL "$task" >/dev/null 2>&1 || true
        containers tasks delete --force "$task" >/dev/null 2>&1 || true
    done
    stop containerd 10
    for task in proxy scheduler controller-manager api etcd; do
        stop "$task" 10
    done
    # Volumes of pods, and what containers had as their roots.
    for mount in $(findmnt --raw --noheadings --output TARGET | grep "^$folder/" | sort --reverse); do
        umount --lazy "$mount" || true
    done
    for task in $(tr ' ' '\n' <<<"$networks" | sort -u) "$(namespace)"; do
        ip netns delete "$task" 2>/dev/null || true
    done
    # Those of pods; one that is in use stays.
    find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
    rm -rf "$folder/pids"
}

[ "$*" != can ] || { can; exit; }
[ "$*" != packages ] || { packages; exit; }
[ $# -ge 2 ] || fail "usage: node.sh can|packages, or node.sh up|import|program|busybox|in|down FOLDER …"
action=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
case $action in
    up) up "$@" ;;
    import) import "$1" ;;
    program) program_image "$1" ;;
    busybox) busybox_image ;;
    in)
        export KUBECONFIG=$folder/admin.kubeconfig PATH=${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS:}$bin:$PATH
        # Signals are the command's.
        exec nsenter --net="/run/netns/$(namespace)" -- "$@"
        ;;
    down) down ;;
    *) fail "unknown action $action" ;;
esac
