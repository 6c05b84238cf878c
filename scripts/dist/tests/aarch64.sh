# aarch64, emulated, with glibc 2.31: the archive runs quickstart, sandbox and tool, and programs are built with it
say() { echo "  $*"; }
# runs a command and shows its last line, all of them where it fails
last() { "$@" >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }; tail -n 1 /tmp/said; }
tar -xzf "/dist/libbge-$VERSION-linux-aarch64.tar.gz" -C /opt
prefix=/opt/libbge-$VERSION-linux-aarch64
export LD_LIBRARY_PATH="$prefix/lib"
emulated() { last qemu-aarch64 "$prefix/bin/bge-sandbox" run -- qemu-aarch64 "$@"; }
cd /tmp

say "a program of a cross compiler, shared and static"
aarch64-linux-gnu-gcc -Wall -Werror /test/quickstart.c -o shared -I"$prefix/include" -L"$prefix/lib" -lbge
emulated ./shared
aarch64-linux-gnu-gcc -Wall -Werror /test/quickstart.c -o static -I"$prefix/include" "$prefix/lib/libbge.a" -lgcc_s -lpthread -lm -ldl
unset LD_LIBRARY_PATH
emulated ./static

say "the tool"
emulated "$prefix/bin/bge" extract get_taxon_abundance --samples all --arg omics=2 -o taxa.csv
[ "$(wc -l <taxa.csv)" -gt 100 ]
emulated "$prefix/bin/bge" extract get_samples -o samples.parquet
[ "$(head -c 4 samples.parquet)" = PAR1 ]
