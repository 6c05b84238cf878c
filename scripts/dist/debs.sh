#!/usr/bin/env bash
# libbge0, libbge-dev and bge-tools as Debian packages, by debhelper from what was compiled; lintian has nothing to say.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
tree=$stage/debs/libbge-$version
say "Debian packages"
rm -rf "$stage/debs"
mkdir -p "$tree" "$dist"
cp -r "$source/packaging/debian" "$tree/debian"
chmod -R u=rwX,go=rX "$tree"

{
  cat "$source/packaging/debian/copyright.in"
  sed 's/^/  /' "$source/LICENSE-MIT"
  printf '\n'
  "$steps/licences" "$source" "$triple" --debian
} >"$tree/debian/copyright"
rm "$tree/debian/copyright.in"
cat >"$tree/debian/changelog" <<CHANGELOG
libbge ($version) unstable; urgency=medium

  * Release $version; what is new stands in changelog.gz.

 -- The libbge authors <libbge@users.noreply.github.com>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
# every function is one of the first release, until a list says otherwise
{
  echo 'libbge.so.0 libbge0 #MINVER#'
  echo '* Build-Depends-Package: libbge-dev'
  sed "s/.*/ &@BGE_0 $version/" "$source/tests/symbols.txt"
} >"$tree/debian/libbge0.symbols"

cd "$tree"
export BGE_SOURCE=$source BGE_BUILT=$built DEB_BUILD_OPTIONS=nostrip
dpkg-buildpackage --build=binary --no-sign --no-check-builddeps --no-pre-clean >../build.log 2>&1 ||
  { tail -n 60 ../build.log >&2; fail "dpkg-buildpackage"; }
cd ..
LC_ALL=C.UTF-8 lintian --allow-root --fail-on error,warning libbge_*.changes
cp ./*.deb "$dist"
