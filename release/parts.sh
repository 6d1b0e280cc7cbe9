#!/usr/bin/env bash
# Makes all parts of a release but the images: the chart's package, install.yaml, definitions, and an archive with the program, its
# completions and its manual. The same commit and program make the same bytes.
#
# Usage: parts.sh FOLDER PROGRAM     PROGRAM: the static lakevault
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$1 program=$2
helm=${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS/helm}
[ -n "$helm" ] && [ -x "$helm" ] || helm=$root/tests/control-plane/bin/helm

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No times, users, modes or orders of this machine.
pack() { # archive, folder that it is in, name
    chmod -R u=rwX,go=rX "$2/$3"
    tar --create --directory "$2" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar "$3" |
        gzip --no-name --best >"$1"
}

# helm checks the chart, and follows its link to the definitions.
"$helm" package "$root/charts/lakevault" --destination "$work" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
mkdir "$work/chart"
tar --extract --gzip --file "$work/lakevault-$version.tgz" --directory "$work/chart"
pack "$out/lakevault-$version.tgz" "$work/chart" lakevault

mkdir "$work/deploy"
"$root/deploy/render.sh" "$work/deploy"
cp "$work/deploy/install.yaml" "$out/lakevault-install-$version.yaml"

for file in "$root"/crds/*.yaml; do
    echo "---"
    cat "$file"
done >"$out/lakevault-crds-$version.yaml"

name=lakevault-$version-linux-amd64
mkdir -p "$work/$name/completions" "$work/$name/man/man1"
install "$program" "$work/$name/lakevault"
# kubectl finds it by this name.
ln -s lakevault "$work/$name/kubectl-lakevault"
cp "$root/LICENSE" "$root/README.md" "$root/CHANGELOG.md" "$work/$name"
for pair in bash:lakevault.bash zsh:_lakevault fish:lakevault.fish powershell:lakevault.ps1 elvish:lakevault.elv \
    kubectl:kubectl_complete-lakevault; do
    "$program" completions "${pair%%:*}" >"$work/$name/completions/${pair##*:}"
done
chmod +x "$work/$name/completions/kubectl_complete-lakevault"
"$program" man "$work/$name/man/man1"
pack "$out/$name.tar.gz" "$work" "$name"
chmod 644 "$out"/lakevault-*"$version"*
