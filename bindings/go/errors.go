package bge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// Status is the kind of a failure, as in BGE_ERR_… of bge.h. Unknown ones come from newer libraries.
type Status int32

// The kinds of failures.
const (
	StatusArgument    Status = 1  // bad argument, option or JSON; nothing was sent
	StatusTransport   Status = 2  // name lookup, connection, TLS, proxy, or an answer that broke off
	StatusTimeout     Status = 3  // the time allowed ran out
	StatusHTTP        Status = 4  // any other HTTP status from 400 on
	StatusAPI         Status = 5  // the platform refused with a code of its own: see Error.Code
	StatusAuth        Status = 6  // the token is wrong, expired or lacks the scope
	StatusProtocol    Status = 7  // the answer is not what the protocol says
	StatusStorage     Status = 8  // the object store refused
	StatusIntegrity   Status = 9  // length or checksum is not what was promised
	StatusIO          Status = 10 // a local file could not be read or written
	StatusCancelled   Status = 11 // the context ended
	StatusClosed      Status = 12 // the client, pager or stream is closed
	StatusInternal    Status = 13 // a bug in the library
	StatusUnsupported Status = 14 // not in this build of the library
)

// String is the status's name in C, such as BGE_ERR_TIMEOUT.
func (s Status) String() string { return native.StatusName(int32(s)) }

// kind is the type of the sentinels: an Error is the one of its status.
type kind Status

func (k kind) Error() string { return "bge: " + Status(k).String() }

// Sentinels for errors.Is, one for each Status.
var (
	ErrArgument    error = kind(StatusArgument)
	ErrTransport   error = kind(StatusTransport)
	ErrTimeout     error = kind(StatusTimeout)
	ErrHTTP        error = kind(StatusHTTP)
	ErrAPI         error = kind(StatusAPI)
	ErrAuth        error = kind(StatusAuth)
	ErrProtocol    error = kind(StatusProtocol)
	ErrStorage     error = kind(StatusStorage)
	ErrIntegrity   error = kind(StatusIntegrity)
	ErrIO          error = kind(StatusIO)
	ErrCancelled   error = kind(StatusCancelled)
	ErrClosed      error = kind(StatusClosed)
	ErrInternal    error = kind(StatusInternal)
	ErrUnsupported error = kind(StatusUnsupported)
)

// Error is what every failed call returns. It never holds a secret.
type Error struct {
	Status     Status
	Call       string          // the call, such as get_variants
	Code       int64           // the platform's code, such as 41001; 0 if none
	HTTPStatus int             // 0 if there was no answer
	Message    string          // one line: the call, what happened, what to do
	Cause      string          // what lies below, such as the operating system's words
	Hint       string          // what to do
	Msg        string          // the platform's or the store's own words
	RequestID  string          // the server's name for the request, to be quoted to its operators
	Retryable  bool            // whether the same call is worth repeating; false when a write may have happened
	RetryAfter time.Duration   // how long the server asked to wait; 0 if it did not
	Data       json.RawMessage // what the platform sent with its refusal; nil if nothing

	StorageCode string          // the object store's code, such as NoSuchKey
	StorageEC   string          // the object store's finer code
	Files       json.RawMessage // of a transfer of many files: every file's result

	cause error
}

func (e *Error) Error() string { return "bge: " + e.Message }

// Is makes errors.Is(err, bge.ErrTimeout) and the like true for the error's status; os.ErrNotExist for an object that
// is not there; and os.ErrClosed for what is closed.
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.StorageCode == "NoSuchKey" || e.StorageCode == "NoSuchBucket"
	case fs.ErrClosed:
		return e.Status == StatusClosed
	}
	k, ok := target.(kind)
	return ok && Status(k) == e.Status
}

// Unwrap gives what lies below: the context's error when it was the context that ended the call, so that
// errors.Is(err, context.Canceled) and errors.Is(err, context.DeadlineExceeded) hold; a syscall.Errno when it was the
// operating system, so that errors.Is(err, os.ErrNotExist) and errors.Is(err, syscall.ENOSPC) do.
func (e *Error) Unwrap() error { return e.cause }

