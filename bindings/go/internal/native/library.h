/* bge.h, as this package needs it; else an error that names the command that mends it. */
#ifndef BGE_GO_LIBRARY_H
#define BGE_GO_LIBRARY_H

#if !__has_include(<bge.h>)
#error "bge.h is missing: `sudo apt install ./libbge-dev_*.deb`, or `make install` in libbge's source tree, or name its folder: CGO_CFLAGS=-IPREFIX/include"
#else
#include <bge.h>
#ifndef BGE_ABI_VERSION
#error "this bge.h has no BGE_ABI_VERSION: it is not the header of libbge; `make install` in libbge's source tree brings it"
#elif (BGE_ABI_VERSION >> 16) != 0
#error "this bge.h has another ABI major version than package bge was written for (0): install libbge 0.x (`make install` in its source tree), or `go get -u github.com/libbge/libbge/bindings/go`"
#elif (BGE_ABI_VERSION & 0xffff) < 2
#error "this bge.h is too old for package bge: install libbge 0.1.0 or newer (`sudo apt install ./libbge-dev_*.deb`, or `make install` in its source tree)"
#endif
#endif

#endif
