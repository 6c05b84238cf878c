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
	cutter
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
	l.cutter = newCutter(l.names)
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

// readObject reads an object into a struct: each documented member into its field, or, where it does not fit, with all
// others into its Extra.
func readObject(v reflect.Value, l *layout, text []byte) error {
	o := reading{v: v, l: l}
	if !l.cut(text, o.member) {
		o = reading{v: v, l: l} // what is there is written over, or has its zero again
		for i, name := range l.names {
			if name != "" {
				v.Field(i).SetZero()
			}
		}
		if err := o.members(newReader(text)); err != nil {
			return err
		}
	} else if o.err != nil {
		return o.err
	}
	*v.Addr().Interface().(interface{ known() *members }).known() = o.seen
	v.Field(l.extra).Set(reflect.ValueOf(o.extra))
	return nil
}

// reading is an object that is being read.
type reading struct {
	v     reflect.Value
	l     *layout
	seen  members
	extra Extra
	err   error
}

// members reads one member after another, whatever they are.
func (o *reading) members(r *reader) error {
	if _, err := r.Token(); err != nil {
		return err
	}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return err
		}
		value, err := r.take()
		if err != nil {
			return err
		}
		name := token.(string)
		if at, named := o.l.at[name]; named {
			o.member(at, value)
		} else {
			o.keep(name, value)
		}
		if o.err != nil {
			return o.err
		}
	}
	_, err := r.Token()
	return err
}

// member reads a member that the type names.
func (o *reading) member(at int, value []byte) {
	name, field, kind := o.l.names[at], o.v.Field(at), o.l.kinds[at]
	o.seen |= 1 << at
	fits, err := into(field, kind, value)
	if err != nil {
		o.err = err
		return
	}
	if !fits && kind.number && readQuotedNumber(field, value) {
		fits = true
		o.seen |= 1 << (32 + at)
	}
	if !fits {
		o.keep(name, value)
	} else if o.extra != nil {
		delete(o.extra, name) // of a name that comes twice the last value counts
	}
}

func (o *reading) keep(name string, value []byte) {
	if o.extra == nil {
		o.extra = Extra{}
	}
	o.extra[name] = bytes.Clone(value)
}

// into reads a value into a field. One that does not fit leaves the field's zero.
func into(field reflect.Value, kind kindOf, value []byte) (fits bool, err error) {
	switch {
	case kind.inner == nil || value[0] != kind.opens:
		fits = kind.read != nil && kind.read(field, value)
	case kind.opens == '{':
		return true, readObject(field, kind.inner, value)
	default:
		fits, err = readList(field, kind.inner, value)
	}
	if !fits && err == nil {
		field.SetZero()
	}
	return fits, err
}

// readList reads a list of objects. It fits when each of its elements is one.
func readList(field reflect.Value, l *layout, text []byte) (fits bool, err error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		return false, err
	}
	list := reflect.MakeSlice(field.Type(), len(elements), len(elements))
	for i, element := range elements {
		if element[0] != '{' {
			return false, nil
		}
		if err := readObject(list.Index(i), l, element); err != nil {
			return false, err
		}
	}
	field.Set(list)
	return true, nil
}

// unmarshal reads an object into the struct that into points to.
func unmarshal(text []byte, into any) error {
	v := reflect.ValueOf(into).Elem()
	switch newReader(text).first() {
	case 'n':
		return nil // as encoding/json has it for every type
	case '{':
		return readObject(v, layoutOf(v.Type()), text)
	}
	return fmt.Errorf("bge: %s cannot be read from %s", v.Type(), describe(text))
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
