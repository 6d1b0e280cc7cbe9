#!/usr/bin/env bash
# Sets the version everywhere: Cargo.toml has it, Cargo.lock, the chart and what is rendered from it follow, and what was unreleased
# in CHANGELOG.md becomes it. Commit what it changes, and tag the commit.
#
# Usage: version.sh X.Y.Z [ROOT]     ROOT: the checkout, by default this one
set -euo pipefail

fail() { printf 'version: %s\n' "$*" >&2; exit 1; }

version=${1:-}
root=${2:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
number='(0|[1-9][0-9]*)'
[[ $version =~ ^$number\.$number\.$number(-[0-9A-Za-z.-]+)?$ ]] || fail "usage: version.sh X.Y.Z, as in Semantic Versioning; '$version' is none"
old=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
changelog=$root/CHANGELOG.md
if grep -q "^## $version\( \|$\)" "$changelog"; then
    fail "CHANGELOG.md has a section '## $version' already"
fi
unreleased=$(awk '/^## / { inside = ($0 == "## Unreleased") } inside && /^- / { n++ } END { print n + 0 }' "$changelog")
[ "$unreleased" -gt 0 ] || fail "CHANGELOG.md has nothing under '## Unreleased': what would the release be for?"

day=$(date --utc --date "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%d)
sed -i "0,/^version = \".*\"$/s//version = \"$version\"/" "$root/Cargo.toml"
# Members of the workspace alone have the version and no source.
awk -v old="$old" -v new="$version" '
    /^\[\[package\]\]$/ { member = 0 }
    /^name = "(lakevault|azure-simulator|testbed)"$/ { member = 1 }
    member && $0 == "version = \"" old "\"" { $0 = "version = \"" new "\"" }
    { print }' "$root/Cargo.lock" >"$root/Cargo.lock.new"
mv "$root/Cargo.lock.new" "$root/Cargo.lock"
sed -i -e "s/^version: .*/version: $version/" -e "s/^appVersion: .*/appVersion: $version/" "$root/charts/lakevault/Chart.yaml"
sed -i "s/^## Unreleased$/## Unreleased\n\n## $version - $day/" "$changelog"
"$root/deploy/render.sh" "$root/deploy"
echo "version: $old is $version now. Next: read the diff, then"
echo "  git commit -am 'Release $version' && git tag -s v$version && make release"
