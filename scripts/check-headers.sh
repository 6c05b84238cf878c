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
}
echo "bge.h and bge.hpp compile alone as C11, C++17 and C++20"
