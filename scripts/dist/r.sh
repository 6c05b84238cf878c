#!/usr/bin/env bash
# The R package with the library inside: as sources, for which R and a C compiler suffice, and as a binary package of this
# machine's R.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
package=bge_$version
# R writes the folder that it works in into its pages of help: it is the same for everybody
tree=${TMPDIR:-/tmp}/libbge-r
mkdir -m 700 "$tree" || fail "the R packages are made in $tree: remove it, if nobody is at work there"
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/made" "$tree/library" "$dist"

cp -r "$source/bindings/r" "$tree/bge"
sed -i '/^\^inst\/lib\$$/d' "$tree/bge/.Rbuildignore"
mkdir "$tree/bge/inst/lib"
cp "$built/libbge.so" "$tree/bge/inst/lib/libbge.so.0"
echo "Linux-$machine" >"$tree/bge/tools/bundled"
"$steps/licences" "$source" "$triple" >"$tree/bge/inst/LICENSES-OF-CRATES.txt"

# the glue, too, for old systems, and by no more than the package says
cat >"$tree/Makevars" <<MAKEVARS
CC = python-zig cc -target $zig_target
CFLAGS = -O2 -fpic
MAKEVARS
export R_MAKEVARS_USER=$tree/Makevars R_PROFILE_USER=/dev/null
unset BGE_LIB_DIR BGE_ENDPOINT BGE_ACCESS_TOKEN BGE_SANDBOX R_LIBS
when=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y-%m-%d %H:%M:%S UTC')

say "$package.tar.gz"
# the vignettes show the sandbox's address
(cd "$tree/made" && "$built/bge-sandbox" run --port 18651 -- R CMD build ../bge >build.log 2>&1) || { tail -n 40 "$tree/made/build.log" >&2; fail "R CMD build"; }
mkdir "$tree/source"
tar -xzf "$tree/made/$package.tar.gz" -C "$tree/source"
sed -i "s/^Packaged: .*/Packaged: $when; libbge/" "$tree/source/bge/DESCRIPTION"
# made when the vignettes were, and then of no use to anybody
rm -rf "$tree/source/bge/src/Makevars" "$tree/source/bge/src/"*.{o,so}
pack "$dist/$package.tar.gz" "$tree/source" bge
# R keeps the age of a page's source
find "$tree/source" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

binary=${package}_R_$machine-pc-linux-gnu.tar.gz
say "$binary"
(
  cd "$tree/made"
  R CMD INSTALL --build --strip --built-timestamp="$when" -l "$tree/library" ../source/bge >install.log 2>&1
) || { tail -n 40 "$tree/made/install.log" >&2; fail "R CMD INSTALL --build"; }
newest=$(objdump -T "$tree/library/bge/libs/bge.so" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
[ "$(printf '%s\n' "GLIBC_$glibc" "$newest" | sort -V | tail -n 1)" = "GLIBC_$glibc" ] || fail "bge.so needs $newest"
pack "$dist/$binary" "$tree/library" bge
