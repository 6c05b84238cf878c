//go:build cgo && !bge_nolib

package native

// #include "ops.h"
import "C"

import (
	"context"
	"time"
)

// Progress is told how far a call is; total is 0 while it is not known.
type Progress func(done, total int64)

// progressEvery is how often progress is looked at.
const progressEvery = 50 * time.Millisecond

// starter starts an operation whose end is told to ops as key.
type starter func(ops *C.bge_ops_t, key C.uint64_t, op **C.bge_op_t) error

// run starts an operation, waits for its end, takes its result and frees it. When the context ends the operation is
// cancelled. Progress is told on the calling goroutine.
func (q *queue) run(ctx context.Context, progress Progress, start starter) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key, ended := q.expect()
	var op *C.bge_op_t
	if err := start(q.ops, C.uint64_t(key), &op); err != nil {
		q.forget(key)
		return nil, err
	}
	defer func() { // when progress panics
		if op != nil {
			q.forget(key)
			C.bge_op_free(op)
		}
	}()
	q.wait(ctx, op, key, ended, progress)

	var text *C.char
	var length C.size_t
	var failure *C.bge_error_t
	ending := op
	op = nil
	status := C.take_result(ending, &text, &length, &failure)
	return take(text, length), check(status, failure)
}

func (q *queue) wait(ctx context.Context, op *C.bge_op_t, key uint64, ended <-chan struct{}, progress Progress) {
	if progress == nil {
		select {
		case <-ended:
		case <-ctx.Done():
			q.forget(key)
			C.bge_op_cancel(op) // after which it has ended
		}
		return
	}
	ticks := time.NewTicker(progressEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ended:
		case <-ctx.Done():
			q.forget(key)
			C.bge_op_cancel(op)
		case <-ticks.C:
			tell(op, progress)
			continue
		}
		tell(op, progress)
		return
	}
}

func tell(op *C.bge_op_t, progress Progress) {
	var done, total C.uint64_t
	C.bge_op_progress(op, &done, &total)
	progress(int64(done), int64(total))
}
