// Package sandbox starts a bge-sandbox for tests, and gives it orders.
package sandbox

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
)

// Sandbox is a bge-sandbox under way. Its fields are those of the line that it starts with.
type Sandbox struct {
	Endpoint                string `json:"endpoint"`
	RedirectURI             string `json:"redirect_uri"`
	AuthorizationExtraQuery string `json:"authorization_extra_query"`
	Authorization           Client `json:"authorization"`
	Credentials             Client `json:"credentials"`
	AccessToken             string `json:"access_token"`
	BiosampleID             string `json:"biosample_id"`
	MetaBiosampleID         string `json:"meta_biosample_id"`
	OtherBiosampleID        string `json:"other_biosample_id"`
	ProjectID               string `json:"project_id"`
	ModelID                 string `json:"model_id"`

	command *exec.Cmd
	stdin   io.Closer
}

// Client is an application that the sandbox knows.
type Client struct {
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

// binary is where bge-sandbox is: BGE_SANDBOX_BIN, else the source tree's.
func binary() string {
	if path := os.Getenv("BGE_SANDBOX_BIN"); path != "" {
		return path
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../../../target/release/bge-sandbox")
}

// Start starts a sandbox, which stops when Stop is called or this process ends.
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
		return nil, fmt.Errorf("%w (`make build` builds it; BGE_SANDBOX_BIN names another)", err)
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
