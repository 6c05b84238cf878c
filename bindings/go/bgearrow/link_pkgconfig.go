//go:build !bge_dev && !bge_static

package bgearrow

// #cgo pkg-config: bge
import "C"
