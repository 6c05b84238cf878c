//go:build cgo && !bge_nolib

package native

import (
	"sync"
	"unsafe"
)

// handle is a C handle that may be closed while it is in use: it is freed by the last user then.
type handle struct {
	mu     sync.Mutex
	ptr    unsafe.Pointer
	users  int
	closed bool
	free   func(unsafe.Pointer)
}

// acquire gives the C pointer, good until release; ErrClosed after close.
func (h *handle) acquire() (unsafe.Pointer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	h.users++
	return h.ptr, nil
}

func (h *handle) release() {
	h.mu.Lock()
	h.users--
	last := h.closed && h.users == 0
	h.mu.Unlock()
	if last {
		h.free(h.ptr)
	}
}

// Close ends the handle for new calls; calls under way end as they would. It may be called any number of times.
func (h *handle) Close() {
	h.mu.Lock()
	idle := !h.closed && h.users == 0
	h.closed = true
	h.mu.Unlock()
	if idle {
		h.free(h.ptr)
	}
}
