package native

/*
#include <bge.h>
#include <fcntl.h>

// A copy of an operation's descriptor that Go may own and close, ready for Go's poller; -1 when there is none.
static int pollable(const bge_op_t *op) {
  int fd = bge_op_fd(op);
  if (fd < 0) return -1;
  fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}
*/
import "C"

import (
	"context"
	"errors"
	"os"
	"time"
)

// Progress is told how far a call is; total is 0 while it is not known.
type Progress func(done, total int64)

// progressEvery is how often progress is looked at.
const progressEvery = 50 * time.Millisecond

// usePoller is false in tests of what happens when there are no file descriptors left.
var usePoller = true

// finish waits for an operation, takes its result and frees it. When the context ends the operation is cancelled, and
// finish returns when it has ended. Progress is told on the calling goroutine.
func finish(ctx context.Context, op *C.bge_op_t, progress Progress) (string, error) {
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		short.enter()
		C.bge_op_cancel(op)
		short.leave()
		close(cancelled)
	})
	defer func() { // also when progress panics
		if !stop() {
			<-cancelled // it uses op
		}
		short.enter()
		C.bge_op_free(op)
		short.leave()
	}()
	if usePoller {
		poll(op, progress)
	}
	for !done(short, op, 0) {
		// no descriptor to poll: a short wait at a time, so that as many threads as `long` allows serve everybody
		done(long, op, 10*time.Millisecond)
		tell(op, progress)
	}
	tell(op, progress)

	short.enter()
	defer short.leave()
	var text *C.char
	var failure *C.bge_error_t
	status := C.bge_op_result(op, &text, &failure)
	return take(text), check(status, failure)
}

// poll waits in Go's poller, without a thread; it returns early when it cannot.
func poll(op *C.bge_op_t, progress Progress) {
	short.enter()
	fd := C.pollable(op)
	short.leave()
	if fd < 0 {
		return
	}
	file := os.NewFile(uintptr(fd), "bge operation")
	defer file.Close()
	conn, err := file.SyscallConn()
	if err != nil {
		return
	}
	for {
		if progress != nil {
			if file.SetReadDeadline(time.Now().Add(progressEvery)) != nil {
				return
			}
		}
		// The descriptor is only watched: what is in it belongs to the operation.
		err := conn.Read(func(uintptr) bool { return done(short, op, 0) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		tell(op, progress)
	}
}

func done(g gate, op *C.bge_op_t, limit time.Duration) bool {
	g.enter()
	defer g.leave()
	var done C.bool
	status := C.bge_op_wait(op, C.int64_t(limit.Milliseconds()), &done, nil)
	return bool(done) || status != C.BGE_OK // in a forked child: its result says so
}

func tell(op *C.bge_op_t, progress Progress) {
	if progress == nil {
		return
	}
	var done, total C.uint64_t
	short.enter()
	C.bge_op_progress(op, &done, &total)
	short.leave()
	progress(int64(done), int64(total))
}
