#!/usr/bin/env bash
# libbge-VERSION-linux-aarch64.tar.gz, made on x86_64. As root, with debootstrap; where that is not to be had, it is said, and
# the other files are complete without it.
export BGE_DIST_MACHINE=aarch64
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
source "$steps/roots.sh"
lacking=""
[ "$(id -u)" -eq 0 ] || lacking="root"
# its system is made from the lists of packages of the one that it is made on
[ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" = bookworm ] && [ -n "$(mirror -security)" ] || lacking="Debian 12"
for program in debootstrap unshare "${binutils}ld"; do
  command -v "$program" >/dev/null || lacking=$program
done
if [ -n "$lacking" ]; then say "not for aarch64: that needs $lacking"; exit 0; fi
for step in compile tarball; do "$steps/$step.sh"; done
