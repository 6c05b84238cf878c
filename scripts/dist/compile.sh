#!/usr/bin/env bash
# Compiles everything once, for every artefact: the programs, the shared and the static library and the plugin of htslib,
# fully optimised, for glibc 2.17, with the list of their crates inside (cargo auditable).
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"

export CARGO_TARGET_DIR=$work/target-$machine CARGO_INCREMENTAL=0
cargo_home=${CARGO_HOME:-$HOME/.cargo}
# no path of this machine in the result
CARGO_ENCODED_RUSTFLAGS=$(printf '%s\x1f' "--remap-path-prefix=$CARGO_TARGET_DIR=/target" \
  "--remap-path-prefix=$cargo_home=/cargo" "--remap-path-prefix=$source=/libbge")
export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
unset RUSTFLAGS

if [ "$machine" = x86_64 ]; then
  run() { (cd "$source" && nice -n 10 "$@"); }
else
  # Debian has a standard library for the other machine, and rustup's comes from no package registry: cargo runs in a
  # system of Debian's, on what is here.
  source "$steps/roots.sh"
  with_rust_for "$machine"
  zig=$(echo "$tools"/venv/lib/python3*/site-packages/ziglang/zig)
  (cd "$source" && cargo fetch --quiet --locked)
  run() {
    local there=("PATH=$tools/venv/bin:$tools/cargo/bin:/usr/bin:/bin" "CARGO_HOME=$cargo_home" CARGO_NET_OFFLINE=true "CARGO_ZIGBUILD_ZIG_PATH=$zig")
    for name in CARGO_TARGET_DIR CARGO_INCREMENTAL CARGO_ENCODED_RUSTFLAGS SOURCE_DATE_EPOCH LC_ALL TZ; do
      there+=("$name=${!name}")
    done
    # shellcheck disable=SC2016 # expanded inside
    BINDS="$work:$work:rw $tools:$tools $cargo_home:$cargo_home" within "$work/system" "rust-$machine" bookworm -- \
      env "${there[@]}" sh -c 'cd "$1" && shift && exec nice -n 10 "$@"' sh "$source" "$@"
    rm -rf "$work/system" "$work/system.work"
  }
fi

# cargo links a crate with optimisation across crates only where all of its kinds can have it: one kind at a time, then
compile() { # KINDS CARGO-OPTIONS…
  sed -i "s/^crate-type = .*/crate-type = [$1]/" "$source/Cargo.toml"
  grep -qxF "crate-type = [$1]" "$source/Cargo.toml" || fail "Cargo.toml has no line for the crate's kinds"
  run cargo auditable zigbuild --release --locked --workspace --target "$triple.$glibc" "${@:2}"
}
output=$CARGO_TARGET_DIR/$triple/release
say "programs"
compile '"rlib"' --bins
say "libraries"
compile '"cdylib", "staticlib"' --lib

rm -rf "$built"
mkdir -p "$built"
cp "$output/bge" "$output/bge-sandbox" "$built"
"$steps/libraries.sh" "$output"
