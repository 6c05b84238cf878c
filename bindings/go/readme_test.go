package bge_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

// signature is a method as the README shows it, without the context and the package's name.
func signature(method reflect.Method) string {
	name := func(t reflect.Type) string {
		text := strings.ReplaceAll(t.String(), "github.com/libbge/libbge/bindings/go.", "")
		return strings.ReplaceAll(strings.ReplaceAll(text, "bge.", ""), "interface {}", "any")
	}
	var in, out []string
	for i := 2; i < method.Type.NumIn(); i++ {
		in = append(in, name(method.Type.In(i)))
	}
	for i := range method.Type.NumOut() - 1 {
		out = append(out, name(method.Type.Out(i)))
	}
	return fmt.Sprintf("`%s(%s)` | %s", method.Name, strings.Join(in, ", "), strings.Join(out, ", "))
}

// The README's table of calls says what the package has; BGE_UPDATE_README=1 writes it anew.
func TestReadmeTable(t *testing.T) {
	var table strings.Builder
	noun := ""
	for _, endpoint := range bge.Endpoints() {
		if endpoint.Noun != noun {
			noun = endpoint.Noun
			fmt.Fprintf(&table, "\n**%s**\n\n| call | method | result |\n| --- | --- | --- |\n", strings.ToUpper(noun[:1])+noun[1:])
		}
		methods := otherMethods[endpoint.Name]
		if methods == nil {
			methods = []string{goName(endpoint.Name)}
		}
		for _, name := range methods {
			method, ok := reflect.TypeFor[*bge.Client]().MethodByName(name)
			if !ok {
				t.Fatalf("no method %s", name)
			}
			fmt.Fprintf(&table, "| `%s` | %s |\n", endpoint.Name, strings.TrimSuffix(signature(method), " "))
			if endpoint.PageStyle != "" {
				fmt.Fprintf(&table, "| | `All%s`, `%sPager` | all pages |\n", name, name)
			}
		}
	}
	readme, err := os.ReadFile("README.md")
	must(t, readme, err)
	part := regexp.MustCompile(`(?s)(<!-- calls:begin -->\n).*(\n<!-- calls:end -->)`)
	want := part.ReplaceAllString(string(readme), "${1}"+strings.ReplaceAll(table.String(), "$", "$$")+"${2}")
	if want == string(readme) {
		return
	}
	if os.Getenv("BGE_UPDATE_README") == "" {
		t.Fatal("the table is stale: BGE_UPDATE_README=1 go test -run Readme writes it anew")
	}
	if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
