#!/usr/bin/env bash
# Checks that everything the build and the tests use is here, and installs what is missing with apt,
# as root or through sudo, on Debian and Ubuntu. Elsewhere it names what is missing and stops.
#   scripts/deps.sh          install what is missing
#   scripts/deps.sh --check  only say what is missing
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

# one line for each need: how it is told to be here | the Debian package that brings it
needs() {
  cat <<'TABLE'
have gcc | gcc
have g++ | g++
have make | make
have nm && have readelf && have ldd | binutils
have cmake | cmake
have pkg-config | pkg-config
have valgrind | valgrind
have curl | curl
have openssl | openssl
have pkg-config && pkg-config --exists libcurl | libcurl4-openssl-dev
have python3 | python3
have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null | python3-venv
test -e /etc/ssl/certs/ca-certificates.crt || test -e /etc/pki/tls/certs/ca-bundle.crt || test -n "${SSL_CERT_FILE:-}" | ca-certificates
TABLE
}

missing_packages() {
  local test package
  while IFS= read -r line; do
    test=${line% | *} package=${line##* | }
    eval "$test" || echo "$package"
  done < <(needs)
}

rust_is_missing() {
  if ! have cargo; then
    echo "Rust is missing: install it with rustup (https://rustup.rs), which needs no root." >&2
    return 0
  fi
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml" | head -n 1)
  found=$(rustc --version | cut -d' ' -f2)
  if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "Rust $wanted or newer is needed, and this is $found: run \`rustup update\`." >&2
    return 0
  fi
  return 1
}

if rust_is_missing; then exit 1; fi

mapfile -t packages < <(missing_packages | sort -u)
[ "${#packages[@]}" -eq 0 ] && exit 0

say_and_stop() {
  echo "Missing here: ${packages[*]} (these are the names of Debian packages)." >&2
  echo "$1" >&2
  exit 1
}

[ "${1:-}" = --check ] && say_and_stop "Install them, or run \`make deps\` on Debian or Ubuntu."
have apt-get || say_and_stop "Install what they are called on this system, then try again."
if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif have sudo; then
  as_root=(sudo)
else
  say_and_stop "Ask an administrator to run: apt-get install ${packages[*]}"
fi

echo "Installing ${packages[*]}"
# another apt may be at work, and a mirror may hiccup
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
"${apt[@]}" update || echo "apt-get update failed: trying with the lists that are here" >&2
"${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null ||
  say_and_stop "apt-get could not install them: its words are above."

mapfile -t packages < <(missing_packages | sort -u)
[ "${#packages[@]}" -eq 0 ] || say_and_stop "apt-get installed its packages, and these are still not to be found."
