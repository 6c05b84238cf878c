package bge_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

const bad = "E-B\xff" // no UTF-8

// A text that is no UTF-8 is refused wherever it stands: encoding/json would send another one in its place.
func TestArgumentsAreUTF8(t *testing.T) {
	client := user(t)
	clearLog(t)
	ctx := t.Context()
	one := func(_ any, err error) error { return err }
	deep := map[string]any{"a": []any{1, map[string]string{"b": bad}}}
	type own struct{ Name string }
	cases := map[string]error{
		"required":  one(client.Sample(ctx, bad, nil)),
		"list":      one(client.Variants(ctx, box.BiosampleID, []string{"rs1", bad}, nil)),
		"optional":  one(client.Overview(ctx, &bge.OverviewOptions{Phone: bad})),
		"extra":     one(client.User(ctx, &bge.Options{Extra: map[string]any{"x": deep}})),
		"name":      one(client.User(ctx, &bge.Options{Extra: map[string]any{bad: 1}})),
		"params":    one(client.InvokeModel(ctx, box.ModelID, &bge.InvokeModelOptions{Params: map[string]any{"x": deep}})),
		"raw":       one(client.CallRaw(ctx, "get_user", map[string]any{"x": deep})),
		"raw key":   one(client.CallRaw(ctx, "get_user", map[string]any{"x": map[string]int{bad: 1}})),
		"raw text":  one(client.CallRaw(ctx, "get_user", json.RawMessage(`{"x":"`+bad+`"}`))),
		"struct":    one(client.CallRaw(ctx, "get_user", map[string]any{"x": []own{{bad}}})),
		"request":   one(client.Request(ctx, "GET", "/samples", map[string]string{"x": bad})),
		"path":      one(client.Request(ctx, "GET", "/"+bad, nil)),
		"stream":    one(client.WritePhenotype(ctx, box.BiosampleID, "a", "2021-03-02T10:00:00Z", deep, nil)),
		"document":  one(client.UploadModelDoc(ctx, "a", box.ModelID, own{bad}, nil)),
		"header":    one(client.User(ctx, &bge.Options{Call: bge.CallOptions{Headers: map[string]string{"X": bad}}})),
		"file":      one(client.UploadFile(ctx, bad, nil)),
		"files":     one(client.BatchUpload(ctx, []bge.FileToUpload{{Path: "a", Filename: bad}}, nil)),
		"upload":    one(client.Upload(ctx, bad, strings.NewReader("a"), nil)),
		"bytes":     one(client.UploadBytes(ctx, bad, []byte("a"), nil)),
		"writer":    one(client.OpenWriter(ctx, bad, nil)),
		"reader":    one(client.OpenReader(ctx, bad, nil)),
		"option":    one(client.OpenWriter(ctx, "a", &bge.WriterOptions{CMKID: bad})),
		"page":      one(client.SamplesPager(&bge.SamplesOptions{NextPage: bad}).Next(ctx)),
		"client":    one(bge.New(ctx, bad)),
		"container": one(bge.New(ctx, "token", bge.WithUserAgent(bad))),
	}
	for name, err := range cases {
		e := wantError(t, err, bge.ErrArgument)
		if !strings.Contains(e.Message, "UTF-8") && name != "client" {
			t.Errorf("%s: %q", name, e.Message)
		}
	}
	if requests := sent(t, "*"); len(requests) != 0 {
		t.Errorf("sent: %+v", requests)
	}
	// what looks like a replacement and is none
	text := "\ufffd \\ufffd"
	if _, err := client.User(ctx, &bge.Options{Extra: map[string]any{"x": text, "y": json.RawMessage(`"\ufffd"`)}}); err != nil {
		t.Error(err)
	}
	if got := sent(t, "/profile")[0].Query; got["x"] != text || got["y"] != "\ufffd" {
		t.Errorf("sent: %v", got)
	}
}

