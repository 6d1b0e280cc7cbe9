#!/usr/bin/env bash
# Builds the programs that go into images: in the profile `image`, static, and the same wherever the checkout lies.
#
# There is no musl target here: glibc is linked statically, which the operator can stand, since it looks up names by files and
# DNS alone (both are compiled into glibc's static archive) and loads no plug-ins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=x86_64-unknown-linux-gnu
[ "$(uname -m)" = x86_64 ] || { echo "image: this machine is $(uname -m); images are made on x86_64" >&2; exit 1; }

root=$PWD
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
# Paths of this machine say nothing to users, and would make two builds of one commit differ.
export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$root=/lakevault --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
export CFLAGS="-ffile-prefix-map=$root=/lakevault -ffile-prefix-map=$cargo_home=/cargo"
# A tenth less to pull: addresses to be set at the start are packed, and what only unwinding needs is left out, since a panic aborts.
RUSTFLAGS+=" -C link-arg=-Wl,-z,pack-relative-relocs -C force-unwind-tables=no"
CFLAGS+=" -fno-asynchronous-unwind-tables"
# With --target the flags are not used for build scripts and macros, which cannot be static.
cargo build --profile image --locked --workspace --target "$target" --bin lakevault --bin azure-simulator
