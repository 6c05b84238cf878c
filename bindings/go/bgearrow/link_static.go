//go:build bge_static && !bge_dev

package bgearrow

// #cgo LDFLAGS: -l:libbge.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
import "C"