func TestArgumentsWithoutAContext(t *testing.T) {
	client := user(t)
	oauth2, err := bge.NewOAuth2(box.Credentials.ID, box.Credentials.Secret, bge.WithEndpoint(box.Endpoint))
	must(t, oauth2, err)
	defer oauth2.Close()
	var none context.Context
	one := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"new":    one(bge.New(none, "token")),
		"open":   one(bge.Open(none)),
		"call":   one(client.User(none, nil)),
		"alive":  client.Alive(none),
		"raw":    one(client.CallRaw(none, "get_user", nil)),
		"token":  one(client.Token(none)),
		"pager":  one(client.SamplesPager(nil).Next(none)),
		"bytes":  one(client.UploadBytes(none, "a", nil, nil)),
		"reader": one(client.OpenReader(none, "a", nil)),
		"writer": one(client.OpenWriter(none, "a", nil)),
		"oauth2": one(oauth2.CredentialsToken(none)),
	} {
		if e := wantError(t, err, bge.ErrArgument); !strings.Contains(e.Message, "context") {
			t.Errorf("%s: %q", name, e.Message)
		}
	}
}

// An empty filter lets nothing through; a nil one is none.
func TestArgumentsEmptyFilters(t *testing.T) {
	client := user(t)
	clearLog(t)
	for name, opts := range map[string]*bge.SamplesOptions{
		"ids":      {BiosampleIDs: []string{}},
		"omics":    {Omics: []int{}, Limit: 3},
		"projects": {ProjectIDs: []string{}},
	} {
		page, err := client.Samples(t.Context(), opts)
		if must(t, page, err); len(page.Result) != 0 || page.NextPage != "" {
			t.Errorf("%s: %+v", name, page)
		}
		for sample, err := range client.AllSamples(t.Context(), opts) {
			t.Errorf("%s: %v, %v", name, sample, err)
		}
	}
	items, err := client.DataItems(t.Context(), "a", box.BiosampleID, &bge.DataItemsOptions{DataElementIDs: []string{}})
	if must(t, items, err); len(items.Result) != 0 {
		t.Errorf("items: %+v", items)
	}
	_, err = client.FerryToOSS(t.Context(), "a", "b", "c", 1, &bge.FerryToOSSOptions{SampleNames: []string{}})
	wantError(t, err, bge.ErrArgument)
	if requests := sent(t, "*"); len(requests) != 0 {
		t.Errorf("sent: %+v", requests)
	}
	client.Close()
	_, err = client.Samples(t.Context(), &bge.SamplesOptions{BiosampleIDs: []string{}})
	wantError(t, err, bge.ErrClosed)
}

func TestArgumentsDurations(t *testing.T) {
	client := user(t)
	uploaded, err := client.UploadBytes(t.Context(), "a", []byte("a"), nil)
	must(t, uploaded, err)
	clearLog(t)
	address, err := client.DownloadURL(t.Context(), uploaded.ObjectName, &bge.DownloadURLOptions{ExpirationTime: 2 * time.Minute})
	must(t, address, err)
	if form := sent(t, "/oss/sign_url")[0].Form; form["expiration_time"] != "120" {
		t.Errorf("sent: %v", form)
	}
	if ends, err := address.Expiry(); err != nil || time.Until(ends) > 3*time.Minute || time.Until(ends) < 0 {
		t.Errorf("it ends at %v (%v)", ends, err)
	}
	// 600 was meant as seconds: it is 600 ns
	for _, wrong := range []time.Duration{600, -time.Second, 1500 * time.Millisecond} {
		_, err = client.DownloadURL(t.Context(), uploaded.ObjectName, &bge.DownloadURLOptions{ExpirationTime: wrong})
		wantError(t, err, bge.ErrArgument)
	}
}

// Arguments of any call are an object, and messages do not speak of C.
func TestArgumentsOfRawCalls(t *testing.T) {
	client := user(t)
	for _, args := range []any{[]int{1}, "a", 1, json.RawMessage("null"), (*struct{})(nil)} {
		_, err := client.CallRaw(t.Context(), "get_user", args)
		if e := wantError(t, err, bge.ErrArgument); strings.Contains(e.Message, "_json") {
			t.Errorf("%v: %q", args, e.Message)
		}
	}
	_, err := client.Request(t.Context(), "GET", "/samples?a=b", nil)
	if e := wantError(t, err, bge.ErrArgument); strings.Contains(e.Message+e.Hint, "_json") {
		t.Errorf("the message is %q", e.Message)
	}
}

