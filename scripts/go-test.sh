#!/usr/bin/env bash
# Everything about the Go package: form, tests, races, pointer rules, lifetimes, and both ways to find the library.
#   scripts/go-test.sh LIB_DIR      (the folder of libbge.so and bge-sandbox)
set -euo pipefail
lib=$(realpath "$1")
top=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export BGE_SANDBOX_BIN=$lib/bge-sandbox
unset BGE_ENDPOINT BGE_ACCESS_TOKEN BGE_CLIENT_ID BGE_CLIENT_SECRET BGE_PROFILE BGE_SANDBOX LD_LIBRARY_PATH
cd "$top/bindings/go"

say() { printf '== %s\n' "$*"; }
repeat=1
if [ -n "${BGE_TEST_LONG:-}" ]; then repeat=200; fi

say "form"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt has something to say of: $unformatted" >&2; exit 1; }
# the library of the tree, wherever cargo has put it
export CGO_LDFLAGS="-L$lib -Wl,-rpath,$lib"
go vet -tags bge_dev ./...
if grep -rn --include='*.go' -e '^//export' -e SetFinalizer .; then echo "no //export, no finalizers" >&2; exit 1; fi
[ "$(go list -m all | wc -l)" -eq 1 ] || { echo "the package has gained a third-party module" >&2; exit 1; }

say "tests, with the race detector"
go test -tags bge_dev -race -count=1 ./...
say "pointers passed to C"
GOEXPERIMENT=cgocheck2 go test -tags bge_dev -count=1 ./...
say "lifetimes"
GODEBUG=clobberfree=1 GOGC=1 go test -tags bge_dev -count=1 -run 'Lifetime|Close' ./...
say "cancelling, $repeat times"
go test -tags bge_dev -race -count="$repeat" -run Cancel .

say "against an installed library"
unset CGO_LDFLAGS
PREFIX=$scratch/prefix BUILD=$lib "$top/scripts/install.sh" install
PKG_CONFIG_PATH=$scratch/prefix/lib/pkgconfig go build -o "$scratch/quickstart" ./cmd/bge-quickstart
LD_LIBRARY_PATH=$scratch/prefix/lib "$BGE_SANDBOX_BIN" run -- "$scratch/quickstart" >/dev/null

say "without cgo"
if CGO_ENABLED=0 go build ./... 2>"$scratch/errors"; then echo "it was built without cgo" >&2; exit 1; fi
grep -q requires_cgo "$scratch/errors" || { cat "$scratch/errors"; exit 1; }
echo ok
