//go:build cgo && !bge_dev && !bge_static && !bge_nolib

package native

// #cgo pkg-config: bge
import "C"
