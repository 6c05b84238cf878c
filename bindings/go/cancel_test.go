package bge_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// soon is how quickly a call must return after its context has ended.
const soon = 200 * time.Millisecond

// hanging makes the platform silent about variants; the calls here then wait for their contexts.
func hanging(t testing.TB) func(context.Context, *bge.Client) error {
	fault(t, map[string]any{"path": "/variants", "kind": "hang", "count": 0})
	return func(ctx context.Context, client *bge.Client) error {
		_, err := client.Variants(ctx, box.BiosampleID, []string{"rs1"}, nil)
		return err
	}
}

func TestCancelEndsACallAgainstASilentServer(t *testing.T) {
	client := user(t)
	before := connections(t)
	call := hanging(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- call(ctx, client) }()
	waitForRequests(t, "/variants", 1)
	at := time.Now()
	cancel()
	err := <-ended
	if took := time.Since(at); took > soon {
		t.Errorf("it took %v", took)
	}
	e := wantError(t, err, bge.ErrCancelled)
	if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || e.Timeout() {
		t.Errorf("the error is %v", err)
	}
	// its connection is closed; the client works on
	waitFor(t, func() bool { return connections(t) <= before })
	if _, err := client.User(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// connections is how many connections the platform has open, those of this test's own orders among them.
func connections(t testing.TB) int {
	t.Helper()
	return sandboxState(t).Connections["platform"].Open
}

// waitForRequests waits until the sandbox has received so many requests since the log was cleared.
func waitForRequests(t testing.TB, path string, n int) {
	t.Helper()
	waitFor(t, func() bool { return len(sent(t, path)) >= n })
}

func waitFor(t testing.TB, true func() bool) {
	t.Helper()
	for range 1000 {
		if true() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never happened")
}

func TestCancelByDeadline(t *testing.T) {
	client := user(t)
	call := hanging(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	at := time.Now()
	err := call(ctx, client)
	if took := time.Since(at); took > 100*time.Millisecond+soon {
		t.Errorf("it took %v", took)
	}
	if e := wantError(t, err, bge.ErrCancelled); !errors.Is(err, context.DeadlineExceeded) || !e.Timeout() {
		t.Errorf("the error is %v", err)
	}
}

func TestCancelKeepsItsCause(t *testing.T) {
	client := user(t)
	call := hanging(t)
	why := errors.New("the lab has closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
	err := call(ctx, client)
	wantError(t, err, bge.ErrCancelled)
	if !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestCancelBeforehandSendsNothing(t *testing.T) {
	client := user(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	clearLog(t)
	_, err := client.User(ctx, nil)
	wantError(t, err, bge.ErrCancelled)
	_, err = bge.New(ctx, box.AccessToken)
	wantError(t, err, bge.ErrCancelled)
	for _, err := range client.AllSamples(ctx, nil) {
		wantError(t, err, bge.ErrCancelled)
	}
	if requests := sent(t, "*"); len(requests) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("sent: %+v; %v", requests, err)
	}
}

// A cancelled call takes nothing of its neighbours with it. Repeated 200 times by itself in the long run.
func TestCancelNextToOthers(t *testing.T) {
	client := user(t)
	call := hanging(t)
	var group sync.WaitGroup
	for range 8 {
		ctx, cancel := context.WithCancel(t.Context())
		spawn(&group, func() {
			if err := call(ctx, client); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled call gives %v", err)
			}
		})
		spawn(&group, func() {
			if user, err := client.User(t.Context(), nil); err != nil || user.Username != "zhangsan" {
				t.Errorf("its neighbour gives %v", err)
			}
		})
		spawn(&group, func() {
			time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
			cancel()
		})
	}
	group.Wait()
}

// Calls cancelled at any moment of theirs: each gives its result or says that it was cancelled.
func TestCancelStorm(t *testing.T) {
	client := user(t)
	var group sync.WaitGroup
	gate := make(chan struct{}, 64)
	finished, cancelled := 0, 0
	var mu sync.Mutex
	for range times(500, 20000) {
		gate <- struct{}{}
		spawn(&group, func() {
			defer func() { <-gate }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(8000))*time.Microsecond)
			defer cancel()
			user, err := client.User(ctx, nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && user.Username == "zhangsan":
				finished++
			case errors.Is(err, context.DeadlineExceeded) && errors.Is(err, bge.ErrCancelled):
				cancelled++
			default:
				t.Errorf("neither: %v", err)
			}
		})
	}
	group.Wait()
	if cancelled == 0 {
		t.Error("nothing was cancelled")
	}
	if _, err := client.User(t.Context(), nil); err != nil {
		t.Errorf("after %d finished and %d cancelled: %v", finished, cancelled, err)
	}
}

func TestCancelAPage(t *testing.T) {
	client := user(t)
	pager := client.SamplesPager(&bge.SamplesOptions{Limit: 20})
	defer pager.Close()
	fault(t, map[string]any{"path": "/samples", "kind": "hang", "skip": 1, "count": 1})
	seen := map[string]bool{}
	cancelled := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		page, err := pager.Next(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			cancelled++
			continue
		}
		if err != nil {
			break
		}
		for _, sample := range page.Result {
			if seen[sample.BiosampleID] {
				t.Errorf("%s twice", sample.BiosampleID)
			}
			seen[sample.BiosampleID] = true
		}
	}
	if len(seen) != 60 || cancelled == 0 {
		t.Errorf("%d of 60 samples, %d times cancelled", len(seen), cancelled)
	}
}

func TestCancelOtherCalls(t *testing.T) {
	hang := func(path string) { fault(t, map[string]any{"path": path, "kind": "hang", "count": 0}) }
	hang("/oauth2/access_token")
	hang("/task/*")
	oauth2, err := bge.NewOAuth2(box.Credentials.ID, box.Credentials.Secret, bge.WithEndpoint(box.Endpoint))
	must(t, oauth2, err)
	defer oauth2.Close()
	fresh, err := oauth2.Client(nil)
	must(t, fresh, err)
	defer fresh.Close()
	client := user(t)
	for name, call := range map[string]func(context.Context) error{
		"exchange": func(ctx context.Context) error { _, err := oauth2.CredentialsToken(ctx); return err },
		"token":    func(ctx context.Context) error { _, err := fresh.Token(ctx); return err },
		"first":    func(ctx context.Context) error { _, err := fresh.Samples(ctx, nil); return err },
		"wait":     func(ctx context.Context) error { _, err := client.WaitTask(ctx, "a-task", nil); return err },
		"request":  func(ctx context.Context) error { _, err := client.Request(ctx, "GET", "/task/a", nil); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		at := time.Now()
		err := call(ctx)
		if took := time.Since(at); took > 100*time.Millisecond+soon {
			t.Errorf("%s took %v", name, took)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, bge.ErrCancelled) {
			t.Errorf("%s gives %v", name, err)
		}
		cancel()
	}
}

// A func of the caller's that panics takes its call with it, and nothing else.
func TestCancelByPanic(t *testing.T) {
	client := user(t)
	before := connections(t)
	hanging(t)
	func() {
		defer func() {
			if recover() != "mine" {
				t.Error("no panic")
			}
		}()
		client.Variants(t.Context(), box.BiosampleID, []string{"rs1"},
			&bge.Options{Call: bge.CallOptions{Progress: func(_, _ int64) { panic("mine") }}})
	}()
	waitFor(t, func() bool { return connections(t) <= before })
	if _, err := client.User(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// CancelAll ends what a client has under way, and no other client's; the client works on.
func TestCancelAll(t *testing.T) {
	client, other := user(t), user(t)
	name := stored(t, client, fresh("cancel")+".bin", noise(1000))
	fault(t, map[string]any{"path": "/oss/sign_url", "kind": "hang", "count": 0})
	call := hanging(t)
	clearLog(t)
	ended := make(chan error, 3)
	go func() { ended <- call(t.Context(), client) }()
	go func() {
		_, err := client.Download(t.Context(), name, io.Discard, nil)
		ended <- err
	}()
	ctx, cancel := context.WithCancel(t.Context())
	others := make(chan error, 1)
	go func() { others <- call(ctx, other) }()
	waitForRequests(t, "/variants", 2)
	waitForRequests(t, "/oss/sign_url", 1)
	at := time.Now()
	client.CancelAll()
	for range 2 {
		wantError(t, <-ended, bge.ErrCancelled)
	}
	if took := time.Since(at); took > soon {
		t.Errorf("it took %v", took)
	}
	if _, err := client.User(t.Context(), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	select {
	case err := <-others:
		t.Errorf("another client's call: %v", err)
	default:
	}
	cancel()
	<-others

	// after Close, too, while something is under way
	clearLog(t)
	go func() { ended <- call(t.Context(), client) }()
	waitForRequests(t, "/variants", 1)
	client.Close()
	client.CancelAll()
	wantError(t, <-ended, bge.ErrCancelled)
	client.CancelAll() // of nothing
}
