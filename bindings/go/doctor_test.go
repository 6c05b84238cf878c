package bge_test

import (
	"strings"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestDoctor(t *testing.T) {
	client := user(t)
	found, err := client.Doctor(t.Context(), nil)
	if must(t, found, err); len(found.Checks) != 12 || !strings.HasPrefix(found.Endpoint, "http://127.0.0.1:") {
		t.Fatalf("found: %+v", found)
	}
	for _, check := range found.Checks {
		if check.State != "ok" && check.State != "skipped" || check.Detail == "" || check.Hint != "" {
			t.Errorf("check: %+v", check)
		}
	}

	fault(t, map[string]any{"path": "/ping", "kind": "html"})
	found, err = client.Doctor(t.Context(), &bge.DoctorOptions{Language: "zh", NoRoundTrip: true})
	must(t, found, err)
	for _, check := range found.Checks {
		if wrong := check.Name == "platform"; wrong != (check.State == "failed") || wrong != strings.Contains(check.Hint, "浏览器") {
			t.Errorf("check: %+v", check)
		}
	}

	if _, err := client.Doctor(t.Context(), &bge.DoctorOptions{Language: "fr"}); err == nil || !strings.Contains(err.Error(), "lang") {
		t.Errorf("a language that it does not speak: %v", err)
	}
}
