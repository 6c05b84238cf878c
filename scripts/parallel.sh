#!/usr/bin/env bash
# Runs suites side by side, keeps each one's output in a log of its own, and prints the log of those that fail.
#   scripts/parallel.sh [-j N] NAME='COMMAND' …
# A suite that ends with 77 could not be run here: it is named at the end, and fails where CI is set.
# Ends with the number of suites that failed (0: all that were run passed).
set -uo pipefail

jobs=$(nproc)
if [ "${1:-}" = -j ]; then jobs=$2; shift 2; fi
logs=${BGE_LOGS:-build/logs}
mkdir -p "$logs"

declare -A name_of=() started_at=()
failed=() not_run=()

await_one() {
  local pid status seconds
  wait -n -p pid
  status=$?
  seconds=$(( SECONDS - started_at[$pid] ))
  if [ "$status" -eq 77 ] && [ -z "${CI:-}" ]; then
    printf '  not run %-16s\n' "${name_of[$pid]}"
    not_run+=("${name_of[$pid]}")
  elif [ "$status" -eq 0 ]; then
    printf '  ok      %-16s %4d s\n' "${name_of[$pid]}" "$seconds"
  else
    printf '  FAILED  %-16s %4d s  (status %d)\n' "${name_of[$pid]}" "$seconds" "$status"
    failed+=("${name_of[$pid]}")
  fi
  unset "name_of[$pid]"
}

for suite in "$@"; do
  [ "${#name_of[@]}" -lt "$jobs" ] || await_one
  name=${suite%%=*}
  bash -c "${suite#*=}" >"$logs/$name.log" 2>&1 </dev/null &
  name_of[$!]=$name
  started_at[$!]=$SECONDS
done
while [ "${#name_of[@]}" -gt 0 ]; do await_one; done

for name in "${failed[@]}"; do
  printf '\n----- %s: the last 200 lines of %s\n' "$name" "$logs/$name.log"
  tail -n 200 "$logs/$name.log"
done
if [ "${#failed[@]}" -gt 0 ]; then
  printf '\n%d of %d suites failed: %s\n' "${#failed[@]}" "$#" "${failed[*]}"
else
  printf '%d of %d suites passed in %d s\n' "$(( $# - ${#not_run[@]} ))" "$#" "$SECONDS"
fi
for name in "${not_run[@]}"; do printf '*not run*: %s (%s)\n' "$name" "$(tail -n 1 "$logs/$name.log")"; done
exit "${#failed[@]}"
