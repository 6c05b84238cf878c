#!/usr/bin/env bash
# Lines of code by room, without those of tests beside the code.
set -euo pipefail
cd "$(dirname "$0")/.."

lines() { # FILES…
  cat "$@" | awk '/^#\[cfg\(test\)\]$/ { tests = 1 } /^\/\/!/ { tests = 0 } !tests { n++ } END { print n + 0 }'
}
for room in src/*/; do printf '%6d  %s\n' "$(lines $(find "$room" -name '*.rs'))" "$room"; done
printf '%6d  %s\n' "$(lines src/*.rs)" "src/*.rs"
for room in sandbox/src tools; do printf '%6d  %s\n' "$(lines $(find "$room" -name '*.rs'))" "$room/"; done
for kind in c:hpp go:go r:R r:c; do
  printf '%6d  bindings/%s (%s)\n' "$(find "bindings/${kind%%:*}" -name "*.${kind##*:}" ! -name '*_test.go' ! -path '*/tests/*' -exec cat {} + | wc -l)" "${kind%%:*}" "${kind##*:}"
done
printf '%6d  tests\n' "$(git ls-files tests sandbox/tests tools '*_test.go' 'bindings/r/tests' | grep -E '/tests?/|^tests|_test.go' | xargs cat | wc -l)"
