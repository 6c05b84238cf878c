package bge_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// recorder keeps what it is told.
type recorder struct {
	mu     sync.Mutex
	events []bge.Event
}

func (r *recorder) told(e bge.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// of gives the events of a call, once there are so many of them.
func (r *recorder) of(t testing.TB, call string, n int) []bge.Event {
	t.Helper()
	var found []bge.Event
	waitFor(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		found = nil
		for _, e := range r.events {
			if e.Call == call {
				found = append(found, e)
			}
		}
		return len(found) >= n
	})
	return found
}

func (r *recorder) kinds(kind bge.EventKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

type key struct{}

func TestEventsOfACall(t *testing.T) {
	var seen recorder
	client := user(t, bge.WithEvents(seen.told))
	fault(t, map[string]any{"path": "/profile", "kind": "status", "status": 502, "count": 1})
	ctx := context.WithValue(t.Context(), key{}, "mine")
	u, err := client.User(ctx, nil)
	must(t, u, err)
	events := seen.of(t, "get_user", 7)
	// the end comes on the goroutine of the call, the others on another one: each in its order
	var library, own []bge.EventKind
	for _, e := range events {
		if e.Kind == bge.CallStarted || e.Kind == bge.CallEnded {
			own = append(own, e.Kind)
		} else {
			library = append(library, e.Kind)
		}
		if e.ID != events[0].ID || e.ID == 0 || e.Context.Value(key{}) != "mine" || e.Time.IsZero() {
			t.Errorf("%+v", e)
		}
		if strings.Contains(e.Message+e.URL, box.AccessToken) {
			t.Errorf("the token is in %+v", e)
		}
	}
	want := []bge.EventKind{bge.RequestSent, bge.RequestAnswered, bge.CallRepeated, bge.RequestSent, bge.RequestAnswered}
	if !slices.Equal(library, want) || !slices.Equal(own, []bge.EventKind{bge.CallStarted, bge.CallEnded}) {
		t.Fatalf("told: %v, %v", own, library)
	}
	var answered []bge.Event
	for _, e := range events {
		switch e.Kind {
		case bge.RequestAnswered:
			answered = append(answered, e)
		case bge.CallRepeated:
			if e.HTTPStatus != 502 || e.Message == "" || e.Request != 1 || e.Level != slog.LevelInfo {
				t.Errorf("the repeat: %+v", e)
			}
		case bge.CallEnded:
			if e.Err != nil || e.Duration <= 0 {
				t.Errorf("the end: %+v", e)
			}
		}
	}
	if a, b := answered[0], answered[1]; a.HTTPStatus != 502 || b.HTTPStatus != 200 || a.Request != 1 || b.Request != 2 ||
		b.Method != "GET" || !strings.HasSuffix(b.URL, "/profile") || b.RequestID == "" || b.Duration <= 0 {
		t.Errorf("answered: %+v, %+v", a, b)
	}
	stats := client.Stats()
	if stats.Calls != 1 || stats.Failed != 0 || stats.UnderWay != 0 || stats.Requests != 2 || stats.Repeats != 1 {
		t.Errorf("stats: %+v", stats)
	}
}

func TestEventsOfAFailure(t *testing.T) {
	var seen recorder
	client := user(t, bge.WithEvents(seen.told))
	_, err := client.Sample(t.Context(), box.OtherBiosampleID, nil)
	wantError(t, err, bge.ErrAPI)
	events := seen.of(t, "get_sample", 4)
	i := slices.IndexFunc(events, func(e bge.Event) bool { return e.Kind == bge.CallEnded })
	if i < 0 || events[i].Err != err || events[i].Level != slog.LevelError || events[i].RequestID == "" {
		t.Errorf("told: %+v", events)
	}
	if stats := client.Stats(); stats.Calls != 1 || stats.Failed != 1 || stats.UnderWay != 0 {
		t.Errorf("stats: %+v", stats)
	}
	// a bad argument is no call
	_, err = client.Sample(t.Context(), "\xff", nil)
	wantError(t, err, bge.ErrArgument)
	if stats := client.Stats(); stats.Calls != 1 {
		t.Errorf("stats: %+v", stats)
	}
}

// A token that is renewed is told of, so that a program can store it.
func TestEventsOfARenewal(t *testing.T) {
	var seen recorder
	client := application(t, bge.WithEvents(seen.told))
	token, err := client.Token(t.Context())
	must(t, token, err)
	if ends := token.Expiry(); time.Until(ends) < time.Hour || time.Until(ends) > 24*time.Hour {
		t.Errorf("it ends at %v", ends)
	}
	expire := map[string]any{"what": "access_tokens", "token": token.AccessToken}
	if err := box.Control("POST", "expire", expire, nil); err != nil {
		t.Fatal(err)
	}
	page, err := client.Samples(t.Context(), &bge.SamplesOptions{Limit: 1})
	must(t, page, err)
	waitFor(t, func() bool { return seen.kinds(bge.TokenRenewed) == 2 }) // the first one, and this
	renewed, err := client.Token(t.Context())
	if must(t, renewed, err); renewed.AccessToken == token.AccessToken {
		t.Error("it is the old token")
	}
	if stats := client.Stats(); stats.Renewals != 2 {
		t.Errorf("stats: %+v", stats)
	}
}

// The headers of a client go with all its requests to the platform, also those of pagers, streams and transfers.
func TestEventsHeaders(t *testing.T) {
	client := user(t, bge.WithHeaders(map[string]string{"X-Lab": "7"}), bge.WithHeaderFunc(func(ctx context.Context) map[string]string {
		parent, _ := ctx.Value(key{}).(string)
		return map[string]string{"traceparent": parent}
	}))
	ctx := context.WithValue(t.Context(), key{}, "00-a-b-01")
	clearLog(t)
	check := func(what, path string) {
		t.Helper()
		requests := sent(t, path)
		if len(requests) == 0 {
			t.Errorf("%s: nothing was sent", what)
		}
		for _, request := range requests {
			if request.Headers["x-lab"] != "7" || request.Headers["traceparent"] != "00-a-b-01" {
				t.Errorf("%s: %v", what, request.Headers)
			}
		}
		clearLog(t)
	}
	u, err := client.User(ctx, nil)
	must(t, u, err)
	check("a call", "/profile")
	raw, err := client.CallRaw(ctx, "get_user", nil)
	must(t, raw, err)
	check("a raw call", "/profile")
	for sample, err := range client.AllSamples(ctx, &bge.SamplesOptions{Limit: 30}) {
		must(t, sample, err)
	}
	check("a walk", "/samples")
	uploaded, err := client.UploadBytes(ctx, "a", []byte("a"), nil)
	must(t, uploaded, err)
	check("an upload", "/sts/token")
	downloaded, err := client.DownloadFile(ctx, uploaded.ObjectName, filepath.Join(t.TempDir(), "a"), nil)
	must(t, downloaded, err)
	check("a download", "/oss/*")
	n, err := client.Download(ctx, uploaded.ObjectName, io.Discard, nil)
	must(t, n, err)
	check("a reader", "/oss/*")

	// the call's own come first
	u, err = client.User(ctx, &bge.Options{Call: bge.CallOptions{Headers: map[string]string{"x-LAB": "8"}}})
	must(t, u, err)
	if headers := sent(t, "/profile")[0].Headers; headers["x-lab"] != "8" || headers["traceparent"] != "00-a-b-01" {
		t.Errorf("sent: %v", headers)
	}
	raw, err = client.CallRaw(ctx, "get_user", map[string]any{"$": map[string]any{"headers": map[string]string{"X-Lab": "9"}}})
	must(t, raw, err)
	if headers := sent(t, "/profile")[1].Headers; headers["x-lab"] != "9" || headers["traceparent"] != "00-a-b-01" {
		t.Errorf("sent: %v", headers)
	}
}

// lockedBuffer takes the lines of a logger.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// An application's own exchanges are told, and each of its clients, to the same logger.
func TestEventsOfAnApplication(t *testing.T) {
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	oauth2, err := bge.NewOAuth2(box.Credentials.ID, box.Credentials.Secret, bge.WithEndpoint(box.Endpoint), bge.WithLogger(logger))
	must(t, oauth2, err)
	defer oauth2.Close()
	token, err := oauth2.CredentialsToken(t.Context())
	must(t, token, err)
	waitFor(t, func() bool { return strings.Contains(log.String(), "request answered") })
	if text := log.String(); !strings.Contains(text, "call=get_credentials_token") || strings.Contains(text, token.AccessToken) {
		t.Errorf("the log is %s", text)
	}
	for range 2 {
		client, err := oauth2.Client(token)
		must(t, client, err)
		before := strings.Count(log.String(), "request answered")
		page, err := client.Samples(t.Context(), nil)
		must(t, page, err)
		waitFor(t, func() bool { return strings.Count(log.String(), "request answered") == before+1 })
		if stats := client.Stats(); stats.Calls != 1 || stats.Requests != 1 {
			t.Errorf("%+v", stats)
		}
		client.Close()
	}
	_, err = oauth2.ExchangeRefreshToken(t.Context(), "spent")
	wantError(t, err, bge.ErrAPI)
	waitFor(t, func() bool { return strings.Contains(log.String(), "call=exchange_refresh_token") })
}

func TestEventsInALogger(t *testing.T) {
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := user(t, bge.WithLogger(logger))
	u, err := client.User(t.Context(), nil)
	must(t, u, err)
	_, err = client.Sample(t.Context(), box.OtherBiosampleID, nil)
	wantError(t, err, bge.ErrAPI)
	waitFor(t, func() bool { return strings.Count(log.String(), "request answered") == 2 })
	text := log.String()
	for _, want := range []string{"call=get_user", "request=1", "duration=", "request_id=", "http_status=200", "level=ERROR", "41303"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if strings.Contains(text, box.AccessToken) || strings.Contains(text, "zhangsan") {
		t.Errorf("the log tells too much: %s", text)
	}

	// a logger of information hears of repeats, and of no requests
	var less lockedBuffer
	quiet := user(t, bge.WithLogger(slog.New(slog.NewTextHandler(&less, nil))))
	fault(t, map[string]any{"path": "/profile", "kind": "status", "status": 502, "count": 1})
	u, err = quiet.User(t.Context(), nil)
	must(t, u, err)
	waitFor(t, func() bool { return strings.Contains(less.String(), "repeat 1") })
	if text := less.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "call=get_user") {
		t.Errorf("the log is %s", text)
	}

	_, err = bge.New(t.Context(), "a", bge.WithLogger(logger), bge.WithLogFile("info", filepath.Join(t.TempDir(), "log")))
	wantError(t, err, bge.ErrArgument)
}

// What a client is watched with ends with it.
func TestEventsEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	for range times(20, 200) {
		client, err := bge.New(t.Context(), box.AccessToken, bge.WithEndpoint(box.Endpoint), bge.WithEvents(func(bge.Event) {}))
		must(t, client, err)
		if err := client.Alive(t.Context()); err != nil {
			t.Fatal(err)
		}
		client.Close()
	}
	waitFor(t, func() bool {
		runtime.GC()
		return runtime.NumGoroutine() <= before+5
	})
}

func TestEventsUnderLoad(t *testing.T) {
	var seen recorder
	client := user(t, bge.WithEvents(seen.told))
	var group sync.WaitGroup
	const calls = 300
	for range calls {
		spawn(&group, func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := client.Alive(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	waitFor(t, func() bool { return seen.kinds(bge.RequestAnswered) == calls })
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, e := range seen.events {
		if e.Call != "alive" || e.ID == 0 {
			t.Fatalf("an event without its call: %+v", e)
		}
	}
}

func TestEventsOfStreams(t *testing.T) {
	client := user(t)
	w, err := client.OpenWriter(t.Context(), "a", nil)
	must(t, w, err)
	r, err := client.OpenReader(t.Context(), "a", nil)
	must(t, r, err)
	if stats := client.Stats(); stats.Readers != 1 || stats.Writers != 1 {
		t.Errorf("stats: %+v", stats)
	}
	if err := errors.Join(w.Abort(), r.Close(), w.Close(), r.Close()); !errors.Is(err, bge.ErrClosed) {
		t.Error(err)
	}
	if stats := client.Stats(); stats.Readers != 0 || stats.Writers != 0 {
		t.Errorf("stats: %+v", stats)
	}
}
