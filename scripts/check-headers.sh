#!/bin/sh
# The public headers must compile alone, and twice over, as C11 and as C++17, without a warning.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
flags="-Wall -Wextra -Werror -pedantic -Wshadow -Iinclude -Ibindings/c -fsyntax-only"

printf '#include <bge.h>\n#include <bge.h>\n' >"$scratch/header.c"
printf '#include <bge.hpp>\n#include <bge.hpp>\n' >"$scratch/header.cpp"
# shellcheck disable=SC2086
{
  ${CC:-cc} -std=c11 -Wstrict-prototypes $flags "$scratch/header.c"
  ${CXX:-c++} -std=c++17 -x c++ $flags "$scratch/header.c"
  ${CXX:-c++} -std=c++17 $flags "$scratch/header.cpp"
  ${CXX:-c++} -std=c++20 $flags "$scratch/header.cpp"
  for part in bindings/c/bge/*.hpp; do
    printf '#include <bge/%s>\n#include <bge/%s>\n' "${part##*/}" "${part##*/}" >"$scratch/part.cpp"
    ${CXX:-c++} -std=c++17 $flags "$scratch/part.cpp"
  done
}
# a status that is dropped is seen (by a compiler that does its whole work), unless that was turned off
whole=$(echo "$flags" | sed 's|-fsyntax-only|-c -o /dev/null|')
printf '#include <bge.h>\nvoid f(bge_api_t *api) { bge_api_alive(api, NULL); }\n' >"$scratch/drops.c"
for compiler in "${CC:-cc} -std=c11" "${CXX:-c++} -std=c++17 -x c++"; do
  # shellcheck disable=SC2086
  $compiler $whole -DBGE_NODISCARD= "$scratch/drops.c"
  # shellcheck disable=SC2086
  if $compiler $whole "$scratch/drops.c" 2>/dev/null; then
    echo "check-headers: $compiler does not see that a status is dropped" >&2
    exit 1
  fi
done
echo "bge.h, bge.hpp and its parts compile alone as C11, C++17 and C++20"
