//go:build cgo && !bge_dev

package native

// #cgo pkg-config: bge
import "C"
