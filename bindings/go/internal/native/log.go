//go:build cgo && !bge_nolib

package native

// #include "log.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// levelInfo is how the library numbers lines of information.
const levelInfo = 2

// Log has every line of the client's log told to line, on a goroutine of its own, until the client is freed. idle is
// called whenever all lines there were have been told; wake asks for that. It is for a client that nobody uses yet.
func (a *API) Log(line func(level int, text []byte), idle func()) (wake func(), err error) {
	ptr, err := a.acquire()
	if err != nil {
		return nil, err
	}
	defer a.release()
	return a.queue.log(line, idle, func(list *C.log_list, failure **C.bge_error_t) C.bge_status_t {
		return C.log_set((*C.bge_api_t)(ptr), list, failure)
	})
}

// Log is that of the exchanges.
func (o *OAuth2) Log(line func(level int, text []byte), idle func()) (wake func(), err error) {
	ptr, err := o.acquire()
	if err != nil {
		return nil, err
	}
	defer o.release()
	return o.queue.log(line, idle, func(list *C.log_list, failure **C.bge_error_t) C.bge_status_t {
		return C.log_set_oauth2((*C.bge_oauth2_t)(ptr), list, failure)
	})
}

func (q *queue) log(line func(level int, text []byte), idle func(), set func(*C.log_list, **C.bge_error_t) C.bge_status_t) (wake func(), err error) {
	key, waking := q.listen()
	list := C.log_new(q.ops, C.uint64_t(key))
	if list == nil {
		q.forget(key)
		return nil, &Error{Status: StatusIO, JSON: `{"status":10,"message":"there is no memory left"}`}
	}
	go func() {
		for closed := false; !closed; {
			<-waking
			closed = drain(list, line)
			idle()
		}
		q.forget(key)
		C.log_free(list)
	}()
	var failure *C.bge_error_t
	// when it fails the list is closed, which ends the goroutine
	if err := check(set(list, &failure), failure); err != nil {
		return nil, err
	}
	return func() {
		select {
		case waking <- struct{}{}:
		default:
		}
	}, nil
}

func drain(list *C.log_list, line func(level int, text []byte)) (closed bool) {
	var lost C.uint64_t
	var over C.bool
	next := C.log_take(list, &lost, &over)
	for next != nil {
		line(int(next.level), C.GoBytes(unsafe.Pointer(C.log_text(next)), C.int(next.len)))
		next = C.log_next(next)
	}
	if lost > 0 {
		line(levelInfo, fmt.Appendf(nil, `{"message":"%d lines of the log were lost: they came faster than they were taken"}`, lost))
	}
	return bool(over)
}
