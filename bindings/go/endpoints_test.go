package bge_test

import (
	"context"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

// goName is how a call is named here: get_upload_token is UploadToken.
func goName(name string) string {
	initialisms := map[string]string{"id": "ID", "ids": "IDs", "url": "URL", "sms": "SMS", "oss": "OSS"}
	var words []string
	for _, word := range strings.Split(strings.TrimPrefix(name, "get_"), "_") {
		if whole, ok := initialisms[word]; ok {
			words = append(words, whole)
		} else {
			words = append(words, strings.ToUpper(word[:1])+word[1:])
		}
	}
	return strings.Join(words, "")
}

// methods that are not named after their call: content comes from memory or from a reader, an object goes to a writer or
// to a file.
var otherMethods = map[string][]string{
	"upload": {"UploadBytes", "Upload"}, "download": {"Download", "DownloadFile"}, "download_file": {"DownloadFile"},
}

// sinks are arguments that are something better than text in Go.
var sinks = map[string]reflect.Type{
	"download.path":      reflect.TypeFor[io.Writer](),
	"batch_upload.files": reflect.TypeFor[[]bge.FileToUpload](),
}

// fits says whether a Go type takes an argument of the table.
func fits(argument bge.Argument, t reflect.Type) bool {
	switch kind := t.Kind(); argument.Type {
	case "string", "file":
		return kind == reflect.String
	case "token":
		return t == reflect.TypeFor[bge.PageToken]()
	case "integer":
		return kind == reflect.Int || kind == reflect.Int64
	case "number":
		return kind == reflect.Float64
	case "boolean":
		return kind == reflect.Bool || kind == reflect.Pointer && t.Elem().Kind() == reflect.Bool
	case "ids":
		return kind == reflect.Slice && (t.Elem().Kind() == reflect.String || t.Elem().Kind() == reflect.Int)
	case "array":
		return kind == reflect.Slice
	case "object", "json":
		return kind == reflect.Interface
	}
	return false
}

// Every call of the table has its method: the context, the required arguments in their order, then a struct of all the
// optional ones.
func TestEveryEndpointHasItsMethod(t *testing.T) {
	table := bge.Endpoints()
	if len(table) < 45 {
		t.Fatalf("the table has %d rows", len(table))
	}
	for _, endpoint := range table {
		methods := otherMethods[endpoint.Name]
		if methods == nil {
			methods = []string{goName(endpoint.Name)}
		}
		for _, name := range methods {
			method, ok := reflect.TypeFor[*bge.Client]().MethodByName(name)
			if !ok {
				t.Errorf("%s has no method %s", endpoint.Name, name)
				continue
			}
			checkMethod(t, endpoint, method)
		}
		if endpoint.PageStyle != "" {
			for _, name := range []string{"All" + methods[0], methods[0] + "Pager"} {
				if _, ok := reflect.TypeFor[*bge.Client]().MethodByName(name); !ok {
					t.Errorf("the list %s has no method %s", endpoint.Name, name)
				}
			}
		}
	}
}

func checkMethod(t *testing.T, endpoint bge.Endpoint, method reflect.Method) {
	var in []reflect.Type
	for i := 1; i < method.Type.NumIn(); i++ {
		in = append(in, method.Type.In(i))
	}
	if len(in) == 0 || in[0] != reflect.TypeFor[context.Context]() {
		t.Errorf("%s does not begin with a context", method.Name)
		return
	}
	in = in[1:]
	if out := method.Type.Out(method.Type.NumOut() - 1); out != reflect.TypeFor[error]() {
		t.Errorf("%s ends with %s, not an error", method.Name, out)
	}
	if endpoint.Name == "alive" {
		return // takes nothing
	}
	if len(in) == 0 || in[len(in)-1].Kind() != reflect.Pointer {
		t.Errorf("%s does not end with options", method.Name)
		return
	}
	opts := in[len(in)-1].Elem()
	in = in[:len(in)-1]

	var optional []string
	var required []bge.Argument
	for _, argument := range endpoint.Arguments {
		if argument.Required {
			required = append(required, argument)
			continue
		}
		optional = append(optional, argument.Name)
		field, ok := fieldOf(opts, argument.Name)
		if !ok {
			// a stream goes part by part
			stream := method.Name == "Upload" || method.Name == "Download"
			if !stream || !strings.HasPrefix(argument.Name, "multipart_") {
				t.Errorf("%s: %s has no %s", method.Name, opts.Name(), argument.Name)
			}
		} else if !fits(argument, field) {
			t.Errorf("%s: %s is a %s, and %s a %s", method.Name, opts.Name(), argument.Name, argument.Type, field)
		}
	}
	if endpoint.Name == "upload" {
		required = append(required, bge.Argument{Name: "content"})
	}
	if len(in) != len(required) {
		t.Errorf("%s takes %d required arguments of %d", method.Name, len(in), len(required))
		return
	}
	for i, argument := range required {
		special := in[i] == sinks[endpoint.Name+"."+argument.Name] || argument.Name == "content" &&
			(in[i] == reflect.TypeFor[[]byte]() || in[i] == reflect.TypeFor[io.Reader]())
		if !special && !fits(argument, in[i]) {
			t.Errorf("%s: argument %d, %s, is a %s", method.Name, i+1, argument.Name, in[i])
		}
	}
	if method.Name == "DownloadFile" && endpoint.Name == "download_file" {
		return // its options are those of objects
	}
	for i := range opts.NumField() {
		name := opts.Field(i).Tag.Get("json")
		if name != "-" && !slices.Contains(optional, name) {
			t.Errorf("%s: the table knows no %s", method.Name, name)
		}
	}
	if !hasAny(opts, "Extra", "Params") || !hasAny(opts, "Call") {
		t.Errorf("%s has no Extra or no Call", opts.Name())
	}
}

func hasAny(t reflect.Type, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := t.FieldByName(name)
		return ok
	})
}

func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("json") == name {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}
