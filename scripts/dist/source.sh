#!/usr/bin/env bash
# The commit that is built, exported: neither what lies about in the tree nor where the tree lies can reach the result.
# Tracked files that are changed are taken as they are, and that is said.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"

commit=$(git -C "$top" stash create)
if [ -n "$commit" ]; then
  say "source: $(git -C "$top" describe --always), with changes that are not committed"
else
  commit=HEAD
  say "source: $(git -C "$top" describe --always)"
fi
rm -rf "$source"
mkdir -p "$source"
# as new as they are here: cargo compiles what is newer than what it has
git -C "$top" archive "$commit" | tar -xmf - -C "$source"
