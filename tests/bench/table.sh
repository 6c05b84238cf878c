#!/usr/bin/env bash
# Tables, beside the network's limit and the official SDK with pandas:  tests/bench/table.sh LIB_DIR
set -euo pipefail
cd "$(dirname "$0")/../.."
lib=${1:?the folder of libbge.so and bge-sandbox}
mkdir -p build/bench
ln -sf libbge.so "$lib/libbge.so.0"
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -O2 -Wall -Wextra -Werror -Iinclude tests/bench/table.c \
  -o build/bench/table -L"$lib" -lbge -Wl,-rpath,"$(cd "$lib" && pwd)"
"${BGE_PYTHON:-build/venv/bin/python}" tests/bench/table.py build/bench/table "$lib/bge-sandbox"
