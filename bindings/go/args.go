package bge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/libbge/libbge/bindings/go/internal/texts"
)

// args are a call's arguments by their documented names.
type args = map[string]any

// Options are those of a call that has no optional arguments of its own. nil means none.
type Options struct {
	// Extra are parameters that the library does not know; they are passed through to the platform.
	Extra map[string]any `json:"-"`
	// Call says how this one call is carried out.
	Call CallOptions `json:"-"`
}

// request is a call with its arguments, checked.
type request struct {
	call     string
	args     map[string]json.RawMessage
	how      CallOptions
	switches map[string]any // the member "$"
	// nothing is true of a list with a filter that nothing passes: an empty one that is not nil.
	nothing bool
}

// newRequest puts required arguments and a pointer to a struct of optional ones (or nil) together. A field counts as not
// given when it is its type's zero value.
func newRequest(call string, required args, opts any) (*request, error) {
	r := &request{call: call, args: map[string]json.RawMessage{}}
	for name, value := range required {
		if err := r.put(name, value); err != nil {
			return nil, err
		}
	}
	if v := reflect.ValueOf(opts); opts != nil && !v.IsNil() {
		if err := r.options(v.Elem()); err != nil {
			return nil, err
		}
	}
	switches, err := r.how.switches()
	if err != nil {
		return nil, argument(call, "%v", err)
	}
	r.switches = switches
	return r, nil
}

func (r *request) options(v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Field(i)
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "-" || field.IsZero() {
			continue
		}
		if field.Kind() == reflect.Slice && field.Len() == 0 {
			if !v.FieldByName("NextPage").IsValid() {
				return argument(r.call, "%s is an empty list; nil stands for all", name)
			}
			r.nothing = true
		}
		if err := r.put(name, field.Interface()); err != nil {
			return err
		}
	}
	for _, extra := range []string{"Extra", "Params"} {
		field := v.FieldByName(extra)
		if !field.IsValid() {
			continue
		}
		for name, value := range field.Interface().(map[string]any) {
			if name == "$" {
				return argument(r.call, "%s[\"$\"]: the library's own switches go in Call", extra)
			}
			if err := r.put(name, value); err != nil {
				return err
			}
		}
	}
	r.how = v.FieldByName("Call").Interface().(CallOptions)
	return nil
}

// put adds one argument, which must not be there yet.
func (r *request) put(name string, value any) error {
	if _, twice := r.args[name]; twice {
		return argument(r.call, "%s is given twice", name)
	}
	if !utf8.ValidString(name) {
		return argument(r.call, "the name %s must be valid UTF-8", strings.ToValidUTF8(name, "?"))
	}
	if d, ok := value.(time.Duration); ok {
		if d < time.Second || d%time.Second != 0 {
			return argument(r.call, "%s must be whole seconds, 1 s or more, and is %v", name, d)
		}
		value = int64(d / time.Second)
	}
	text, err := texts.Marshal(value)
	if err != nil {
		return argument(r.call, "%s %v", name, err)
	}
	r.args[name] = text
	return nil
}

// json is the request as an object, with further switches of the client's own. Its deadline is the nearer of its own and
// the context's.
func (r *request) json(ctx context.Context, further map[string]any) (string, error) {
	text := []byte{'{'}
	for _, name := range sortedKeys(r.args) {
		text = appendMember(text, name, r.args[name])
	}
	switches := merge(ctx, r.switches, further)
	if len(switches) > 0 {
		written, err := texts.Marshal(switches)
		if err != nil {
			return "", argument(r.call, "the switches %v", err)
		}
		text = appendMember(text, "$", written)
	}
	return string(append(text, '}')), nil
}

// merge puts the switches of one call and those of its client together; the call's own come first. The deadline is the
// nearest, the context's among them.
func merge(ctx context.Context, own, further map[string]any) map[string]any {
	all := map[string]any{}
	for name, value := range further {
		all[name] = value
	}
	for name, value := range own {
		if headers, ok := all[name].(map[string]string); ok && name == "headers" {
			value = both(headers, value)
		}
		all[name] = value
	}
	left, bounded := timeLeft(ctx)
	switch given := all["deadline"].(type) {
	case float64:
		bounded = bounded && left.Seconds() < given
	case json.Number:
		seconds, err := given.Float64()
		bounded = bounded && err == nil && left.Seconds() < seconds
	case nil:
	default:
		bounded = false // for the library to refuse
	}
	if bounded {
		all["deadline"] = left.Seconds()
	}
	return all
}

// both adds a call's own headers to those of its client, whose names are the same in any case of letters.
func both(clients map[string]string, own any) any {
	all := map[string]any{}
	for name, value := range clients {
		all[http.CanonicalHeaderKey(name)] = value
	}
	switch own := own.(type) {
	case map[string]string:
		for name, value := range own {
			all[http.CanonicalHeaderKey(name)] = value
		}
	case map[string]any:
		for name, value := range own {
			all[http.CanonicalHeaderKey(name)] = value
		}
	default:
		return own // for the library to refuse
	}
	return all
}

// appendMember adds a member to an object that is not closed yet.
func appendMember(text []byte, name string, value json.RawMessage) []byte {
	if text[len(text)-1] != '{' {
		text = append(text, ',')
	}
	quoted, _ := json.Marshal(name) // of a text it always succeeds
	return append(append(append(text, quoted...), ':'), value...)
}

// withSwitches puts switches of the client's own, and the context's deadline, into an object of arguments. All else
// stays as it is written.
func withSwitches(ctx context.Context, text []byte, further map[string]any) (string, error) {
	if _, bounded := ctx.Deadline(); !bounded && len(further) == 0 {
		return string(text), nil
	}
	r := newReader(text)
	if _, err := r.Token(); err != nil {
		return "", err
	}
	open := r.InputOffset()
	for r.More() {
		name, err := r.Token()
		if err != nil {
			return "", err
		}
		start := r.InputOffset()
		value, err := r.take()
		if err != nil {
			return "", err
		}
		if name != "$" {
			continue
		}
		var own map[string]any
		decoder := json.NewDecoder(bytes.NewReader(value))
		decoder.UseNumber()
		if decoder.Decode(&own) != nil {
			return string(text), nil // for the library to refuse
		}
		written, err := texts.Marshal(merge(ctx, own, further))
		return string(text[:start]) + ":" + string(written) + string(text[r.InputOffset():]), err
	}
	written, err := texts.Marshal(merge(ctx, nil, further))
	comma := ","
	if r.first() == '}' && len(bytes.TrimSpace(text[open:])) == 1 {
		comma = ""
	}
	return fmt.Sprintf(`%s"$":%s%s%s`, text[:open], written, comma, text[open:]), err
}

// timeLeft is how long a context has, at least a little.
func timeLeft(ctx context.Context) (time.Duration, bool) {
	deadline, bounded := ctx.Deadline()
	return max(time.Until(deadline), time.Millisecond), bounded
}
