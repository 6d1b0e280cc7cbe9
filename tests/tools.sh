#!/usr/bin/env bash
# Says in one line which tool is missing, before a build says it in many.
set -euo pipefail

need() {
    command -v "$1" >/dev/null && return
    echo "missing: $1 ($2)" >&2
    exit 1
}

need cargo "install Rust by rustup; rust-toolchain.toml names the version"
need go "for the Kubernetes programs of the tests: Go 1.26 or newer"
need cc "a C compiler, such as the package build-essential"
need python3 "for the official Azure clients in the tests: Python 3.10 or newer with venv"
