#!/usr/bin/env bash
# Installs into scratch folders and builds a stranger's program against what was installed: with pkg-config and
# with CMake, shared and static; then moves the tree, and takes it away again.
#   tests/programs/install/run.sh SANDBOX     (BUILD names the folder of the built library, as for scripts/install.sh)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
sandbox=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset LD_LIBRARY_PATH DESTDIR LIBDIR INCLUDEDIR BINDIR DATADIR
flags="-Wall -Wextra -Werror -pedantic"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)

fail() { echo "FAILED: $*" >&2; exit 1; }
needs() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
shared() { # PROGRAM FOLDER-OF-THE-LIBRARY
  needs "$1" | grep -qx 'libbge\.so\.0' || fail "$1 does not need libbge.so.0"
  greets "$(LD_LIBRARY_PATH="$2" "$sandbox" run -- "$1")" "$1"
}
static() { # PROGRAM
  if needs "$1" | grep -q libbge; then fail "$1 needs libbge although it was linked statically"; fi
  greets "$("$sandbox" run -- "$1")" "$1"
}
greets() { [[ $1 == "libbge $version: "?* ]] || fail "$2 said: $1"; echo "  $(basename "$(dirname "$2")")/$(basename "$2"): $1"; }

echo "a prefix of one's own"
export PREFIX=$scratch/prefix
"$top/scripts/install.sh" install
(cd "$PREFIX" && find . ! -type d | sed "s|^\.|$PREFIX|" | sort) >"$scratch/found"
"$top/scripts/install.sh" list | sort | diff - "$scratch/found" || fail "other files than the list"
[ "$(readlink "$PREFIX/lib/libbge.so.0")" = "libbge.so.$version" ] || fail "libbge.so.0 points elsewhere"

echo "pkg-config"
mkdir "$scratch/pc"
export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig
[ "$(pkg-config --modversion bge)" = "$version" ] || fail "bge.pc has another version"
cc -std=c11 $flags "$here/main.c" -o "$scratch/pc/shared" $(pkg-config --cflags --libs bge)
shared "$scratch/pc/shared" "$PREFIX/lib"
c++ -std=c++17 $flags "$here/main.cpp" -o "$scratch/pc/shared-cpp" $(pkg-config --cflags --libs bge)
shared "$scratch/pc/shared-cpp" "$PREFIX/lib"
cc -std=c11 $flags "$here/main.c" -o "$scratch/pc/static" $(pkg-config --cflags bge) $(pkg-config --variable=static_libs bge)
static "$scratch/pc/static"
# where only the archive is installed, the usual --static is all it takes
mkdir "$scratch/archive"
cp "$PREFIX/lib/libbge.a" "$scratch/archive"
cc -std=c11 $flags "$here/main.c" -o "$scratch/pc/static2" \
  $(pkg-config --static --define-variable=libdir="$scratch/archive" --cflags --libs bge)
static "$scratch/pc/static2"

cmake_builds() { # PREFIX
  cmake -S "$here" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$1" -DCMAKE_C_FLAGS="$flags" >/dev/null
  cmake --build "$scratch/cmake" >/dev/null
  shared "$scratch/cmake/shared" ""
  shared "$scratch/cmake/shared-cpp" ""
  static "$scratch/cmake/static"
}
echo "CMake"
cmake_builds "$PREFIX"
for wanted in "" 0 "$version"; do
  cmake -S "$here" -B "$scratch/wanted" -DCMAKE_PREFIX_PATH="$PREFIX" -DBGE_WANTED="$wanted" >/dev/null
done
for wanted in 1.0 99.0 "$version.1"; do
  if cmake -S "$here" -B "$scratch/wanted" -DCMAKE_PREFIX_PATH="$PREFIX" -DBGE_WANTED=$wanted >"$scratch/log" 2>&1; then
    fail "version $version was found for $wanted"
  fi
  grep -q "considered but not accepted" "$scratch/log" || fail "$(cat "$scratch/log")"
  case $wanted in 0.*) why="too old: sudo apt install" ;; *) why="another ABI: install libbge" ;; esac
  grep -q "$why" "$scratch/log" || fail "CMake does not say what to do about $wanted: $(cat "$scratch/log")"
done
mv "$PREFIX/lib/libbge.a" "$scratch/archive"
if cmake -S "$here" -B "$scratch/wanted" -DCMAKE_PREFIX_PATH="$PREFIX" -DBGE_WANTED=0 >"$scratch/log" 2>&1; then fail "found without the archive"; fi
tr -s ' \n' ' ' <"$scratch/log" | grep -q 'libbge.a is missing; `sudo apt install --reinstall' || fail "$(cat "$scratch/log")"
mv "$scratch/archive/libbge.a" "$PREFIX/lib"

echo "CMake, after the tree has moved"
mv "$PREFIX" "$scratch/moved"
rm -r "$scratch/cmake"
cmake_builds "$scratch/moved"
mv "$scratch/moved" "$PREFIX"

echo "uninstall"
"$top/scripts/install.sh" uninstall
[ -z "$(find "$PREFIX" ! -type d)" ] || fail "left behind: $(find "$PREFIX" ! -type d)"

echo "a packager's staging folder, with folders of its own"
PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu DESTDIR=$scratch/stage "$top/scripts/install.sh" install
if grep -rlI "$scratch" "$scratch/stage"; then fail "the staging folder is written into the files above"; fi
grep -qx 'libdir=/usr/lib/x86_64-linux-gnu' "$scratch/stage/usr/lib/x86_64-linux-gnu/pkgconfig/bge.pc" || fail "libdir"
rm -r "$scratch/cmake"
cmake_builds "$scratch/stage/usr"

echo "a tree to be unpacked anywhere"
PREFIX=/usr RELOCATABLE=1 DESTDIR=$scratch/loose "$top/scripts/install.sh" install
mv "$scratch/loose/usr" "$scratch/a folder"
if grep -rlI -e "$scratch" -e /usr "$scratch/a folder/lib"; then fail "the files above name a folder of the machine"; fi
(
  cd "$scratch/a folder/lib"
  PKG_CONFIG_PATH=$PWD/pkgconfig
  [ "$(pkg-config --variable=libdir bge | xargs realpath)" = "$PWD" ] || fail "libdir of a moved tree"
  eval "cc -std=c11 $flags '$here/main.c' -o '$scratch/pc/loose' $(pkg-config --cflags --libs bge)"
  shared "$scratch/pc/loose" "$PWD"
)
if PREFIX=relative "$top/scripts/install.sh" install 2>/dev/null; then fail "a relative prefix was taken"; fi
echo "ok"
