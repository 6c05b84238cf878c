package bgearrow

/*
#include <bge.h>
#include <stdlib.h>
#include <string.h>

// What one call of Go needs to know of a failure: its text, to be freed.
static char *open_table(const void *api, const char *name, const char *args, bge_table_t **table, struct ArrowArrayStream *stream) {
  bge_error_t *err = NULL;
  char *told = NULL;
  bge_status_t status = bge_api_open_table(api, name, args, table, &err);
  if (status == BGE_OK) status = bge_table_stream(*table, stream, &err);
  if (status != BGE_OK) {
    const char *json = bge_error_json(err);
    size_t size = strlen(json) + 1;
    told = malloc(size);
    if (told != NULL) memcpy(told, json, size);
    bge_error_free(err);
    bge_table_free(*table);
    *table = NULL;
  }
  return told;
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	bge "github.com/libbge/libbge/bindings/go"
	"github.com/libbge/libbge/bindings/go/internal/texts"
)

// Switches are the member "$" of a table's arguments. The zero value of each leaves it to the library.
type Switches struct {
	Concurrency   int     `json:"concurrency,omitempty"`    // samples at a time; 8
	Prefetch      int     `json:"prefetch,omitempty"`       // pages of each that may wait for the reader
	OnError       string  `json:"on_error,omitempty"`       // "fail", or "skip": a failing sample is left to Report
	RateLimit     float64 `json:"rate_limit,omitempty"`     // requests per second of the whole table
	CheckpointDir string  `json:"checkpoint_dir,omitempty"` // keeps the pages of finished samples for another run
	Strict        bool    `json:"strict,omitempty"`         // a value of an unexpected type is an error
}

// Reader reads a table. It is an array.RecordReader; one goroutine at a time may use it, but for Progress, Report and
// Release.
type Reader struct {
	*table
	ctx    context.Context
	stop   func() bool
	schema *arrow.Schema
	users  atomic.Int64
	err    error
}

var _ array.RecordReader = (*Reader)(nil)

// table is what a Reader holds of the library; the last user of one that is closed frees it.
type table struct {
	mu      sync.Mutex
	ptr     *C.bge_table_t
	batches array.RecordReader
	users   int
	closed  bool
}

// use gives the table for a while; nil when it is closed.
func (t *table) use() *C.bge_table_t {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.users++
	return t.ptr
}

func (t *table) leave() {
	t.mu.Lock()
	t.users--
	last := t.closed && t.users == 0
	t.mu.Unlock()
	if last {
		t.free()
	}
}

func (t *table) cancel() {
	if ptr := t.use(); ptr != nil {
		C.bge_table_cancel(ptr)
		t.leave()
	}
}

// close ends the table, also what is under way on it.
func (t *table) close() {
	t.cancel()
	t.mu.Lock()
	idle := !t.closed && t.users == 0
	t.closed = true
	t.mu.Unlock()
	if idle {
		t.free()
	}
}

func (t *table) free() {
	t.batches.Release()
	C.bge_table_free(t.ptr)
}

// Table opens the table of a list call, such as get_taxon_abundance or get_variants. args is nil, or what encoding/json
// makes an object of: the call's arguments by their documented names. biosample_id may be a list: then the rows of all
// these samples come, in its order, each with its biosample_id; "biosample_ids": "all" stands for every sample that
// get_samples lists with the filters beside it. The member "$" may be Switches.
//
// Nothing is sent before the first call of Next. When ctx ends, a Next that waits returns false within 100 ms, and Err
// tells of it. Release the reader when done, at any time.
func Table(ctx context.Context, client *bge.Client, name string, args any) (*Reader, error) {
	text := json.RawMessage("{}")
	if args != nil {
		var err error
		if text, err = texts.Marshal(args); err != nil {
			return nil, argument(name, "the arguments "+err.Error())
		}
	}
	if ctx == nil {
		return nil, argument(name, "the context must not be nil")
	}
	if err := ctx.Err(); err != nil {
		return nil, ended(ctx, name)
	}
	if strings.IndexByte(name, 0) >= 0 {
		return nil, argument(name, "a text holds a zero byte")
	}
	cName, cArgs := C.CString(name), C.CString(string(text))
	defer C.free(unsafe.Pointer(cName))
	defer C.free(unsafe.Pointer(cArgs))
	stream := (*C.struct_ArrowArrayStream)(C.calloc(1, C.sizeof_struct_ArrowArrayStream))
	defer C.free(unsafe.Pointer(stream)) // the import moves its content
	var ptr *C.bge_table_t
	err := client.Handle(func(api unsafe.Pointer) error {
		if told := C.open_table(api, cName, cArgs, &ptr, stream); told != nil {
			defer C.free(unsafe.Pointer(told))
			return bge.ErrorFromJSON(C.GoString(told))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	imported, err := cdata.ImportCRecordReader((*cdata.CArrowArrayStream)(unsafe.Pointer(stream)), nil)
	if err != nil {
		C.bge_table_free(ptr)
		return nil, failed(ctx, name, err)
	}
	batches := imported.(array.RecordReader)
	held := &table{ptr: ptr, batches: batches}
	r := &Reader{table: held, ctx: ctx, schema: batches.Schema()}
	r.users.Store(1)
	r.stop = context.AfterFunc(ctx, held.cancel)
	runtime.AddCleanup(r, (*table).close, held)
	return r, nil
}

// Retain adds a user.
func (r *Reader) Retain() { r.users.Add(1) }

// Release takes a user away; the last one ends the requests that are under way, a Next that waits, too, and gives the
// memory back. Batches that were retained live on. After it Next gives false, and Err tells why: bge.ErrClosed.
func (r *Reader) Release() {
	if r.users.Add(-1) == 0 {
		r.stop()
		r.close()
	}
	runtime.KeepAlive(r)
}

// Schema is the schema of every batch: the columns that bge.Endpoints lists, biosample_id wherever rows belong to
// samples, and extra, a JSON text of what no column holds. The metadata of each field has bge.endpoint, bge.type,
// bge.description and, where it is known, bge.unit.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Next goes to the next batch; false at the end, and when Err is not nil.
func (r *Reader) Next() bool {
	defer runtime.KeepAlive(r)
	if r.err != nil {
		return false
	}
	if r.use() == nil {
		r.err = closed("table")
		return false
	}
	defer r.leave()
	more := r.batches.Next()
	if err := r.batches.Err(); !more && err != nil {
		r.err = failed(r.ctx, "table", err)
	}
	return more
}

// RecordBatch is the batch that Next went to, good until the next call of Next unless it is retained; nil before the
// first and after Release.
func (r *Reader) RecordBatch() arrow.RecordBatch {
	defer runtime.KeepAlive(r)
	if r.use() == nil {
		return nil
	}
	defer r.leave()
	return r.batches.RecordBatch()
}

// Record is RecordBatch by its older name.
func (r *Reader) Record() arrow.RecordBatch { return r.RecordBatch() }

// Err is what ended the table early: a *bge.Error, with the context's error in it when it was the context.
func (r *Reader) Err() error { return r.err }

// Progress is how far a table is.
type Progress struct {
	Rows        uint64 // given so far
	SamplesDone uint64 // whose rows have all been given, or that were skipped
	Samples     uint64 // in all; with "all", those listed so far
}

// Progress tells how far the table is; any goroutine may ask. After Release it is zero.
func (r *Reader) Progress() Progress {
	defer runtime.KeepAlive(r)
	var rows, done, samples C.uint64_t
	if ptr := r.use(); ptr != nil {
		defer r.leave()
		C.bge_table_progress(ptr, &rows, &done, &samples)
	}
	return Progress{uint64(rows), uint64(done), uint64(samples)}
}

// Report is what went wrong on the way.
type Report struct {
	Failed  []Failed `json:"failed"`  // samples that OnError "skip" left out
	Misfits uint64   `json:"misfits"` // values of an unexpected type, which are in the column extra
}

// Failed is a sample that was left out.
type Failed struct {
	BiosampleID string     `json:"biosample_id"`
	Rows        uint64     `json:"rows"` // that had been given before it failed
	Err         *bge.Error `json:"-"`
}

// UnmarshalJSON reads what the library writes.
func (f *Failed) UnmarshalJSON(text []byte) error {
	type plain Failed
	told := struct {
		*plain
		Error json.RawMessage `json:"error"`
	}{plain: (*plain)(f)}
	if err := json.Unmarshal(text, &told); err != nil {
		return err
	}
	f.Err = bge.ErrorFromJSON(string(told.Error))
	return nil
}

// Report tells what went wrong on the way; any goroutine may ask, until Release.
func (r *Reader) Report() (*Report, error) {
	defer runtime.KeepAlive(r)
	ptr := r.use()
	if ptr == nil {
		return nil, closed("table")
	}
	defer r.leave()
	var text *C.char
	var err *C.bge_error_t
	if C.bge_table_report(ptr, &text, &err) != C.BGE_OK {
		defer C.bge_error_free(err)
		return nil, bge.ErrorFromJSON(C.GoString(C.bge_error_json(err)))
	}
	defer C.bge_string_free(text)
	report := new(Report)
	return report, json.Unmarshal([]byte(C.GoString(text)), report)
}

// failed finds the library's error in the text of an import's.
func failed(ctx context.Context, call string, err error) error {
	text := err.Error()
	at := strings.IndexByte(text, '{')
	if at < 0 {
		return fmt.Errorf("bge: %s: %w", call, err)
	}
	told := bge.ErrorFromJSON(text[at:])
	if told.Status == bge.StatusCancelled && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", told, cause(ctx))
	}
	return told
}

func ended(ctx context.Context, call string) error {
	told := &bge.Error{Status: bge.StatusCancelled, Call: call, Message: call + ": the context has ended"}
	return fmt.Errorf("%w: %w", told, cause(ctx))
}

// cause is why the context ended: its error, and the cause that was given with it.
func cause(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

func closed(call string) error {
	return &bge.Error{Status: bge.StatusClosed, Call: call, Message: call + ": this reader is released"}
}

func argument(call, message string) error {
	return &bge.Error{Status: bge.StatusArgument, Call: call, Message: call + ": " + message}
}
