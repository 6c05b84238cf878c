#!/usr/bin/env bash
# Everything about the R package, on loopback: its header, an offline installation that can be moved, valgrind, and
# R CMD check, which runs the tests and the examples and builds the vignettes against the sandbox.
#   BGE_LIB_DIR=… BGE_SANDBOX_BIN=… [BGE_TEST_LONG=1] bindings/r/check.sh [work folder]
set -euo pipefail

package=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$package/../.." && pwd)
work=${1:-$root/build/r}
export BGE_LIB_DIR=${BGE_LIB_DIR:-$root/target/release}
export BGE_SANDBOX_BIN=${BGE_SANDBOX_BIN:-$root/target/release/bge-sandbox}
unset BGE_ENDPOINT BGE_ACCESS_TOKEN BGE_CLIENT_ID BGE_CLIENT_SECRET BGE_PROFILE BGE_SANDBOX LD_LIBRARY_PATH
rm -rf "$work"
mkdir -p "$work"
cd "$work"

say() { printf '== %s\n' "$*"; }

say "the package's bge.h is the library's"
cmp "$root/include/bge.h" "$package/inst/include/bge.h"

say "a source package"
# in a place of its own, so that nothing is written into the tree
BGE_VIGNETTES=no R CMD build "$package"
tarball=$(echo bge_*.tar.gz)
# the vignettes ran against the sandbox: its user's name stands in what was built
tar -xOzf "$tarball" bge/inst/doc/bge.html | grep '张三' >/dev/null
for page in taxa taxa-zh; do tar -xOzf "$tarball" "bge/inst/doc/$page.html" | grep 'data:image/png' >/dev/null; done
for page in genotypes genotypes-zh; do tar -xOzf "$tarball" "bge/inst/doc/$page.html" | grep 'not_assayed' >/dev/null; done

say "installation without a network, and without anything else from the tree"
mkdir library lone
cp "$BGE_LIB_DIR/libbge.so" lone/
offline=()
if unshare -rn true 2>/dev/null; then offline=(unshare -rn); fi
BGE_LIB_DIR=$work/lone "${offline[@]}" R CMD INSTALL --no-docs -l library "$tarball" >install.log 2>&1 || { cat install.log; exit 1; }
readelf -d library/bge/libs/bge.so | grep -F 'RUNPATH' | grep -F '$ORIGIN/../lib'
readelf -d library/bge/libs/bge.so | grep -F 'NODELETE'
if readelf -d library/bge/libs/bge.so | grep -F "$work"; then echo "bge.so names a folder of the build" >&2; exit 1; fi

say "an installation from the source tree has the vignettes, too, and leaves the tree as it was (in the long run, beside what follows)"
from_tree() {
  mkdir -p from-tree/library from-tree/bge
  tar -C "$package" --exclude=inst/lib --exclude=inst/doc --exclude=build -cf - . | tar -xf - -C from-tree/bge
  (cd from-tree && find bge -type f | sort >before)
  R CMD INSTALL --no-docs --no-test-load --preclean --clean -l from-tree/library from-tree/bge || return
  (cd from-tree && find bge -type f | sort | cmp - before) || return
  Rscript -e 'for (name in c("bge", "taxa", "taxa-zh", "genotypes", "genotypes-zh")) {
    page <- vignette(name, "bge", "from-tree/library")
    stopifnot(inherits(page, "vignette"), file.size(file.path(page$Dir, "doc", page$PDF)) > 5000)
  }'
}
from_tree=
if [ -n "${BGE_TEST_LONG:-}" ]; then
  from_tree >from-tree.log 2>&1 &
  from_tree=$!
fi

say "it can be moved, and then needs no other copy of the library"
mv library moved
rm -r lone
R_LIBS=$work/moved Rscript -e 'library(bge); stopifnot(startsWith(getLoadedDLLs()[["bge"]][["path"]], commandArgs(TRUE)))
  maps <- grep("libbge", readLines("/proc/self/maps"), value = TRUE)
  stopifnot(length(maps) > 0, grepl(commandArgs(TRUE), maps, fixed = TRUE))' "$work/moved"

