package bge

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// The parts of a JSON text that encoding/json has found valid. What is not valid gives an error or a part that
// encoding/json will refuse, never a panic.

var errJSON = errors.New("bge: the JSON is cut short")

// members gives each member of an object.
func members(text []byte, visit func(name string, value []byte)) error {
	i := space(text, 0)
	if i >= len(text) || text[i] != '{' {
		return errors.New("bge: the JSON is no object")
	}
	return parts(text, i+1, '}', func(at int) (int, error) {
		end, err := value(text, at)
		if err != nil {
			return 0, err
		}
		name, ok := plain(text[at:end])
		if !ok {
			if err := json.Unmarshal(text[at:end], &name); err != nil {
				return 0, err
			}
		}
		colon := space(text, end)
		if colon >= len(text) || text[colon] != ':' {
			return 0, errJSON
		}
		at = space(text, colon+1)
		if end, err = value(text, at); err == nil {
			visit(name, text[at:end])
		}
		return end, err
	})
}

// elements gives each element of an array.
func elements(text []byte, visit func(value []byte)) error {
	i := space(text, 0)
	if i >= len(text) || text[i] != '[' {
		return errors.New("bge: the JSON is no array")
	}
	return parts(text, i+1, ']', func(at int) (int, error) {
		end, err := value(text, at)
		if err == nil {
			visit(text[at:end])
		}
		return end, err
	})
}

// parts goes from one comma to the next, up to the closing bracket.
func parts(text []byte, i int, closing byte, part func(at int) (end int, err error)) error {
	for {
		i = space(text, i)
		if i < len(text) && text[i] == closing {
			return nil
		}
		end, err := part(i)
		if err != nil {
			return err
		}
		i = space(text, end)
		if i >= len(text) {
			return errJSON
		}
		switch text[i] {
		case ',':
			i++
		case closing:
			return nil
		default:
			return errJSON
		}
	}
}

// value gives the end of the value that begins at i.
func value(text []byte, i int) (int, error) {
	start, depth := i, 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if i >= len(text) {
				return 0, errJSON
			}
			if depth == 0 {
				return i + 1, nil
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of what a number or word stands in
				return i, notEmpty(start, i)
			}
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i, notEmpty(start, i)
			}
		}
	}
	if depth > 0 {
		return 0, errJSON
	}
	return i, notEmpty(start, i)
}

func notEmpty(start, end int) error {
	if start == end {
		return errJSON
	}
	return nil
}

func space(text []byte, i int) int {
	for i < len(text) && strings.IndexByte(" \t\n\r", text[i]) >= 0 {
		i++
	}
	return i
}

// plain gives the text of a JSON string that stands there as it is, without escapes.
func plain(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return "", false
	}
	inner := value[1 : len(value)-1]
	for _, c := range inner {
		if c == '\\' || c == '"' {
			return "", false
		}
	}
	return string(inner), utf8.Valid(inner)
}
