#!/usr/bin/env bash
# What a cohort of many small samples costs, and what a second core is good for:  tests/bench/extract.sh LIB_DIR
# BGE_BENCH_SAMPLES (1000 10000 100000) are the sizes of the cohorts.
set -euo pipefail
cd "$(dirname "$0")/../.."
lib=${1:?the folder of libbge.so, bge and bge-sandbox}
mkdir -p build/bench
ln -sf libbge.so "$lib/libbge.so.0"
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -O2 -Wall -Wextra -Werror -Iinclude tests/bench/table.c \
  -o build/bench/table -L"$lib" -lbge -Wl,-rpath,"$(cd "$lib" && pwd)"
"${BGE_PYTHON:-build/venv/bin/python}" tests/bench/extract.py "$lib/bge" "$lib/bge-sandbox" build/bench/table
