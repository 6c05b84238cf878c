//go:build cgo && !bge_nolib

package native

/*
#include "library.h"
#include <fcntl.h>

// A copy of a queue's descriptor that Go may own and close, ready for Go's poller; -1 when there is none.
static int pollable(const bge_ops_t *ops) {
  int fd = bge_ops_fd(ops);
  if (fd < 0) return -1;
  fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}
*/
import "C"

import (
	"os"
	"sync"
)

// queue is where operations that have ended line up, and wakes the goroutines that wait for them: one descriptor, or
// one thread, for all.
type queue struct {
	ops *C.bge_ops_t

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan struct{} // for the end of an operation, once
	// for keys that come again and again
	listening map[uint64]chan struct{}
}

// calls is the queue of all clients of the process.
var calls = sync.OnceValues(func() (*queue, error) { return newQueue(true) })

// newQueue makes a queue, which lives as long as the process; poll is false in tests of what happens when there are no
// descriptors left.
func newQueue(poll bool) (*queue, error) {
	q := &queue{waiting: map[uint64]chan struct{}{}, listening: map[uint64]chan struct{}{}}
	var failure *C.bge_error_t
	if err := check(C.bge_ops_new(&q.ops, &failure), failure); err != nil {
		return nil, err
	}
	if poll {
		if fd := C.pollable(q.ops); fd >= 0 {
			file := os.NewFile(uintptr(fd), "ended operations of bge")
			if conn, err := file.SyscallConn(); err == nil {
				go func() {
					defer file.Close()
					// The descriptor is only watched: what is in it belongs to the queue.
					conn.Read(func(uintptr) bool { q.take(0); return false })
					q.serve() // the poller does not want it
				}()
				return q, nil
			}
			file.Close()
		}
	}
	go q.serve()
	return q, nil
}

// serve waits in C, which holds a thread.
func (q *queue) serve() {
	for q.take(-1) {
	}
}

// take wakes whoever waits for an operation that has ended.
func (q *queue) take(timeout C.int64_t) bool {
	var keys [64]C.uint64_t
	for {
		var n C.size_t
		if C.bge_ops_wait(q.ops, timeout, &keys[0], C.size_t(len(keys)), &n, nil) != C.BGE_OK {
			return false
		}
		q.mu.Lock()
		for _, key := range keys[:n] {
			if ended, ok := q.waiting[uint64(key)]; ok {
				delete(q.waiting, uint64(key))
				ended <- struct{}{}
			} else if waking, ok := q.listening[uint64(key)]; ok {
				select {
				case waking <- struct{}{}:
				default: // it will look anyway
				}
			}
		}
		q.mu.Unlock()
		if timeout != 0 || int(n) < len(keys) {
			return true
		}
	}
}

// expect gives a key, and where its end will be told.
func (q *queue) expect() (uint64, chan struct{}) {
	ended := make(chan struct{}, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	q.waiting[q.last] = ended
	return q.last, ended
}

// listen gives a key that may come any number of times, and where it is told.
func (q *queue) listen() (uint64, chan struct{}) {
	waking := make(chan struct{}, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	q.listening[q.last] = waking
	return q.last, waking
}

// forget is for a key that nobody waits for any more.
func (q *queue) forget(key uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, key)
	delete(q.listening, key)
}
