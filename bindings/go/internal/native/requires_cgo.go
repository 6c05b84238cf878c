//go:build !cgo && !bge_nolib

package native

// Package bge calls the C library libbge. Build it with CGO_ENABLED=1 and a C compiler (CC), and tell pkg-config where
// the library is installed: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig.
var _ = bge_requires_cgo__set_CGO_ENABLED_1_and_have_a_C_compiler
