#!/usr/bin/env bash
# From what cargo has compiled to what programs link: the shared library with its version node, one archive of one object
# whose only global names are the functions of bge.h, and the plugin of htslib.
#   scripts/dist/libraries.sh FOLDER-OF-CARGO'S-OUTPUT
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
output=$1
symbols=$source/tests/symbols.txt
scratch=$work/objects
rm -rf "$scratch"
mkdir -p "$scratch"

say "one archive"
# shellcheck disable=SC2046
"${binutils}ld" -r --gc-sections -e 0 $(sed 's/^/-u /' "$symbols") "$output/libbge.a" -o "$scratch/whole.o"
"${binutils}objcopy" --remove-section=.llvmbc --remove-section=.llvmcmd --remove-section=.comment \
  --keep-global-symbols="$symbols" "$scratch/whole.o" "$scratch/bge.o"
"${binutils}strip" --strip-unneeded "$scratch/bge.o"
rm -f "$built/libbge.a"
"${binutils}ar" rcsD "$built/libbge.a" "$scratch/bge.o"

# the list of crates, for those who look for vulnerable ones in binaries; cargo auditable writes it into what rustc links
"${binutils}objcopy" --dump-section=.dep-v0="$scratch/crates" "$output/libbge.so" "$scratch/unused.so"
"${binutils}objcopy" --add-section=.dep-v0="$scratch/crates" --set-section-flags=.dep-v0=readonly,data "$scratch/bge.o" "$scratch/listed.o"

say "the shared library"
# rustc hands zig's linker a list of names without a version node: it is linked once more, from the archive's object
{ echo 'BGE_0 { global:'; sed 's/$/;/' "$symbols"; echo 'local: *; };'; } >"$scratch/node"
zig() { python-zig "$@"; }
zig cc -target "$zig_target" -shared "$scratch/listed.o" -o "$built/libbge.so" -lunwind -lm -lpthread -ldl \
  -Wl,--version-script="$scratch/node" -Wl,-soname,libbge.so.0 -Wl,-z,nodelete -Wl,--gc-sections
"${binutils}strip" --strip-unneeded "$built/libbge.so"

say "the plugin of htslib"
plugin() { # OUTPUT OPTIONS…
  zig cc -target "$zig_target" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -I"$source/include" \
    "$source/plugins/htslib/hfile_bge.c" -o "$1" -L"$built" -lbge -pthread -ldl "${@:2}"
  "${binutils}strip" --strip-unneeded "$1"
}
# shellcheck disable=SC2016 # the loader's word, not the shell's
plugin "$built/hfile_bge.so" -Wl,-rpath,'$ORIGIN:$ORIGIN/..'
# where the library lies in one of the system's folders, a path in the plugin would only be a way past it
mkdir -p "$built/system"
plugin "$built/system/hfile_bge.so"

say "what they need"
(cd "$source" && scripts/check-symbols.sh "$built/libbge.so")
for file in "$built"/{libbge.so,hfile_bge.so,bge,bge-sandbox}; do
  newest=$("${binutils}objdump" -T "$file" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
  [ "$(printf '%s\n' "GLIBC_$glibc" "$newest" | sort -V | tail -n 1)" = "GLIBC_$glibc" ] || fail "$file needs $newest"
  # a name that the glibc of the target has carries its version; any other would be looked for in vain there
  unknown=$("${binutils}nm" -D --undefined-only "$file" | awk '$1 == "U" && $2 !~ /@/ && $2 !~ /^bge_/ { print $2 }')
  [ -z "$unknown" ] || fail "$file asks for $unknown, which glibc $glibc has not"
  other=$("${binutils}objdump" -p "$file" | sed -n 's/.*NEEDED *//p' | grep -vE '^(lib(c|m|dl|rt|util|pthread|bge)\.so\.[0-9]+|ld-linux.*)$' || true)
  [ -z "$other" ] || fail "$file needs $other"
  if grep -qaF -e "$work" -e "$HOME/" "$file"; then fail "$file names a folder of this machine"; fi
  echo "  $(basename "$file"): $(stat -c %s "$file") bytes, $newest"
done
