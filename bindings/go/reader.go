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
// when io.EOF has come. It is an io.ReadSeekCloser, an io.WriterTo and an io.ReaderAt. Close may be called while another
// goroutine reads.
type Reader struct {
	below *native.Reader

	watch *watch

	ctx  context.Context
	stop func() bool

	mu       sync.Mutex // held while reading
	err      error      // the end, or why there will be none
	read     int64
	total    int64
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
	r := &Reader{below: below, watch: c.watch, ctx: ctx, progress: req.how.Progress}
	c.watch.readers.Add(1)
	r.stop = context.AfterFunc(ctx, below.Cancel)
	runtime.AddCleanup(r, (*native.Reader).Close, below)
	return r, nil
}

// Object opens an object as OpenReader does, and asks the store for its size, so that an object that is not there is an
// error now. What it gives is an io.ReaderAt and an io.ReadSeeker: zip.NewReader and readers of tables work on it.
func (c *Client) Object(ctx context.Context, objectName string, opts *DownloadOptions) (*Reader, error) {
	r, err := c.OpenReader(ctx, objectName, opts)
	if err != nil {
		return nil, err
	}
	if _, err := r.Size(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Read reads up to len(p) bytes. After an error, and after the end, every Read gives the same.
func (r *Reader) Read(p []byte) (int, error) {
	defer runtime.KeepAlive(r)
	n, done, total, err := r.next(p)
	if r.progress != nil && n > 0 {
		r.progress(done, total)
	}
	return n, err
}

// next reads, and gives how far the reader is and how far it goes.
func (r *Reader) next(p []byte) (n int, done, total int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isClosed() {
		return 0, 0, 0, failed(r.ctx, "read", native.ErrClosed)
	}
	if r.err != nil || len(p) == 0 {
		return 0, 0, 0, r.err
	}
	n, err = r.below.Read(r.ctx, p)
	switch {
	case err != nil:
		r.err = r.told("read", err)
	case n == 0:
		r.err = io.EOF
	}
	r.read += int64(n)
	if r.progress != nil && n > 0 && r.total == 0 {
		if size, err := r.below.Size(r.ctx); err == nil {
			r.total = size
		}
	}
	return n, r.read, r.total, r.err
}

// Size is how many bytes the object has. The store is asked if it is not known yet.
func (r *Reader) Size() (int64, error) {
	defer runtime.KeepAlive(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isClosed() {
		return 0, failed(r.ctx, "size", native.ErrClosed)
	}
	size, err := r.below.Size(r.ctx)
	return size, r.told("size", err)
}

// Seek goes to another place of the object, for the next Read. Nothing is sent, unless the place is told from the end of
// an object whose size is not known yet. What is read after a Seek is not verified by a checksum.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	defer runtime.KeepAlive(r)
	switch whence {
	case io.SeekStart:
	case io.SeekEnd:
		size, err := r.Size()
		if err != nil {
			return 0, err
		}
		offset += size
	case io.SeekCurrent:
	default:
		return 0, argument("seek", "whence is %d", whence)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if whence == io.SeekCurrent {
		offset += r.read
	}
	if r.isClosed() {
		return 0, failed(r.ctx, "seek", native.ErrClosed)
	}
	if offset < 0 {
		return 0, argument("seek", "before the beginning")
	}
	if err := r.below.SeekTo(offset); err != nil {
		return 0, r.told("seek", err)
	}
	r.read = offset
	if r.err == io.EOF {
		r.err = nil
	}
	return offset, nil
}

// told is an error as the caller gets it: also when somebody closed the reader meanwhile.
func (r *Reader) told(call string, err error) error {
	if err != nil && r.isClosed() {
		err = native.ErrClosed
	}
	return failed(r.ctx, call, err)
}

// ReadAt reads len(p) bytes from this offset of the object: it neither needs nor moves the place where Read is, and may
// run beside any other call. The library asks for blocks and remembers the last, so that readers of archives and tables
// need few requests. Of a part, the store states no checksum; an object that was replaced meanwhile is ErrIntegrity.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	defer runtime.KeepAlive(r)
	if off < 0 {
		return 0, argument("read_at", "off must not be negative")
	}
	if r.isClosed() {
		return 0, failed(r.ctx, "read_at", native.ErrClosed)
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.below.ReadAt(r.ctx, p, off)
	if err == nil && n < len(p) {
		return n, io.EOF
	}
	return n, r.told("read_at", err)
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
