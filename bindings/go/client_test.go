package bge_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestOptionsAreChecked(t *testing.T) {
	wrong := map[string]bge.Option{
		"timeout":         bge.WithTimeout(0),
		"connect_timeout": bge.WithConnectTimeout(-time.Second),
		"deadline":        bge.WithDeadline(0),
		"max_retries":     bge.WithMaxRetries(-1),
		"max_connections": bge.WithMaxConnections(0),
		"max_threads":     bge.WithMaxThreads(257),
		"endpoint":        bge.WithEndpoint("ftp://example.com"),
		"oss_signature":   bge.WithOSSSignature("v2"),
		"log":             bge.WithLogFile("loud", "x.log"),
		"user_agent":      bge.WithUserAgent("a\nb"),
		"ca_file":         bge.WithCAFile("a\xff"),
		"profile":         bge.WithProfile("one"), // has no meaning beside a token
	}
	for name, option := range wrong {
		_, err := bge.New(t.Context(), "token", option)
		if e := wantError(t, err, bge.ErrArgument); !strings.Contains(e.Message, name) {
			t.Errorf("%s: the message is %q", name, e.Message)
		}
	}
	_, err := bge.New(t.Context(), "")
	wantError(t, err, bge.ErrArgument)
	_, err = bge.New(t.Context(), "a\x00b")
	wantError(t, err, bge.ErrArgument)
}

func TestOptionsReachTheLibrary(t *testing.T) {
	log := filepath.Join(t.TempDir(), "bge.log")
	client := user(t, nil, bge.WithUserAgent("lab/7"), bge.WithTimeout(5*time.Second), bge.WithConnectTimeout(time.Second),
		bge.WithDeadline(time.Minute), bge.WithMaxRetries(0), bge.WithMaxConnections(2), bge.WithMaxThreads(2),
		bge.WithFallbackEndpoint(box.Endpoint), bge.WithLogFile("debug", log), bge.WithOSSSignature("v4"))
	clearLog(t)
	if _, err := client.User(t.Context(), &bge.Options{Extra: map[string]any{"fields": []string{"a", "b"}}}); err != nil {
		t.Fatal(err)
	}
	request := sent(t, "/profile")[0]
	if request.Headers["user-agent"] != "lab/7" || len(request.Query["fields"].([]any)) != 2 {
		t.Errorf("sent: %+v", request)
	}
	text, err := os.ReadFile(log)
	if must(t, text, err); !strings.Contains(string(text), "/profile") || strings.Contains(string(text), box.AccessToken) {
		t.Errorf("the log is %q", text)
	}
	fault(t, map[string]any{"path": "/profile", "kind": "status", "status": 500})
	_, err = client.User(t.Context(), nil)
	wantError(t, err, bge.ErrHTTP) // no repeats
}

