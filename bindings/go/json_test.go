package bge

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// parsed is a JSON text as encoding/json has it, for comparing.
func parsed(t testing.TB, text []byte) any {
	t.Helper()
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestJSONKeepsWhatItDoesNotKnow(t *testing.T) {
	const text = `{"biosample_id": "E-B1", "omic": {"code": 1, "display": "genomics", "since": 2019},
		"update_time": 17, "statistics": {"depth": 86.10400, "coverage": 1e-07, "human_contamination": null},
		"colour": [1, {"a": 9007199254740993}], "sequencing": {"platform": ["a", 5], "read_type": []}}`
	var sample Sample
	if err := json.Unmarshal([]byte(text), &sample); err != nil {
		t.Fatal(err)
	}
	if sample.BiosampleID != "E-B1" || sample.Omic.Code != 1 || sample.Statistics.Depth != "86.10400" ||
		sample.Statistics.Coverage != "1e-07" || sample.Statistics.HumanContamination != "" || sample.Sequencing.Platform != nil {
		t.Errorf("read: %+v", sample)
	}
	// a text that came as a number is not lost, and not a reason to lose the rest
	want := Extra{"colour": json.RawMessage(`[1, {"a": 9007199254740993}]`), "update_time": json.RawMessage("17")}
	if sample.UpdateTime != "" || !reflect.DeepEqual(sample.Extra, want) {
		t.Errorf("extra: %s", sample.Extra)
	}
	if string(sample.Omic.Extra["since"]) != "2019" || string(sample.Sequencing.Extra["platform"]) != `["a", 5]` {
		t.Errorf("extra of members: %s, %s", sample.Omic.Extra, sample.Sequencing.Extra)
	}
	var told []string
	for _, unfit := range Misfits([]Sample{{}, sample}) {
		told = append(told, unfit.Error())
	}
	if got := strings.Join(told, "; "); got != "[1].update_time is a number, and should be a text; "+
		"[1].sequencing.platform is a list, and should be a list, each of it a text" {
		t.Errorf("misfits: %s", got)
	}
	if err := json.Unmarshal([]byte(`[]`), &sample); err == nil {
		t.Error("an array is no sample")
	}
}

// What was there is written again, what was not is not, and every null, false, 0 and empty text is one again.
func TestJSONGoesRound(t *testing.T) {
	texts := map[string]any{
		`{"biosample_id":"","primary":false,"data_availability":null,"project":[],"omic":{"code":0,"display":null},"sequencing":{},"organism":null,"status":{"code":"1"}}`: new(Sample),
		`{"biosample_id":"E-B1","project":[{"project_id":""},{}],"sequencing":{"platform":["",""],"read_type":null}}`:                                                      new(Sample),
		`{"biosample_id":"E-B1","project":[{"project_id":""},"P-2"],"update_time":""}`:                                                                                     new(Sample),
		`{"AN":0,"DP":12,"site_quality":0.0,"frequency":{"EAS":[0.5,null,1e-07],"":[]}}`:                                                                                   new(VariantInformation),
		`{"AN":1.5,"DP":"12","site_quality":"0.5","frequency":{"EAS":["x"]}}`:                                                                                              new(VariantInformation),
		`{"GT":"0/1","DP":0,"AD":[0,12],"PL":null}`:                                                                                                                        new(VariantCall),
		`{"GT":1,"DP":true,"AD":[0,null],"PL":{}}`:                                                                                                                         new(VariantCall),
		`{"result":[{"biosample_id":""},{}],"count":0,"next_page":null}`:                                                                                                   new(Page[Sample]),
		`{"result":[null],"count":null,"next_page":"a"}`:                                                                                                                   new(Page[Sample]),
		`{"model_code":0,"model_msg":"","model_data":null,"task_id":null}`:                                                                                                 new(ModelResult),
		`{"model_data":{"a":[1,null,false]},"task_id":["x"]}`:                                                                                                              new(ModelResult),
		`{"mean":0,"freq":-0.0,"rank_ratio":"","background":{"50%":null,"75%":1e400}}`:                                                                                     new(Background),
		`{"total":0,"list":[null,{},"a",0]}`:                                                                                                                               new(ReportDetails),
		`{"url":"","expires":"1573026921"}`:                                                                                                                                new(DownloadURL),
		`{"url":"","expires":"never"}`:                                                                                                                                     new(DownloadURL),
		`{"url":"","expires":""}`:                                                                                                                                          new(DownloadURL),
		`{"url":"a\ud800b","expires":12}`:                                                                                                                                  new(DownloadURL),
		`{"url":"a\ufffdb\n\"<","expires":99999999999999999999}`:                                                                                                           new(DownloadURL),
	}
	for text, into := range texts {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		written, err := json.Marshal(into)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !reflect.DeepEqual(parsed(t, written), parsed(t, []byte(text))) {
			t.Errorf("%s became %s", text, written)
		}
	}
}

func TestJSONWholeNumbers(t *testing.T) {
	for text, want := range map[string]int64{
		"12": 12, "12.0": 12, "-3.00": -3, "1.2e1": 12, "120E-1": 12, "0": 0, "-0.0": 0, "9007199254740993": 9007199254740993,
		"9007199254740993.0": 9007199254740993, "9223372036854775807": 9223372036854775807,
	} {
		var coded Coded
		if err := json.Unmarshal([]byte(`{"code":`+text+`}`), &coded); err != nil || coded.Code != want || coded.Extra != nil {
			t.Errorf("%s is read as %d (%s, %v)", text, coded.Code, coded.Extra, err)
		}
	}
	for _, text := range []string{"12.5", "1e-3", "9223372036854775808", "1e999999999", "1e99", `"12"`, "true", "null", "[12]", "{}"} {
		var coded Coded
		if err := json.Unmarshal([]byte(`{"code":`+text+`}`), &coded); err != nil || coded.Code != 0 || string(coded.Extra["code"]) != text {
			t.Errorf("%s is read as %d (%s, %v)", text, coded.Code, coded.Extra, err)
		}
	}
	// the last of two counts, wherever it goes
	var coded Coded
	if err := json.Unmarshal([]byte(`{"code":"a","code":7}`), &coded); err != nil || coded.Code != 7 || len(coded.Extra) != 0 {
		t.Errorf("%+v (%v)", coded, err)
	}
	if err := json.Unmarshal([]byte(`{"code":7,"code":"a"}`), &coded); err != nil || coded.Code != 0 || string(coded.Extra["code"]) != `"a"` {
		t.Errorf("%+v (%v)", coded, err)
	}
}

// What would lose a row, or a page of them, is an error; so is what is no result at all.
func TestDecodeLosesNoRows(t *testing.T) {
	page := func(text string) error {
		_, err := decode[Page[Sample]]("call", json.RawMessage(text), false)
		return err
	}
	list := func(text string) error { _, err := decode[[]Variant]("call", json.RawMessage(text), false); return err }
	object := func(text string) error { _, err := decode[User]("call", json.RawMessage(text), false); return err }
	raws := func(text string) error {
		_, err := decode[[]json.RawMessage]("call", json.RawMessage(text), false)
		return err
	}
	for _, c := range []struct {
		read func(string) error
		text string
		told string // empty: it is read
	}{
		{page, `{"result":[{"biosample_id":"E-1"},"E-2"],"count":2}`, "result[1] is a text"},
		{page, `{"result":[{},null]}`, "result[1] is null"},
		{page, `{"result":[[{}]]}`, "result[0] is a list"},
		{page, `{"result":{"a":1}}`, "result is an object"},
		{page, `{"result":null}`, "result is null"},
		{page, `{}`, "result is not there"},
		{page, `null`, "it is null"},
		{page, `[]`, "it is a list"},
		{page, `{"result":[],"next_page":{"page":2}}`, "next_page is an object"},
		{page, `{"result":[],"next_page":true}`, "next_page is true or false"},
		{page, `{"result":[],"next_page":null,"count":"many"}`, ""},
		{page, `{"result":[{"project":"P-1"}],"next_page":2}`, ""},
		{list, `[{},7]`, "[1] is a number"},
		{list, `null`, "it is null"},
		{list, `{}`, "it is an object"},
		{list, `[]`, ""},
		{object, `null`, "it is null"},
		{object, `[]`, "it is a list"},
		{object, `"zhangsan"`, "it is a text"},
		{object, `{}`, ""},
		{raws, `null`, "it is null"},
		{raws, `{}`, "it is an object"},
		{raws, `[null,1,"a",{}]`, ""},
	} {
		err := c.read(c.text)
		if c.told == "" {
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		var e *Error
		if !errors.Is(err, ErrProtocol) || !errors.As(err, &e) || !strings.Contains(err.Error(), c.told) || string(e.Data) != c.text {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	_, err := decode[Page[Sample]]("call", json.RawMessage(`{"result":[{},{"omic":{"code":"1"}}]}`), true)
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "result[1].omic.code is a text, and should be a whole number") {
		t.Errorf("strictly: %v", err)
	}
}

// Whatever JSON comes, an object is read and written again as it was.
func FuzzJSONGoesRound(f *testing.F) {
	for _, text := range []string{
		`{"a": 1, "b\n": [ {"c": "}\""} , null ], "": "é\u00e9"}`, `{ }`, `{"code" : -1.50e-07 ,"display":true}`,
		`{"code":1,"display":[]}`, ` { "display" : "\ud83d\ude00" } `, `{"code":12.0}`, `{"code":{"a":{}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var all map[string]json.RawMessage
		if json.Unmarshal(text, &all) != nil || all == nil {
			return
		}
		var coded Coded
		if err := json.Unmarshal(text, &coded); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		written, err := json.Marshal(coded)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var again map[string]json.RawMessage
		if err := json.Unmarshal(written, &again); err != nil || len(again) != len(all) {
			t.Fatalf("%s became %s (%v)", text, written, err)
		}
		if whole := all["code"]; len(whole) > 0 && coded.Extra["code"] == nil {
			delete(all, "code") // the same number may be written in another way
			delete(again, "code")
		}
		for name, value := range all {
			if !reflect.DeepEqual(parsed(t, again[name]), parsed(t, value)) {
				t.Errorf("%s became %s", text, written)
			}
		}
	})
}
