#!/usr/bin/env bash
# Says whether this machine can run a suite: ends with 77, and the reason, where it cannot.
#   scripts/needs.sh SUITE
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { echo "$1 is missing here: \`make deps\` installs it, or says how"; exit 77; }
have() { command -v "$1" >/dev/null 2>&1 || missing "$1"; }

case ${1:?a suite} in
  r-test) have R; have Rscript ;;
  go-test) have go ;;
  c-test | memory-test) have valgrind ;;
  install-test) have cmake; have pkg-config ;;
  sandbox-test | interop-test) [ -e build/venv/.installed ] || missing "the Python environment" ;;
esac
