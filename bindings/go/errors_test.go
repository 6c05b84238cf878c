package bge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
)

// What goes wrong on the way, and the kind of error that it is.
func TestErrorsHaveTheirKind(t *testing.T) {
	cases := []struct {
		fault map[string]any
		kind  error
		check func(*bge.Error) bool
	}{
		{map[string]any{"kind": "code", "code": 41303, "msg": "请提供本人的 biosample_id"}, bge.ErrAPI,
			func(e *bge.Error) bool {
				return e.Code == 41303 && e.Msg == "请提供本人的 biosample_id" && !e.Retryable && e.RequestID != ""
			}},
		{map[string]any{"kind": "code", "code": 401}, bge.ErrAuth, func(e *bge.Error) bool { return e.Code == 401 }},
		{map[string]any{"kind": "expired_token"}, bge.ErrAuth, func(e *bge.Error) bool { return e.Code == 403 }},
		{map[string]any{"kind": "status", "status": 418}, bge.ErrHTTP, func(e *bge.Error) bool { return e.HTTPStatus == 418 }},
		{map[string]any{"kind": "status", "status": 503, "headers": map[string]any{"Retry-After": 90}}, bge.ErrHTTP,
			func(e *bge.Error) bool { return e.Retryable && e.RetryAfter == 90*time.Second }},
		{map[string]any{"kind": "html"}, bge.ErrProtocol, func(e *bge.Error) bool { return e.HTTPStatus == 200 }},
		{map[string]any{"kind": "not_json"}, bge.ErrProtocol, nil},
		{map[string]any{"kind": "reset"}, bge.ErrTransport, func(e *bge.Error) bool { return e.Retryable }},
		{map[string]any{"kind": "truncate"}, bge.ErrTransport, nil},
		{map[string]any{"kind": "hang"}, bge.ErrTimeout, func(e *bge.Error) bool { return e.Timeout() }},
	}
	for _, c := range cases {
		c.fault["path"], c.fault["count"] = "/variants", 1
		t.Run(fmt.Sprint(c.fault["kind"], c.fault["code"], c.fault["status"]), func(t *testing.T) {
			fault(t, c.fault)
			client := user(t, bge.WithMaxRetries(0), bge.WithTimeout(300*time.Millisecond))
			_, err := client.Variants(t.Context(), box.BiosampleID, []string{"rs1"}, nil)
			e := wantError(t, err, c.kind)
			if c.check != nil && !c.check(e) {
				t.Errorf("the error is %#v", e)
			}
			if e.Call != "get_variants" || !strings.Contains(e.Error(), "get_variants") || strings.Contains(e.Error(), "\n") {
				t.Errorf("the message is %q", e.Error())
			}
			if strings.Contains(fmt.Sprintf("%+v", *e), box.AccessToken) {
				t.Error("the error holds the token")
			}
		})
	}
}

