#!/usr/bin/env bash
# The library exports what tests/symbols.txt lists, each with the version node BGE_0; include/bge.h declares the same, and
# nothing else leaks in or out.
#   scripts/check-symbols.sh [LIBRARY]   compare
#   scripts/check-symbols.sh --update    write the list anew, after the library has gained a function
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
list=tests/symbols.txt
update=false
if [ "${1:-}" = --update ]; then update=true; shift; fi
library=${1:-${CARGO_TARGET_DIR:-target}/release/libbge.so}

# GNU ld lists the node itself, too, as an absolute symbol
versioned() { nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $NF }' | sort -u; }
exported() { versioned | sed 's/@.*//'; }
# comments and macros gone, what is left that is called like a function is one
declared() {
  ${CC:-cc} -E -P include/bge.h | grep -oE '\bbge_[a-z0-9_]+ ?\(' | tr -d ' (' | sort -u
}

if $update; then exported >"$list"; fi

failed=0
complain() { echo "check-symbols: $*" >&2; failed=1; }
same() { diff -u --label "$list" --label "$2" "$list" "$1" || complain "$3"; }

sort -c "$list" || complain "$list is not sorted"
if grep -v '^bge_' "$list"; then complain "every exported name begins with bge_"; fi
same <(exported) "exported by libbge.so" "the exports differ (a new function: --update; a lost one breaks programs)"
same <(declared) "declared in bge.h" "the header differs (make header)"

unversioned=$(versioned | grep -v '@@BGE_0$' || true)
[ -z "$unversioned" ] || complain "without the version node BGE_0: $(tr '\n' ' ' <<<"$unversioned")"

# what a program that links to it has to bring along: nothing
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
extra=$(grep -vE '^(lib(c|m)\.so\.6|lib(pthread|dl|rt)\.so\.[0-9]|libgcc_s\.so\.1|ld-linux.*)$' <<<"$needed" || true)
[ -z "$extra" ] || complain "the library needs $extra"
readelf -d "$library" | grep -q 'SONAME.*\[libbge\.so\.0\]' || complain "the SONAME is not libbge.so.0"
readelf -d "$library" | grep -q 'FLAGS_1.*NODELETE' || complain "the library can be unloaded (-z nodelete is missing)"

[ "$failed" -eq 0 ] || exit 1
echo "$(wc -l <"$list") exported functions of BGE_0, as listed and declared; needs only: $(tr '\n' ' ' <<<"$needed")"
