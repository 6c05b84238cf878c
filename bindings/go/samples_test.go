package bge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestSamplesSendsWhatIsGiven(t *testing.T) {
	client := user(t)
	clearLog(t)
	page, err := client.Samples(t.Context(), &bge.SamplesOptions{
		BiosampleIDs: []string{box.BiosampleID, box.MetaBiosampleID}, Omics: []int{1, 2}, DataAvailability: bge.Ptr(true),
		RequireFiles: true, Limit: 7, Extra: map[string]any{"colour": "blå & grön"},
	})
	must(t, page, err)
	requests := sent(t, "/samples")
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	want := map[string]any{
		"biosample_ids": box.BiosampleID + "," + box.MetaBiosampleID, "omics": "1,2", "data_availability": "True",
		"require_files": "True", "limit": "7", "page": "1", "colour": "blå & grön",
	}
	for name, value := range want {
		if got := requests[0].Query[name]; got != value {
			t.Errorf("%s was sent as %q, not %q", name, got, value)
		}
	}
	if len(requests[0].Query) != len(want) {
		t.Errorf("sent: %v", requests[0].Query)
	}
	if len(page.Result) != 2 || page.Count != "2" {
		t.Errorf("%d samples, count %s", len(page.Result), page.Count)
	}
}

func TestSampleHasItsFields(t *testing.T) {
	client := user(t)
	sample, err := client.Sample(t.Context(), box.BiosampleID, &bge.SampleOptions{RequireFiles: true})
	must(t, sample, err)
	if sample.BiosampleID != box.BiosampleID || sample.Omic.Code != 1 || sample.Omic.Display != "genomics" ||
		sample.Organism.Display != "human" || sample.Project[0].ProjectID != box.ProjectID || !sample.DataAvailability {
		t.Errorf("the sample is %+v", sample)
	}
	if sample.Statistics.HumanContamination != "" {
		t.Errorf("a null number is %q", sample.Statistics.HumanContamination)
	}
	if depth, err := sample.Statistics.Depth.Float64(); err != nil || depth <= 0 {
		t.Errorf("depth %q", sample.Statistics.Depth)
	}

	// what has no field of its own is kept, and written again
	var files []struct {
		ObjectName string `json:"object_name"`
	}
	if err := json.Unmarshal(sample.Extra["files"], &files); err != nil || len(files) == 0 || files[0].ObjectName == "" {
		t.Errorf("files: %s", sample.Extra["files"])
	}
	text, err := json.Marshal(sample)
	must(t, text, err)
	var again bge.Sample
	if err := json.Unmarshal(text, &again); err != nil || again.Statistics.Depth != sample.Statistics.Depth ||
		string(again.Extra["files"]) != string(sample.Extra["files"]) {
		t.Errorf("written and read again: %s", text)
	}
}

func TestRegisterThenImproveASample(t *testing.T) {
	client := application(t)
	lab := fresh("lab 1/α")
	registered, err := client.RegisterSample(t.Context(), lab, 1, box.ProjectID, nil)
	must(t, registered, err)
	externals, err := client.Externals(t.Context(), box.ProjectID, 1, []string{lab, "nobody's"}, nil)
	must(t, externals, err)
	at := slices.IndexFunc(externals, func(e bge.External) bool { return e.ExternalSampleID == lab })
	if at < 0 || externals[at].BiosampleID != registered.BiosampleID || externals[at].BiosampleSite != 1 {
		t.Errorf("externals: %+v, registered %s", externals, registered.BiosampleID)
	}

	improve := func(opts *bge.ImproveSampleOptions) error {
		return client.ImproveSample(t.Context(), registered.BiosampleID, opts)
	}
	if err := improve(&bge.ImproveSampleOptions{LibraryID: "L-1", Extra: map[string]any{"library_layout": "PAIRED"}}); err != nil {
		t.Error(err)
	}
	if err := improve(&bge.ImproveSampleOptions{LibraryID: "L-2"}); !errors.Is(err, bge.ErrAPI) {
		t.Errorf("a field was set twice: %v", err)
	}
	clearLog(t)
	if err := improve(nil); err != nil {
		t.Error(err)
	}
	if n := len(sent(t, "/samples/improve")); n != 0 {
		t.Errorf("with nothing to set, %d requests", n)
	}

	// once more only when it is allowed
	_, err = client.RegisterSample(t.Context(), lab, 1, box.ProjectID, nil)
	wantError(t, err, bge.ErrAPI)
	again, err := client.RegisterSample(t.Context(), lab, 1, box.ProjectID,
		&bge.RegisterSampleOptions{DuplicateEnabled: true})
	if must(t, again, err).BiosampleID == registered.BiosampleID {
		t.Error("the same sample again")
	}
}
