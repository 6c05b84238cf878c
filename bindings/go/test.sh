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
long() { [ -n "${BGE_TEST_LONG:-}" ]; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Go compiles its standard library once for each set of these flags: the short run has two, this one with the race
# detector and the plain one without any flags
export CGO_LDFLAGS="-O2 -g -L$LIB_DIR -Wl,-rpath,$LIB_DIR" # found before the tree's own, when the library was built elsewhere
dev=(-tags bge_dev -race)

say "form: gofmt, vet, no other modules, no finalizers, nothing for C to call"
badly=$(gofmt -l .)
[ -z "$badly" ] || fail "gofmt would change $badly"
go vet "${dev[@]}" ./...
[ "$(GOFLAGS=-mod=mod go list -m all | wc -l)" -eq 1 ] || fail "the package depends on other modules"
if grep -rn --include='*.go' -e SetFinalizer -e '^//export' .; then fail "finalizers, or functions for C"; fi

say "without the library, what a program needs to be checked"
go vet -tags bge_nolib -race . ./bgetest ./cmd/...

say "everything, under the race detector"
if ! go test "${dev[@]}" -vet=off -count=1 -v ./... >"$scratch/tests"; then
  grep -v -e '^=== ' -e '^ *--- PASS' "$scratch/tests" || true
  fail "tests, or a race"
fi
grep -e '^ok' "$scratch/tests"
examples=$(grep -c '^--- PASS: Example' "$scratch/tests") || true
[ "$examples" -ge 10 ] || fail "$examples executed examples"
echo "$examples executed examples"

go test "${dev[@]}" -c -o "$scratch/bge.test" .

say "lifetimes, with a collector that never rests and overwrites what it frees"
GODEBUG=clobberfree=1 GOGC=1 "$scratch/bge.test" -test.count="$(often 1 20)" -test.run TestLifetime

say "calls cancelled beside others, again and again"
"$scratch/bge.test" -test.count="$(often 20 200)" -test.run TestCancelNextToOthers

say "bgearrow, a module of its own"
(
  cd bgearrow
  badly=$(gofmt -l .)
  [ -z "$badly" ] || fail "gofmt would change $badly"
  go vet "${dev[@]}" ./...
  go test "${dev[@]}" -vet=off -count="$(often 1 20)" ./...
)

if long; then
  say "without the race detector, and with the rules for pointers checked at every store"
  go vet -tags bge_dev ./...
  GODEBUG=clobberfree=1 GOGC=1 go test -tags bge_dev -count=20 -run TestLifetime .
  GOEXPERIMENT=cgocheck2 go test -tags bge_dev -count=1 ./...
  (
    cd bgearrow
    go test -tags bge_dev -count=20 ./...
    GOEXPERIMENT=cgocheck2 go test -tags bge_dev -count=1 ./...
  )
fi

unset CGO_LDFLAGS

say "without cgo, one error that says what to do"
packages=./internal/native
! long || packages=./...
errors=$(CGO_ENABLED=0 go build "$packages" 2>&1) && fail "it builds without cgo"
grep -q requires_cgo <<<"$errors" || fail "the error is: $errors"
[ "$(grep -c '\.go:' <<<"$errors")" -eq 1 ] || fail "more than one error: $errors"

if long; then
  say "without cgo and without the library, what a program needs to be checked, also on other systems"
  CGO_ENABLED=0 go vet -tags bge_nolib . ./bgetest ./cmd/...
  CGO_ENABLED=0 GOOS=windows GOARCH=arm64 go build -tags bge_nolib . ./bgetest
fi

# Go remembers what it has built in a folder, whatever pkg-config and the C compiler would find now: a copy of the package
# has never been built, and shares the standard library with all that have
afresh() { # NAME
  mkdir "$scratch/$1"
  cp -R ./*.go go.mod bgetest cmd internal "$scratch/$1"
}

say "the installed library, through pkg-config"
# in the short run the standard library is compiled once, for the race detector
race=(-race)
if long; then race=(); fi
prefix=$scratch/prefix
PREFIX=$prefix BUILD=$LIB_DIR "$top/scripts/install.sh" install >/dev/null
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
sandbox=$prefix/bin/bge-sandbox
quickstart=$prefix/bin/bge-quickstart
afresh shared
go build -C "$scratch/shared" "${race[@]}" -o "$quickstart" ./cmd/bge-quickstart
"$sandbox" run -- "$quickstart" | tail -n 3

say "the installed archive, inside the program"
afresh static
if long; then # as README.md says, which compiles parts of the standard library again
  CGO_CFLAGS="-O2 -g -I$prefix/include" CGO_LDFLAGS="-L$prefix/lib" go build -C "$scratch/static" "${race[@]}" -tags bge_static -o "$prefix/bin/static" ./cmd/bge-quickstart
else
  CPATH=$prefix/include LIBRARY_PATH=$prefix/lib go build -C "$scratch/static" "${race[@]}" -tags bge_static -o "$prefix/bin/static" ./cmd/bge-quickstart
fi
if readelf -d "$prefix/bin/static" | grep -q libbge; then fail "it needs libbge although it was linked statically"; fi
"$sandbox" run -- env -u LD_LIBRARY_PATH "$prefix/bin/static" | tail -n 1

say "a library or a header of another ABI is refused, with a reason"
echo 'unsigned bge_abi_version(void) { return 9u << 16; }' >"$scratch/abi.c"
"${CC:-cc}" -shared -fPIC -o "$scratch/abi.so" "$scratch/abi.c"
errors=$(LD_PRELOAD=$scratch/abi.so "$sandbox" run -- "$quickstart" 2>&1) && fail "it runs with ABI 9"
grep -q 'ABI version 9.0' <<<"$errors" || fail "the error is: $errors"
mkdir "$scratch/headers"
header() { sed "s/^#define BGE_ABI_VERSION .*/#define BGE_ABI_VERSION $1/" "$top/include/bge.h" >"$scratch/headers/bge.h"; }
sed "s|^Cflags: .*|Cflags: -I$scratch/headers|" "$prefix/lib/pkgconfig/bge.pc" >"$scratch/headers/bge.pc"
header 65536
afresh other
errors=$(PKG_CONFIG_PATH=$scratch/headers go build -C "$scratch/other" "${race[@]}" ./internal/native 2>&1) && fail "it builds with a header of ABI 1"
grep -q 'another ABI major version' <<<"$errors" || fail "the error is: $errors"
header 1
afresh old
errors=$(CPATH=$scratch/headers go build -C "$scratch/old" "${race[@]}" -tags bge_static ./internal/native 2>&1) && fail "it builds with a header that is too old"
grep -q 'too old.*make install' <<<"$errors" || fail "the error is: $errors"
if ! "${CC:-cc}" -E -include bge.h -x c /dev/null >/dev/null 2>&1; then
  afresh none
  errors=$(go build -C "$scratch/none" "${race[@]}" -tags bge_static ./internal/native 2>&1) && fail "it builds without bge.h"
  grep -q 'bge.h is missing: .*make install' <<<"$errors" || fail "the error is: $errors"
fi
echo "both are"
