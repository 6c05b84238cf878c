package bge

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// args are a call's arguments by their documented names.
type args map[string]any

// Options are those of a call that has no optional arguments of its own. nil means none.
type Options struct {
	// Extra are parameters that the library does not know; they are passed through to the platform.
	Extra map[string]any `json:"-"`
	// Call says how this one call is carried out.
	Call CallOptions `json:"-"`
}

// encode puts required arguments and a pointer to a struct of optional ones (or nil) together as args_json. A field
// counts as not given when it is its type's zero value.
func encode(call string, required args, opts any) (string, CallOptions, error) {
	all := args{}
	for name, value := range required {
		if err := put(all, name, value); err != nil {
			return "", CallOptions{}, argument(call, "%v", err)
		}
	}
	var how CallOptions
	if v := reflect.ValueOf(opts); opts != nil && !v.IsNil() {
		v = v.Elem()
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" || v.Field(i).IsZero() {
				continue
			}
			if err := put(all, name, v.Field(i).Interface()); err != nil {
				return "", CallOptions{}, argument(call, "%v", err)
			}
		}
		for _, extra := range []string{"Extra", "Params"} {
			if field := v.FieldByName(extra); field.IsValid() {
				for name, value := range field.Interface().(map[string]any) {
					if name == "$" {
						return "", CallOptions{}, argument(call, "%s[\"$\"]: the library's own switches go in Call", extra)
					}
					if err := put(all, name, value); err != nil {
						return "", CallOptions{}, argument(call, "%v", err)
					}
				}
			}
		}
		how = v.FieldByName("Call").Interface().(CallOptions)
	}
	switches, err := how.switches()
	if err != nil {
		return "", how, argument(call, "%v", err)
	}
	if len(switches) > 0 {
		all["$"] = switches
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", how, argument(call, "an argument cannot be written as JSON: %v", err)
	}
	return string(text), how, nil
}

// put adds one argument, which must not be there yet, and whose text must be what it will be after encoding.
func put(all args, name string, value any) error {
	if _, twice := all[name]; twice {
		return fmt.Errorf("%s is given twice", name)
	}
	texts := []string{name}
	switch value := value.(type) {
	case string:
		texts = append(texts, value)
	case []string:
		texts = append(texts, value...)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) { // encoding/json would replace what is wrong, in silence
			return fmt.Errorf("%s must be valid UTF-8", strings.ToValidUTF8(name, "?"))
		}
	}
	all[name] = value
	return nil
}
