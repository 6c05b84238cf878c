#!/usr/bin/env bash
# Files up and down, beside curl, oss2 and the official SDK:  tests/bench/transfers.sh LIB_DIR
# BGE_BENCH_MIB (1024) is the size of the file, BGE_BENCH_RUNS (5) how often each is measured.
set -euo pipefail
cd "$(dirname "$0")/../.."
lib=${1:?the folder of libbge.so and bge-sandbox}
mkdir -p build/bench
ln -sf libbge.so "$lib/libbge.so.0"
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Werror -Iinclude tests/bench/transfers.c \
  -o build/bench/transfers -L"$lib" -lbge -Wl,-rpath,"$(cd "$lib" && pwd)"
measure=("${BGE_PYTHON:-build/venv/bin/python}" tests/bench/transfers.py build/bench/transfers "$lib/bge-sandbox")
"${measure[@]}"

# and over a line as laboratories have it: the loopback of a network of its own, which root may slow down
if [ "$(id -u)" -eq 0 ] && command -v tc >/dev/null && unshare --net true 2>/dev/null; then
  # shellcheck disable=SC2016 # expanded inside
  BGE_BENCH_RUNS=1 unshare --net bash -ec '
    ip link set lo up
    tc qdisc add dev lo root tbf rate 1gbit burst 256kb latency 100ms
    exec "$@" "a line of 1 Gbit/s"' line "${measure[@]}"
else
  echo "A line of 1 Gbit/s needs root and tc: nothing is measured over one."
fi