func TestOpenFindsCredentials(t *testing.T) {
	// what `bge-sandbox run` puts into the environment
	client, err := bge.Open(t.Context())
	must(t, client, err)
	defer client.Close()
	if user, err := client.User(t.Context(), nil); err != nil || user.Username != "zhangsan" {
		t.Error(err)
	}

	home := t.TempDir()
	for _, name := range []string{"BGE_ACCESS_TOKEN", "BGE_CLIENT_ID", "BGE_CLIENT_SECRET", "BGE_ENDPOINT"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", home)
	_, err = bge.Open(t.Context())
	if e := wantError(t, err, bge.ErrArgument); !strings.Contains(e.Message, "BGE_ACCESS_TOKEN") {
		t.Errorf("where it looked is not in %q", e.Message)
	}

	profile := map[string]any{
		"OAuth2": map[string]string{"client_id": box.Authorization.ID, "client_secret": box.Authorization.Secret, "endpoint": box.Endpoint},
		"Token":  map[string]string{"access_token": box.AccessToken, "token_type": "Bearer", "expires_in": "21600", "scope": "profile"},
	}
	text, err := json.Marshal(profile)
	must(t, text, err)
	if err := errors.Join(os.Mkdir(filepath.Join(home, ".bge"), 0o700), os.WriteFile(filepath.Join(home, ".bge/lab.json"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	stored, err := bge.Open(t.Context(), bge.WithProfile("lab"))
	must(t, stored, err)
	defer stored.Close()
	if user, err := stored.User(t.Context(), nil); err != nil || user.Username != "zhangsan" {
		t.Error(err)
	}
}

func TestCallRawIsByteForByte(t *testing.T) {
	client := user(t)
	body := `{"code":0,"msg":"","data":{"b": 1e-07,"a":9007199254740993, "x":[ ]}}`
	fault(t, map[string]any{"path": "/profile", "kind": "status", "status": 200, "body": body, "content_type": "application/json"})
	raw, err := client.CallRaw(t.Context(), "get_user", nil)
	if must(t, raw, err); string(raw) != `{"b": 1e-07,"a":9007199254740993, "x":[ ]}` {
		t.Errorf("the result is %s", raw)
	}

	clearLog(t)
	raw, err = client.CallRaw(t.Context(), "get_samples", json.RawMessage(`{"limit": 1, "omics": "2", "$": {"headers": {"X-Lab": "7"}}}`))
	must(t, raw, err)
	if request := sent(t, "/samples")[0]; request.Query["limit"] != "1" || request.Query["omics"] != "2" || request.Headers["x-lab"] != "7" {
		t.Errorf("sent: %+v", request)
	}
}

func TestRequestReachesWhatIsNotInTheTable(t *testing.T) {
	client := user(t)
	raw, err := client.Request(t.Context(), "GET", "/samples", map[string]any{"limit": 1})
	var page bge.Page[bge.Sample]
	if err := json.Unmarshal(must(t, raw, err), &page); err != nil || len(page.Result) != 1 {
		t.Errorf("the answer is %s", raw)
	}
	clearLog(t)
	_, err = client.Request(t.Context(), "POST", "/no/such/call", map[string]string{"a": "b & c"})
	if e := wantError(t, err, bge.ErrHTTP); e.HTTPStatus != 404 {
		t.Errorf("HTTP status %d", e.HTTPStatus)
	}
	if request := sent(t, "/no/such/call")[0]; request.Form["a"] != "b & c" {
		t.Errorf("sent: %+v", request)
	}
}

func TestAnAnswerOfAnotherShape(t *testing.T) {
	client := user(t)
	fault(t, map[string]any{"path": "/variants", "kind": "status", "status": 200, "envelope": map[string]any{"code": 0, "data": map[string]any{"a": 1}}})
	_, err := client.Variants(t.Context(), box.BiosampleID, []string{"rs1"}, nil)
	if e := wantError(t, err, bge.ErrProtocol); string(e.Data) != `{"a":1}` {
		t.Errorf("the error is %#v", e)
	}
}

// The tests of what happens to handles; also run with GODEBUG=clobberfree=1 GOGC=1.

func TestLifetimeClose(t *testing.T) {
	client := user(t)
	var group sync.WaitGroup
	for range 20 {
		spawn(&group, func() {
			_, err := client.User(t.Context(), nil)
			if err != nil && !errors.Is(err, bge.ErrClosed) {
				t.Errorf("beside Close: %v", err)
			}
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	_, err := client.User(t.Context(), nil)
	wantError(t, err, bge.ErrClosed)
	_, err = client.Token(t.Context())
	wantError(t, err, bge.ErrClosed)
	_, err = client.SamplesPager(nil).Next(t.Context())
	wantError(t, err, bge.ErrClosed)
	wantError(t, client.Handle(func(unsafe.Pointer) error { return nil }), bge.ErrClosed)
}

func TestLifetimeCloseLeavesCallsAlone(t *testing.T) {
	client := user(t)
	fault(t, map[string]any{"path": "/profile", "kind": "delay_headers", "ms": 200})
	clearLog(t)
	ended := make(chan error, 1)
	go func() {
		_, err := client.User(context.Background(), nil)
		ended <- err
	}()
	waitForRequests(t, "/profile", 1)
	client.Close()
	if err := <-ended; err != nil {
		t.Errorf("the call under way gives %v", err)
	}
}

func TestLifetimeChildrenOutliveTheClient(t *testing.T) {
	client := user(t)
	pager := client.SamplesPager(&bge.SamplesOptions{Limit: 20})
	page, err := pager.Next(t.Context())
	must(t, page, err)
	client.Close()
	rest := 0
	for sample, err := range pager.Rows(t.Context()) {
		must(t, sample, err)
		rest++
	}
	if rest != 40 {
		t.Errorf("%d samples after the first page", rest)
	}
	pager.Close()
}

// Clients and pagers that nobody closes are freed by the collector, and never while somebody uses them.
func TestLifetimeWithoutClose(t *testing.T) {
	before := threads(t)
	for range times(30, 300) {
		client, err := bge.New(t.Context(), box.AccessToken, bge.WithEndpoint(box.Endpoint), bge.WithMaxThreads(2))
		must(t, client, err)
		pager := client.SamplesPager(&bge.SamplesOptions{Limit: 30})
		client = nil
		runtime.GC()
		page, err := pager.Next(t.Context())
		if must(t, page, err); len(page.Result) != 30 {
			t.Errorf("%d samples", len(page.Result))
		}
	}
	waitFor(t, func() bool {
		runtime.GC()
		return threads(t) <= before+20 && sandboxState(t).Connections["platform"].Open <= 5
	})
}

func TestLifetimeHandle(t *testing.T) {
	client := user(t)
	mine := errors.New("mine")
	err := client.Handle(func(api unsafe.Pointer) error {
		if api == nil {
			t.Error("no handle")
		}
		client.Close() // what is lent is freed only afterwards
		return mine
	})
	if err != mine {
		t.Errorf("the error is %v", err)
	}
}

func threads(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	return len(must(t, entries, err))
}
