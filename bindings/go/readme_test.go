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
func signature(endpoint bge.Endpoint, method reflect.Method) string {
	typeName := func(t reflect.Type) string {
		text := strings.ReplaceAll(t.String(), "github.com/libbge/libbge/bindings/go.", "")
		return strings.NewReplacer("bge.", "", "interface {}", "any", "uint8", "byte").Replace(text)
	}
	var names, in []string
	for _, argument := range endpoint.Arguments {
		if argument.Required {
			first, rest, _ := strings.Cut(argument.Name, "_")
			if rest != "" {
				rest = goName(rest)
			}
			names = append(names, first+rest)
		}
	}
	if endpoint.Name == "upload" {
		names = append(names, "content")
	}
	for i := 2; i < method.Type.NumIn(); i++ {
		text := typeName(method.Type.In(i))
		if text == "io.Writer" {
			names[0] = "w"
		}
		if len(names) > 0 {
			text, names = names[0]+" "+text, names[1:]
		}
		in = append(in, text)
	}
	result := ""
	if method.Type.NumOut() == 2 {
		result = "`" + typeName(method.Type.Out(0)) + "` "
	}
	return fmt.Sprintf("`%s(%s)` | %s", method.Name, strings.Join(in, ", "), result)
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
			fmt.Fprintf(&table, "| `%s` | %s|\n", endpoint.Name, signature(endpoint, method))
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
