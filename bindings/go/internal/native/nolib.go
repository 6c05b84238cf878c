//go:build bge_nolib

// Package native without the library: everything is there, and nothing works.
package native

import (
	"context"
	"time"
	"unsafe"
)

var errNoLibrary error = &Error{
	Status: StatusUnsupported,
	JSON:   `{"status":14,"name":"BGE_ERR_UNSUPPORTED","message":"this program was built with the tag bge_nolib, without libbge"}`,
}

const HeaderABI = uint32(0)

func Version() string    { return "" }
func LibraryABI() uint32 { return HeaderABI }
func Endpoints() string  { return "[]" }

type Progress func(done, total int64)

type handle struct{}

func (*handle) Close() {}

type API struct{ handle }

func NewAPI(string, string, Bounds) (*API, error) { return nil, errNoLibrary }
func OpenAPI(string, Bounds) (*API, error)        { return nil, errNoLibrary }

func (*API) Use(func(unsafe.Pointer) error) error { return errNoLibrary }

func (*API) Call(context.Context, string, string, Progress) ([]byte, error) {
	return nil, errNoLibrary
}

func (*API) Upload(context.Context, string, []byte, string, Progress) ([]byte, error) {
	return nil, errNoLibrary
}

func (*API) Cancel()                                                   {}
func (*API) SetToken(string) error                                     { return errNoLibrary }
func (*API) Pages(string, string) (*Pages, error)                      { return nil, errNoLibrary }
func (*API) OpenReader(string, string, time.Duration) (*Reader, error) { return nil, errNoLibrary }
func (*API) OpenWriter(string, string, time.Duration) (*Writer, error) { return nil, errNoLibrary }

func (*API) Log(func(int, []byte), func()) (func(), error) { return nil, errNoLibrary }

type Pages struct{ handle }

func (*Pages) Next(context.Context, Progress) ([]byte, error) { return nil, errNoLibrary }

type OAuth2 struct{ handle }

func NewOAuth2(string, string, string) (*OAuth2, error)                 { return nil, errNoLibrary }
func (*OAuth2) Call(context.Context, string, string) ([]byte, error)    { return nil, errNoLibrary }
func (*OAuth2) AuthorizationURL(string, string, string) (string, error) { return "", errNoLibrary }
func (*OAuth2) Log(func(int, []byte), func()) (func(), error)           { return nil, errNoLibrary }
func (*OAuth2) API(string, Bounds) (*API, error)                        { return nil, errNoLibrary }

type Reader struct{ handle }

func (*Reader) Read(context.Context, []byte) (int, error)          { return 0, errNoLibrary }
func (*Reader) Size(context.Context) (int64, error)                { return 0, errNoLibrary }
func (*Reader) SeekTo(int64) error                                 { return errNoLibrary }
func (*Reader) ReadAt(context.Context, []byte, int64) (int, error) { return 0, errNoLibrary }
func (*Reader) Cancel()                                            {}

type Writer struct{ handle }

func (*Writer) Write(context.Context, []byte) error    { return errNoLibrary }
func (*Writer) Finish(context.Context) ([]byte, error) { return nil, errNoLibrary }
func (*Writer) Abort(context.Context) error            { return errNoLibrary }
func (*Writer) Cancel()                                {}
