//go:build cgo && !bge_nolib

package native

// #include "ops.h"
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// Pages is a bge_pages_t. One goroutine at a time may use it; any may close it.
type Pages struct {
	handle
	queue *queue
}

// Pages is bge_api_pages.
func (a *API) Pages(name, args string) (*Pages, error) {
	in, err := texts(name, args)
	if err != nil {
		return nil, err
	}
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	var pages *C.bge_pages_t
	var failure *C.bge_error_t
	status := C.bge_api_pages((*C.bge_api_t)(ptr), in[0], in[1], &pages, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_pages_free((*C.bge_pages_t)(ptr)) }
	return &Pages{handle: handle{ptr: unsafe.Pointer(pages), free: free}, queue: a.queue}, nil
}

// Next gives the next page, or "null" when there is none left, by the context's deadline. After a failure the same page
// comes again.
func (p *Pages) Next(ctx context.Context, progress Progress) ([]byte, error) {
	ptr, err := p.acquire()
	if err != nil {
		return nil, err
	}
	defer p.release()
	within := C.int64_t(-1)
	if deadline, bounded := ctx.Deadline(); bounded {
		within = C.int64_t(max(time.Until(deadline).Milliseconds(), 0) + 1)
	}
	return p.queue.run(ctx, progress, func(ops *C.bge_ops_t, key C.uint64_t, op **C.bge_op_t) error {
		var failure *C.bge_error_t
		return check(C.start_page((*C.bge_pages_t)(ptr), within, ops, key, op, &failure), failure)
	})
}
