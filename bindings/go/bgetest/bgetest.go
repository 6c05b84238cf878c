// Package bgetest lets a program that uses package bge test itself: it starts bge-sandbox, a platform with an object
// store on this machine, gives clients of it, and makes it misbehave.
//
//	func TestMine(t *testing.T) {
//		sandbox := bgetest.New(t)
//		client := sandbox.Client(t)
//		sandbox.Fault(t, map[string]any{"path": "/samples", "kind": "status", "status": 502, "count": 2})
//		…
//		if requests := sandbox.Requests(t, "/samples"); len(requests) != 3 {
//			t.Errorf("%d requests", len(requests))
//		}
//	}
//
// bge-sandbox is found where BGE_SANDBOX_BIN says, in the PATH (make install puts it beside the library's own folders),
// or in the source tree that this package is part of. bge-sandbox --help tells what it can be asked for.
package bgetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

// Sandbox is a bge-sandbox under way. Its fields are those of the line that it starts with.
type Sandbox struct {
	Endpoint                string `json:"endpoint"`
	RedirectURI             string `json:"redirect_uri"`
	AuthorizationExtraQuery string `json:"authorization_extra_query"`
	Authorization           App    `json:"authorization"` // signs users in
	Credentials             App    `json:"credentials"`   // client credentials
	AccessToken             string `json:"access_token"`  // the user's
	BiosampleID             string `json:"biosample_id"`
	MetaBiosampleID         string `json:"meta_biosample_id"`
	OtherBiosampleID        string `json:"other_biosample_id"` // of somebody else
	ProjectID               string `json:"project_id"`
	ModelID                 string `json:"model_id"`

	command *exec.Cmd
	stdin   io.Closer
}

// App is an application that the sandbox knows.
type App struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// Request is a request that the sandbox has received.
type Request struct {
	Seq      int               `json:"seq"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Query    map[string]any    `json:"query"`
	Form     map[string]any    `json:"form"`
	JSON     map[string]any    `json:"json"`
	Headers  map[string]any    `json:"headers"`
	Files    []json.RawMessage `json:"files"`
	BodySize int64             `json:"body_size"`
	Fault    string            `json:"fault"`
}

// binary is where bge-sandbox is.
func binary() string {
	if path := os.Getenv("BGE_SANDBOX_BIN"); path != "" {
		return path
	}
	if path, err := exec.LookPath("bge-sandbox"); err == nil {
		return path
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../../target/release/bge-sandbox")
}

// New starts a sandbox for the time of a test. args are arguments of bge-sandbox.
func New(t testing.TB, args ...string) *Sandbox {
	t.Helper()
	s, err := Start(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Start starts a sandbox, for TestMain: it stops when Stop is called or this process ends.
func Start(args ...string) (*Sandbox, error) {
	command := exec.Command(binary(), append([]string{"--stdin-lifetime"}, args...)...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w (it comes with libbge; BGE_SANDBOX_BIN names it)", err)
	}
	s := &Sandbox{command: command, stdin: stdin}
	if err := json.NewDecoder(stdout).Decode(s); err != nil {
		return nil, fmt.Errorf("bge-sandbox did not say where it is: %w", err)
	}
	return s, nil
}

// Stop stops the sandbox.
func (s *Sandbox) Stop() {
	s.stdin.Close()
	s.command.Wait()
}

// Setenv says to this process what `bge-sandbox run` says to a command.
func (s *Sandbox) Setenv() {
	os.Setenv("BGE_ENDPOINT", s.Endpoint)
	os.Setenv("BGE_ACCESS_TOKEN", s.AccessToken)
	os.Setenv("BGE_CLIENT_ID", s.Credentials.ID)
	os.Setenv("BGE_CLIENT_SECRET", s.Credentials.Secret)
}

// Control sends a request to the sandbox's own surface; body is sent, and answer filled, as JSON unless nil.
func (s *Sandbox) Control(method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, s.Endpoint+"/__sandbox__/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox refused %s %s: %s", method, path, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

// Log gives the requests received for a path, which may hold * for any text.
func (s *Sandbox) Log(path string) ([]Request, error) {
	var answer struct {
		Requests []Request `json:"requests"`
	}
	err := s.Control("GET", "log?path="+url.QueryEscape(path), nil, &answer)
	return answer.Requests, err
}

// Client gives a client of the sandbox's user, for the time of a test.
func (s *Sandbox) Client(t testing.TB, opts ...bge.Option) *bge.Client {
	t.Helper()
	return s.client(t, func(opts []bge.Option) (*bge.Client, error) {
		return bge.New(t.Context(), s.AccessToken, opts...)
	}, opts)
}

// Application gives a client with client credentials, for the time of a test.
func (s *Sandbox) Application(t testing.TB, opts ...bge.Option) *bge.Client {
	t.Helper()
	return s.client(t, func(opts []bge.Option) (*bge.Client, error) {
		opts = append([]bge.Option{bge.WithClientCredentials(s.Credentials.ID, s.Credentials.Secret)}, opts...)
		return bge.Open(t.Context(), opts...)
	}, opts)
}

func (s *Sandbox) client(t testing.TB, open func([]bge.Option) (*bge.Client, error), opts []bge.Option) *bge.Client {
	t.Helper()
	client, err := open(append([]bge.Option{bge.WithEndpoint(s.Endpoint)}, opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// Fault plans that something goes wrong, for the time of a test; such as {"path": "/samples", "kind": "hang"}.
func (s *Sandbox) Fault(t testing.TB, what map[string]any) {
	t.Helper()
	s.order(t, "POST", "faults", what, nil)
	t.Cleanup(func() { s.Control("DELETE", "faults", nil, nil) })
}

// Options changes what the sandbox does, for the time of a test; such as {"latency": 20}.
func (s *Sandbox) Options(t testing.TB, what map[string]any) {
	t.Helper()
	s.order(t, "POST", "options", what, nil)
	t.Cleanup(func() { s.Control("DELETE", "options", nil, nil) })
}

// Requests gives the requests received for a path, which may hold * for any text, since ClearLog.
func (s *Sandbox) Requests(t testing.TB, path string) []Request {
	t.Helper()
	requests, err := s.Log(path)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

// ClearLog forgets the requests received so far.
func (s *Sandbox) ClearLog(t testing.TB) {
	t.Helper()
	s.order(t, "DELETE", "log", nil, nil)
}

func (s *Sandbox) order(t testing.TB, method, path string, body, answer any) {
	t.Helper()
	if err := s.Control(method, path, body, answer); err != nil {
		t.Fatal(err)
	}
}
