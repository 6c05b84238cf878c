#!/usr/bin/env bash
# What one call costs, beside libcurl:  tests/bench/calls.sh LIB_DIR
set -euo pipefail
cd "$(dirname "$0")/../.."
lib=${1:?the folder of libbge.so and bge-sandbox}
mkdir -p build/bench
ln -sf libbge.so "$lib/libbge.so.0"
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Werror -Iinclude tests/bench/calls.c \
  -o build/bench/calls -L"$lib" -lbge -Wl,-rpath,"$(cd "$lib" && pwd)" -lcurl
"$lib/bge-sandbox" run -- bash -c '
  curl -fsS -X POST "$BGE_ENDPOINT/__sandbox__/options" -d "{\"log\": \"off\"}" >/dev/null
  build/bench/calls'
