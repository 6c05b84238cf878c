#!/usr/bin/env bash
# Installs libbge, or takes it away again; called by `make install` and `make uninstall`.
#   scripts/install.sh install|uninstall
# Environment: PREFIX (/usr/local), LIBDIR (PREFIX/lib), INCLUDEDIR (PREFIX/include), BINDIR (PREFIX/bin),
# DATADIR (PREFIX/share: manual pages and completions of bge), HTSLIB_PLUGINDIR (LIBDIR/htslib, where htslib looks if LIBDIR is /usr/local/lib), DESTDIR
# (packagers' staging folder, in front of every path, and in no file), BUILD (where cargo put what it built),
# STRIP (strip; empty: the debug information is installed, too), RELOCATABLE (1: bge.pc names its folders by where it lies
# itself, as the CMake package always does, for a tree that is unpacked anywhere), DESCRIBED_BY (BUILD/bge: the program that
# writes manual pages and completions, where what is installed is for another machine).
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)

PREFIX=${PREFIX:-/usr/local}
LIBDIR=${LIBDIR:-$PREFIX/lib}
INCLUDEDIR=${INCLUDEDIR:-$PREFIX/include}
BINDIR=${BINDIR:-$PREFIX/bin}
DATADIR=${DATADIR:-$PREFIX/share}
HTSLIB_PLUGINDIR=${HTSLIB_PLUGINDIR:-$LIBDIR/htslib}
DESTDIR=${DESTDIR:-}
BUILD=${BUILD:-$top/target/release}
STRIP=${STRIP-strip}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
soname=libbge.so.${version%%.*}
cmakedir=$LIBDIR/cmake/bge

for path in "$PREFIX" "$LIBDIR" "$INCLUDEDIR" "$BINDIR" "$DATADIR" "$HTSLIB_PLUGINDIR"; do
  case $path in
    /*) ;;
    *) echo "install: $path is not an absolute path" >&2; exit 1 ;;
  esac
done

# what `rustc --print native-static-libs` says a program needs beside libbge.a
system_libs="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

nouns=("$top"/bindings/c/bge/*.hpp) # the parts of bge.hpp
files=(
  "$INCLUDEDIR/bge.h" "$INCLUDEDIR/bge.hpp" "${nouns[@]/#$top\/bindings\/c/$INCLUDEDIR}"
  "$LIBDIR/libbge.so.$version" "$LIBDIR/$soname" "$LIBDIR/libbge.so" "$LIBDIR/libbge.a"
  "$HTSLIB_PLUGINDIR/hfile_bge.so"
  "$BINDIR/bge-sandbox" "$BINDIR/bge"
  "$LIBDIR/pkgconfig/bge.pc"
  "$cmakedir/bgeConfig.cmake" "$cmakedir/bgeConfigVersion.cmake" "$cmakedir/bgeTargets.cmake"
)

# what bge writes about itself: a manual page for each command, and what shells complete
mandir=$DATADIR/man/man1
pages=(bge bge-{login,token,logout,whoami,profile,calls,call,api,upload,download,cat,extract,model,doctor,completions,man}
  bge-profile-{list,show,use,add,remove} bge-model-{deploy,package,publish,rollback,versions,run,wait})
completions=("$DATADIR/bash-completion/completions/bge" "$DATADIR/zsh/site-functions/_bge" "$DATADIR/fish/vendor_completions.d/bge.fish")
files+=("${completions[@]}")
for page in "${pages[@]}" bge-sandbox; do files+=("$mandir/$page.1"); done
describe() { # PROGRAM
  "$1" --version >/dev/null 2>&1 || { echo "install: $1 does not run here: no manual pages, no completions" >&2; return; }
  local scratch shell place
  install -d "$DESTDIR$mandir"
  scratch=$(mktemp -d)
  "$1" --lang en man --all "$scratch"
  for page in "${pages[@]}"; do install -m 644 "$scratch/$page.1" "$DESTDIR$mandir"; done
  for place in "${completions[@]}"; do
    case $place in */bash*) shell=bash ;; */zsh*) shell=zsh ;; *) shell=fish ;; esac
    "$1" --lang en completions "$shell" >"$scratch/completions"
    install -D -m 644 "$scratch/completions" "$DESTDIR$place"
  done
  rm -rf "$scratch"
}

