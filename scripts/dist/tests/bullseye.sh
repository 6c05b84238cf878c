# glibc 2.31, a C compiler: the archive runs quickstart, sandbox and tool, and programs are built with it
say() { echo "  $*"; }
# runs a command and shows its last line, all of them where it fails
last() { "$@" >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }; tail -n 1 /tmp/said; }
tar -xzf "/dist/libbge-$VERSION-$PLATFORM.tar.gz" -C /opt
prefix=/opt/libbge-$VERSION-$PLATFORM
export PATH="$prefix/bin:$PATH" LD_LIBRARY_PATH="$prefix/lib"
ldd --version | head -n 1
cd /tmp

last bge-sandbox run -- /test/quickstart-2.17
say "a program of this system's compiler, shared and static"
gcc -Wall -Werror /test/quickstart.c -o shared -I"$prefix/include" -L"$prefix/lib" -lbge
last bge-sandbox run -- ./shared
gcc -Wall -Werror /test/quickstart.c -o static -I"$prefix/include" "$prefix/lib/libbge.a" -lgcc_s -lpthread -lm -ldl
last env -u LD_LIBRARY_PATH bge-sandbox run -- ./static

say "the tool"
bge-sandbox run -- bge extract get_taxon_abundance --samples all --arg omics=2 -o taxa.csv
[ "$(wc -l <taxa.csv)" -gt 100 ]
bge-sandbox run -- bge extract get_samples -o samples.parquet
[ "$(head -c 4 samples.parquet)" = PAR1 ]

say "the tree may be anywhere"
mv "$prefix" /srv/elsewhere
last env LD_LIBRARY_PATH=/srv/elsewhere/lib /srv/elsewhere/bin/bge-sandbox run -- ./shared
[ -s /srv/elsewhere/share/doc/libbge/LICENSES-OF-CRATES.txt ]
