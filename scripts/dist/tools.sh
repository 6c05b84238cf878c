#!/usr/bin/env bash
# The tools of `make dist`, in the versions named here and in packaging/requirements.txt, into build/dist/tools.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
cargo_auditable=0.7.7

mark=$tools/.installed
wanted=$(cat "$top/packaging/requirements.txt"; echo "cargo-auditable $cargo_auditable")
[ "$(cat "$mark" 2>/dev/null)" != "$wanted" ] || exit 0

say "tools"
rm -rf "$tools/venv"
python3 -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$top/packaging/requirements.txt"
cargo install --quiet --locked --root "$tools/cargo" --target-dir "$tools/target" cargo-auditable --version "$cargo_auditable"
rm -rf "$tools/target"
printf '%s\n' "$wanted" >"$mark"
