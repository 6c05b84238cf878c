package bge

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/libbge/libbge/bindings/go/internal/native"
	"github.com/libbge/libbge/bindings/go/internal/texts"
)

// Client is a client of the platform: its configuration, credentials and connections. Any number of goroutines may
// share one.
type Client struct {
	api    *native.API
	watch  *watch
	source *source // of its tokens; nil where the library has them
}

// New makes a client of an access token. No network is used, and ctx only has to be alive: it does not bound the
// client's life.
func New(ctx context.Context, accessToken string, opts ...Option) (*Client, error) {
	return open(ctx, "new", opts, func(options string, bounds native.Bounds) (*native.API, error) {
		return native.NewAPI(accessToken, options, bounds)
	})
}

// Open makes a client of the credentials that it finds: in opts (WithAccessToken, WithClientCredentials, WithProfile),
// then in the environment (BGE_ACCESS_TOKEN, or BGE_CLIENT_ID and BGE_CLIENT_SECRET; BGE_ENDPOINT), then in the stored
// profile of the bge command (BGE_PROFILE, else the active one). No network is used. When nothing is found the error
// says which places were looked at.
func Open(ctx context.Context, opts ...Option) (*Client, error) {
	return open(ctx, "open", opts, native.OpenAPI)
}

func open(ctx context.Context, call string, opts []Option, make func(string, native.Bounds) (*native.API, error)) (*Client, error) {
	if err := alive(ctx, call); err != nil {
		return nil, err
	}
	if err := compatible(); err != nil {
		return nil, err
	}
	options, err := configure(call, opts)
	if err != nil {
		return nil, err
	}
	api, err := make(options.json, options.bounds)
	if err != nil {
		return nil, failed(ctx, call, err)
	}
	watch := newWatch(options)
	if err := watch.attach(api); err != nil {
		api.Close()
		return nil, failed(ctx, call, err)
	}
	return newClient(api, watch), nil
}

func newClient(api *native.API, watch *watch) *Client {
	c := &Client{api: api, watch: watch}
	runtime.AddCleanup(c, (*native.API).Close, api)
	return c
}

// Close ends the client for new calls, which fail with ErrClosed. It ends nothing that has begun: calls under way get
// their answers, and pagers, readers and writers that were made from the client work on until they are closed
// themselves. It may be called any number of times, from any goroutine, and uses no network.
func (c *Client) Close() error {
	c.api.Close()
	runtime.KeepAlive(c)
	return nil
}

// CancelAll ends what is under way on the client, and on all that was made from it: calls, pages, reads, writes and
// transfers fail with ErrCancelled within a fraction of a second. The client stays good for new calls. With Close before
// it, it ends a client altogether.
func (c *Client) CancelAll() {
	c.api.Cancel()
	runtime.KeepAlive(c)
}

// CallRaw carries any call of Endpoints out by its name. args is nil, or what encoding/json makes an object of: the
// call's arguments by their documented names; others are passed through to the platform. The member "$" holds the
// library's own switches: timeout, deadline (seconds), max_retries, headers. The result is byte for byte what the
// platform wrote.
func (c *Client) CallRaw(ctx context.Context, name string, args any) (json.RawMessage, error) {
	text, err := object(name, args)
	if err != nil {
		return nil, err
	}
	if err := alive(ctx, name); err != nil {
		return nil, err
	}
	return c.raw(ctx, name, nil, func(further map[string]any) (string, error) {
		return withSwitches(ctx, text, further)
	})
}

// Request sends a request that the library does not know yet, with the client's token. method is GET (args go in the
// query) or POST (in the form); path starts with one slash and has no query. It is never repeated.
func (c *Client) Request(ctx context.Context, method, path string, args any) (json.RawMessage, error) {
	inner, err := object("request", args)
	if err != nil {
		return nil, err
	}
	return rawCall(ctx, c, "request", map[string]any{"method": method, "path": path, "args": inner}, nil)
}

