// Package texts writes JSON without changing what it is given.
package texts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// Marshal is json.Marshal, but for texts that are no UTF-8: encoding/json would replace what is wrong, in silence.
func Marshal(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	if !utf8.Valid(text) || bytes.Contains(text, []byte(`\ufffd`)) && !valid(reflect.ValueOf(value)) {
		return nil, fmt.Errorf("must be valid UTF-8")
	}
	return text, nil
}

// valid looks at every text within a value.
func valid(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || valid(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if !valid(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			if !valid(i.Key()) || !valid(i.Value()) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !valid(v.Field(i)) {
				return false
			}
		}
	}
	return true
}