say "the code of the READMEs runs as it stands"
code_of() { awk '/^```r$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$1"; }
cmp <(code_of "$root/README.md") <(code_of "$root/README.zh-CN.md")
for readme in "$root/README.md" "$package/README.md"; do
  code_of "$readme" >readme.R
  R_LIBS=$work/moved "$BGE_SANDBOX_BIN" run -- Rscript readme.R
done

say "configure looks in BGE_LIB_DIR, then asks pkg-config, then looks into the tree, else says what to do"
mkdir -p tree/bindings tree/include pkgconfig empty
tar -xzf "$tarball" -C tree/bindings
printf 'libdir=%s\nName: bge\nDescription: none\nVersion: 0\n' "$BGE_LIB_DIR" >pkgconfig/bge.pc
configured() { # PKG_CONFIG_LIBDIR [NAME=VALUE…]
  (cd tree/bindings/bge && env -u BGE_LIB_DIR -u CARGO_TARGET_DIR BGE_VIGNETTES=no PKG_CONFIG_LIBDIR="$work/$1" "${@:2}" ./configure 2>&1)
}
configured pkgconfig BGE_LIB_DIR="$BGE_LIB_DIR" | grep -F '(by BGE_LIB_DIR)'
configured pkgconfig | grep -F '(by pkg-config)'
if configured empty >configure.log; then echo "configure found a library where there is none" >&2; exit 1; fi
grep -F 'export BGE_LIB_DIR=' configure.log
if configured empty BGE_LIB_DIR="$work/empty" >configure.log; then echo "an empty BGE_LIB_DIR will do" >&2; exit 1; fi
grep -F 'no libbge.so' configure.log
cp "$package/inst/include/bge.h" tree/include/
mkdir -p tree/target/release
cp "$BGE_LIB_DIR/libbge.so" tree/target/release/
configured empty | grep -F '(by the source tree)'

say "BGE_LIB_DIR may be relative, begin with ~, or name the prefix"
mkdir -p somewhere/lib
cp "$BGE_LIB_DIR/libbge.so" somewhere/lib/libbge.so.0   # as where only the package for running programs is installed
for given in somewhere somewhere/lib ./somewhere "$work/somewhere" '~/somewhere'; do
  # meant from the folder of whoever starts R, which goes elsewhere
  (HOME=$work BGE_LIB_DIR=$given exec sh -c 'cd tree/bindings/bge && BGE_VIGNETTES=no ./configure; exit $?') | grep -F 'somewhere/lib/libbge.so.0 (by BGE_LIB_DIR)'
done

say "a library that does not fit is refused, with the command that mends it"
library() { # NAME ABI-VERSION
  mkdir "$1"
  printf 'unsigned bge_abi_version(void) { return %s; }\nconst char *bge_version(void) { return "0.0.7"; }\n' "$2" |
    "${CC:-cc}" -shared -fPIC -o "$1/libbge.so" -x c -
}
refused() { # FOLDER WHY COMMAND
  if configured empty BGE_LIB_DIR="$work/$1" >configure.log; then echo "the library of $1 is taken" >&2; exit 1; fi
  grep -F "$2" configure.log
  grep -qF "$3" configure.log
}
library too-old 0
library of-another-abi '9u << 16'
mkdir no-library
echo text >no-library/libbge.so
refused too-old 'too old' 'sudo apt install ./libbge0_'
refused of-another-abi 'of another ABI' 'make install && make r'
refused no-library 'it is no libbge' 'install.packages('

say "a checkout that cannot be written to gives a package all the same"
somebody=()
if [ "$(id -u)" -eq 0 ]; then somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
read_only=$(mktemp -d)
mkdir -m 777 "$read_only/made"
cp -r tree/bindings/bge "$read_only/checkout"
rm -rf "$read_only/checkout/"{build,inst/doc,inst/lib,src/Makevars}
cp "$BGE_LIB_DIR/libbge.so" "$read_only/made"
chmod -R a-w,a+rX "$read_only"/*/ "$read_only/checkout"
chmod 777 "$read_only/made"
chmod 755 "$read_only"
(
  cd "$read_only/made"
  export HOME=$read_only/made TMPDIR=$read_only/made BGE_LIB_DIR=../made BGE_VIGNETTES=no
  if "${somebody[@]}" R CMD INSTALL --no-docs -l . ../checkout >"$work/configure.log" 2>&1; then exit 1; fi
  grep -F 'R CMD build' "$work/configure.log"
  "${somebody[@]}" R CMD build --no-build-vignettes ../checkout >"$work/configure.log" 2>&1
  "${somebody[@]}" R CMD INSTALL --no-docs --no-test-load -l . bge_*.tar.gz >"$work/configure.log" 2>&1
) || { cat configure.log; exit 1; }
chmod -R u+w "$read_only"
rm -rf "$read_only"

say "a lifetime under valgrind"
checker="valgrind --error-exitcode=9 --log-file=$work/valgrind.%p"
(cd "$package/tests" && R_LIBS=$work/moved exec R -d "$checker" --no-echo --no-restore -f lifetime.R) >lifetime.log 2>&1 &
valgrind=$!

say "R CMD check"
# the vignettes were built above, from the same sources: once is enough for the short run
vignettes=--ignore-vignettes
if [ -n "${BGE_TEST_LONG:-}" ]; then vignettes=; fi
# arrow and nanoarrow, to which tables can be handed over, need not be here
_R_CHECK_PACKAGE_DEPENDS_IGNORE_MISSING_ENHANCES_=true \
  _R_CHECK_SYSTEM_CLOCK_=0 _R_CHECK_CRAN_INCOMING_=false _R_CHECK_FORCE_SUGGESTS_=false _R_CHECK_PKG_SIZES_THRESHOLD_=20 \
  R CMD check --as-cran --no-manual $vignettes "$tarball" || true
grep -hE '^ERROR|Failure|Error' bge.Rcheck/tests/*.Rout.fail 2>/dev/null || true

failed=0
[ -z "$from_tree" ] || wait "$from_tree" || { failed=1; cat from-tree.log; }
grep -F 'Status: OK' bge.Rcheck/00check.log || failed=1
# forked children have logs of their own; they leave what is their parent's as it is, so only the parent must lose nothing
if wait $valgrind && ! grep -l 'ERROR SUMMARY: [1-9]' valgrind.* && grep 'definitely lost: 0 bytes' valgrind.$valgrind; then
  grep -h 'ERROR SUMMARY' valgrind.*
else
  failed=1
  cat lifetime.log valgrind.*
fi
if [ "$failed" -ne 0 ]; then
  cat bge.Rcheck/tests/*.Rout.fail 2>/dev/null | tail -n 100
  exit 1
fi
