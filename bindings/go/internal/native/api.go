//go:build cgo && !bge_nolib

package native

// #include "ops.h"
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// API is a bge_api_t. Any number of goroutines may share one.
type API struct {
	handle
	queue   *queue
	threads gate // for calls that are carried out there
	streams gate
}

func newAPI(ptr *C.bge_api_t, bounds Bounds) (*API, error) {
	free := func(ptr unsafe.Pointer) { C.bge_api_free((*C.bge_api_t)(ptr)) }
	queue, err := calls()
	if err != nil {
		free(unsafe.Pointer(ptr))
		return nil, err
	}
	return &API{
		handle: handle{ptr: unsafe.Pointer(ptr), free: free}, queue: queue,
		threads: make(gate, bounds.Calls), streams: make(gate, bounds.Streams),
	}, nil
}

// NewAPI is bge_api_new.
func NewAPI(accessToken, options string, bounds Bounds) (*API, error) {
	in, err := texts(accessToken, options)
	if err != nil {
		return nil, err
	}
	var api *C.bge_api_t
	var failure *C.bge_error_t
	if err := check(C.bge_api_new(in[0], in[1], &api, &failure), failure); err != nil {
		return nil, err
	}
	return newAPI(api, bounds)
}

// OpenAPI is bge_api_open.
func OpenAPI(options string, bounds Bounds) (*API, error) {
	in, err := texts(options)
	if err != nil {
		return nil, err
	}
	var api *C.bge_api_t
	var failure *C.bge_error_t
	if err := check(C.bge_api_open(in[0], &api, &failure), failure); err != nil {
		return nil, err
	}
	return newAPI(api, bounds)
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

// Cancel is bge_api_cancel, also after Close while something uses the client.
func (a *API) Cancel() {
	a.mu.Lock()
	if a.closed && a.users == 0 {
		a.mu.Unlock()
		return // it is freed
	}
	a.users++
	a.mu.Unlock()
	defer a.release()
	C.bge_api_cancel((*C.bge_api_t)(a.ptr))
}

// SetToken is bge_api_set_token.
func (a *API) SetToken(token string) error {
	in, err := texts(token)
	if err != nil {
		return err
	}
	ptr, err := a.acquire()
	if err != nil {
		return err
	}
	defer a.release()
	var failure *C.bge_error_t
	return check(C.bge_api_set_token((*C.bge_api_t)(ptr), in[0], &failure), failure)
}

// Call carries a call of the table out (or request, wait_task, get_token), and gives its result.
func (a *API) Call(ctx context.Context, name, args string, progress Progress) ([]byte, error) {
	in, err := texts(name, args)
	if err != nil {
		return nil, err
	}
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if progress == nil && isShort(name) && a.threads.try() {
		defer a.threads.leave()
		return a.direct(ctx, (*C.bge_api_t)(ptr), in[0], in[1])
	}
	// The more calls begin one after the other, the more of their answers are fetched at a time.
	runtime.Gosched()
	return a.queue.run(ctx, progress, func(ops *C.bge_ops_t, key C.uint64_t, op **C.bge_op_t) error {
		var failure *C.bge_error_t
		return check(C.start_call((*C.bge_api_t)(ptr), in[0], in[1], ops, key, op, &failure), failure)
	})
}

// Upload is bge_api_upload. The library reads the bytes where they are, and not after this has returned.
func (a *API) Upload(ctx context.Context, filename string, data []byte, args string, progress Progress) ([]byte, error) {
	in, err := texts(filename, args)
	if err != nil {
		return nil, err
	}
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	var pinner runtime.Pinner
	defer pinner.Unpin()
	var bytes *C.uint8_t
	if len(data) > 0 {
		bytes = (*C.uint8_t)(unsafe.SliceData(data))
		pinner.Pin(bytes)
	}
	return a.queue.run(ctx, progress, func(ops *C.bge_ops_t, key C.uint64_t, op **C.bge_op_t) error {
		var failure *C.bge_error_t
		status := C.start_upload((*C.bge_api_t)(ptr), in[0], bytes, C.size_t(len(data)), in[1], ops, key, op, &failure)
		return check(status, failure)
	})
}
