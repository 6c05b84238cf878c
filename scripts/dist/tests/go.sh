# Go and gcc: a program with the library inside, from the file-system proxy
if command -v pkg-config || command -v cargo; then echo "this system has more than is asked for" >&2; exit 1; fi
tar -xzf "/dist/libbge-$VERSION-$PLATFORM.tar.gz" -C /opt
tar -xzf "/dist/bge-go-$VERSION-$PLATFORM.tar.gz" -C /opt
export PATH="/usr/local/go/bin:/opt/libbge-$VERSION-$PLATFORM/bin:$PATH" GOTOOLCHAIN=local
export GOPROXY="file:///opt/bge-go-$VERSION-$PLATFORM" GONOSUMDB=github.com/libbge/libbge
mkdir /tmp/program
cd /tmp/program
go mod init example.org/program
go get "github.com/libbge/libbge/bindings/go@v$VERSION"
go build -o quickstart github.com/libbge/libbge/bindings/go/cmd/bge-quickstart
bge-sandbox run -- ./quickstart >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
tail -n 3 /tmp/said
if ldd quickstart | grep libbge; then echo "the library is not inside" >&2; exit 1; fi
ldd quickstart

# with its modules beside it a program is built from nothing else
printf 'package main\n\nimport bge "github.com/libbge/libbge/bindings/go"\n\nfunc main() { println(bge.Version()) }\n' >main.go
go mod tidy
go mod vendor
GOPROXY=off GOFLAGS=-mod=vendor go build -o vendored .
[ "$(./vendored 2>&1)" = "$VERSION" ]
