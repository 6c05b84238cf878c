//go:build cgo && !bge_nolib

package native

// #include "library.h"
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// Reader is a bge_reader_t. One goroutine at a time may read, seek and ask for the size; any may read at a place, cancel
// and close.
type Reader struct {
	handle
	streams gate
	limit   time.Duration
}

// OpenReader is bge_api_open_reader. limit is how long a read may wait for its turn; 0 for no limit.
func (a *API) OpenReader(objectName, args string, limit time.Duration) (*Reader, error) {
	in, err := texts(objectName, args)
	if err != nil {
		return nil, err
	}
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	var reader *C.bge_reader_t
	var failure *C.bge_error_t
	status := C.bge_api_open_reader((*C.bge_api_t)(ptr), in[0], in[1], &reader, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_reader_free((*C.bge_reader_t)(ptr)) }
	return &Reader{handle{ptr: unsafe.Pointer(reader), free: free}, a.streams, limit}, nil
}

// run waits for a turn, and makes a call that may wait for the network.
func (r *Reader) run(ctx context.Context, call func(*C.bge_reader_t, **C.bge_error_t) C.bge_status_t) error {
	ptr, err := r.acquire()
	if err != nil {
		return err
	}
	defer r.release()
	if err := r.streams.enter(ctx, r.limit); err != nil {
		return err
	}
	defer r.streams.leave()
	var failure *C.bge_error_t
	status := call((*C.bge_reader_t)(ptr), &failure)
	return check(status, failure)
}

// Size is how many bytes there are.
func (r *Reader) Size(ctx context.Context) (int64, error) {
	var size C.uint64_t
	err := r.run(ctx, func(r *C.bge_reader_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_reader_size(r, &size, failure)
	})
	return int64(size), err
}

// SeekTo goes to a place, without the network.
func (r *Reader) SeekTo(offset int64) error {
	ptr, err := r.acquire()
	if err != nil {
		return err
	}
	defer r.release()
	var failure *C.bge_error_t
	return check(C.bge_reader_seek((*C.bge_reader_t)(ptr), C.uint64_t(offset), &failure), failure)
}

// ReadAt fills into, which must not be empty, from a place; less of it comes only at the end.
func (r *Reader) ReadAt(ctx context.Context, into []byte, offset int64) (int, error) {
	var n C.size_t
	err := r.run(ctx, func(r *C.bge_reader_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_reader_read_at(r, C.uint64_t(offset), (*C.uint8_t)(unsafe.SliceData(into)), C.size_t(len(into)), &n, failure)
	})
	return int(n), err
}

// Read fills a part of into, which must not be empty; 0 is the verified end.
func (r *Reader) Read(ctx context.Context, into []byte) (int, error) {
	var n C.size_t
	err := r.run(ctx, func(r *C.bge_reader_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_reader_read(r, (*C.uint8_t)(unsafe.SliceData(into)), C.size_t(len(into)), &n, failure)
	})
	return int(n), err
}

// Cancel ends a read that waits, and all later ones.
func (r *Reader) Cancel() {
	if ptr, err := r.acquire(); err == nil {
		C.bge_reader_cancel((*C.bge_reader_t)(ptr))
		r.release()
	}
}

// Writer is a bge_writer_t. One goroutine at a time may write, finish and abort; any may cancel and close.
type Writer struct {
	handle
	streams gate
	limit   time.Duration
}

// OpenWriter is bge_api_open_writer. limit is how long a call may wait for its turn; 0 for no limit.
func (a *API) OpenWriter(filename, args string, limit time.Duration) (*Writer, error) {
	in, err := texts(filename, args)
	if err != nil {
		return nil, err
	}
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	var writer *C.bge_writer_t
	var failure *C.bge_error_t
	status := C.bge_api_open_writer((*C.bge_api_t)(ptr), in[0], in[1], &writer, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_writer_free((*C.bge_writer_t)(ptr)) }
	return &Writer{handle{ptr: unsafe.Pointer(writer), free: free}, a.streams, limit}, nil
}

// Write takes all of data, which the library copies.
func (w *Writer) Write(ctx context.Context, data []byte) error {
	return w.run(ctx, func(w *C.bge_writer_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_writer_write(w, (*C.uint8_t)(unsafe.SliceData(data)), C.size_t(len(data)), failure)
	})
}

// Finish commits what was written.
func (w *Writer) Finish(ctx context.Context) ([]byte, error) {
	var text *C.char
	err := w.run(ctx, func(w *C.bge_writer_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_writer_finish(w, &text, failure)
	})
	return []byte(takeText(text)), err
}

// Abort discards what was written, on the store too. C cannot cancel that: when the context ends it is left to end by
// itself.
func (w *Writer) Abort(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		ended <- w.run(ctx, func(w *C.bge_writer_t, failure **C.bge_error_t) C.bge_status_t {
			return C.bge_writer_abort(w, failure)
		})
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Writer) run(ctx context.Context, call func(*C.bge_writer_t, **C.bge_error_t) C.bge_status_t) error {
	ptr, err := w.acquire()
	if err != nil {
		return err
	}
	defer w.release()
	if err := w.streams.enter(ctx, w.limit); err != nil {
		return err
	}
	defer w.streams.leave()
	var failure *C.bge_error_t
	status := call((*C.bge_writer_t)(ptr), &failure)
	return check(status, failure)
}

// Cancel ends a call that waits, and all later ones but Abort.
func (w *Writer) Cancel() {
	if ptr, err := w.acquire(); err == nil {
		C.bge_writer_cancel((*C.bge_writer_t)(ptr))
		w.release()
	}
}
