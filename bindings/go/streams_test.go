package bge_test

import (
	"encoding/json"
	"strings"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestRangeStream(t *testing.T) {
	client := user(t)
	element := sandboxState(t).Elements[0].ID
	page, err := client.RangeStream(t.Context(), element, &bge.RangeStreamOptions{Limit: 3, SortDirection: "asc"})
	must(t, page, err)
	if len(page.Result) != 3 || page.NextPage == "" {
		t.Fatalf("%d rows, next page %q", len(page.Result), page.NextPage)
	}
	for i, item := range page.Result {
		if item.DataElement.ID != element || item.StreamID == "" || item.StreamMeta.Namespace == "" {
			t.Errorf("item %d is %+v", i, item)
		}
		if i > 0 && item.StreamGenerateTime < page.Result[i-1].StreamGenerateTime {
			t.Errorf("item %d is older than the one before", i)
		}
	}
	// a 64-bit number that a float64 does not hold
	var data struct{ Serial json.Number }
	if err := json.Unmarshal(page.Result[0].StreamData, &data); err != nil || !strings.HasPrefix(data.Serial.String(), "9007199254") {
		t.Errorf("stream data: %s", page.Result[0].StreamData)
	}
}

func TestWritePhenotypeThenReadIt(t *testing.T) {
	client := application(t)
	element := sandboxState(t).Elements[1].ID
	sample, err := client.RegisterSample(t.Context(), fresh("phenotype"), 1, box.ProjectID, nil)
	must(t, sample, err)
	data := map[string]any{"value": json.Number("1e-07"), "remark": "<&>"}
	write := func(opts *bge.WritePhenotypeOptions) (*bge.WrittenPhenotype, error) {
		return client.WritePhenotype(t.Context(), sample.BiosampleID, element, "2021-03-02T10:00:00Z", data, opts)
	}
	written, err := write(nil)
	must(t, written, err)
	_, err = write(nil)
	wantError(t, err, bge.ErrAPI)
	twice, err := write(&bge.WritePhenotypeOptions{DuplicateEnabled: true})
	must(t, twice, err)

	page, err := client.RangeStream(t.Context(), element, &bge.RangeStreamOptions{BiosampleID: sample.BiosampleID})
	must(t, page, err)
	found := false
	for _, item := range page.Result {
		var read struct {
			Value  json.Number
			Remark string
		}
		if item.StreamID == written.StreamID && json.Unmarshal(item.StreamData, &read) == nil {
			found = read.Remark == "<&>" && read.Value != ""
		}
	}
	if !found {
		t.Errorf("what was written is not among %d items", len(page.Result))
	}
}

func TestAggregateOmicsData(t *testing.T) {
	client := user(t)
	raw, err := client.AggregateOmicsData(t.Context(), sandboxState(t).Elements[0].ID, "year", "2019-01-01T00:00:00Z",
		&bge.AggregateOmicsDataOptions{Periods: 3, Interval: 2})
	var answer struct {
		Interval int
		Result   []struct{ Time string }
	}
	if err := json.Unmarshal(must(t, raw, err), &answer); err != nil || answer.Interval != 2 || len(answer.Result) != 3 {
		t.Errorf("the answer is %s", raw)
	}
}

func TestDataItems(t *testing.T) {
	client := user(t)
	state := sandboxState(t)
	page, err := client.DataItems(t.Context(), "test", box.BiosampleID, &bge.DataItemsOptions{CollectionID: state.CollectionID})
	must(t, page, err)
	item := page.Result[0]
	if item.Namespace != "test" || item.BiosampleID != box.BiosampleID || item.DataElement.ID != state.Elements[0].ID ||
		len(item.Value) == 0 || len(item.Extra["data_item_id"]) != 18 {
		t.Errorf("the first item is %+v", item)
	}
	some, err := client.DataItems(t.Context(), "test", box.BiosampleID,
		&bge.DataItemsOptions{DataElementIDs: []string{state.Elements[2].ID, state.Elements[3].ID}})
	if must(t, some, err); len(some.Result) != 2 {
		t.Errorf("two elements give %d items", len(some.Result))
	}
	_, err = client.DataItems(t.Context(), "test", box.BiosampleID,
		&bge.DataItemsOptions{CollectionID: state.CollectionID, DataElementIDs: []string{state.Elements[2].ID}})
	wantError(t, err, bge.ErrArgument)
}
