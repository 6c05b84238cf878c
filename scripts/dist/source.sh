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
rm -rf "$source.new"
mkdir -p "$source.new"
git -C "$top" archive "$commit" | tar -xmf - -C "$source.new"
# cargo compiles what is newer than what it has: what an earlier run exported just so stays as old as it was
same() { if [ -d "$1" ]; then [ "$(ls -A "$1")" = "$(ls -A "$2")" ]; else cmp -s "$1" "$2"; fi; }
(
  cd "$source.new"
  find . -type f -o -type d | while IFS= read -r path; do
    if [ -e "$source/$path" ] && same "$path" "$source/$path"; then touch -r "$source/$path" "$path"; fi
  done
)
rm -rf "$source"
mv "$source.new" "$source"
