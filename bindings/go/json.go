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
	names []string
	at    []int
	extra int
}

var layouts sync.Map // reflect.Type to *layout

func layoutOf(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout)
	}
	l := &layout{extra: -1}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Type == reflect.TypeFor[Extra]():
			l.extra = i
		case name != "" && name != "-":
			l.names, l.at = append(l.names, name), append(l.at, i)
		}
	}
	layouts.Store(t, l)
	return l
}

// unmarshal reads an object into the struct that into points to: each documented member into its field, all others
// into its Extra. null leaves a field as it is.
func unmarshal(object []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return err
	}
	v := reflect.ValueOf(into).Elem()
	l := layoutOf(v.Type())
	for i, name := range l.names {
		raw, ok := members[name]
		if !ok {
			continue
		}
		field := v.Field(l.at[i])
		if !bytes.Equal(raw, []byte("null")) && json.Unmarshal(raw, field.Addr().Interface()) != nil {
			field.SetZero()
			continue
		}
		delete(members, name)
	}
	if len(members) > 0 {
		v.Field(l.extra).Set(reflect.ValueOf(Extra(members)))
	}
	return nil
}

// marshal writes a struct and its Extra as one object. Fields of zero value are left out.
func marshal(from any) ([]byte, error) {
	v := reflect.ValueOf(from)
	l := layoutOf(v.Type())
	members := map[string]any{}
	for name, raw := range v.Field(l.extra).Interface().(Extra) {
		members[name] = raw
	}
	for i, name := range l.names {
		if field := v.Field(l.at[i]); !field.IsZero() {
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
