package native

// #include <bge.h>
import "C"

import (
	"context"
	"unsafe"
)

// Pages is a bge_pages_t. One goroutine at a time may use it; any may close it.
type Pages struct {
	handle
	slots gate
}

// Pages is bge_api_pages.
func (a *API) Pages(name, args string) (*Pages, error) {
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(name, args)
	if err != nil {
		return nil, err
	}
	var pages *C.bge_pages_t
	var failure *C.bge_error_t
	status := C.bge_api_pages((*C.bge_api_t)(ptr), in[0], in[1], &pages, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_pages_free((*C.bge_pages_t)(ptr)) }
	return &Pages{handle: handle{ptr: unsafe.Pointer(pages), free: free}, slots: a.slots}, nil
}

// Next gives the next page, or "null" when there is none left. After a failure the same page comes again.
func (p *Pages) Next(ctx context.Context, progress Progress) (string, error) {
	ptr, err := p.acquire()
	if err != nil {
		return "", err
	}
	defer p.release()
	if err := p.slots.enterUnless(ctx); err != nil {
		return "", err
	}
	defer p.slots.leave()
	op, err := startPage((*C.bge_pages_t)(ptr))
	if err != nil {
		return "", err
	}
	return finish(ctx, op, progress)
}

func startPage(pages *C.bge_pages_t) (*C.bge_op_t, error) {
	short.enter()
	defer short.leave()
	var op *C.bge_op_t
	var failure *C.bge_error_t
	status := C.bge_pages_start(pages, &op, &failure)
	return op, check(status, failure)
}
