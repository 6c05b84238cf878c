package bge_test

import (
	"encoding/json"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestAccount(t *testing.T) {
	client := user(t)
	if err := client.Alive(t.Context()); err != nil {
		t.Error(err)
	}
	fault(t, map[string]any{"path": "/ping", "kind": "status", "status": 404})
	if e := wantError(t, client.Alive(t.Context()), bge.ErrHTTP); e.HTTPStatus != 404 {
		t.Errorf("HTTP status %d", e.HTTPStatus)
	}

	introspection, err := client.Introspect(t.Context(), nil)
	if must(t, introspection, err); !introspection.Active || introspection.ClientID != box.Authorization.ID {
		t.Errorf("introspection: %+v", introspection)
	}
	if string(introspection.Extra["username"]) != `"zhangsan"` {
		t.Errorf("what else it says: %s", introspection.Extra)
	}

	user, err := client.User(t.Context(), nil)
	if must(t, user, err); user.Username != "zhangsan" || user.Nickname != "张三" || user.Sex != 1 || user.Avatar != "" {
		t.Errorf("user: %+v", user)
	}
}

func TestOverview(t *testing.T) {
	client := user(t)
	raw, err := client.Overview(t.Context(), &bge.OverviewOptions{BiosampleID: box.BiosampleID})
	var overview struct {
		Count int `json:"sample_count"`
	}
	if err := json.Unmarshal(must(t, raw, err), &overview); err != nil || overview.Count != 1 {
		t.Errorf("overview: %s", raw)
	}
	clearLog(t)
	_, err = client.Overview(t.Context(), &bge.OverviewOptions{Phone: "17376000000", BiosampleID: box.BiosampleID})
	wantError(t, err, bge.ErrArgument)
	if n := len(sent(t, "/user/overview")); n != 0 {
		t.Errorf("what excludes itself was sent %d times", n)
	}
}
