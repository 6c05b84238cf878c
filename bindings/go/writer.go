package bge

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"unicode/utf8"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// WriterOptions are those of OpenWriter.
type WriterOptions struct {
	PartSize int64  `json:"part_size"` // bytes, 8 MiB unless given; two parts are held in memory
	CMKID    string `json:"cmk_id"`    // key to encrypt with
	RegionID string `json:"region_id"`
	Internal bool   `json:"internal"` // use the store's internal address

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"` // Deadline bounds each Write and Close
}

// UploadOptions are those of Upload.
type UploadOptions struct {
	PartSize int64  `json:"part_size"` // bytes, 8 MiB unless given; two parts are held in memory
	CMKID    string `json:"cmk_id"`    // key to encrypt with
	RegionID string `json:"region_id"`
	Internal bool   `json:"internal"` // use the store's internal address

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"` // Deadline bounds each part that is sent, and the end
}

// Writer writes an object. Nothing appears under its name before Close, which commits it. One goroutine at a time may
// use it; its progress func may call its methods.
type Writer struct {
	below *native.Writer
	watch *watch
	ctx   context.Context
	stop  func() bool
	turn  sync.Mutex // held while the library works

	mu       sync.Mutex // guards what follows, and is never held for long
	ended    bool
	err      error // why it cannot be committed any more, or what Close gave
	written  int64
	total    int64
	progress func(done, total int64)
	uploaded *Uploaded
}

// OpenWriter opens an object for writing; filename is the last part of its name, without a slash. Nothing is sent
// before the first Write. The context bounds the writer's whole life: when it ends before Close has, nothing is
// committed.
func (c *Client) OpenWriter(ctx context.Context, filename string, opts *WriterOptions) (*Writer, error) {
	defer runtime.KeepAlive(c)
	const call = "open_writer"
	if !utf8.ValidString(filename) {
		return nil, argument(call, "filename must be valid UTF-8")
	}
	r, err := newRequest(call, nil, opts)
	if err != nil {
		return nil, err
	}
	if err := alive(ctx, call); err != nil {
		return nil, err
	}
	text, err := r.json(context.WithoutCancel(ctx), c.watch.switches(ctx, 0)) // the deadline is each call's own
	if err != nil {
		return nil, err
	}
	if c.source != nil {
		if _, err := c.source.ready(ctx, call, nil); err != nil {
			return nil, err
		}
	}
	below, err := c.api.OpenWriter(filename, text, r.how.Deadline)
	if err != nil {
		return nil, failed(ctx, call, err)
	}
	w := &Writer{below: below, watch: c.watch, ctx: ctx, progress: r.how.Progress}
	c.watch.writers.Add(1)
	w.stop = context.AfterFunc(ctx, below.Cancel)
	runtime.AddCleanup(w, (*native.Writer).Close, below)
	return w, nil
}

// Write takes all of p, or fails. After a failure nothing more is taken, and Close commits nothing.
func (w *Writer) Write(p []byte) (int, error) {
	defer runtime.KeepAlive(w)
	if err := w.write(p); err != nil || len(p) == 0 {
		return 0, err
	}
	if w.progress != nil {
		w.progress(w.written, w.total)
	}
	return len(p), nil
}

func (w *Writer) write(p []byte) error {
	w.turn.Lock()
	defer w.turn.Unlock()
	if ended, err := w.state(); ended {
		return failed(w.ctx, "write", native.ErrClosed)
	} else if err != nil || len(p) == 0 {
		return err
	}
	err := failed(w.ctx, "write", w.below.Write(w.ctx, p))
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
		return err
	}
	w.written += int64(len(p))
	return nil
}

func (w *Writer) state() (ended bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended, w.err
}

// Close commits what was written, unless a Write failed or the context has ended: then it gives that error, and the
// object does not appear. A second Close gives what the first gave.
func (w *Writer) Close() error {
	defer runtime.KeepAlive(w)
	w.turn.Lock()
	defer w.turn.Unlock()
	ended, err := w.state()
	if ended {
		return err
	}
	var uploaded *Uploaded
	if err == nil {
		var text []byte
		if text, err = w.below.Finish(w.ctx); err != nil {
			err = failed(w.ctx, "close", err)
		} else {
			var told Uploaded
			told, err = decode[Uploaded]("close", text, false)
			uploaded = &told
		}
	}
	w.end(uploaded, err)
	return err
}

// Abort discards what was written, on the store too; once the context has ended, the store's part of it is left to the
// background. After Close it does nothing, so that it can be deferred.
func (w *Writer) Abort() error {
	defer runtime.KeepAlive(w)
	w.turn.Lock()
	defer w.turn.Unlock()
	if ended, _ := w.state(); ended {
		return nil
	}
	var err error
	if w.ctx.Err() == nil {
		err = failed(w.ctx, "abort", w.below.Abort(w.ctx))
	}
	w.end(nil, failed(w.ctx, "close", native.ErrClosed)) // what Close gives from now on
	return err
}

// end frees the writer; of what was not committed nothing appears.
func (w *Writer) end(uploaded *Uploaded, err error) {
	w.stop()
	w.below.Close()
	w.watch.writers.Add(-1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended, w.uploaded, w.err = true, uploaded, err
}

// Uploaded is the object that Close has committed; nil before that.
func (w *Writer) Uploaded() *Uploaded {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.uploaded
}

// Upload uploads everything that r gives; filename is the last part of the object's name, without a slash. When r
// fails, or the context ends, the object does not appear. For a file UploadFile is better: it can resume, and sends
// several parts at once; for bytes in memory there is UploadBytes.
func (c *Client) Upload(ctx context.Context, filename string, r io.Reader, opts *UploadOptions) (*Uploaded, error) {
	w, err := c.OpenWriter(ctx, filename, (*WriterOptions)(opts))
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	w.total = sizeOf(r)
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 256<<10)); err != nil {
		if _, ours := err.(*Error); ours {
			return nil, err
		}
		return nil, &Error{
			Status: StatusIO, Call: "upload", cause: err,
			Message: fmt.Sprintf("upload: after %d bytes the reader failed: %v", w.written, err),
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Uploaded(), nil
}

// sizeOf is how much a reader has left, for the progress; 0 if it does not tell.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len())
	case *os.File:
		info, err := r.Stat()
		at, failure := r.Seek(0, io.SeekCurrent)
		if err == nil && failure == nil && info.Mode().IsRegular() {
			return max(info.Size()-at, 0)
		}
	}
	return 0
}
