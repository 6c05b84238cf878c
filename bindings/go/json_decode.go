package bge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// decode reads a call's result into the type that documents it: an object, or a list of objects or of anything. In its
// members the rule of Extra holds; with strict, one that does not fit is an error.
func decode[T any](call string, raw json.RawMessage, strict bool) (T, error) {
	var result T
	err := read(reflect.ValueOf(&result).Elem(), raw)
	if page, is := any(&result).(interface{ check() error }); err == nil && is {
		err = page.check()
	}
	if err == nil && strict {
		if unfit := Misfits(result); len(unfit) > 0 {
			err = unfit[0]
		}
	}
	if err != nil {
		var none T
		return none, &Error{
			Status: StatusProtocol, Call: call, Data: raw, cause: err,
			Message: fmt.Sprintf("%s: the answer is not as documented: %v", call, err),
		}
	}
	return result, nil
}

func read(v reflect.Value, raw json.RawMessage) error {
	first := newReader(raw).first()
	kind := kindFor(v.Type())
	switch {
	case kind.inner != nil && kind.opens == '{' && first == '{':
		return readObject(v, kind.inner, raw)
	case kind.inner != nil && kind.opens == '[' && first == '[':
		fits, err := readList(v, kind.inner, raw)
		if err == nil && !fits {
			err = badElement("", raw)
		}
		return err
	case kind.inner == nil && first == '[':
		return json.Unmarshal(raw, v.Addr().Interface())
	}
	return Misfit{Want: want(v.Type()), Value: raw}
}

// badElement finds what is no object in a list that has to be one of objects.
func badElement(path string, raw json.RawMessage) error {
	var values []json.RawMessage
	if json.Unmarshal(raw, &values) != nil || isNull(raw) {
		return Misfit{Path: path, Want: "a list", Value: raw}
	}
	for i, value := range values {
		if value[0] != '{' {
			return Misfit{Path: fmt.Sprintf("%s[%d]", path, i), Want: "an object", Value: value}
		}
	}
	return nil
}

// A Misfit is a value of an answer that is not of the documented type. It stands in the Extra of the object around it.
type Misfit struct {
	Path  string // such as result[3].omic.code
	Want  string // such as "a whole number"
	Value json.RawMessage
}

// Error says where it is and what it is; the value itself may be personal, and is not in it.
func (m Misfit) Error() string {
	path := m.Path
	if path == "" {
		path = "it"
	}
	return fmt.Sprintf("%s is %s, and should be %s", path, describe(m.Value), m.Want)
}

// Misfits lists what in a result of this package, or a list of them, did not fit its field. A null is no misfit: it is
// the absence of a value.
func Misfits(result any) []Misfit {
	var found []Misfit
	walk("", reflect.ValueOf(result), &found)
	return found
}

func walk(path string, v reflect.Value, found *[]Misfit) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(path, v.Elem(), found)
		}
	case reflect.Slice:
		if layoutOf(v.Type().Elem()) != nil {
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i), found)
			}
		}
	case reflect.Struct:
		l := layoutOf(v.Type())
		if l == nil {
			return
		}
		below := func(name string) string {
			if path == "" {
				return name
			}
			return path + "." + name
		}
		extra := v.Field(l.extra).Interface().(Extra)
		for _, name := range sortedKeys(extra) {
			if at, named := l.at[name]; named && !isNull(extra[name]) {
				*found = append(*found, Misfit{below(name), want(v.Type().Field(at).Type), extra[name]})
			}
		}
		for at, name := range l.names {
			if name != "" {
				walk(below(name), v.Field(at), found)
			}
		}
	}
}

// want names what a field takes.
func want(t reflect.Type) string {
	switch {
	case layoutOf(t) != nil:
		return "an object"
	case t == reflect.TypeFor[json.RawMessage]():
		return "anything"
	case t == reflect.TypeFor[json.Number]():
		return "a number"
	case t == reflect.TypeFor[PageToken]():
		return "a text or a number"
	}
	switch t.Kind() {
	case reflect.Slice:
		if one := want(t.Elem()); one != "anything" {
			return "a list, each of it " + one
		}
		return "a list"
	case reflect.Map:
		return "an object, each member " + want(t.Elem())
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	default:
		return "a whole number"
	}
}

// describe says what a JSON value is, and nothing of what is in it.
func describe(value []byte) string {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return "not there"
	}
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
