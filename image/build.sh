#!/usr/bin/env bash
# Makes the images lakevault and lakevault-simulator from static programs, without Docker, as OCI archives in dist/.
#
# Usage: build.sh [--check] [--binaries FOLDER]
#   --binaries FOLDER   programs that are built already (default: builds them, image/binaries.sh)
#   --check             afterwards, makes each image once more from the same programs and compares digests
#
# Needs buildah, which it installs on Debian and its kin when it is missing and this is root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dist=$PWD/dist
work=$PWD/target/image
# What users pull at each start of a node.
limit=$((25 * 1024 * 1024))
declare -A programs=([lakevault]=lakevault [lakevault-simulator]=azure-simulator)

say() { printf 'image: %s\n' "$*"; }
fail() { printf 'image: %s\n' "$*" >&2; exit 1; }

need_buildah() {
    command -v buildah >/dev/null && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "buildah is missing: install the package buildah"
    fi
    say "installing buildah"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah >/dev/null
}

# Debian's bundle of Mozilla's list, and its version.
certificates=/etc/ssl/certs/ca-certificates.crt
certificates_version() { dpkg-query --show --showformat='Debian ${Version}' ca-certificates 2>/dev/null || echo unknown; }

# The tree of an image: modes do not depend on the umask, and times are set by buildah.
stage() { # image, folder
    local program=$binaries/${programs[$1]} root=$2/rootfs
    [ -x "$program" ] || fail "$program is missing"
    # It would find no loader in the image.
    if LC_ALL=C readelf --program-headers "$program" | grep -q INTERP; then
        fail "$program is not static: build it with image/binaries.sh"
    fi
    rm -rf "$2"
    install -d -m 755 "$root" "$root/etc" "$root/etc/ssl" "$root/etc/ssl/certs" "$root/licenses"
    install -m 755 "$program" "$root/${programs[$1]}"
    # Names of functions are left in a static program, whatever the profile says.
    strip --strip-all "$root/${programs[$1]}"
    install -m 644 "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
    install -m 644 LICENSE "$root/licenses/LICENSE"
    echo "lakevault:x:65532:65532::/:/sbin/nologin" | install -m 644 /dev/stdin "$root/etc/passwd"
    echo "lakevault:x:65532:" | install -m 644 /dev/stdin "$root/etc/group"
    [ "$1" = lakevault ] || install -d -m 755 "$2/data"
}

run_buildah() { # arguments; storage of its own, which needs no overlay and leaves nothing behind
    buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"
}

make_image() { # image, archive
    local name=$1 context=$work/$1 tag=localhost/$1:$version
    stage "$name" "$context"
    run_buildah bud --quiet --isolation chroot --identity-label=false --timestamp "$SOURCE_DATE_EPOCH" --format oci \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$created" \
        --build-arg "CERTIFICATES=$(certificates_version)" \
        --file "image/$name.Dockerfile" --tag "$tag" "$context" >/dev/null
    rm -f "$2"
    run_buildah push --quiet "$tag" "oci-archive:$2:$tag"
    run_buildah rmi --force "$tag" >/dev/null
}

digest() { tar -xOf "$1" index.json | python3 -c 'import json, sys; print(json.load(sys.stdin)["manifests"][0]["digest"])'; }

size() { # of what is unpacked
    du --apparent-size --bytes --summarize "$work/$1/rootfs" | cut -f 1
}

binaries=
check=
while [ $# -gt 0 ]; do
    case $1 in
        --check) check=yes ;;
        --binaries) shift; binaries=$1 ;;
        *) fail "unknown argument $1" ;;
    esac
    shift
done

need_buildah
if [ -z "$binaries" ]; then
    image/binaries.sh
    binaries=$PWD/target/x86_64-unknown-linux-gnu/image
fi
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# The time of the commit, not of the build.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
created=$(date --utc --date "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
mkdir -p "$dist" "$work"

for name in lakevault lakevault-simulator; do
    archive=$dist/$name-$version.oci.tar
    make_image "$name" "$archive"
    bytes=$(size "$name")
    say "$name:$version $(digest "$archive"), $((bytes / 1024)) KiB unpacked, $(($(stat -c %s "$archive") / 1024)) KiB to pull: ${archive#"$PWD/"}"
    if [ "$name" = lakevault ] && [ "$bytes" -gt "$limit" ]; then
        fail "$name has $bytes bytes, more than the $limit that are allowed"
    fi
    if [ -n "$check" ]; then
        again=$work/again.tar
        # Another umask and later times must make no difference.
        (umask 077 && make_image "$name" "$again")
        [ "$(digest "$archive")" = "$(digest "$again")" ] || fail "$name: made twice from the same program, it has two digests"
        rm -f "$again"
        say "$name: made twice, one digest"
    fi
done
rm -rf "$work/storage" "$work/run"
