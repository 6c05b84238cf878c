package bge_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
	"github.com/libbge/libbge/bindings/go/bgetest"
)

// box is the sandbox of all tests and examples of the package. The environment names it too, as `bge-sandbox run` does.
var box *bgetest.Sandbox

func TestMain(m *testing.M) {
	var err error
	if box, err = bgetest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	box.Setenv()
	status := m.Run()
	box.Stop()
	os.Exit(status)
}

// times is how often a test repeats: much more often in the long run.
func times(bounded, long int) int {
	if os.Getenv("BGE_TEST_LONG") != "" {
		return long
	}
	return bounded
}

// must is for what has to work before a test can begin.
func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// user is a client of the sandbox's user.
func user(t testing.TB, opts ...bge.Option) *bge.Client {
	t.Helper()
	return box.Client(t, opts...)
}

// application is a client with client credentials.
func application(t testing.TB, opts ...bge.Option) *bge.Client {
	t.Helper()
	return box.Application(t, opts...)
}

// fault plans that something goes wrong, for the time of a test.
func fault(t testing.TB, what map[string]any) {
	t.Helper()
	box.Fault(t, what)
}

// options changes the sandbox for the time of a test.
func options(t testing.TB, what map[string]any) {
	t.Helper()
	box.Options(t, what)
}

// sent gives the requests for a path since the log was cleared last.
func sent(t testing.TB, path string) []bgetest.Request {
	t.Helper()
	return box.Requests(t, path)
}

func clearLog(t testing.TB) {
	t.Helper()
	box.ClearLog(t)
}

// state is what the sandbox says about itself.
type state struct {
	Connections map[string]struct{ Open int }
	Objects     []struct{ Name string }
	Uploads     []any
	Elements    []struct {
		ID string `json:"data_element_id"`
	} `json:"data_elements"`
	CollectionID string `json:"collection_id"`
	Models       []struct {
		ID      string `json:"model_id"`
		Current int64
		Config  map[string]any
	}
}

func sandboxState(t testing.TB) state {
	t.Helper()
	var s state
	if err := box.Control("GET", "state", nil, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantError checks that err is an *Error of the kind of a sentinel, and gives it.
func wantError(t testing.TB, err, kind error) *bge.Error {
	t.Helper()
	var e *bge.Error
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		t.Fatalf("the error is %v (%T), not %v", err, err, kind)
	}
	return e
}

// fresh is a name that the sandbox has not seen before, also when tests repeat.
func fresh(name string) string { return fmt.Sprintf("%s %d", name, named.Add(1)) }

var named atomic.Int64

// spawn runs f in a goroutine that group waits for.
func spawn(group *sync.WaitGroup, f func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		f()
	}()
}
