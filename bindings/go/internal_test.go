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
	r, err := newRequest("call", args{"id": "a"}, &SamplesOptions{
		Omics: []int{1}, DataAvailability: Ptr(false), Limit: 3,
		Extra: map[string]any{"n": json.Number("1e-07"), "none": nil},
		Call:  CallOptions{Timeout: 1500e6, Deadline: 60e9, MaxRetries: Ptr(0), Headers: map[string]string{"X": "y"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"data_availability":false,"id":"a","limit":3,"n":1e-07,"none":null,"omics":[1],` +
		`"$":{"deadline":60,"headers":{"X":"y"},"max_retries":0,"timeout":1.5}}`
	if text, err := r.json(t.Context(), nil); text != want || err != nil || r.how.Timeout != 1500e6 {
		t.Errorf("encoded: %s (%v)", text, err)
	}
	var none *SamplesOptions
	r, err = newRequest("call", nil, none)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := r.json(t.Context(), nil); err != nil || text != "{}" {
		t.Errorf("nothing is encoded as %s (%v)", text, err)
	}
}
