# Machines that are not ours: systems made by debootstrap, each a stack of layers, entered with a network or without.
# Sourced by test.sh. The mirror is the one that this machine's own apt uses; BGE_DIST_MIRROR names another.
roots=${BGE_DIST_ROOTS:-$top/build/dist/roots}

# mirror [-security]: of a release, or of its security updates
mirror() {
  if [ -z "${1:-}" ] && [ -n "${BGE_DIST_MIRROR:-}" ]; then echo "$BGE_DIST_MIRROR"; return; fi
  apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")${1:-}" '$2 == codename { print $1; exit }'
}

# is there a system that was made of just these words? made NAME WORDS
made() { [ -d "$roots/$1" ] && [ "$(cat "$roots/$1.made" 2>/dev/null)" = "$2" ]; }

# keep NAME WORDS: what was made beside it, under its name
keep() {
  rm -rf "${roots:?}/$1" "$roots/$1.part.work"
  mv "$roots/$1.part" "$roots/$1"
  printf '%s\n' "$2" >"$roots/$1.made"
}

# the oldest layer: bootstrapped NAME SUITE
bootstrapped() {
  ! made "$1" "$2" || return 0
  say "a system: $2"
  mkdir -p "$roots/packages"
  rm -rf "$roots/$1.part"
  debootstrap --variant=minbase --cache-dir="$roots/packages" "$2" "$roots/$1.part" "$(mirror)" >"$roots/$1.log" 2>&1 ||
    { tail -n 20 "$roots/$1.log" >&2; fail "debootstrap $2 from $(mirror)"; }
  keep "$1" "$2"
}

# A layer of packages: layered NAME LOWER… -- PACKAGE…
# FIRST: a command that is carried out before.
layered() {
  local name=$1 lower=() words first=${FIRST:-true}
  shift
  while [ "$1" != -- ]; do lower+=("$1"); shift; done
  shift
  words="$first; $* on $(cd "$roots" && cat "${lower[@]/%/.made}")"
  ! made "$name" "$words" || return 0
  say "a layer: $*"
  rm -rf "$roots/$name.part"
  mkdir "$roots/$name.part"
  within "$roots/$name.part" "${lower[@]}" -- sh -ec "
    $first
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $*
    apt-get -qq clean" >"$roots/$name.log" 2>&1 || { tail -n 20 "$roots/$name.log" >&2; fail "the layer $name"; }
  keep "$name" "$words"
}

# Runs a command in a stack of layers, the uppermost first; what it writes goes to FOLDER: within FOLDER LAYER… -- COMMAND…
# OFFLINE=1: in a network of its own, which has nothing but the loopback. BINDS: what is shown to it, as FROM:TO, read-only,
# or FROM:TO:rw.
within() {
  local upper=$1 lower="" namespaces=(--mount --pid --fork --kill-child --mount-proc)
  shift
  while [ "$1" != -- ]; do lower=$lower:$roots/$1; shift; done
  shift
  [ "${OFFLINE:-0}" = 0 ] || namespaces+=(--net)
  mkdir -p "$upper"
  # shellcheck disable=SC2016 # expanded inside
  unshare "${namespaces[@]}" bash -ec '
    [ "$OFFLINE" = 0 ] || ip link set lo up
    top=$(mktemp -d)
    mount -t tmpfs none "$top"
    mkdir "$top/root" "$top/work"
    work=$1.work
    rm -rf "$work"; mkdir "$work"
    mount -t overlay overlay -o "lowerdir=${2#:},upperdir=$1,workdir=$work" "$top/root"
    mount -t proc proc "$top/root/proc"
    mount --rbind /dev "$top/root/dev"
    [ "$OFFLINE" = 1 ] || cp -L /etc/resolv.conf "$top/root/etc/resolv.conf"
    for bind in $BINDS; do
      IFS=: read -r from to how <<<"$bind"
      mkdir -p "$top/root$to"
      mount --bind "$from" "$top/root$to"
      [ "$how" = rw ] || mount -o remount,bind,ro "$top/root$to"
    done
    shift 2
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
      chroot "$top/root" "$@"
  ' within "$upper" "$lower" "$@"
}
export OFFLINE=${OFFLINE:-0} BINDS=${BINDS:-}

# a system with the Rust that Debian keeps current, and its standard library for another machine: with_rust_for MACHINE
with_rust_for() {
  bootstrapped bookworm bookworm
  FIRST="dpkg --add-architecture arm64; echo deb $(mirror -security) bookworm-security main >/etc/apt/sources.list.d/security.list" \
    layered "rust-$1" bookworm -- rustc-web cargo-web libstd-rust-web-dev:arm64 gcc libc6-dev ca-certificates
}
