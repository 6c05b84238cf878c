#!/usr/bin/env bash
# SHA256SUMS, over everything that is handed out.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
cd "$dist"
rm -f SHA256SUMS
sha256sum -- * >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" .
say "SHA256SUMS"
cat SHA256SUMS
