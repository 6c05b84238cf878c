#!/usr/bin/env bash
# Checks that everything the build and the tests use is here, and installs what is missing with apt,
# as root or through sudo, on Debian and Ubuntu. Elsewhere it names what is missing and stops.
#   scripts/deps.sh          install what is missing
#   scripts/deps.sh --check  only say what is missing
#   scripts/deps.sh --try    install what can be, and go on without the rest: whoever needs it says so
#   scripts/deps.sh --dist   install what is missing for `make dist` and `make dist-test`, and no more
set -euo pipefail
how=${1:-}

have() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; } # WANTED FOUND
# is an R package here? asked once, for all of them
has_r() {
  [ -n "${r_packages+asked}" ] || r_packages=$(Rscript -e 'cat(rownames(installed.packages()))' 2>/dev/null || true)
  [[ " $r_packages " == *" $1 "* ]]
}

# what makes and tries out a release, beside the tools that `make dist` fetches by itself
dist_needs() {
  cat <<'TABLE'
have git | git
have gcc | gcc
have ld && have objcopy && have objdump | binutils
have aarch64-linux-gnu-ld | binutils-aarch64-linux-gnu
have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null | python3-venv
have R && have Rscript | r-base-core
has_r jsonlite | r-cran-jsonlite
has_r knitr | r-cran-knitr
has_r rmarkdown | r-cran-rmarkdown
have pandoc | pandoc
have dh | debhelper
have dpkg-buildpackage | dpkg-dev
have lintian | lintian
have debootstrap | debootstrap
have ip | iproute2
TABLE
}

# one line for each need: how it is told to be here | the Debian package that brings it
needs() {
  if [ "$how" = --dist ]; then dist_needs; return; fi
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
have R && have Rscript | r-base-core
has_r jsonlite | r-cran-jsonlite
has_r testthat | r-cran-testthat
has_r cli | r-cran-cli
has_r withr | r-cran-withr
has_r callr | r-cran-callr
has_r tibble | r-cran-tibble
has_r bit64 | r-cran-bit64
has_r codetools | r-cran-codetools
has_r Rsamtools | r-bioc-rsamtools
has_r knitr | r-cran-knitr
has_r rmarkdown | r-cran-rmarkdown
have pandoc | pandoc
/usr/bin/python3 -c 'import pysam' 2>/dev/null | python3-pysam
have qpdf | qpdf
have samtools | samtools
have bcftools | bcftools
have htsfile | tabix
have abidiff | abigail-tools
have checkbashisms | devscripts
test -e /etc/ssl/certs/ca-certificates.crt || test -e /etc/pki/tls/certs/ca-bundle.crt || test -n "${SSL_CERT_FILE:-}" | ca-certificates
TABLE
  # only `make test-long` starts clusters, Spark and Nextflow
  [ -z "${BGE_TEST_LONG:-}" ] || cat <<'TABLE'
have slurmctld && have slurmd && have munged | slurm-wlm
have java | default-jre-headless
have mvn | maven
TABLE
}

# what widens the tests where apt has it: the R package that it brings | the Debian package
wishes() {
  cat <<'TABLE'
SummarizedExperiment | r-bioc-summarizedexperiment
biomformat | r-bioc-biomformat
phyloseq | r-bioc-phyloseq
GenomicRanges | r-bioc-genomicranges
VariantAnnotation | r-bioc-variantannotation
TABLE
}

# of those, the ones that are not here and that apt has; none where there is no R
wished_packages() {
  [ "$how" != --dist ] || return 0
  have Rscript && have apt-cache || return 0
  local name package
  while IFS= read -r line; do
    name=${line% | *} package=${line##* | }
    has_r "$name" || { apt-cache show "$package" >/dev/null 2>&1 && echo "$package"; } || true
  done < <(wishes)
}

missing_packages() {
  local test package
  while IFS= read -r line; do
    test=${line% | *} package=${line##* | }
    eval "$test" || echo "$package"
  done < <(needs)
}

# what no Debian package brings in the version that is needed
toolchains=0
need() { echo "$1" >&2; toolchains=1; }

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml" | head -n 1)
if ! have cargo; then
  need "Rust is missing: install it with rustup (https://rustup.rs), which needs no root."
elif ! at_least "$wanted" "$(rustc --version | cut -d' ' -f2)"; then
  need "Rust $wanted or newer is needed, and this is $(rustc --version): run \`rustup update\`."
fi
if [ "$how" != --dist ]; then # a release's modules are files; only trying them out needs Go
  wanted=$(sed -n 's/^go //p' "$(dirname "$0")/../bindings/go/go.mod")
  if ! have go; then
    need "Go is missing: install $wanted or newer (https://go.dev/doc/install)."
  elif ! at_least "$wanted" "$(go env GOVERSION | sed 's/^go//')"; then
    need "Go $wanted or newer is needed, and this is $(go version): https://go.dev/doc/install"
  fi
fi
[ "$toolchains" -eq 0 ] || [ "${1:-}" = --try ] || exit 1

mapfile -t packages < <(missing_packages | sort -u)
[ "${#packages[@]}" -eq 0 ] && [ "${1:-}" = --check ] && exit 0
[ "${#packages[@]}" -eq 0 ] && [ -z "$(wished_packages)" ] && exit 0

say_and_stop() {
  echo "Missing here: ${packages[*]} (these are the names of Debian packages)." >&2
  echo "$1" >&2
  [ "$how" = --try ] && exit 0
  exit 1
}

[ "$how" = --check ] && say_and_stop "Install them, or run \`make deps\` on Debian or Ubuntu."
if have apt-get && [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif have apt-get && have sudo; then
  as_root=(sudo)
elif [ "${#packages[@]}" -eq 0 ]; then
  exit 0
elif have apt-get; then
  say_and_stop "Ask an administrator to run: apt-get install ${packages[*]}"
else
  say_and_stop "Install what they are called on this system, then try again."
fi

# another apt may be at work, and a mirror may hiccup
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
if [ "${#packages[@]}" -gt 0 ]; then
  echo "Installing ${packages[*]}"
  "${apt[@]}" update || echo "apt-get update failed: trying with the lists that are here" >&2
  "${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null ||
    say_and_stop "apt-get could not install them: its words are above."
  mapfile -t packages < <(missing_packages | sort -u)
  [ "${#packages[@]}" -eq 0 ] || say_and_stop "apt-get installed its packages, and these are still not to be found."
fi

mapfile -t wished < <(wished_packages)
[ "${#wished[@]}" -eq 0 ] && exit 0
echo "Installing ${wished[*]}"
"${apt[@]}" install -y --no-install-recommends "${wished[@]}" >/dev/null ||
  echo "apt-get could not install ${wished[*]}: the tests that use them will be skipped" >&2
