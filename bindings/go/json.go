package bge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Extra holds what an answer has beside the fields of its type, each value as the platform wrote it: members that the
// type does not name, and under their own names those whose value is not of their field's type, null among them. Such a
// field has its zero value. [Misfits] lists them.
type Extra map[string]json.RawMessage

// members is embedded in every type of an answer. It remembers which members were there, so that a zero that the
// platform wrote is written again, and one that it did not write is not: bit i for field i. Bit 32+i is of numbers that
// were written as a text, as the platform does here and there ("expires": "1573026921").
type members uint64

func (m *members) known() *members { return m }

// layout says where a struct's JSON members are, and how each is read.
type layout struct {
	at    map[string]int // field of a name
	names []string       // of the fields; empty for those that are no members
	kinds []kindOf
	extra int
}

var layouts sync.Map // reflect.Type to *layout

// layoutOf gives nil for what is no type of an answer.
func layoutOf(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout)
	}
	if t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(reflect.TypeFor[interface{ known() *members }]()) {
		return nil
	}
	l := &layout{at: map[string]int{}, names: make([]string, t.NumField()), kinds: make([]kindOf, t.NumField())}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Type == reflect.TypeFor[Extra]():
			l.extra = i
		case name != "" && name != "-":
			l.at[name], l.names[i], l.kinds[i] = i, name, kindFor(field.Type)
		}
	}
	layouts.Store(t, l)
	return l
}

// reader goes through a JSON text from one of encoding/json's tokens to the next.
type reader struct {
	*json.Decoder
	text []byte
	now  json.RawMessage // what take gave
}

func newReader(text []byte) *reader {
	return &reader{Decoder: json.NewDecoder(bytes.NewReader(text)), text: text}
}

// first is the first byte of the next value.
func (r *reader) first() byte {
	for _, c := range r.text[r.InputOffset():] {
		switch c {
		case ' ', '\t', '\r', '\n', ':', ',':
		default:
			return c
		}
	}
	return 0
}

// take gives the next value as it is written, good until the next call.
func (r *reader) take() (json.RawMessage, error) {
	err := r.Decode(&r.now)
	return r.now, err
}

// object reads an object into a struct: each documented member into its field, or, where it does not fit, with all
// others into its Extra.
func (r *reader) object(v reflect.Value, l *layout) error {
	if _, err := r.Token(); err != nil {
		return err
	}
	var extra Extra
	var seen members
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return err
		}
		name := token.(string)
		var left json.RawMessage // what no field holds
		at, named := l.at[name]
		if named {
			seen |= 1 << at
			left, err = r.into(v.Field(at), l.kinds[at])
			if left != nil && l.kinds[at].number && readQuotedNumber(v.Field(at), left) {
				left = nil
				seen |= 1 << (32 + at)
			}
		} else {
			left, err = r.take()
		}
		if err != nil {
			return err
		}
		if left != nil {
			if extra == nil {
				extra = Extra{}
			}
			extra[name] = bytes.Clone(left)
		} else if extra != nil {
			delete(extra, name) // of a name that comes twice the last value counts
		}
	}
	if _, err := r.Token(); err != nil {
		return err
	}
	*v.Addr().Interface().(interface{ known() *members }).known() = seen
	v.Field(l.extra).Set(reflect.ValueOf(extra))
	return nil
}

// into reads the next value into a field. One that does not fit is given back, and leaves the field's zero.
func (r *reader) into(field reflect.Value, kind kindOf) (left json.RawMessage, err error) {
	if kind.inner == nil || r.first() != kind.opens {
		value, err := r.take()
		if err == nil && kind.read != nil && kind.read(field, value) {
			return nil, nil
		}
		field.SetZero()
		return value, err
	}
	if kind.opens == '{' {
		return nil, r.object(field, kind.inner)
	}
	start := r.InputOffset()
	fits, err := r.list(field, kind.inner)
	if err != nil || fits {
		return nil, err
	}
	field.SetZero()
	return bytes.TrimLeft(r.text[start:r.InputOffset()], " \t\r\n:,"), nil
}

// list reads a list of objects. It fits when each of its elements is one.
func (r *reader) list(field reflect.Value, l *layout) (fits bool, err error) {
	if _, err := r.Token(); err != nil {
		return false, err
	}
	list, none := reflect.MakeSlice(field.Type(), 0, 0), reflect.Zero(field.Type().Elem())
	fits = true
	for r.More() {
		if r.first() != '{' {
			fits = false
			if _, err := r.take(); err != nil {
				return false, err
			}
			continue
		}
		list = reflect.Append(list, none)
		if err := r.object(list.Index(list.Len()-1), l); err != nil {
			return false, err
		}
	}
	_, err = r.Token()
	field.Set(list)
	return fits, err
}

// unmarshal reads an object into the struct that into points to.
func unmarshal(object []byte, into any) error {
	v := reflect.ValueOf(into).Elem()
	l := layoutOf(v.Type())
	r := newReader(object)
	if r.first() == 'n' {
		return nil // as encoding/json has it for every type
	}
	if r.first() != '{' {
		return fmt.Errorf("bge: %s cannot be read from %s", v.Type(), describe(object))
	}
	return r.object(v, l)
}

// marshal writes a struct and its Extra as one object: the fields that are not zero, or were there when it was read.
func marshal(from any) ([]byte, error) {
	v := reflect.ValueOf(from)
	copied := reflect.New(v.Type()) // of which a pointer can be had
	copied.Elem().Set(v)
	return appendObject(nil, copied.Elem(), layoutOf(v.Type()))
}

func appendObject(text []byte, v reflect.Value, l *layout) ([]byte, error) {
	seen := *v.Addr().Interface().(interface{ known() *members }).known()
	extra := v.Field(l.extra).Interface().(Extra)
	text = append(text, '{')
	for i, name := range l.names {
		field := v.Field(i)
		_, instead := extra[name]
		if name == "" || field.IsZero() && (instead || seen>>i&1 == 0) {
			continue
		}
		text = appendMember(text, name, nil)
		if seen>>(32+i)&1 != 0 && field.Len() > 0 {
			text = append(append(append(text, '"'), field.String()...), '"')
			continue
		}
		var err error
		if text, err = appendValue(text, field); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(extra) {
		value := extra[name]
		if at, named := l.at[name]; named && !v.Field(at).IsZero() {
			continue // a field that was set since then
		}
		if len(value) == 0 {
			value = json.RawMessage("null")
		}
		text = appendMember(text, name, value)
	}
	return append(text, '}'), nil
}