// object writes arguments as an object.
func object(call string, args any) (json.RawMessage, error) {
	if args == nil {
		return json.RawMessage("{}"), nil
	}
	text, err := texts.Marshal(args)
	if err != nil {
		return nil, argument(call, "the arguments: %v", err)
	}
	if text[0] != '{' {
		return nil, argument(call, "the arguments must be an object, and are %s", describe(text))
	}
	return text, nil
}

// Handle lends the client's bge_api_t to a package that calls bge.h itself, for the time of the call.
func (c *Client) Handle(use func(api unsafe.Pointer) error) error {
	defer runtime.KeepAlive(c)
	err := c.api.Use(use)
	if err == native.ErrClosed {
		return failed(context.Background(), "handle", err)
	}
	return err
}

// alive refuses a context that has ended, or is none.
func alive(ctx context.Context, call string) error {
	if ctx == nil {
		return argument(call, "the context must not be nil")
	}
	if err := ctx.Err(); err != nil {
		return failed(ctx, call, err)
	}
	return nil
}

// raw carries a call out whose arguments write writes, with the client's own switches.
func (c *Client) raw(ctx context.Context, call string, progress func(done, total int64), write func(map[string]any) (string, error)) (json.RawMessage, error) {
	defer runtime.KeepAlive(c) // its cleanup must not close the handle meanwhile
	span := c.watch.begin(ctx, call, 0)
	text, err := write(c.watch.switches(ctx, span.id))
	var result []byte
	if err == nil {
		result, err = c.source.authorized(ctx, call, func() ([]byte, error) {
			result, err := c.api.Call(ctx, call, text, progress)
			return result, failed(ctx, call, err)
		})
	}
	span.end(err)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// emptyPage is what a list gives when a filter of it is an empty one.
const emptyPage = `{"result":[],"count":0,"next_page":null}`

// do carries a request out.
func (c *Client) do(ctx context.Context, r *request) (json.RawMessage, error) {
	if err := alive(ctx, r.call); err != nil {
		return nil, err
	}
	if r.nothing {
		return json.RawMessage(emptyPage), c.Handle(func(unsafe.Pointer) error { return nil })
	}
	return c.raw(ctx, r.call, r.how.Progress, func(further map[string]any) (string, error) {
		return r.json(ctx, further)
	})
}

// rawCall carries a call out and gives its result as the platform wrote it.
func rawCall(ctx context.Context, c *Client, call string, required args, opts any) (json.RawMessage, error) {
	r, err := newRequest(call, required, opts)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, r)
}

// callFor carries a call out and gives its result as a T.
func callFor[T any](ctx context.Context, c *Client, call string, required args, opts any) (*T, error) {
	result, err := callForList[T](ctx, c, call, required, opts)
	if err != nil {
		return nil, err
	}
	return &result, nil
}

// callForList is callFor for results that are lists, and so need no pointer.
func callForList[T any](ctx context.Context, c *Client, call string, required args, opts any) (T, error) {
	var none T
	r, err := newRequest(call, required, opts)
	if err != nil {
		return none, err
	}
	raw, err := c.do(ctx, r)
	if err != nil {
		return none, err
	}
	return decode[T](call, raw, r.how.StrictTypes)
}

// Version is the version of the library in use, such as 0.1.0.
func Version() string { return native.Version() }

// compatible is nil when the library in use can serve this package.
var compatible = sync.OnceValue(func() error { return checkABI(native.HeaderABI, native.LibraryABI()) })

// checkABI compares the header that this package was compiled with and the library that was found, each
// major << 16 | minor: the major versions must be the same, and the library's minor version no lower.
func checkABI(header, library uint32) error {
	if header>>16 == library>>16 && library&0xffff >= header&0xffff {
		return nil
	}
	return &Error{
		Status: StatusUnsupported,
		Message: fmt.Sprintf("the libbge that was loaded has ABI version %d.%d, and this program was built for %d.%d: "+
			"install the libbge of that version (`sudo apt install ./libbge0_*.deb`, or `make install` in its source tree), "+
			"or build the program again with its header (`go build -a`)",
			library>>16, library&0xffff, header>>16, header&0xffff),
	}
}
