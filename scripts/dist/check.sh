#!/usr/bin/env bash
# The same commit, built once more in another folder, gives the same bytes: `make dist-check`.
# Environment: BGE_DIST_ELSEWHERE (a folder of its own, which is kept; else a new one, kept where the bytes differ).
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
source "$steps/roots.sh"
[ -f "$dist/SHA256SUMS" ] || fail "there is no dist/SHA256SUMS to compare with: run \`make dist\`"
elsewhere=${BGE_DIST_ELSEWHERE:-}
if [ -z "$elsewhere" ]; then
  elsewhere=$(mktemp -d)
  trap '[ -n "${differ:-}" ] || rm -rf "$elsewhere"' EXIT
fi
rm -rf "$elsewhere/clone"
git -C "$top" clone --quiet --no-hardlinks . "$elsewhere/clone"
again=$elsewhere/a-longer-folder
BGE_DIST_TOOLS=$tools BGE_DIST_ROOTS=$roots BGE_DIST_WORK=$again/work BGE_DIST=$again/dist "$elsewhere/clone/scripts/dist/all.sh" >"$work/check.log" 2>&1 ||
  { tail -n 40 "$work/check.log" >&2; fail "the second build"; }
diff "$dist/SHA256SUMS" "$again/dist/SHA256SUMS" || { differ=1; fail "the files above differ: compare $dist with $again/dist"; }
say "two builds in two folders gave the same $(wc -l <"$dist/SHA256SUMS") files"
