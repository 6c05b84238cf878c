#!/usr/bin/env bash
# What `make dist` has made, on machines that are not ours and have no network: installed by one command, used, removed.
# As root, with debootstrap; the systems are kept in build/dist/roots.
#   scripts/dist/test.sh [NAME…]     bullseye, aarch64, r-binary, r-source, go, debs; all of them without a name
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
source "$steps/roots.sh"
[ "$(id -u)" -eq 0 ] || fail "chroots need root: run \`sudo make dist-test\`"
for program in debootstrap ip unshare go; do
  command -v "$program" >/dev/null || fail "$program is missing: run \`make deps\`, which installs it or says how"
done

r_suite=(r-cran-{testthat,withr,callr,cli,tibble,bit64,codetools,knitr,rmarkdown} locales procps binutils)
systems() {
  bootstrapped bullseye bullseye
  layered bullseye-c bullseye -- gcc libc6-dev ca-certificates
  [ ! -e "$for_aarch64" ] || FIRST="dpkg --add-architecture arm64" layered bullseye-aarch64 bullseye -- \
    qemu-user libc6:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross ca-certificates
  bootstrapped bookworm bookworm
  layered bookworm-r bookworm -- r-base-core r-cran-jsonlite
  layered bookworm-r-c bookworm-r bookworm -- gcc libc6-dev make "${r_suite[@]}"
  layered bookworm-c bookworm -- gcc libc6-dev ca-certificates
  layered bookworm-cpp bookworm-c bookworm -- g++ make cmake pkg-config zsh
}

for_aarch64=$dist/libbge-$version-linux-aarch64.tar.gz   # which is not made everywhere
(cd "$dist" && sha256sum --quiet -c SHA256SUMS) || fail "dist/ is not what SHA256SUMS says: run \`make dist\`"
mkdir -p "$roots"
systems

# what the tests bring along: programs and the R package's tests, from the commit
brought=$work/test
rm -rf "$brought"
mkdir -p "$brought"
cp -r "$source/tests/programs/install" "$brought/programs"
cp "$source"/bindings/c/quickstart.c "$steps"/tests/*.sh "$brought"
python-zig cc -target "$zig_target" -I"$source/include" "$source/bindings/c/quickstart.c" -o "$brought/quickstart-2.17" \
  -L"$built" -lbge
goroot=$(go env GOROOT)

failed=()
try() { # NAME LAYER…
  [ "${#wanted[@]}" -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]] || return 0
  say "$1: $(cut -d: -f3- <<<"$(sed -n 's/^# /::/p' "$steps/tests/$1.sh" | head -n 1)")"
  rm -rf "$work/machine"
  OFFLINE=1 BINDS="$dist:/dist $brought:/test $goroot:/usr/local/go" \
    within "$work/machine" "${@:2}" -- env VERSION="$version" PLATFORM="$platform" sh -eu "/test/$1.sh" || failed+=("$1")
  rm -rf "$work/machine" "$work/machine.work"
}
wanted=("$@")
try bullseye bullseye-c bullseye
if [ -e "$for_aarch64" ]; then try aarch64 bullseye-aarch64 bullseye; else say "aarch64: dist/ has no archive for it"; fi
try r-binary bookworm-r bookworm
try r-source bookworm-r-c bookworm-r bookworm
try go bookworm-c bookworm
try debs bookworm-cpp bookworm-c bookworm
[ "${#failed[@]}" -eq 0 ] || fail "failed: ${failed[*]}"
say "everything that was handed out works on the systems above"