func TestErrorsAreOfOneKindOnly(t *testing.T) {
	client := user(t)
	_, err := client.Sample(t.Context(), box.OtherBiosampleID, nil)
	kinds := []error{
		bge.ErrArgument, bge.ErrTransport, bge.ErrTimeout, bge.ErrHTTP, bge.ErrAPI, bge.ErrAuth, bge.ErrProtocol,
		bge.ErrStorage, bge.ErrIntegrity, bge.ErrIO, bge.ErrCancelled, bge.ErrClosed, bge.ErrInternal, bge.ErrUnsupported,
	}
	for status, kind := range kinds {
		if is := errors.Is(err, kind); is != (kind == bge.ErrAPI) {
			t.Errorf("%v is %v: %t", err, kind, is)
		}
		if e := (&bge.Error{Status: bge.Status(status + 1)}); !errors.Is(e, kind) {
			t.Errorf("status %d is not %v", status+1, kind)
		}
		if want := "bge: " + bge.Status(status+1).String(); kind.Error() != want || !strings.Contains(want, "BGE_ERR_") {
			t.Errorf("%d is called %v", status+1, kind)
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) {
		t.Errorf("%v is what it is not", err)
	}
	if wrapped := fmt.Errorf("lab: %w", err); !errors.Is(wrapped, bge.ErrAPI) {
		t.Error("a wrapped error lost its kind")
	}
}

func TestRepeatsUntilItWorks(t *testing.T) {
	client := user(t)
	fault(t, map[string]any{"path": "/variants", "kind": "status", "status": 502, "count": 2})
	clearLog(t)
	variants, err := client.Variants(t.Context(), box.BiosampleID, []string{"rs762551"}, nil)
	must(t, variants, err)
	if n := len(sent(t, "/variants")); n != 3 {
		t.Errorf("%d requests", n)
	}
	fault(t, map[string]any{"path": "/variants", "kind": "status", "status": 502})
	_, err = client.Variants(t.Context(), box.BiosampleID, []string{"rs762551"},
		&bge.Options{Call: bge.CallOptions{MaxRetries: bge.Ptr(0)}})
	if e := wantError(t, err, bge.ErrHTTP); e.HTTPStatus != 502 {
		t.Errorf("HTTP status %d", e.HTTPStatus)
	}
	fault(t, map[string]any{"path": "/samples/register", "kind": "reset", "after_work": true})
	clearLog(t)
	_, err = application(t).RegisterSample(t.Context(), fresh("once"), 1, box.ProjectID, nil)
	if e := wantError(t, err, bge.ErrTransport); e.Retryable || len(sent(t, "/samples/register")) != 1 {
		t.Errorf("a sample may be registered twice: %v", e)
	}
}

func TestArgumentsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	client := user(t)
	clearLog(t)
	one := func(_ any, err error) error { return err }
	cases := map[string]error{
		"NUL":        one(client.CallRaw(t.Context(), "get_user\x00", nil)),
		"UTF-8":      one(client.Sample(t.Context(), "E-B\xff", nil)),
		"UTF-8 list": one(client.Variants(t.Context(), box.BiosampleID, []string{"rs1", "\xff"}, nil)),
		"twice":      one(client.Sample(t.Context(), box.BiosampleID, &bge.SampleOptions{Extra: map[string]any{"biosample_id": "E"}})),
		"switches":   one(client.User(t.Context(), &bge.Options{Extra: map[string]any{"$": map[string]any{}}})),
		"no JSON":    one(client.User(t.Context(), &bge.Options{Extra: map[string]any{"f": func() {}}})),
		"timeout":    one(client.User(t.Context(), &bge.Options{Call: bge.CallOptions{Timeout: -time.Second}})),
		"unknown":    one(client.CallRaw(t.Context(), "get_sampels", nil)),
		"type":       one(client.CallRaw(t.Context(), "get_samples", map[string]any{"limit": "ten"})),
		"no object":  one(client.CallRaw(t.Context(), "get_samples", []int{1})),
		"path":       one(client.Request(t.Context(), "GET", "https://example.com/", nil)),
		"method":     one(client.Request(t.Context(), "DELETE", "/samples", nil)),
	}
	for name, err := range cases {
		t.Run(name, func(t *testing.T) { wantError(t, err, bge.ErrArgument) })
	}
	if e := wantError(t, cases["unknown"], bge.ErrArgument); !strings.Contains(e.Message, "get_samples") {
		t.Errorf("no hint in %q", e.Message)
	}
	if requests := sent(t, "*"); len(requests) != 0 {
		t.Errorf("sent: %+v", requests)
	}
}

func TestErrorFromJSON(t *testing.T) {
	e := bge.ErrorFromJSON(`{"status":8,"name":"BGE_ERR_STORAGE","call":"download","message":"download: refused",
		"http_status":404,"code":0,"msg":"gone","request_id":"5C3D","retryable":false,"retry_after":1.5,
		"storage_code":"NoSuchKey","storage_ec":"0026-00000001","data":{"a":1},"files":[{"path":"x"}]}`)
	if !errors.Is(e, bge.ErrStorage) || e.HTTPStatus != 404 || e.StorageCode != "NoSuchKey" || e.StorageEC != "0026-00000001" ||
		e.RetryAfter != 1500*time.Millisecond || string(e.Data) != `{"a":1}` || string(e.Files) != `[{"path":"x"}]` ||
		e.RequestID != "5C3D" || e.Msg != "gone" || e.Error() != "bge: download: refused" {
		t.Errorf("%#v", e)
	}
	if e := bge.ErrorFromJSON("no JSON"); !errors.Is(e, bge.ErrInternal) || !strings.Contains(e.Error(), "no JSON") {
		t.Errorf("%v", e)
	}
}