// The context's deadline reaches the library: it does not wait for what comes after it.
func TestArgumentsDeadlineOfTheContext(t *testing.T) {
	fault(t, map[string]any{"path": "/profile", "kind": "status", "status": 429, "headers": map[string]any{"Retry-After": 50}, "count": 0})
	fault(t, map[string]any{"path": "/samples", "kind": "status", "status": 429, "headers": map[string]any{"Retry-After": 50}, "count": 0})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	one := func(_ any, err error) error { return err }
	for name, call := range map[string]func(*bge.Client) error{
		"call": func(c *bge.Client) error { return one(c.User(ctx, nil)) },
		"raw":  func(c *bge.Client) error { return one(c.CallRaw(ctx, "get_user", nil)) },
		"switches": func(c *bge.Client) error {
			return one(c.CallRaw(ctx, "get_user", json.RawMessage(`{"a": 1, "$" : {"max_retries": 5}}`)))
		},
		"longer": func(c *bge.Client) error {
			return one(c.CallRaw(ctx, "get_user", json.RawMessage(`{"$":{"deadline":1e3}}`)))
		},
		"option": func(c *bge.Client) error {
			return one(c.User(ctx, &bge.Options{Call: bge.CallOptions{Deadline: time.Hour}}))
		},
		"request": func(c *bge.Client) error { return one(c.Request(ctx, "GET", "/samples", nil)) },
		"page":    func(c *bge.Client) error { return one(c.Samples(ctx, nil)) },
		"pager": func(c *bge.Client) error {
			pager := c.SamplesPager(&bge.SamplesOptions{Call: bge.CallOptions{Deadline: time.Hour}})
			defer pager.Close()
			return one(pager.Next(ctx))
		},
	} {
		at := time.Now()
		err := call(user(t)) // of its own: a client remembers how long a server wants to be left alone
		var e *bge.Error
		if !errors.As(err, &e) || e.HTTPStatus != 429 || e.RetryAfter < 40*time.Second || e.RetryAfter > 50*time.Second ||
			time.Since(at) > 10*time.Second {
			t.Errorf("%s: after %v: %v", name, time.Since(at), err)
		}
	}
}

func TestErrorsOfTheOperatingSystem(t *testing.T) {
	client := user(t)
	_, err := client.UploadFile(t.Context(), filepath.Join(t.TempDir(), "none"), nil)
	if wantError(t, err, bge.ErrIO); !errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Errorf("a file that is not there: %v", err)
	}
	uploaded, err := client.UploadBytes(t.Context(), "a", []byte("a"), nil)
	must(t, uploaded, err)
	_, err = client.DownloadFile(t.Context(), uploaded.ObjectName, "/proc/none/a", nil)
	if wantError(t, err, bge.ErrIO); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	_, err = client.DownloadFile(t.Context(), uploaded.ObjectName+".none", t.TempDir(), nil)
	if e := wantError(t, err, bge.ErrStorage); !errors.Is(err, os.ErrNotExist) || e.StorageCode != "NoSuchKey" || e.Msg == "" {
		t.Errorf("an object that is not there: %#v", err)
	}
	nobody, err := bge.New(t.Context(), "token", bge.WithEndpoint("http://127.0.0.1:1"), bge.WithMaxRetries(0))
	must(t, nobody, err)
	defer nobody.Close()
	if err := nobody.Alive(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	// both addresses are named when neither answers
	nowhere, err := bge.New(t.Context(), "token", bge.WithEndpoint("http://127.0.0.1:1"), bge.WithFallbackEndpoint("http://127.0.0.1:2"), bge.WithMaxRetries(0))
	must(t, nowhere, err)
	defer nowhere.Close()
	err = nowhere.Alive(t.Context())
	if e := wantError(t, err, bge.ErrTransport); !strings.Contains(e.Message, "127.0.0.1:1") || !strings.Contains(e.Message, "127.0.0.1:2") {
		t.Errorf("the message is %q", e.Message)
	}
	client.Close()
	if _, err := client.User(t.Context(), nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
