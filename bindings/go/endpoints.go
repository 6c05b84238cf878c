package bge

import (
	"encoding/json"
	"sync"

	"github.com/libbge/libbge/bindings/go/internal/native"
)

// Endpoint is a row of the table of calls.
type Endpoint struct {
	Name       string     `json:"name"`
	Noun       string     `json:"noun"` // such as samples
	Summary    string     `json:"summary"`
	Method     string     `json:"method"`
	Path       string     `json:"path"`
	Kind       string     `json:"kind"`       // call or transfer
	Grants     []string   `json:"grants"`     // AC authorization-code tokens, CC client-credentials tokens
	Repeatable bool       `json:"repeatable"` // whether it is repeated by itself
	PageStyle  string     `json:"page_style"` // empty for calls that are no lists
	Arguments  []Argument `json:"arguments"`
	Extra      Extra      `json:"-"`
	members    `json:"-"`
}

func (e *Endpoint) UnmarshalJSON(object []byte) error { return unmarshal(object, e) }
func (e Endpoint) MarshalJSON() ([]byte, error)       { return marshal(e) }

// Argument is an argument of a call.
type Argument struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"` // string, integer, number, boolean, ids, token, array, object, json, file
	Summary  string          `json:"summary"`
	Required bool            `json:"required"`
	Default  json.RawMessage `json:"default"` // what is sent when it is not given; nil when nothing is
	Extra    Extra           `json:"-"`
	members  `json:"-"`
}

func (a *Argument) UnmarshalJSON(object []byte) error { return unmarshal(object, a) }
func (a Argument) MarshalJSON() ([]byte, error)       { return marshal(a) }

// Endpoints is the table of calls that the library in use knows; CallRaw takes their names. The caller must not change
// it.
func Endpoints() []Endpoint { return endpoints() }

var endpoints = sync.OnceValue(func() []Endpoint {
	var table []Endpoint
	if err := json.Unmarshal([]byte(native.Endpoints()), &table); err != nil {
		return nil // not JSON: not libbge
	}
	return table
})
