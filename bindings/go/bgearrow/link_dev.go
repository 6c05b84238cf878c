//go:build bge_dev

package bgearrow

// #cgo CFLAGS: -I${SRCDIR}/../../../include
// #cgo LDFLAGS: -L${SRCDIR}/../../../target/release -lbge -Wl,-rpath,${SRCDIR}/../../../target/release
import "C"
