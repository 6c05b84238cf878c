#!/usr/bin/env bash
# libbge-VERSION-linux-x86_64.tar.gz: to be unpacked anywhere, and used there.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
name=libbge-$version-$platform
tree=$stage/tarball
say "$name.tar.gz"
rm -rf "$tree"
mkdir -p "$dist"
installed "$tree" PREFIX="/$name" RELOCATABLE=1
doc=$tree/$name/share/doc/libbge
mkdir -p "$doc/examples"
cp "$source"/{LICENSE,LICENSE-MIT,LICENSE-APACHE,README.md,README.zh-CN.md,CHANGELOG.md,SECURITY.md} "$doc"
cp "$source/docs/install.md" "$source/docs/install.zh-CN.md" "$doc"
cp "$source"/bindings/c/quickstart.c{,pp} "$doc/examples"
"$steps/licences" "$source" "$triple" >"$doc/LICENSES-OF-CRATES.txt"
pack "$dist/$name.tar.gz" "$tree" "$name"
