package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/libbge/libbge/bindings/go/internal/sandbox"
)

var box *sandbox.Sandbox

func TestMain(m *testing.M) {
	var err error
	if box, err = sandbox.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	box.Stop()
	os.Exit(status)
}

func api(t *testing.T) *API {
	t.Helper()
	options, err := json.Marshal(map[string]string{"endpoint": box.Endpoint})
	if err != nil {
		t.Fatal(err)
	}
	api, err := NewAPI(box.AccessToken, string(options))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return api
}

// Without file descriptors to poll, calls end as well, and in bounded time.
func TestWithoutThePoller(t *testing.T) {
	usePoller = false
	defer func() { usePoller = true }()
	api := api(t)
	var group sync.WaitGroup
	for range 300 {
		group.Add(1)
		go func() {
			defer group.Done()
			if text, err := api.Call(context.Background(), "alive", "{}", nil); err != nil || text != "true" {
				t.Errorf("%s, %v", text, err)
			}
		}()
	}
	group.Wait()

	if err := box.Control("POST", "faults", map[string]any{"path": "/ping", "kind": "hang"}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	at := time.Now()
	_, err := api.Call(ctx, "alive", "{}", nil)
	var e *Error
	if took := time.Since(at); !errors.As(err, &e) || e.Status != StatusCancelled || took > 250*time.Millisecond {
		t.Errorf("after %v: %v", took, err)
	}
}

// A call that waits for its turn gives up with its context, and closing a handle in use waits for its users.
func TestTurnsAndUsers(t *testing.T) {
	full := make(gate, 1)
	full.enter()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := full.enterUnless(ctx); err != context.Canceled {
		t.Errorf("%v", err)
	}

	api := api(t)
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
