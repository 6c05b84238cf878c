# What all steps of `make dist` agree on; sourced by each of them.
# Environment: BGE_DIST_WORK (build/dist: everything between), BGE_DIST (dist: what is handed out), BGE_DIST_MACHINE (for
# whom: x86_64, where all of this runs, or aarch64).
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC0
umask 022

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
steps=$top/scripts/dist
work=$(realpath -m "${BGE_DIST_WORK:-$top/build/dist}")
dist=$(realpath -m "${BGE_DIST:-$top/dist}")
machine=${BGE_DIST_MACHINE:-x86_64}
source=$work/source            # the commit, exported
built=$work/built-$machine     # what was compiled, for every artefact
stage=$work/stage-$machine     # an installed tree for each artefact that has one
tools=${BGE_DIST_TOOLS:-$top/build/dist/tools}

triple=$machine-unknown-linux-gnu
# the oldest glibc that is still met on clusters: CentOS 7
glibc=2.17
zig_target=$machine-linux-gnu.$glibc
case $machine in
  x86_64) binutils="" ;;
  *) binutils=$machine-linux-gnu- ;; # what Debian calls those of another machine
esac
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
platform=linux-$machine

# files are as old as the commit
SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct)
export SOURCE_DATE_EPOCH
export PATH=$tools/venv/bin:$tools/cargo/bin:$PATH

say() { printf '== %s\n' "$*"; }
fail() { echo "dist: $*" >&2; exit 1; }

# an archive whose bytes depend on its files alone: pack ARCHIVE.tar.gz FOLDER NAME…
pack() {
  tar -C "$2" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode='u+rw,go=rX,go-w' \
    --mtime="@$SOURCE_DATE_EPOCH" -cf - "${@:3}" | gzip -9n >"$1"
}

# `scripts/install.sh install` of what was built, with folders of its own: installed FOLDER [NAME=VALUE…]
installed() {
  env DESTDIR="$1" BUILD="$built" DESCRIBED_BY="$work/built-x86_64/bge" STRIP="${binutils}strip" "${@:2}" "$source/scripts/install.sh" install >/dev/null
}
