#!/usr/bin/env bash
# Licences, bans and sources of every crate (deny.toml); known vulnerabilities where their database can be had.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
say "cargo deny"
cd "$source"
cargo deny --locked --log-level warn check --hide-inclusion-graph licenses bans sources
if timeout 120 cargo deny --locked --log-level off fetch db >/dev/null 2>&1; then
  cargo deny --locked --log-level warn check --disable-fetch --hide-inclusion-graph advisories
else
  echo "dist: the database of advisories cannot be had here: known vulnerabilities were not looked for" >&2
fi
