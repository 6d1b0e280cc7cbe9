#!/usr/bin/env bash
# Writes what the programs are made of as CycloneDX into dist/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=$PWD/target/venv-sbom
stamp=$(sha256sum image/requirements.txt | cut -d ' ' -f 1)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$venv"
    mkdir -p target
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement image/requirements.txt
    echo "$stamp" >"$venv/stamp"
fi

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
mkdir -p dist
for pair in lakevault:lakevault azure-simulator:lakevault-simulator; do
    cargo metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu |
        "$venv/bin/python" image/sbom.py "${pair%%:*}" "$version" "dist/${pair##*:}-$version.cdx.json"
done
