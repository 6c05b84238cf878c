package bge

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// watch is how a client is watched, and what it counts. Pagers and streams share it with their client.
type watch struct {
	told    []func(Event)
	headers []func(context.Context) map[string]string

	calls, failed, requests, repeats, renewals atomic.Uint64
	underWay, readers, writers                 atomic.Int64

	last  atomic.Uint64
	wake  func() // has the library's log looked at
	mu    sync.Mutex
	spans map[uint64]*span // calls under way, where somebody is told of them
	// Those that have ended, but of which the library's log may still hold lines.
	over, leaving []*span
}

// logger is a handle that has a log.
type logger interface {
	Log(line func(level int, text []byte), idle func()) (wake func(), err error)
}

// span is a call under way.
type span struct {
	watch *watch
	ctx   context.Context
	call  string
	id    uint64
	begun time.Time
	sent  int // requests
}

func newWatch(c *config) *watch {
	return &watch{told: c.told, headers: c.headers, wake: func() {}, spans: map[uint64]*span{}}
}

// attach has the library's log told, if anybody wants to know.
func (w *watch) attach(handle logger) error {
	if len(w.told) == 0 {
		return nil
	}
	wake, err := handle.Log(w.line, w.idle)
	if err == nil {
		w.mu.Lock()
		w.wake = wake
		w.mu.Unlock()
	}
	return err
}

func (w *watch) stats() Stats {
	return Stats{
		Calls: w.calls.Load(), Failed: w.failed.Load(), UnderWay: int(w.underWay.Load()),
		Readers: int(w.readers.Load()), Writers: int(w.writers.Load()),
		Requests: w.requests.Load(), Repeats: w.repeats.Load(), Renewals: w.renewals.Load(),
	}
}

// begin tells that a call begins. id is 0, or that of the pager or stream that the call is part of.
func (w *watch) begin(ctx context.Context, call string, id uint64) *span {
	w.calls.Add(1)
	w.underWay.Add(1)
	s := &span{watch: w, ctx: ctx, call: call, id: id}
	if len(w.told) == 0 {
		return s
	}
	if id == 0 {
		s.id = w.last.Add(1)
	}
	s.begun = time.Now()
	w.mu.Lock()
	w.spans[s.id] = s
	w.mu.Unlock()
	w.tell(Event{Kind: CallStarted, Time: s.begun, Context: ctx, Call: call, ID: s.id, Level: slog.LevelDebug})
	return s
}

// end tells that the call has ended.
func (s *span) end(err error) {
	w := s.watch
	w.underWay.Add(-1)
	if err != nil {
		w.failed.Add(1)
	}
	if len(w.told) == 0 {
		return
	}
	w.mu.Lock()
	w.over = append(w.over, s)
	w.wake()
	w.mu.Unlock()
	now := time.Now()
	e := Event{Kind: CallEnded, Time: now, Context: s.ctx, Call: s.call, ID: s.id, Duration: now.Sub(s.begun), Level: slog.LevelDebug}
	if err != nil {
		e.Err, e.Level = err, slog.LevelError
		if errors.Is(err, ErrCancelled) { // the caller's own wish
			e.Level = slog.LevelInfo
		}
		var failure *Error
		if errors.As(err, &failure) {
			e.HTTPStatus, e.RequestID, e.Message = failure.HTTPStatus, failure.RequestID, failure.Message
		}
	}
	w.tell(e)
}

// idle follows the last line that there was. Spans that had ended before the lines of last time are forgotten.
func (w *watch) idle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.leaving {
		if w.spans[s.id] == s {
			delete(w.spans, s.id)
		}
	}
	w.leaving, w.over = w.over, nil
	if len(w.leaving) > 0 {
		w.wake()
	}
}

func (w *watch) tell(e Event) {
	for _, told := range w.told {
		told(e)
	}
}

// switches are the members of "$" that the client itself gives to a call: headers, and the call's tag in the log.
func (w *watch) switches(ctx context.Context, id uint64) map[string]any {
	s := map[string]any{}
	for _, f := range w.headers {
		for name, value := range f(ctx) {
			headers, _ := s["headers"].(map[string]string)
			if headers == nil {
				headers = map[string]string{}
				s["headers"] = headers
			}
			headers[name] = value
		}
	}
	if id != 0 {
		s["tag"] = strconv.FormatUint(id, 10)
	}
	return s
}

// line takes one line of the library's log, which is JSON.
func (w *watch) line(level int, text []byte) {
	var told struct {
		Event     string  `json:"event"`
		Tag       string  `json:"tag"`
		Message   string  `json:"message"`
		Method    string  `json:"method"`
		URL       string  `json:"url"`
		Status    int     `json:"http_status"`
		RequestID string  `json:"request_id"`
		Duration  float64 `json:"duration"`
		Wait      float64 `json:"wait"`
	}
	if json.Unmarshal(text, &told) != nil {
		told.Message = string(text)
	}
	e := Event{
		Kind: Notice, Time: time.Now(), Context: context.Background(), Message: told.Message, Method: told.Method, URL: told.URL,
		HTTPStatus: told.Status, RequestID: told.RequestID, Level: [...]slog.Level{slog.LevelDebug, slog.LevelError, slog.LevelInfo, slog.LevelDebug}[level&3],
		Duration: time.Duration(told.Duration * float64(time.Second)), Wait: time.Duration(told.Wait * float64(time.Second)),
	}
	id, _ := strconv.ParseUint(told.Tag, 10, 64)
	e.ID = id // also of a page that is fetched ahead, for which nobody waits yet
	w.mu.Lock()
	s := w.spans[id]
	if s != nil {
		e.Context, e.Call = s.ctx, s.call
		if told.Event == "request" {
			s.sent++
		}
		e.Request = s.sent
	}
	w.mu.Unlock()
	switch told.Event {
	case "request":
		e.Kind, e.Message = RequestSent, ""
		w.requests.Add(1)
	case "answer":
		e.Kind, e.Message = RequestAnswered, ""
	case "repeat":
		e.Kind = CallRepeated
		w.repeats.Add(1)
	case "renewal":
		e.Kind = TokenRenewed
		w.renewals.Add(1)
	case "failure":
		return // CallEnded tells it
	}
	w.tell(e)
}
