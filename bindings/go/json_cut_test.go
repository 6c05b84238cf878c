package bge

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What is cut in one go is read as from token to token; and where that is not so simple, it is not cut.
func TestJSONCut(t *testing.T) {
	l := layoutOf(reflect.TypeFor[User]())
	for text, simple := range map[string]bool{
		`{"userId":"u","username":"中文","sex":1}`:                                true,
		" {\t\"sex\" : 12.0 ,\n\"userId\":null, \"email\":\"a\\\"b\\u00e9\" } ": true, // in any order, of any type
		`{"username":{"a":[1,"}"]},"userId":["],{"]}`:                           true,
		`{"username":"userId\":\"u","phone":"\"sex\":"}`:                        true,
		`{}`:                         false,
		`{"username":"a","other":1}`: false,
		`{"other":{"userId":"u"},"username":"a"}`: false,
		`{"userid":"u"}`:                           false,
		`{"USERNAME":"u","username":"a"}`:          false,
		`{"username":"a","username":"b"}`:          false,
		`{"username":"a","sex":1,"username":null}`: false,
		`{"user\u0049d":"u"}`:                      false,
		`{"":1,"sex":2}`:                           false,
	} {
		var cut, token User
		if got := l.cut([]byte(text), func(int, []byte) {}); got != simple {
			t.Errorf("%s is cut: %v", text, got)
		}
		if err := readObject(reflect.ValueOf(&cut).Elem(), l, []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		o := reading{v: reflect.ValueOf(&token).Elem(), l: l}
		if err := o.members(newReader([]byte(text))); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		token.members, token.Extra = o.seen, o.extra
		if !reflect.DeepEqual(cut, token) {
			t.Errorf("%s is read as %#v and %#v", text, cut, token)
		}
	}
	for _, text := range []string{``, `{`, `{"sex":1`, `{"sex":1}}`, `{"sex":1} x`, `{"sex":}`, `[1]`, `null`, `{"sex":1,}`} {
		if l.cut([]byte(text), func(int, []byte) { t.Errorf("of %s something is found", text) }) {
			t.Errorf("%s is cut", text)
		}
	}
	// a part of a longer text, and one that is written over afterwards
	text := []byte(`x{"username":"a"}x`)
	var user User
	if err := readObject(reflect.ValueOf(&user).Elem(), l, text[1:len(text)-1]); err != nil {
		t.Error(err)
	}
	copy(text, make([]byte, len(text)))
	if user.Username != "a" {
		t.Errorf("%q", user.Username)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := json.RawMessage(`{"userId":"u-1","username":"zhangsan","nickname":"San","sex":1,"birthday":"1989-10-01T08:00:00+0800","email":"a@example.com","phone":"13800000000","userAddress":"深圳","avatar":"https://example.com/a.png","personnelInfoCode":"P-1"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode[User]("get_user", text, false); err != nil {
			b.Fatal(err)
		}
	}
}
