package bge

import (
	"context"
	"log/slog"
	"time"
)

// EventKind is what an Event tells of.
type EventKind int

// The kinds of events.
const (
	CallStarted     EventKind = iota + 1 // a method was called
	RequestSent                          // one of its requests goes out
	RequestAnswered                      // and is answered: HTTPStatus, RequestID, Duration
	CallRepeated                         // a request failed and will be repeated: Message, Wait
	TokenRenewed                         // the client has a new access token: see Client.Token
	CallEnded                            // the method returns: Duration, Err
	Notice                               // anything else that the library has to say: Message
)

// String names the kind, such as "call started".
func (k EventKind) String() string {
	switch k {
	case CallStarted:
		return "call started"
	case RequestSent:
		return "request sent"
	case RequestAnswered:
		return "request answered"
	case CallRepeated:
		return "call repeated"
	case TokenRenewed:
		return "token renewed"
	case CallEnded:
		return "call ended"
	case Notice:
		return "notice"
	}
	return "unknown"
}

// Event is what a client tells while it works. It never holds a secret, nor what was asked for or answered.
type Event struct {
	Kind EventKind
	Time time.Time

	// Context is that of the call, so that a span can be found in it; context.Background() where no call is known.
	Context context.Context
	Call    string // such as get_samples; empty where no call waits, as for a page that a Pager fetches ahead
	ID      uint64 // of the call, the same in all its events; 0 where no call is known
	Request int    // which of the call's requests, from 1

	Method     string // of requests, such as GET
	URL        string // of requests, without its query
	HTTPStatus int
	RequestID  string        // the server's name for the request
	Duration   time.Duration // of a request, or of the whole call
	Wait       time.Duration // before a repeat
	Message    string        // one line for people
	Level      slog.Level
	Err        error // of a call that failed
}

// WithEvents has f told what the client does: calls, their requests, repeats, renewed tokens; for metrics and traces.
// CallStarted and CallEnded come on the goroutine of the call, the others on one of the client's own, in their order and
// soon after. f must not wait for long, and must not call the client. Given more than once, all are told.
func WithEvents(f func(Event)) Option {
	return func(c *config) error {
		if f != nil {
			c.told, c.level = append(c.told, f), "debug"
		}
		return nil
	}
}

// WithLogger has the client's log written to a logger, whose level is looked at now and at every line: failed calls as errors, repeats, renewals and the like as
// information, and every request and call as debugging, with the attributes call, id, request, method, url, http_status,
// request_id, duration, wait and err as far as they are known.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger != nil {
			c.told = append(c.told, func(e Event) { e.log(logger) })
			if c.level == "" {
				c.level = "info"
			}
			if logger.Enabled(context.Background(), slog.LevelDebug) {
				c.level = "debug"
			}
		}
		return nil
	}
}

func (e Event) log(logger *slog.Logger) {
	if !logger.Enabled(e.Context, e.Level) {
		return
	}
	var attrs []slog.Attr
	add := func(known bool, attr slog.Attr) {
		if known {
			attrs = append(attrs, attr)
		}
	}
	add(e.Call != "", slog.String("call", e.Call))
	add(e.ID != 0, slog.Uint64("id", e.ID))
	add(e.Request != 0, slog.Int("request", e.Request))
	add(e.Method != "", slog.String("method", e.Method))
	add(e.URL != "", slog.String("url", e.URL))
	add(e.HTTPStatus != 0, slog.Int("http_status", e.HTTPStatus))
	add(e.RequestID != "", slog.String("request_id", e.RequestID))
	add(e.Duration != 0, slog.Duration("duration", e.Duration))
	add(e.Wait != 0, slog.Duration("wait", e.Wait))
	add(e.Err != nil, slog.Any("err", e.Err))
	message := "bge: " + e.Kind.String()
	if e.Message != "" {
		message = "bge: " + e.Message
	}
	logger.LogAttrs(e.Context, e.Level, message, attrs...)
}

// WithHeaders sends further HTTP headers with every request of the client's to the platform, those of transfers, too.
// CallOptions.Headers come before them.
func WithHeaders(headers map[string]string) Option {
	return WithHeaderFunc(func(context.Context) map[string]string { return headers })
}

// WithHeaderFunc asks f for further headers before every call, such as a traceparent of the call's context. f may be
// called by any number of goroutines at once. Given more than once, the headers of all are sent.
func WithHeaderFunc(f func(context.Context) map[string]string) Option {
	return func(c *config) error {
		if f != nil {
			c.headers = append(c.headers, f)
		}
		return nil
	}
}

// Stats is what a client has done so far, and does.
type Stats struct {
	Calls    uint64 // that have begun: methods, pages of pagers, streams
	Failed   uint64 // that ended with an error, those of their contexts included
	UnderWay int    // that have begun and not ended
	Readers  int    // that are open
	Writers  int    // that are open

	// What the library tells of, in clients that have a logger or events.
	Requests uint64 // with events, or a logger at debug level
	Repeats  uint64
	Renewals uint64 // of the access token
}

// Stats tells what the client has done so far. It costs next to nothing.
func (c *Client) Stats() Stats { return c.watch.stats() }
