//go:build !bge_dev

package bgearrow

// #cgo pkg-config: bge
import "C"
