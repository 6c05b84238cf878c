#!/usr/bin/env bash
# Compiles everything once, for every artefact: the programs, the shared and the static library and the plugin of htslib,
# fully optimised, for glibc 2.17, with the list of their crates inside (cargo auditable).
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"

export CARGO_TARGET_DIR=$work/target CARGO_INCREMENTAL=0
output=$CARGO_TARGET_DIR/$triple/release
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# no path of this machine in the result
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\x1f' "--remap-path-prefix=$CARGO_TARGET_DIR=/target" \
  "--remap-path-prefix=$cargo_home=/cargo" "--remap-path-prefix=$source=/libbge")
export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
unset RUSTFLAGS

# cargo links a crate with optimisation across crates only where all of its kinds can have it: one kind at a time, then
compile() { # KINDS CARGO-OPTIONS…
  sed -i "s/^crate-type = .*/crate-type = [$1]/" "$source/Cargo.toml"
  grep -qxF "crate-type = [$1]" "$source/Cargo.toml" || fail "Cargo.toml has no line for the crate's kinds"
  (cd "$source" && nice -n 10 cargo auditable zigbuild --release --locked --workspace --target "$triple.$glibc" "${@:2}")
}
say "programs"
compile '"rlib"' --bins
say "libraries"
compile '"cdylib", "staticlib"' --lib

rm -rf "$built"
mkdir -p "$built"
cp "$output/bge" "$output/bge-sandbox" "$built"
"$steps/libraries.sh" "$output"
