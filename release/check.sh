#!/usr/bin/env bash
# Says all that keeps a checkout from being released as the version in its Cargo.toml, and ends in 1 where there is something.
#
# Usage: check.sh [ROOT]     ROOT: the checkout, by default this one
set -euo pipefail

root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
missing=0
miss() { printf 'release: %s\n' "$*" >&2; missing=1; }

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
changes=$(git -C "$root" status --porcelain) || { miss "$root is no git checkout"; exit 1; }
if [ -n "$changes" ]; then
    miss "the tree is not clean: commit these changes, or take them back"
    head -n 20 <<<"$changes" >&2
fi
for field in version appVersion; do
    of_chart=$(sed -n "s/^$field: //p" "$root/charts/lakevault/Chart.yaml")
    [ "$of_chart" = "$version" ] ||
        miss "Cargo.toml has version $version, but Chart.yaml has $field $of_chart: release/version.sh sets both"
done
entries=$(awk -v version="$version" '/^## / { inside = ($2 == version) } inside && /^- / { n++ } END { print n + 0 }' "$root/CHANGELOG.md")
[ "$entries" -gt 0 ] ||
    miss "CHANGELOG.md has no section '## $version' with entries: release/version.sh makes it of what is unreleased"
tagged=$(git -C "$root" rev-parse --quiet --verify "refs/tags/v$version^{commit}" || true)
if [ -n "$tagged" ] && [ "$tagged" != "$(git -C "$root" rev-parse HEAD)" ]; then
    miss "v$version was released already, of commit $tagged: raise the version by release/version.sh"
fi
[ "$missing" = 0 ] || exit 1
echo "release: $version can be released"
