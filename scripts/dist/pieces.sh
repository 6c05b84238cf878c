#!/usr/bin/env bash
# The pieces of `make dist` are there and fit: what can be seen without building it, as part of `make test`.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
source=$top
wrong=()
wrong() { wrong+=("$*"); }

for script in "$steps"/*.sh "$steps"/tests/*.sh; do bash -n "$script" || wrong "$script"; done
for script in "$steps"/{go,sbom,licences,crates.py}; do python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$script" || wrong "$script"; done
for step in tools source deny compile tarball r go debs aarch64; do [ -x "$steps/$step.sh" ] || wrong "no step $step"; done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# the list of crates, with a licence and a checksum for each that is not ours
SOURCE_DATE_EPOCH=1 "$steps/sbom" "$top" "$triple" >"$scratch/sbom.json"
"$steps/licences" "$top" "$triple" >"$scratch/licences"
python3 - "$scratch/sbom.json" "$scratch/licences" <<'PYTHON' || wrong "the list of crates"
import json, sys
told = json.load(open(sys.argv[1]))
texts = open(sys.argv[2]).read()
names = {c["name"] for c in told["components"]}
assert {"bge", "bge-cli", "bge-sandbox", "ring", "rustls", "parquet", "axum"} <= names, names
assert not {"cbindgen", "rcgen", "syn"} & names, "what only builds or tests is no part of a release"
for c in told["components"]:
    assert c.get("licenses"), c["name"]
    if not c["name"].startswith("bge"):
        assert len(c["hashes"][0]["content"]) == 64, c["name"]
        assert f"  {c['name']} {c['version']}: " in texts, c["name"]
refs = {c["bom-ref"] for c in told["components"]}
assert all(set(d["dependsOn"]) <= refs for d in told["dependencies"])
PYTHON

# the Go modules: the library's is required, imported where it is inside, and the header lies beside each cgo package
printf '!<arch>\n' >"$scratch/libbge.a"
SOURCE_DATE_EPOCH=1000000000 "$steps/go" "$top" "$scratch/libbge.a" "$scratch/licences" "$scratch/proxy" "$version"
python3 - "$scratch/proxy" "$version" <<'PYTHON' || wrong "the Go modules"
import pathlib, sys, zipfile
top, version = pathlib.Path(sys.argv[1]) / "github.com/libbge/libbge/bindings/go", f"v{sys.argv[2]}"
prefix = "github.com/libbge/libbge/bindings/go"
def module(name):
    folder = top / name / "@v"
    assert (folder / "list").read_text() == f"{version}\n"
    archive = zipfile.ZipFile(folder / f"{version}.zip")
    return {n.split(f"@{version}/", 1)[1]: archive.read(n).decode(errors="replace") for n in archive.namelist()}
core, library, arrow = module("."), module("lib/linux_amd64"), module("bgearrow")
for files, folder in ((core, "internal/native/"), (arrow, "")):
    assert "BGE_ABI_VERSION" in files[f"{folder}bge.h"]
    assert f'"{prefix}/lib/linux_amd64"' in files[f"{folder}link_bundled.go"]
    assert files[f"{folder}link_pkgconfig.go"].startswith("//go:build cgo && (bge_pkgconfig || ")
    assert f"require {prefix}/lib/linux_amd64 {version}" in files["go.mod"]
assert "replace" not in arrow["go.mod"] and f"{prefix} {version}" in arrow["go.mod"]
assert {"go.mod", "lib.go", "libbge.a", "LICENSE-MIT"} <= library.keys()
assert not any(name.startswith(("bgearrow/", "lib/")) for name in core)
PYTHON
if command -v gofmt >/dev/null; then
  for module in "$scratch"/proxy/github.com/libbge/libbge/bindings/go/{.,bgearrow,lib/linux_amd64}/@v/*.zip; do
    rm -rf "$scratch/module" && mkdir "$scratch/module" && python3 -m zipfile -e "$module" "$scratch/module"
    badly=$(gofmt -l "$scratch/module")
    [ -z "$badly" ] || wrong "gofmt would change $badly"
  done
fi

# versions that are written down are this one
"$top/scripts/check-versions" || wrong "version numbers"

[ "${#wrong[@]}" -eq 0 ] || fail "$(printf '%s; ' "${wrong[@]}")"
echo "the pieces of a release are there"
