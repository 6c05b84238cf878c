#!/usr/bin/env bash
# bge-go-VERSION-linux-x86_64.tar.gz: the Go modules, with the library, as a file-system GOPROXY.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
name=bge-go-$version-$platform
tree=$stage/go
say "$name.tar.gz"
rm -rf "$tree"
mkdir -p "$tree/$name" "$dist"
"$steps/licences" "$source" "$triple" >"$tree/licences"
"$steps/go" "$source" "$built/libbge.a" "$tree/licences" "$tree/$name" "$version"
pack "$dist/$name.tar.gz" "$tree" "$name"
