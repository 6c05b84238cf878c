package native

// #include <bge.h>
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// inFlight is how many calls of one client are under way at once; others wait for their turn. The library has fewer
// connections than that, and each call under way has three file descriptors.
const inFlight = 256

// API is a bge_api_t. Any number of goroutines may share one.
type API struct {
	handle
	slots gate
}

func newAPI(ptr *C.bge_api_t) *API {
	free := func(ptr unsafe.Pointer) { C.bge_api_free((*C.bge_api_t)(ptr)) }
	return &API{handle: handle{ptr: unsafe.Pointer(ptr), free: free}, slots: make(gate, inFlight)}
}

// NewAPI is bge_api_new.
func NewAPI(accessToken, options string) (*API, error) {
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	args, err := c.all(accessToken, options)
	if err != nil {
		return nil, err
	}
	var api *C.bge_api_t
	var failure *C.bge_error_t
	status := C.bge_api_new(args[0], args[1], &api, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return newAPI(api), nil
}

// OpenAPI is bge_api_open.
func OpenAPI(options string) (*API, error) {
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	text, err := c.add(options)
	if err != nil {
		return nil, err
	}
	var api *C.bge_api_t
	var failure *C.bge_error_t
	status := C.bge_api_open(text, &api, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return newAPI(api), nil
}

// Use lends the bge_api_t for the time of a call.
func (a *API) Use(use func(api unsafe.Pointer) error) error {
	ptr, err := a.acquire()
	if err != nil {
		return err
	}
	defer a.release()
	return use(ptr)
}

// Call carries a call of the table out (or request, or wait_task), and gives its result.
func (a *API) Call(ctx context.Context, name, args string, progress Progress) (string, error) {
	return a.run(ctx, name, args, progress, func(api *C.bge_api_t, name, args *C.char, op **C.bge_op_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_api_start(api, name, args, op, failure)
	})
}

// Upload is bge_api_upload. The library reads the bytes where they are, and not after this has returned.
func (a *API) Upload(ctx context.Context, filename string, data []byte, args string, progress Progress) (string, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var bytes *C.uint8_t
	if len(data) > 0 {
		bytes = (*C.uint8_t)(unsafe.SliceData(data))
		pinner.Pin(bytes)
	}
	return a.run(ctx, filename, args, progress, func(api *C.bge_api_t, filename, args *C.char, op **C.bge_op_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_api_start_upload(api, filename, bytes, C.size_t(len(data)), args, op, failure)
	})
}

// starter starts an operation of two texts.
type starter func(api *C.bge_api_t, one, other *C.char, op **C.bge_op_t, failure **C.bge_error_t) C.bge_status_t

func (a *API) run(ctx context.Context, one, other string, progress Progress, start starter) (string, error) {
	if err := a.slots.enterUnless(ctx); err != nil {
		return "", err
	}
	defer a.slots.leave()
	op, err := a.start(one, other, start)
	if err != nil {
		return "", err
	}
	return finish(ctx, op, progress)
}

func (a *API) start(one, other string, start starter) (*C.bge_op_t, error) {
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(one, other)
	if err != nil {
		return nil, err
	}
	var op *C.bge_op_t
	var failure *C.bge_error_t
	status := start((*C.bge_api_t)(ptr), in[0], in[1], &op, &failure)
	return op, check(status, failure)
}
