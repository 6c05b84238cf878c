package native

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// platform is one that answers /ping, and is silent about /silent.
func platform(t *testing.T) string {
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-silent
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(silent) })
	return server.URL
}

func api(t *testing.T, threads int) *API {
	t.Helper()
	options, err := json.Marshal(map[string]any{"endpoint": platform(t), "fallback_endpoint": nil})
	if err != nil {
		t.Fatal(err)
	}
	api, err := NewAPI("a-token", string(options), Bounds{Calls: threads, Streams: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return api
}

const silence = `{"method":"GET","path":"/silent"}`

// Without file descriptors to poll, calls end as well, and in bounded time.
func TestWithoutThePoller(t *testing.T) {
	api := api(t, 0)
	var err error
	if api.queue, err = newQueue(false); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 300 {
		group.Add(1)
		go func() {
			defer group.Done()
			if text, err := api.Call(context.Background(), "alive", "{}", nil); err != nil || string(text) != "true" {
				t.Errorf("%s, %v", text, err)
			}
		}()
	}
	group.Wait()

	endsWithItsContext(t, api)
	if n := len(api.queue.waiting); n != 0 {
		t.Errorf("%d calls are waited for", n)
	}
}

// endsWithItsContext makes a call that gets no answer.
func endsWithItsContext(t *testing.T, api *API) {
	t.Helper()
	const limit = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	at := time.Now()
	_, err := api.Call(ctx, "request", silence, nil)
	var e *Error
	if took := time.Since(at); !errors.As(err, &e) || e.Status != StatusCancelled || took > 5*limit {
		t.Errorf("after %v: %v", took, err)
	}
}

// Calls that get no answer keep their threads, and nothing else: others are carried out without one.
func TestThreads(t *testing.T) {
	api := api(t, 2)
	endsWithItsContext(t, api)
	ctx, cancel := context.WithCancel(context.Background())
	var silent, group sync.WaitGroup
	for range 2 {
		silent.Add(1)
		go func() {
			defer silent.Done()
			if _, err := api.Call(ctx, "request", silence, nil); err == nil {
				t.Error("it was answered")
			}
		}()
	}
	for len(api.threads) < 2 {
		time.Sleep(time.Millisecond)
	}
	for range 50 {
		group.Add(1)
		go func() {
			defer group.Done()
			if text, err := api.Call(context.Background(), "alive", "{}", nil); err != nil || string(text) != "true" {
				t.Errorf("%s, %v", text, err)
			}
		}()
	}
	group.Wait()
	cancel()
	silent.Wait()
	if n := len(api.threads); n != 0 {
		t.Errorf("%d threads are held", n)
	}
	for call, short := range map[string]bool{"get_user": true, "request": true, "wait_task": false, "upload_file": false, "deploy_model": false} {
		if isShort(call) != short {
			t.Errorf("%s is short: %v", call, !short)
		}
	}
}

// A stream that waits for its turn gives up with its context, and with its deadline.
func TestTurns(t *testing.T) {
	full := make(gate, 1)
	if err := full.enter(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := full.enter(ctx, time.Millisecond); err != ErrLate {
		t.Errorf("%v", err)
	}
	time.AfterFunc(time.Millisecond, cancel)
	if err := full.enter(ctx, time.Hour); err != context.Canceled {
		t.Errorf("%v", err)
	}
	full.leave()
	if err := full.enter(ctx, 0); err != context.Canceled {
		t.Errorf("a context that has ended: %v", err)
	}
	if err := full.enter(context.Background(), time.Nanosecond); err != nil {
		t.Errorf("there is room: %v", err)
	}
}

// Closing a handle in use waits for its users.
func TestUsers(t *testing.T) {
	api := api(t, 1)
	ptr, err := api.acquire()
	if err != nil || ptr == nil {
		t.Fatal(err)
	}
	freed := 0
	free := api.free
	api.free = func(ptr unsafe.Pointer) { freed++; free(ptr) }
	api.Close()
	api.Close()
	if freed != 0 {
		t.Error("freed under a user's hands")
	}
	api.release()
	api.Close()
	if freed != 1 {
		t.Errorf("freed %d times", freed)
	}
}

func TestStatusNames(t *testing.T) {
	for status := int32(-1); status < 40; status++ {
		if StatusName(status) != statusName(status) {
			t.Errorf("%d is %s here and %s in C", status, StatusName(status), statusName(status))
		}
	}
}
