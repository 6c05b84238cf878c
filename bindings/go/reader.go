package bge

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// DownloadOptions are those of Download and OpenReader.
type DownloadOptions struct {
	Region         string        `json:"region"`          // domestic (unless given) or international
	ExpirationTime time.Duration `json:"expiration_time"` // that the presigned URL is good for, 10 min unless given
	Decrypt        *bool         `json:"decrypt"`         // what was encrypted before it was stored; true unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// Reader reads an object from its beginning to its end, where its checksum is verified: what has been read is good only
// when io.EOF has come. It is an io.ReadCloser, an io.WriterTo and an io.ReaderAt. Close may be called while another
// goroutine reads.
type Reader struct {
	below *native.Reader

	watch  *watch
	blocks *blocks

	ctx  context.Context
	stop func() bool

	mu       sync.Mutex // held while reading
	err      error      // the end, or why there will be none
	read     int64
	progress func(done, total int64)

	closing sync.Mutex
	closed  bool
}

// OpenReader opens an object for reading. Nothing is sent before the first Read. The context bounds the reader's whole
// life: when it ends, reads end.
func (c *Client) OpenReader(ctx context.Context, objectName string, opts *DownloadOptions) (*Reader, error) {
	defer runtime.KeepAlive(c)
	const call = "open_reader"
	if !utf8.ValidString(objectName) {
		return nil, argument(call, "object_name must be valid UTF-8")
	}
	req, err := newRequest(call, nil, opts)
	if err != nil {
		return nil, err
	}
	if err := alive(ctx, call); err != nil {
		return nil, err
	}
	text, err := req.json(context.WithoutCancel(ctx), c.watch.switches(ctx, 0)) // the deadline is each read's own
	if err != nil {
		return nil, err
	}
	if c.source != nil {
		if _, err := c.source.ready(ctx, call, nil); err != nil {
			return nil, err
		}
	}
	below, err := c.api.OpenReader(objectName, text, req.how.Deadline)
	if err != nil {
		return nil, failed(ctx, call, err)
	}
	watch := c.watch
	open := func(ctx context.Context, off, length int64) (*native.Reader, error) {
		part, err := newRequest("read_at", args{"offset": off, "length": length}, opts)
		if err != nil {
			return nil, err
		}
		text, err := part.json(context.WithoutCancel(ctx), watch.switches(ctx, 0))
		if err != nil {
			return nil, err
		}
		return below.Part(objectName, text, part.how.Deadline)
	}
	parts := &blocks{open: open, parts: map[*native.Reader]bool{}}
	r := &Reader{below: below, watch: c.watch, blocks: parts, ctx: ctx, progress: req.how.Progress}
	c.watch.readers.Add(1)
	r.stop = context.AfterFunc(ctx, below.Cancel)
	runtime.AddCleanup(r, (*native.Reader).Close, below)
	return r, nil
}

// Read reads up to len(p) bytes. After an error, and after the end, every Read gives the same.
func (r *Reader) Read(p []byte) (int, error) {
	defer runtime.KeepAlive(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isClosed() {
		return 0, failed(r.ctx, "read", native.ErrClosed)
	}
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	n, err := r.below.Read(r.ctx, p)
	switch {
	case err != nil && r.isClosed():
		r.err = failed(r.ctx, "read", native.ErrClosed)
	case err != nil:
		r.err = failed(r.ctx, "read", err)
	case n == 0:
		r.err = io.EOF
	}
	r.read += int64(n)
	if r.progress != nil && n > 0 {
		r.progress(r.read, 0)
	}
	return n, r.err
}

// ReadAt reads len(p) bytes from this offset of the object, by requests of its own: it neither needs nor moves the place
// where Read is, and may run beside any other call. It asks for blocks of 256 KiB or more, and remembers the last 8 MiB,
// so that readers of archives and tables need few requests. The length of what came is verified; of a part, the store
// states no checksum. An object that is replaced meanwhile may give parts of both.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	defer runtime.KeepAlive(r)
	if off < 0 {
		return 0, argument("read_at", "off must not be negative")
	}
	if r.isClosed() {
		return 0, failed(r.ctx, "read_at", native.ErrClosed)
	}
	n, err := r.blocks.readAt(r.ctx, p, off)
	if err != nil && err != io.EOF {
		err = failed(r.ctx, "read_at", err)
	}
	return n, err
}

// WriteTo writes what is left of the object to w. Without an error all of it was written and verified.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	buffer := make([]byte, 256<<10)
	var written int64
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			m, failure := w.Write(buffer[:n])
			written += int64(m)
			if failure == nil && m < n {
				failure = io.ErrShortWrite
			}
			if failure != nil {
				return written, failure
			}
		}
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}

// Close ends the reader, also a Read under way. It may be called any number of times.
func (r *Reader) Close() error {
	r.closing.Lock()
	first := !r.closed
	r.closed = true
	r.closing.Unlock()
	if first {
		r.watch.readers.Add(-1)
	}
	r.stop()
	r.below.Cancel()
	r.below.Close()
	r.blocks.close()
	runtime.KeepAlive(r)
	return nil
}

func (r *Reader) isClosed() bool {
	r.closing.Lock()
	defer r.closing.Unlock()
	return r.closed
}

// Download writes an object to w, and gives the number of bytes. What was written is good only without an error:
// the checksum is known at the end. DownloadFile is faster, and keeps a file from being seen before it is good.
func (c *Client) Download(ctx context.Context, objectName string, w io.Writer, opts *DownloadOptions) (int64, error) {
	r, err := c.OpenReader(ctx, objectName, opts)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := r.WriteTo(w)
	if _, ours := err.(*Error); err != nil && !ours {
		err = &Error{
			Status: StatusIO, Call: "download", cause: err,
			Message: fmt.Sprintf("download: after %d bytes the writer failed: %v", n, err),
		}
	}
	return n, err
}
