# the Debian packages: installed, programs by pkg-config and CMake, removed without traces
files() {
  find / -xdev \( -path /proc -o -path /dev -o -path /tmp -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg \
    -o -path /var/lib/apt -o -path /test -o -path /dist -o -path /usr/local/go \) -prune -o -print | sort
}
files >/tmp/before
apt-get -qq -y --no-install-recommends install /dist/libbge0_*.deb /dist/libbge-dev_*.deb /dist/bge-tools_*.deb >/tmp/log 2>&1 ||
  { cat /tmp/log; exit 1; }
mkdir /tmp/programs
cd /tmp/programs
greets() { bge-sandbox run -- "$1" | grep -F "libbge $VERSION: "; }
# shellcheck disable=SC2046
gcc /test/programs/main.c -o shared $(pkg-config --cflags --libs bge)
greets ./shared
g++ -std=c++17 /test/programs/main.cpp -o shared-cpp $(pkg-config --cflags --libs bge)
greets ./shared-cpp
gcc /test/programs/main.c -o static $(pkg-config --cflags bge) $(pkg-config --variable=static_libs bge)
greets ./static
cmake -S /test/programs -B cmake >/dev/null
cmake --build cmake >/dev/null
for program in shared shared-cpp static; do greets "cmake/$program"; done
bge-sandbox run -- bge extract get_samples -o samples.csv
ls /usr/lib/x86_64-linux-gnu/htslib/hfile_bge.so
[ "$(zsh -c 'autoload -Uz compinit; compinit -D; print -r -- $_comps[bge]')" = _bge ]

apt-get -qq -y purge libbge0 libbge-dev bge-tools >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
files >/tmp/after
diff /tmp/before /tmp/after
if ldconfig -p | grep libbge; then echo "the loader's cache still has libbge" >&2; exit 1; fi
