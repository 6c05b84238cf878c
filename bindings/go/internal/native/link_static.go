//go:build cgo && bge_static && !bge_dev && !bge_nolib

package native

// #cgo LDFLAGS: -l:libbge.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
import "C"
