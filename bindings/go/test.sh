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

say "everything, under the race detector"
go test "${tags[@]}" -race -count=1 ./...

say "every executed example"
examples=$(go test "${tags[@]}" -count=1 -v -run '^Example' . | grep -c '^--- PASS')
[ "$examples" -ge 10 ] || fail "$examples examples"
echo "$examples examples"

say "the rules for pointers, checked at every store"
GOEXPERIMENT=cgocheck2 go test "${tags[@]}" -count=1 ./...

say "lifetimes, with a collector that never rests and overwrites what it frees"
GODEBUG=clobberfree=1 GOGC=1 go test "${tags[@]}" -count="$(often 1 20)" -run TestLifetime .

say "calls cancelled beside others, again and again"
go test "${tags[@]}" -race -count="$(often 20 200)" -run TestCancelNextToOthers .

say "the installed library, through pkg-config"
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
PREFIX=$prefix BUILD=$LIB_DIR "$top/scripts/install.sh" install >/dev/null
unset CGO_LDFLAGS
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
go build -o "$prefix/bin/bge-quickstart" ./cmd/bge-quickstart
"$prefix/bin/bge-sandbox" run -- "$prefix/bin/bge-quickstart" | tail -n 3
