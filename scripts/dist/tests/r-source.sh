# R and a C compiler: the source package, and its own tests
if command -v cargo || command -v pkg-config; then echo "this system has more than is asked for" >&2; exit 1; fi
tar -xzf "/dist/libbge-$VERSION-$PLATFORM.tar.gz" -C /opt
export BGE_SANDBOX_BIN="/opt/libbge-$VERSION-$PLATFORM/bin/bge-sandbox"
R CMD INSTALL --no-test-load "/dist/bge_$VERSION.tar.gz"
cd /tmp
tar -xzf "/dist/bge_$VERSION.tar.gz"
cd bge/tests
Rscript testthat.R
