package bge

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kindOf is how values of a type are read: an object or a list of objects by their layout, anything else by a func that
// says whether the value fits.
type kindOf struct {
	opens  byte
	inner  *layout
	read   func(into reflect.Value, value []byte) bool
	number bool
}

func kindFor(t reflect.Type) kindOf {
	if inner := layoutOf(t); inner != nil {
		return kindOf{opens: '{', inner: inner}
	}
	switch t {
	case reflect.TypeFor[json.Number]():
		return kindOf{read: readNumber, number: true}
	case reflect.TypeFor[json.RawMessage]():
		return kindOf{read: readRaw}
	}
	switch t.Kind() {
	case reflect.Slice:
		if inner := layoutOf(t.Elem()); inner != nil {
			return kindOf{opens: '[', inner: inner}
		}
		return kindOf{read: listReader(kindFor(t.Elem()))}
	case reflect.Map:
		return kindOf{read: mapReader(kindFor(t.Elem()))}
	case reflect.String:
		if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			break
		}
		return kindOf{read: readText}
	case reflect.Int, reflect.Int64:
		return kindOf{read: readWhole}
	}
	return kindOf{read: readOther}
}

func isNull(value []byte) bool { return string(value) == "null" }

func readText(into reflect.Value, value []byte) bool {
	if len(value) < 2 || value[0] != '"' {
		return false
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		into.SetString(string(inner))
		return true
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return false
	}
	into.SetString(text)
	// encoding/json writes U+FFFD for half of a pair of surrogates: that is another text
	return !strings.ContainsRune(text, utf8.RuneError) || bytes.ContainsRune(value, utf8.RuneError) || bytes.Contains(bytes.ToLower(value), []byte(`\ufffd`))
}

func readNumber(into reflect.Value, value []byte) bool {
	if len(value) == 0 || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return false
	}
	into.SetString(string(value))
	return true
}

// readQuotedNumber takes a number that is written as a text.
func readQuotedNumber(into reflect.Value, value []byte) bool {
	var number json.Number
	if value[0] != '"' || json.Unmarshal(value, &number) != nil || number == "" {
		return false
	}
	into.SetString(string(number))
	return true
}

func readRaw(into reflect.Value, value []byte) bool {
	if isNull(value) {
		return false
	}
	into.SetBytes(bytes.Clone(value))
	return true
}

// readWhole takes every way to write a whole number: 12, 12.0, 1.2e1.
func readWhole(into reflect.Value, value []byte) bool {
	text := string(value)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		exponent := strings.IndexAny(text, "eE")
		if text[0] != '-' && (text[0] < '0' || text[0] > '9') || exponent >= 0 && len(text)-exponent > len("e-999") {
			return false
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
			return false
		}
		n = exact.Num().Int64()
	}
	if into.OverflowInt(n) {
		return false
	}
	into.SetInt(n)
	return true
}

// readOther leaves types of their own to encoding/json: true and false, and PageToken.
func readOther(into reflect.Value, value []byte) bool {
	return !isNull(value) && json.Unmarshal(value, into.Addr().Interface()) == nil
}

// readElement reads a value within a list or a map, where null is allowed for numbers: an empty json.Number.
func readElement(kind kindOf, into reflect.Value, value []byte) bool {
	return kind.read != nil && (kind.read(into, value) || isNull(value) && into.Type() == reflect.TypeFor[json.Number]())
}

func listReader(element kindOf) func(reflect.Value, []byte) bool {
	return func(into reflect.Value, value []byte) bool {
		var values []json.RawMessage
		if isNull(value) || json.Unmarshal(value, &values) != nil {
			return false
		}
		list := reflect.MakeSlice(into.Type(), len(values), len(values))
		for i, value := range values {
			if into.Type().Elem() == reflect.TypeFor[json.RawMessage]() {
				list.Index(i).SetBytes(value)
			} else if !readElement(element, list.Index(i), value) {
				return false
			}
		}
		into.Set(list)
		return true
	}
}

func mapReader(element kindOf) func(reflect.Value, []byte) bool {
	return func(into reflect.Value, value []byte) bool {
		var values map[string]json.RawMessage
		if isNull(value) || json.Unmarshal(value, &values) != nil {
			return false
		}
		all := reflect.MakeMapWithSize(into.Type(), len(values))
		for name, value := range values {
			one := reflect.New(into.Type().Elem()).Elem()
			if !readElement(element, one, value) {
				return false
			}
			all.SetMapIndex(reflect.ValueOf(name), one)
		}
		into.Set(all)
		return true
	}
}

// appendValue writes what a field holds.
func appendValue(text []byte, v reflect.Value) ([]byte, error) {
	if l := layoutOf(v.Type()); l != nil {
		if !v.CanAddr() {
			copied := reflect.New(v.Type()).Elem()
			copied.Set(v)
			v = copied
		}
		return appendObject(text, v, l)
	}
	switch {
	case v.Type() == reflect.TypeFor[json.Number]() && v.Len() == 0,
		v.Type() == reflect.TypeFor[json.RawMessage]() && v.Len() == 0,
		(v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.IsNil():
		return append(text, "null"...), nil
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		text = append(text, '[')
		for i := range v.Len() {
			if i > 0 {
				text = append(text, ',')
			}
			var err error
			if text, err = appendValue(text, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return append(text, ']'), nil
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		names := make(map[string]reflect.Value, v.Len())
		for _, key := range v.MapKeys() {
			names[key.String()] = v.MapIndex(key)
		}
		text = append(text, '{')
		for _, name := range sortedKeys(names) {
			var err error
			if text, err = appendValue(appendMember(text, name, nil), names[name]); err != nil {
				return nil, err
			}
		}
		return append(text, '}'), nil
	}
	written, err := json.Marshal(v.Interface())
	return append(text, written...), err
}

func sortedKeys[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
