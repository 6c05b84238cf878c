package bge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Extra holds the members of an answer that its type does not name, as the platform wrote them. A member that the type
// does name, but whose value does not fit, is there too instead of being lost.
type Extra map[string]json.RawMessage

// layout says where a struct's JSON members are.
type layout struct {
	at    map[string]int
	extra int
}

var layouts sync.Map // reflect.Type to *layout

func layoutOf(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout)
	}
	l := &layout{at: map[string]int{}}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Type == reflect.TypeFor[Extra]():
			l.extra = i
		case name != "" && name != "-":
			l.at[name] = i
		}
	}
	layouts.Store(t, l)
	return l
}

// unmarshal reads an object into the struct that into points to: each documented member into its field, all others
// into its Extra. null leaves a field as it is. encoding/json has found the text valid by then; it would read each
// member anew for every level that it is nested in, which profiles of thousands of rows feel.
func unmarshal(object []byte, into any) error {
	if string(object) == "null" {
		return nil
	}
	v := reflect.ValueOf(into).Elem()
	l := layoutOf(v.Type())
	var extra Extra
	err := members(object, func(name string, value []byte) {
		if at, ok := l.at[name]; ok {
			field := v.Field(at)
			if string(value) == "null" || assign(field, value) == nil {
				return
			}
			field.SetZero()
		}
		if extra == nil {
			extra = Extra{}
		}
		extra[name] = bytes.Clone(value)
	})
	if extra != nil {
		v.Field(l.extra).Set(reflect.ValueOf(extra))
	}
	return err
}

// assign reads one value into a field, without a detour for the types that answers are made of.
func assign(field reflect.Value, value []byte) error {
	if into, ok := field.Addr().Interface().(json.Unmarshaler); ok {
		return into.UnmarshalJSON(value)
	}
	switch field.Kind() {
	case reflect.String:
		isNumber := field.Type() == reflect.TypeFor[json.Number]()
		if text, ok := plain(value); ok && !isNumber {
			field.SetString(text)
			return nil
		}
		if isNumber && (value[0] == '-' || '0' <= value[0] && value[0] <= '9') {
			field.SetString(string(value))
			return nil
		}
	case reflect.Slice:
		if reflect.PointerTo(field.Type().Elem()).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			return assignSlice(field, value)
		}
	}
	return json.Unmarshal(value, field.Addr().Interface())
}

func assignSlice(field reflect.Value, value []byte) error {
	list := reflect.MakeSlice(field.Type(), 0, 0)
	none := reflect.Zero(field.Type().Elem())
	var failure error
	err := elements(value, func(element []byte) {
		list = reflect.Append(list, none)
		into := list.Index(list.Len() - 1).Addr().Interface().(json.Unmarshaler)
		if err := into.UnmarshalJSON(element); failure == nil {
			failure = err
		}
	})
	if err == nil {
		err = failure
	}
	if err == nil {
		field.Set(list)
	}
	return err
}

// marshal writes a struct and its Extra as one object. Fields of zero value are left out.
func marshal(from any) ([]byte, error) {
	v := reflect.ValueOf(from)
	l := layoutOf(v.Type())
	members := map[string]any{}
	for name, raw := range v.Field(l.extra).Interface().(Extra) {
		members[name] = raw
	}
	for name, at := range l.at {
		if field := v.Field(at); !field.IsZero() {
			members[name] = field.Interface()
		}
	}
	return json.Marshal(members)
}

// decode reads a call's result into the type that documents it.
func decode[T any](call string, raw json.RawMessage) (T, error) {
	var result T
	if err := json.Unmarshal(raw, &result); err != nil {
		var none T
		return none, &Error{
			Status: StatusProtocol, Call: call, Data: raw, cause: err,
			Message: fmt.Sprintf("%s: the answer is not as documented: %v", call, err),
		}
	}
	return result, nil
}