// Timeout is true when time ran out: the library's or the context's.
func (e *Error) Timeout() bool {
	return e.Status == StatusTimeout || errors.Is(e.cause, context.DeadlineExceeded)
}

// ErrorFromJSON makes an Error of the text of bge_error_json, for packages that call bge.h themselves.
func ErrorFromJSON(text string) *Error {
	var told struct {
		Status      Status          `json:"status"`
		Call        string          `json:"call"`
		Code        int64           `json:"code"`
		HTTPStatus  int             `json:"http_status"`
		Message     string          `json:"message"`
		Msg         string          `json:"msg"`
		RequestID   string          `json:"request_id"`
		Retryable   bool            `json:"retryable"`
		RetryAfter  float64         `json:"retry_after"`
		Data        json.RawMessage `json:"data"`
		StorageCode string          `json:"storage_code"`
		StorageEC   string          `json:"storage_ec"`
		Files       json.RawMessage `json:"files"`
		Cause       string          `json:"cause"`
		Hint        string          `json:"hint"`
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil || told.Status == 0 {
		return &Error{Status: StatusInternal, Message: "an error without its story: " + text}
	}
	e := &Error{
		Status: told.Status, Call: told.Call, Code: told.Code, HTTPStatus: told.HTTPStatus,
		Message: withoutC.Replace(told.Message), Cause: told.Cause, Hint: withoutC.Replace(told.Hint),
		Msg: told.Msg, RequestID: told.RequestID, Retryable: told.Retryable,
		RetryAfter: time.Duration(told.RetryAfter * float64(time.Second)), Data: told.Data,
		StorageCode: told.StorageCode, StorageEC: told.StorageEC, Files: told.Files,
	}
	if e.StorageCode != "" && e.Msg == "" {
		e.Msg = e.Cause
	}
	if found := osError.FindStringSubmatch(told.Cause); found != nil {
		if number, err := strconv.Atoi(found[1]); err == nil {
			e.cause = syscall.Errno(number)
		}
	}
	return e
}

// osError is how the library's messages name an error of the operating system.
var osError = regexp.MustCompile(`\(os error ([0-9]+)\)`)

// withoutC names what only C has as Go does.
var withoutC = strings.NewReplacer("options_json", "the options", "args_json", "the arguments")

// failed turns what the layer below returned into an *Error; nil stays nil.
func failed(ctx context.Context, call string, err error) error {
	var below *native.Error
	switch {
	case err == nil:
		return nil
	case err == native.ErrClosed:
		return &Error{Status: StatusClosed, Call: call, Message: call + ": this handle is closed"}
	case err == native.ErrLate:
		return &Error{Status: StatusTimeout, Call: call, Message: call + ": the deadline passed before other streams of the client made room"}
	case err == native.ErrNUL:
		return argument(call, "a text holds a zero byte")
	case errors.As(err, &below):
		e := ErrorFromJSON(below.JSON)
		told := ""
		if e.Status == StatusTimeout && deadlineIsNow(ctx) {
			<-ctx.Done() // the library had the same deadline, and was a little earlier
			e.Status, told = StatusCancelled, " ("+strings.TrimPrefix(e.Message, call+": ")+")"
		}
		if e.Status == StatusCancelled && ctx.Err() != nil {
			e.cause = ended(ctx)
			e.Message = fmt.Sprintf("%s: %v%s", call, e.cause, told)
		}
		return e
	default: // the context ended before anything was sent
		cause := ended(ctx)
		return &Error{Status: StatusCancelled, Call: call, Message: fmt.Sprintf("%s: %v", call, cause), cause: cause}
	}
}

// deadlineIsNow is true when the context's deadline has come, or comes in an instant.
func deadlineIsNow(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return bounded && time.Until(deadline) < 20*time.Millisecond
}

// ended is why the context ended: its error, and the cause that was given with it.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

func argument(call, format string, args ...any) *Error {
	return &Error{Status: StatusArgument, Call: call, Message: call + ": " + fmt.Sprintf(format, args...)}
}
