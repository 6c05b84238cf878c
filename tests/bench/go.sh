#!/usr/bin/env bash
# What a call from Go costs, beside net/http:  tests/bench/go.sh LIB_DIR
set -euo pipefail
lib=$(cd "${1:?the folder of libbge.so and bge-sandbox}" && pwd)
cd "$(dirname "$0")/../../bindings/go"
command -v go >/dev/null || { echo "Go is missing: nothing is measured"; exit 0; }
mkdir -p ../../build/bench
ln -sf libbge.so "$lib/libbge.so.0"
CGO_LDFLAGS="-O2 -g -L$lib -Wl,-rpath,$lib" go build -tags bge_dev -o ../../build/bench/compare ./internal/compare
"$lib/bge-sandbox" run -- bash -c '
  curl -fsS -X POST "$BGE_ENDPOINT/__sandbox__/options" -d "{\"log\": \"off\"}" >/dev/null
  ../../build/bench/compare'
