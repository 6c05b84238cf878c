//go:build cgo && !bge_nolib

package native

// #include "ops.h"
// #cgo noescape run_call
// #cgo nocallback run_call
// #cgo noescape prepare_call
// #cgo nocallback prepare_call
// #cgo noescape run_prepared
// #cgo nocallback run_prepared
// #cgo nocallback free_prepared
import "C"

import (
	"context"
	"encoding/json"
	"sync"
)

// isShort is true of calls that are one request as a rule, and worth a thread for as long as that takes.
func isShort(call string) bool {
	_, long := long()[call]
	return !long
}

var long = sync.OnceValue(func() map[string]struct{} {
	var table []struct {
		Name, Kind string
		Arguments  []struct{ Type string }
	}
	_ = json.Unmarshal([]byte(Endpoints()), &table) // what is no table has no calls either
	calls := map[string]struct{}{"wait_task": {}, "unfinished_uploads": {}, "doctor": {}}
	for _, row := range table {
		is := row.Kind == "transfer"
		for _, argument := range row.Arguments {
			is = is || argument.Type == "file"
		}
		if is {
			calls[row.Name] = struct{}{}
		}
	}
	return calls
})

// direct carries a call out on this goroutine's thread, which drives the connection itself: nobody has to be woken for
// it, neither in the library nor in Go.
func (a *API) direct(ctx context.Context, api *C.bge_api_t, name, args *C.char) ([]byte, error) {
	var text *C.char
	var length C.size_t
	var failure *C.bge_error_t
	if ctx.Done() == nil {
		status := C.run_call(api, name, args, &text, &length, &failure)
		return take(text, length), check(status, failure)
	}
	var op *C.bge_op_t
	if err := check(C.prepare_call(api, name, args, &op, &failure), failure); err != nil {
		return nil, err
	}
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.bge_op_cancel(op)
		close(cancelled)
	})
	status := C.run_prepared(op, &text, &length, &failure)
	if !stop() {
		<-cancelled // it has the operation in hand
	}
	C.free_prepared(op)
	return take(text, length), check(status, failure)
}
