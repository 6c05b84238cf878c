//go:build cgo && bge_dev && !bge_nolib

package native

// #cgo CFLAGS: -I${SRCDIR}/../../../../include
// #cgo LDFLAGS: -L${SRCDIR}/../../../../target/release -lbge -Wl,-rpath,${SRCDIR}/../../../../target/release
import "C"
