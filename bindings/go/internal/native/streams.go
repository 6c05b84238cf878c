package native

// #include <bge.h>
import "C"

import (
	"context"
	"unsafe"
)

// Reader is a bge_reader_t. One goroutine at a time may read; any may cancel and close.
type Reader struct {
	handle
}

// OpenReader is bge_api_open_reader.
func (a *API) OpenReader(objectName, args string) (*Reader, error) {
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(objectName, args)
	if err != nil {
		return nil, err
	}
	var reader *C.bge_reader_t
	var failure *C.bge_error_t
	status := C.bge_api_open_reader((*C.bge_api_t)(ptr), in[0], in[1], &reader, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_reader_free((*C.bge_reader_t)(ptr)) }
	return &Reader{handle{ptr: unsafe.Pointer(reader), free: free}}, nil
}

// Read fills a part of into, which must not be empty; 0 is the verified end.
func (r *Reader) Read(ctx context.Context, into []byte) (int, error) {
	ptr, err := r.acquire()
	if err != nil {
		return 0, err
	}
	defer r.release()
	if err := long.enterUnless(ctx); err != nil {
		return 0, err
	}
	defer long.leave()
	var n C.size_t
	var failure *C.bge_error_t
	status := C.bge_reader_read((*C.bge_reader_t)(ptr), (*C.uint8_t)(&into[0]), C.size_t(len(into)), &n, &failure)
	return int(n), check(status, failure)
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
}

// OpenWriter is bge_api_open_writer.
func (a *API) OpenWriter(filename, args string) (*Writer, error) {
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	short.enter()
	defer short.leave()
	var c texts
	defer c.free()
	in, err := c.all(filename, args)
	if err != nil {
		return nil, err
	}
	var writer *C.bge_writer_t
	var failure *C.bge_error_t
	status := C.bge_api_open_writer((*C.bge_api_t)(ptr), in[0], in[1], &writer, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	free := func(ptr unsafe.Pointer) { C.bge_writer_free((*C.bge_writer_t)(ptr)) }
	return &Writer{handle{ptr: unsafe.Pointer(writer), free: free}}, nil
}

// Write takes all of data, which the library copies.
func (w *Writer) Write(ctx context.Context, data []byte) error {
	return w.run(ctx, func(w *C.bge_writer_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_writer_write(w, (*C.uint8_t)(unsafe.SliceData(data)), C.size_t(len(data)), failure)
	})
}

// Finish commits what was written.
func (w *Writer) Finish(ctx context.Context) (string, error) {
	var text *C.char
	err := w.run(ctx, func(w *C.bge_writer_t, failure **C.bge_error_t) C.bge_status_t {
		return C.bge_writer_finish(w, &text, failure)
	})
	return take(text), err
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
	if err := long.enterUnless(ctx); err != nil {
		return err
	}
	defer long.leave()
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
