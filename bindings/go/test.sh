#!/usr/bin/env bash
# Tests the Go package against a built libbge; `make go-test` calls it.
#   LIB_DIR          where libbge.so, libbge.so.0 and bge-sandbox are (the tree's target/release)
#   BGE_TEST_LONG=1  the large counts
set -euo pipefail
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
LIB_DIR=${LIB_DIR:-$top/target/release}
export BGE_SANDBOX_BIN=${BGE_SANDBOX_BIN:-$LIB_DIR/bge-sandbox}

command -v go >/dev/null || { echo "Go is missing: 1.24 or newer is needed (Debian: golang-go, or https://go.dev/dl)." >&2; exit 1; }

say() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
often() { if [ -n "${BGE_TEST_LONG:-}" ]; then echo "$2"; else echo "$1"; fi; } # BOUNDED LONG
# found before the tree's own, when the library was built elsewhere
export CGO_LDFLAGS="-O2 -g -L$LIB_DIR -Wl,-rpath,$LIB_DIR"
tags=(-tags bge_dev)

say "form: gofmt, vet, no other modules, no finalizers, nothing for C to call"
badly=$(gofmt -l .)
[ -z "$badly" ] || fail "gofmt would change $badly"
go vet "${tags[@]}" ./...
[ "$(GOFLAGS=-mod=mod go list -m all | wc -l)" -eq 1 ] || fail "the package depends on other modules"
if grep -rn --include='*.go' -e SetFinalizer -e '^//export' .; then fail "finalizers, or functions for C"; fi

say "without cgo, one error that says what to do"
errors=$(CGO_ENABLED=0 go build ./... 2>&1) && fail "it builds without cgo"
grep -q requires_cgo <<<"$errors" || fail "the error is: $errors"
[ "$(grep -c '\.go:' <<<"$errors")" -eq 1 ] || fail "more than one error: $errors"

say "without cgo and without the library, what a program needs to be checked"
CGO_ENABLED=0 go vet -tags bge_nolib . ./bgetest ./cmd/...
CGO_ENABLED=0 GOOS=windows GOARCH=arm64 go build -tags bge_nolib . ./bgetest

say "everything, under the race detector"
go test "${tags[@]}" -race -count=1 ./...

say "every executed example"
examples=$(go test "${tags[@]}" -count=1 -v -run '^Example' . | grep -c '^--- PASS')
[ "$examples" -ge 10 ] || fail "$examples examples"
echo "$examples examples"

say "the rules for pointers, checked at every store"
GOEXPERIMENT=cgocheck2 go test "${tags[@]}" -count=1 ./...

say "bgearrow, a module of its own"
(
  cd bgearrow
  badly=$(gofmt -l .)
  [ -z "$badly" ] || fail "gofmt would change $badly"
  go vet "${tags[@]}" ./...
  go test "${tags[@]}" -count="$(often 1 20)" ./...
  # these compile Arrow twice more
  if [ -n "${BGE_TEST_LONG:-}" ]; then
    go test "${tags[@]}" -race -count=20 ./...
    GOEXPERIMENT=cgocheck2 go test "${tags[@]}" -count=1 ./...
  fi
)

say "lifetimes, with a collector that never rests and overwrites what it frees"
GODEBUG=clobberfree=1 GOGC=1 go test "${tags[@]}" -count="$(often 1 20)" -run TestLifetime .

say "calls cancelled beside others, again and again"
go test "${tags[@]}" -race -count="$(often 20 200)" -run TestCancelNextToOthers .

say "the installed library, through pkg-config"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
PREFIX=$scratch BUILD=$LIB_DIR "$top/scripts/install.sh" install >/dev/null
unset CGO_LDFLAGS
# Go remembers what it has built, whatever pkg-config says now: a macro that nobody has used before makes it look again
export CGO_CFLAGS="-O2 -g -DLOOK_AGAIN_${scratch##*.}"
export PKG_CONFIG_PATH=$scratch/lib/pkgconfig LD_LIBRARY_PATH=$scratch/lib
quickstart=$scratch/bin/bge-quickstart
go build -o "$quickstart" ./cmd/bge-quickstart
"$scratch/bin/bge-sandbox" run -- "$quickstart" | tail -n 3

say "the installed archive, inside the program"
CGO_CFLAGS="-O2 -g -I$scratch/include" CGO_LDFLAGS="-L$scratch/lib" go build -tags bge_static -o "$scratch/bin/static" ./cmd/bge-quickstart
if readelf -d "$scratch/bin/static" | grep -q libbge; then fail "it needs libbge although it was linked statically"; fi
"$scratch/bin/bge-sandbox" run -- env -u LD_LIBRARY_PATH "$scratch/bin/static" | tail -n 1

say "a library or a header of another ABI is refused, with a reason"
echo 'unsigned bge_abi_version(void) { return 9u << 16; }' >"$scratch/abi.c"
"${CC:-cc}" -shared -fPIC -o "$scratch/abi.so" "$scratch/abi.c"
errors=$(LD_PRELOAD=$scratch/abi.so "$scratch/bin/bge-sandbox" run -- "$quickstart" 2>&1) && fail "it runs with ABI 9"
grep -q 'ABI version 9.0' <<<"$errors" || fail "the error is: $errors"
mkdir "$scratch/other"
sed 's/^#define BGE_ABI_VERSION .*/#define BGE_ABI_VERSION 65536/' "$top/include/bge.h" >"$scratch/other/bge.h"
sed "s|^Cflags: .*|Cflags: -I$scratch/other|" "$scratch/lib/pkgconfig/bge.pc" >"$scratch/other/bge.pc"
errors=$(CGO_CFLAGS="$CGO_CFLAGS -DOTHER" PKG_CONFIG_PATH=$scratch/other go build ./internal/native 2>&1) && fail "it builds with a header of ABI 1"
grep -q 'another ABI major version' <<<"$errors" || fail "the error is: $errors"
sed 's/^#define BGE_ABI_VERSION .*/#define BGE_ABI_VERSION 1/' "$top/include/bge.h" >"$scratch/other/bge.h"
errors=$(CGO_CFLAGS="$CGO_CFLAGS -I$scratch/other" go build -tags bge_static ./internal/native 2>&1) && fail "it builds with a header that is too old"
grep -q 'too old.*make install' <<<"$errors" || fail "the error is: $errors"
if ! "${CC:-cc}" -E -include bge.h -x c /dev/null >/dev/null 2>&1; then
  errors=$(CGO_CFLAGS="-O2 -g" CGO_LDFLAGS='' go build -tags bge_static ./internal/native 2>&1) && fail "it builds without bge.h"
  grep -q 'bge.h is missing: .*make install' <<<"$errors" || fail "the error is: $errors"
fi
echo "both are"
