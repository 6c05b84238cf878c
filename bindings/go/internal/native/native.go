// Package native is bge.h in Go: handles that may be closed at any time, operations that obey a context, errors as JSON
// text. It is the only package of the module that knows C.
package native

/*
#include <bge.h>
#include <stdlib.h>

#ifndef BGE_ABI_VERSION
#error "this bge.h has no BGE_ABI_VERSION: it is not the header of libbge"
#elif (BGE_ABI_VERSION >> 16) != 0
#error "this bge.h has another ABI major version than package bge was written for (0): install libbge 0.x, or update the package"
#endif
*/
import "C"

import (
	"context"
	"runtime"
	"strings"
	"unsafe"
)

// HeaderABI is the ABI version of the bge.h that this package was compiled with, major << 16 | minor.
const HeaderABI = uint32(C.BGE_ABI_VERSION)

// The statuses that this module tells apart.
const (
	StatusArgument  = int32(C.BGE_ERR_ARGUMENT)
	StatusCancelled = int32(C.BGE_ERR_CANCELLED)
	StatusClosed    = int32(C.BGE_ERR_CLOSED)
)

// Error is a failed call: its status, and all of it as the JSON text of bge_error_json.
type Error struct {
	Status int32
	JSON   string
}

func (e *Error) Error() string { return e.JSON }

// ErrClosed is what a call on a closed handle gives.
var ErrClosed error = &Error{Status: StatusClosed}

// ErrNUL is what a text with a zero byte gives, which C would take for its end.
var ErrNUL error = &Error{Status: StatusArgument}

// Version is the version of the library in use.
func Version() string { return C.GoString(C.bge_version()) }

// LibraryABI is the ABI version of the library in use.
func LibraryABI() uint32 { return uint32(C.bge_abi_version()) }

// Endpoints is the table of calls as a JSON array.
func Endpoints() string { return C.GoString(C.bge_endpoints()) }

// StatusName is the C name of a status.
func StatusName(status int32) string { return C.GoString(C.bge_status_name(C.int32_t(status))) }

// check turns what a C function returned into an error, and frees err.
func check(status C.bge_status_t, err *C.bge_error_t) error {
	if status == C.BGE_OK {
		return nil
	}
	defer C.bge_error_free(err)
	return &Error{Status: int32(status), JSON: C.GoString(C.bge_error_json(err))}
}

// take copies a text that the library gave, and frees it.
func take(text *C.char) string {
	if text == nil {
		return ""
	}
	defer C.bge_string_free(text)
	return C.GoString(text)
}

// texts are C copies of Go texts for the time of one call.
type texts []*C.char

func (t *texts) add(text string) (*C.char, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, ErrNUL
	}
	c := C.CString(text)
	*t = append(*t, c)
	return c, nil
}

// all adds several at once.
func (t *texts) all(from ...string) ([]*C.char, error) {
	to := make([]*C.char, len(from))
	for i, text := range from {
		c, err := t.add(text)
		if err != nil {
			return nil, err
		}
		to[i] = c
	}
	return to, nil
}

func (t *texts) free() {
	for _, c := range *t {
		C.free(unsafe.Pointer(c))
	}
}

// gate bounds how many goroutines are inside C at once, each of which holds an operating system thread.
type gate chan struct{}

var (
	// short calls take microseconds
	short = make(gate, max(8, 2*runtime.GOMAXPROCS(0)))
	// long calls wait for the network: reads and writes of streams
	long = make(gate, 128)
)

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }

// enterUnless gives up when the context ends first, or has ended.
func (g gate) enterUnless(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
