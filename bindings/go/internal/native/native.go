//go:build cgo && !bge_nolib

// Package native is bge.h in Go: handles that may be closed at any time, operations that obey a context, errors as JSON
// text. It is the only package of the module that knows C.
package native

/*
#include "library.h"
#include <stdlib.h>
*/
import "C"

import (
	"context"
	"strings"
	"time"
	"unsafe"
)

// HeaderABI is the ABI version of the bge.h that this package was compiled with, major << 16 | minor.
const HeaderABI = uint32(C.BGE_ABI_VERSION)

// Version is the version of the library in use.
func Version() string { return C.GoString(C.bge_version()) }

// LibraryABI is the ABI version of the library in use.
func LibraryABI() uint32 { return uint32(C.bge_abi_version()) }

// Endpoints is the table of calls as a JSON array.
func Endpoints() string { return C.GoString(C.bge_endpoints()) }

// statusName is the library's own name of a status.
func statusName(status int32) string { return C.GoString(C.bge_status_name(C.int32_t(status))) }

// check turns what a C function returned into an error, and frees err.
func check(status C.bge_status_t, err *C.bge_error_t) error {
	if status == C.BGE_OK {
		return nil
	}
	defer C.bge_error_free(err)
	return &Error{Status: int32(status), JSON: C.GoString(C.bge_error_json(err))}
}

// take copies a text that the library gave, and frees it.
func take(text *C.char, length C.size_t) []byte {
	if text == nil {
		return nil
	}
	defer C.bge_string_free(text)
	return C.GoBytes(unsafe.Pointer(text), C.int(length))
}

// takeText is take for a text whose length is not known.
func takeText(text *C.char) string {
	if text == nil {
		return ""
	}
	defer C.bge_string_free(text)
	return C.GoString(text)
}

// texts are Go's own copies of texts, with the zero byte that C wants at their end.
func texts(from ...string) ([]*C.char, error) {
	to := make([]*C.char, len(from))
	for i, text := range from {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, ErrNUL
		}
		copied := make([]byte, len(text)+1)
		copy(copied, text)
		to[i] = (*C.char)(unsafe.Pointer(unsafe.SliceData(copied)))
	}
	return to, nil
}

// gate bounds how many goroutines of a client wait inside C at once, each of which holds a thread.
type gate chan struct{}

// enter gives up when the context ends first, or has ended, or limit has passed (0: none).
func (g gate) enter(ctx context.Context, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.try() {
		return nil
	}
	var late <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-late:
		return ErrLate
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try enters where there is room.
func (g gate) try() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) leave() { <-g }
