#!/usr/bin/env bash
# Makes a release of the version in Cargo.toml into dist/: images, chart, install.yaml, definitions, the program with completions and
# manual, lists of what it is made of, and the sums of all that. Nothing is pushed: the last lines say what is left to do.
#
# Usage: release.sh [--image NAME]     NAME: where the image will be pulled from, without tag (default: localhost/lakevault)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

image=localhost/lakevault
while [ $# -gt 0 ]; do
    case $1 in
        --image) shift; image=${1:?--image needs a name} ;;
        *) echo "release: unknown argument $1" >&2; exit 1 ;;
    esac
    shift
done

release/check.sh
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
tests/control-plane/build.sh chart
image/build.sh
image/sbom.sh
# The program that is in the image, and no other.
LAKEVAULT_IMAGE=$image release/parts.sh dist target/image/lakevault/rootfs/lakevault

# Files of other versions may lie there, too.
parts=("lakevault-$version.tgz" "lakevault-$version-linux-amd64.tar.gz" "lakevault-install-$version.yaml" "lakevault-crds-$version.yaml")
for name in lakevault lakevault-simulator; do
    parts+=("$name-$version.oci.tar" "$name-$version.cdx.json")
done
(cd dist && sha256sum "${parts[@]}" >SHA256SUMS)
echo "release: $version is in dist/: ${#parts[@]} files and SHA256SUMS"
echo "release: next, push what users get, for example:"
echo "  skopeo copy oci-archive:dist/lakevault-$version.oci.tar docker://$image:$version"
echo "  helm push dist/lakevault-$version.tgz oci://REGISTRY/charts"
echo "  git push origin v$version"
