#!/usr/bin/env bash
# Everything that is handed out, into dist/, from the commit: `make dist`.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
rm -rf "$dist"
for step in tools source deny compile tarball r go debs aarch64; do "$steps/$step.sh"; done
say "bge-$version.cdx.json"
"$steps/sbom" "$source" "$triple" >"$dist/libbge-$version.cdx.json"
"$steps/sums.sh"
