package bge

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestABI(t *testing.T) {
	if err := compatible(); err != nil {
		t.Error(err)
	}
	const v = 3<<16 | 4
	for library, fits := range map[uint32]bool{
		v: true, 3<<16 | 5: true, 3<<16 | 3: false, 2<<16 | 9: false, 4<<16 | 4: false,
	} {
		err := checkABI(v, library)
		if (err == nil) != fits || err != nil && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%x with a header of %x: %v", library, v, err)
		}
	}
	if err := checkABI(3<<16|4, 2<<16|9); !strings.Contains(err.Error(), "2.9") || !strings.Contains(err.Error(), "3.4") {
		t.Errorf("the message is %q", err)
	}
	if parts := strings.Split(Version(), "."); len(parts) != 3 {
		t.Errorf("the version is %q", Version())
	}
}

func TestJSONKeepsWhatItDoesNotKnow(t *testing.T) {
	const text = `{"biosample_id": "E-B1", "omic": {"code": 1, "display": "genomics", "since": 2019},
		"update_time": 17, "statistics": {"depth": 86.10400, "coverage": 1e-07, "human_contamination": null},
		"colour": [1, {"a": 9007199254740993}]}`
	var sample Sample
	if err := json.Unmarshal([]byte(text), &sample); err != nil {
		t.Fatal(err)
	}
	if sample.BiosampleID != "E-B1" || sample.Omic.Code != 1 || sample.Statistics.Depth != "86.10400" ||
		sample.Statistics.Coverage != "1e-07" || sample.Statistics.HumanContamination != "" {
		t.Errorf("read: %+v", sample)
	}
	// a text that came as a number is not lost, and not a reason to lose the rest
	want := Extra{"colour": json.RawMessage(`[1, {"a": 9007199254740993}]`), "update_time": json.RawMessage("17")}
	if sample.UpdateTime != "" || !reflect.DeepEqual(sample.Extra, want) {
		t.Errorf("extra: %s", sample.Extra)
	}
	if string(sample.Omic.Extra["since"]) != "2019" {
		t.Errorf("extra of a member: %s", sample.Omic.Extra)
	}

	written, err := json.Marshal(sample)
	if err != nil {
		t.Fatal(err)
	}
	var again Sample
	if err := json.Unmarshal(written, &again); err != nil || !reflect.DeepEqual(again.Omic, sample.Omic) ||
		again.Statistics.Depth != "86.10400" || !strings.Contains(string(written), `"colour":[1,{"a":9007199254740993}]`) {
		t.Errorf("written: %s", written)
	}
	if err := json.Unmarshal([]byte(`[]`), &again); err == nil {
		t.Error("an array is no sample")
	}
}

// Every type of an answer reads and writes itself, so that none forgets what it does not know.
func TestJSONOfEveryType(t *testing.T) {
	types := []any{
		&Introspection{}, &User{}, &Sample{}, &Coded{}, &Sequencing{}, &SampleStatistics{}, &Project{}, &External{},
		&RegisteredSample{}, &Variant{}, &VariantSite{}, &VariantCall{}, &VariantInformation{}, &GenomicContext{}, &Gene{},
		&CodingSystem{}, &VariantSource{}, &SourceTag{}, &SampleInfo{}, &Observation{}, &TaxonAbundance{}, &Taxonomy{},
		&Background{}, &FuncAbundance{}, &GeneAbundance{}, &IGCGene{}, &GeneAnnotation{}, &UploadToken{},
		&StorageCredentials{}, &DownloadURL{}, &Uploaded{}, &Downloaded{}, &StreamItem{}, &DataElement{}, &StreamMeta{},
		&WrittenPhenotype{}, &DataItem{}, &ModelResult{}, &Deployment{}, &ModelVersion{}, &Task{}, &ReportCollection{},
		&ReportDetails{}, &Token{}, &Endpoint{}, &Argument{}, &Page[Sample]{},
	}
	for _, into := range types {
		v := reflect.ValueOf(into).Elem()
		if err := json.Unmarshal([]byte(`{"never_heard_of": 1.50}`), into); err != nil {
			t.Errorf("%s: %v", v.Type(), err)
			continue
		}
		if string(v.FieldByName("Extra").Interface().(Extra)["never_heard_of"]) != "1.50" {
			t.Errorf("%s forgets", v.Type())
		}
		if text, err := json.Marshal(v.Interface()); err != nil || string(text) != `{"never_heard_of":1.50}` {
			t.Errorf("%s writes %s (%v)", v.Type(), text, err)
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Tag.Get("json") == "" {
				t.Errorf("%s.%s has no name in JSON", v.Type(), field.Name)
			}
			if kind := field.Type; kind.Kind() == reflect.Struct && kind.PkgPath() == v.Type().PkgPath() {
				if _, keeps := reflect.New(kind).Interface().(json.Unmarshaler); !keeps {
					t.Errorf("%s.%s does not keep what it does not know", v.Type(), field.Name)
				}
			}
		}
	}
}

func TestEncode(t *testing.T) {
	text, how, err := encode("call", args{"id": "a"}, &SamplesOptions{
		BiosampleIDs: []string{}, Omics: []int{1}, DataAvailability: Ptr(false), Limit: 3,
		Extra: map[string]any{"n": json.Number("1e-07"), "none": nil},
		Call:  CallOptions{Timeout: 1500e6, Deadline: 60e9, MaxRetries: Ptr(0), Headers: map[string]string{"X": "y"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"$":{"deadline":60,"headers":{"X":"y"},"max_retries":0,"timeout":1.5},"biosample_ids":[],` +
		`"data_availability":false,"id":"a","limit":3,"n":1e-07,"none":null,"omics":[1]}`
	if text != want || how.Timeout != 1500e6 {
		t.Errorf("encoded: %s", text)
	}
	var none *SamplesOptions
	if text, _, err := encode("call", nil, none); err != nil || text != "{}" {
		t.Errorf("nothing is encoded as %s (%v)", text, err)
	}
}

// Parts of JSON are what encoding/json says they are; of what is no JSON, anything but a panic.
func FuzzJSONParts(f *testing.F) {
	for _, text := range []string{
		`{"a": 1, "b\n": [ {"c": "}\""} , null ], "": "é\u00e9", "a":2}`, `{}`, `{ }`, `[1]`, `{"a"`, `{"a":}`, `{"a":"\`, `{"a":[`, "{\"\xff\": 1}",
		`{"a" : -1.50e-07 ,"b":true}`, `{"a":1,}`, `{"a":1 2}`, ` { "a" : [ ] } `,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := map[string]json.RawMessage{}
		err := members(text, func(name string, value []byte) { got[name] = value })
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%s has the members %s, not %s", text, got, want)
		}
		for _, value := range want {
			var list []json.RawMessage
			if json.Unmarshal(value, &list) != nil || list == nil {
				continue
			}
			elementsOf := []json.RawMessage{}
			if err := elements(value, func(value []byte) { elementsOf = append(elementsOf, value) }); err != nil || !reflect.DeepEqual(elementsOf, list) {
				t.Errorf("%s has the elements %s (%v)", value, elementsOf, err)
			}
		}
	})
}