# the folders that bge.pc names
pc_prefix=$PREFIX pc_libdir=$LIBDIR pc_includedir=$INCLUDEDIR pc_htslib=$HTSLIB_PLUGINDIR
if [ "${RELOCATABLE:-0}" = 1 ]; then
  from_pc() { echo "\${pcfiledir}/$(realpath -ms --relative-to="$LIBDIR/pkgconfig" "$1")"; }
  pc_prefix=$(from_pc "$PREFIX") pc_libdir=$(from_pc "$LIBDIR")
  pc_includedir=$(from_pc "$INCLUDEDIR") pc_htslib=$(from_pc "$HTSLIB_PLUGINDIR")
fi

fill() { # TEMPLATE TARGET
  sed -e "s|@VERSION@|$version|g" -e "s|@SONAME@|$soname|g" -e "s|@PREFIX@|$pc_prefix|g" \
    -e "s|@LIBDIR@|$pc_libdir|g" -e "s|@INCLUDEDIR@|$pc_includedir|g" -e "s|@HTSLIB_PLUGINDIR@|$pc_htslib|g" -e "s|@SYSTEM_LIBS@|$system_libs|g" \
    -e "s|@CMAKE_TO_LIBDIR@|$(realpath -ms --relative-to="$cmakedir" "$LIBDIR")|g" \
    -e "s|@CMAKE_TO_INCLUDEDIR@|$(realpath -ms --relative-to="$cmakedir" "$INCLUDEDIR")|g" "$1" >"$2"
  chmod 644 "$2"
}

case ${1:-} in
  install)
    install -d "$DESTDIR$INCLUDEDIR/bge" "$DESTDIR$LIBDIR/pkgconfig" "$DESTDIR$cmakedir" "$DESTDIR$BINDIR" \
      "$DESTDIR$HTSLIB_PLUGINDIR"
    install -m 644 "$top/include/bge.h" "$top/bindings/c/bge.hpp" "$DESTDIR$INCLUDEDIR"
    install -m 644 "${nouns[@]}" "$DESTDIR$INCLUDEDIR/bge"
    programs=()
    for program in bge-sandbox bge; do # a build without tables has no bge
      [ -e "$BUILD/$program" ] || continue
      install -m 755 "$BUILD/$program" "$DESTDIR$BINDIR"
      programs+=("$DESTDIR$BINDIR/$program")
    done
    install -D -m 644 "$top/sandbox/bge-sandbox.1" "$DESTDIR$mandir/bge-sandbox.1"
    if [ -e "$BUILD/bge" ]; then describe "${DESCRIBED_BY:-$BUILD/bge}"; fi
    install -m 755 "$BUILD/libbge.so" "$DESTDIR$LIBDIR/libbge.so.$version"
    if [ -n "$STRIP" ]; then "$STRIP" --strip-unneeded "$DESTDIR$LIBDIR/libbge.so.$version" "${programs[@]}"; fi
    ln -sf "libbge.so.$version" "$DESTDIR$LIBDIR/$soname"
    ln -sf "$soname" "$DESTDIR$LIBDIR/libbge.so"
    install -m 755 "$BUILD/hfile_bge.so" "$DESTDIR$HTSLIB_PLUGINDIR"
    if [ -n "$STRIP" ]; then "$STRIP" --strip-unneeded "$DESTDIR$HTSLIB_PLUGINDIR/hfile_bge.so"; fi
    install -m 644 "$BUILD/libbge.a" "$DESTDIR$LIBDIR"
    if [ -n "$STRIP" ]; then "$STRIP" --strip-debug "$DESTDIR$LIBDIR/libbge.a"; fi
    fill "$top/bindings/c/bge.pc.in" "$DESTDIR$LIBDIR/pkgconfig/bge.pc"
    for part in Config ConfigVersion Targets; do
      fill "$top/bindings/c/bge$part.cmake.in" "$DESTDIR$cmakedir/bge$part.cmake"
    done
    echo "Installed libbge $version under $DESTDIR$PREFIX"
    ;;
  uninstall)
    for file in "${files[@]}"; do rm -f "$DESTDIR$file"; done
    rmdir "$DESTDIR$INCLUDEDIR/bge" "$DESTDIR$cmakedir" "$DESTDIR$HTSLIB_PLUGINDIR" "$DESTDIR$mandir" 2>/dev/null || true
    echo "Removed libbge from $DESTDIR$PREFIX"
    ;;
  list) printf '%s\n' "${files[@]}" ;;
  *) echo "usage: install.sh install|uninstall|list" >&2; exit 2 ;;
esac
