package bge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// cutter cuts an object into its members in one go of encoding/json, three times as fast as from token to token: it is
// read into a struct whose fields keep where their values stand. It gives up where there is anything else in the object
// than members that the type names, each once and written as they are; encoding/json would take "userid" for "userId",
// and say nothing of what it leaves out.
type cutter struct {
	names []string   // of the fields, in quotes; nil for those that are no members
	pool  *sync.Pool // of pointers to such structs
}

// piece is a value as it is written: a part of the text that is read.
type piece []byte

func (p *piece) UnmarshalJSON(value []byte) error {
	*p = value
	return nil
}

func newCutter(names []string) cutter {
	c := cutter{names: make([]string, len(names))}
	fields := make([]reflect.StructField, len(names))
	for i, name := range names {
		tag := reflect.StructTag(`json:"-"`)
		if name != "" {
			c.names[i], tag = `"`+name+`"`, reflect.StructTag(fmt.Sprintf(`json:%q`, name))
		}
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[piece](), Tag: tag}
	}
	pieces := reflect.StructOf(fields)
	c.pool = &sync.Pool{New: func() any { return reflect.New(pieces) }}
	return c
}

// place is where a member's value stands.
type place struct{ at, from, to int }

// cut gives every member to found, in their order, or none and false.
func (c cutter) cut(text []byte, found func(at int, value []byte)) bool {
	pooled := c.pool.Get().(reflect.Value)
	pieces := pooled.Elem()
	defer func() {
		pieces.SetZero() // the text is not held on to
		c.pool.Put(pooled)
	}()
	if json.Unmarshal(text, pooled.Interface()) != nil {
		return false
	}
	places := make([]place, 0, 32)
	for i := range c.names {
		value := pieces.Field(i).Bytes()
		if len(value) == 0 {
			continue
		}
		// a part of the text ends where the text's memory ends
		from := cap(text) - cap(value)
		if from < 0 || from+len(value) > len(text) || &text[from] != &value[0] {
			return false
		}
		places = append(places, place{i, from, from + len(value)})
		for n := len(places) - 1; n > 0 && places[n-1].from > from; n-- {
			places[n-1], places[n] = places[n], places[n-1]
		}
	}
	// what stands between the values is their names, and nothing else
	rest, opens := 0, byte('{')
	for _, p := range places {
		before := bytes.TrimLeft(text[rest:p.from], space)
		if len(before) == 0 || before[0] != opens {
			return false
		}
		before, named := bytes.CutPrefix(bytes.TrimLeft(before[1:], space), []byte(c.names[p.at]))
		if !named || string(bytes.Trim(before, space)) != ":" {
			return false
		}
		rest, opens = p.to, ','
	}
	if len(places) == 0 || string(bytes.Trim(text[rest:], space)) != "}" {
		return false
	}
	for _, p := range places {
		found(p.at, text[p.from:p.to])
	}
	return true
}

// space is what JSON allows between its tokens.
const space = " \t\r\n"
