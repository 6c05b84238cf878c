package bge_test

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

// ids walks through all samples, and gives their ids in order.
func ids(t testing.TB, walk iter.Seq2[bge.Sample, error]) []string {
	t.Helper()
	var ids []string
	for sample, err := range walk {
		must(t, sample, err)
		ids = append(ids, sample.BiosampleID)
	}
	return ids
}

// Every list, walked to its end in pages of a few rows: as many rows as the sandbox has.
func TestIterEveryList(t *testing.T) {
	client := user(t)
	state := sandboxState(t)
	lists := map[string]struct{ rows, want int }{
		"get_samples":         {count(t, client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 7})), 60},
		"get_taxon_abundance": {count(t, client.AllTaxonAbundance(t.Context(), box.MetaBiosampleID, &bge.TaxonAbundanceOptions{Limit: 40})), 300},
		"get_func_abundance":  {count(t, client.AllFuncAbundance(t.Context(), box.MetaBiosampleID, "go", &bge.FuncAbundanceOptions{Limit: 100})), 420},
		"get_gene_abundance":  {count(t, client.AllGeneAbundance(t.Context(), box.MetaBiosampleID, "IGC_9.9M", "list", &bge.GeneAbundanceOptions{Limit: 700})), 2400},
		"get_range_stream":    {count(t, client.AllRangeStream(t.Context(), state.Elements[0].ID, &bge.RangeStreamOptions{Limit: 50})), 230},
		"get_data_items":      {count(t, client.AllDataItems(t.Context(), "test", box.BiosampleID, &bge.DataItemsOptions{CollectionID: state.CollectionID})), 12},
		"model_versions":      {count(t, client.AllModelVersions(t.Context(), "slow-model", nil)), 1},
	}
	for _, endpoint := range bge.Endpoints() {
		list, walked := lists[endpoint.Name]
		if walked != (endpoint.PageStyle != "") {
			t.Errorf("%s: walked %t, page style %q", endpoint.Name, walked, endpoint.PageStyle)
		}
		if list.rows != list.want {
			t.Errorf("%s: %d rows of %d", endpoint.Name, list.rows, list.want)
		}
	}
}

func count[T any](t testing.TB, walk iter.Seq2[T, error]) int {
	t.Helper()
	rows := 0
	for row, err := range walk {
		must(t, row, err)
		rows++
	}
	return rows
}

func TestIterTwice(t *testing.T) {
	client := user(t)
	walk := client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 25})
	if first, second := ids(t, walk), ids(t, walk); len(first) != 60 || !slices.Equal(first, second) {
		t.Errorf("%d samples, then %d", len(first), len(second))
	}
}

func TestIterBreakFreesTheCursor(t *testing.T) {
	client := user(t)
	for sample, err := range client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 2}) {
		must(t, sample, err)
		break
	}
	// no more than the page that was fetched ahead is asked for, and no connection is left waiting
	clearLog(t)
	if got := ids(t, client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 60})); len(got) != 60 {
		t.Errorf("%d samples", len(got))
	}
	for _, request := range sent(t, "/samples") {
		if request.Query["limit"] == "2" && request.Query["page"] != "2" {
			t.Errorf("a walk that was left went on: %v", request.Query)
		}
	}
}

func TestIterGivesAnErrorOnce(t *testing.T) {
	client := user(t)
	fault(t, map[string]any{"path": "/samples", "skip": 2, "kind": "code", "code": 41001})
	rows, failures := 0, 0
	for _, err := range client.AllSamples(t.Context(), &bge.SamplesOptions{Limit: 10}) {
		if err != nil {
			failures++
			wantError(t, err, bge.ErrAPI)
			continue
		}
		rows++
	}
	if rows != 20 || failures != 1 {
		t.Errorf("%d rows, %d errors", rows, failures)
	}
}

func TestIterGoesOnAfterAnError(t *testing.T) {
	client := user(t)
	want := ids(t, client.AllSamples(t.Context(), nil))
	pager := client.SamplesPager(&bge.SamplesOptions{Limit: 10})
	defer pager.Close()
	fault(t, map[string]any{"path": "/samples", "skip": 2, "kind": "code", "code": 41001})
	var got []string
	failures := 0
	for range 2 {
		for sample, err := range pager.Rows(t.Context()) {
			if err != nil {
				failures++
				break
			}
			got = append(got, sample.BiosampleID)
		}
	}
	if failures != 1 || !slices.Equal(got, want) {
		t.Errorf("%d errors, %d of %d samples", failures, len(got), len(want))
	}
	if _, err := pager.Next(t.Context()); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// From every place of a walk, another one goes on to the same end.
func TestIterResume(t *testing.T) {
	client := user(t)
	want := ids(t, client.AllSamples(t.Context(), nil))
	opts := &bge.SamplesOptions{Limit: 25}
	for at := range len(want) + 1 {
		pager := client.SamplesPager(opts)
		left := at
		for sample, err := range pager.Rows(t.Context()) {
			must(t, sample, err)
			if left--; left <= 0 {
				break
			}
		}
		stored, err := json.Marshal(pager.Position())
		must(t, stored, err)
		pager.Close()

		var position bge.Position
		if err := json.Unmarshal(stored, &position); err != nil {
			t.Fatal(err)
		}
		again := client.SamplesPager(opts)
		again.Resume(position)
		got := ids(t, again.Rows(t.Context()))
		again.Close()
		if !slices.Equal(got, want[max(at, 1):]) {
			t.Errorf("after %d rows, at %s, %d rows are left", at, stored, len(got))
		}
	}
}

func TestIterResumeAnOpaqueToken(t *testing.T) {
	client := user(t)
	opts := &bge.GeneAbundanceOptions{Limit: 500}
	pager := client.GeneAbundancePager(box.MetaBiosampleID, "IGC_9.9M", "list", opts)
	first, err := pager.Next(t.Context())
	must(t, first, err)
	position := pager.Position()
	second, err := pager.Next(t.Context())
	must(t, second, err)
	pager.Close()
	if position.Page != first.NextPage || position.Row != 0 {
		t.Errorf("the position is %+v, the next page %q", position, first.NextPage)
	}
	again, err := client.GeneAbundance(t.Context(), box.MetaBiosampleID, "IGC_9.9M", "list",
		&bge.GeneAbundanceOptions{Limit: 500, NextPage: position.Page})
	must(t, again, err)
	if again.Result[0].IGCGene.ID != second.Result[0].IGCGene.ID || again.NextPage != second.NextPage {
		t.Error("the position leads to another page")
	}
}

func TestIterRowsThenNext(t *testing.T) {
	client := user(t)
	pager := client.SamplesPager(&bge.SamplesOptions{Limit: 20})
	defer pager.Close()
	for sample, err := range pager.Rows(t.Context()) {
		must(t, sample, err)
		break
	}
	page, err := pager.Next(t.Context())
	if must(t, page, err); len(page.Result) != 19 {
		t.Errorf("the rest of the page has %d rows", len(page.Result))
	}
}

func TestIterEndsWhatNeverEnds(t *testing.T) {
	client := user(t)
	options(t, map[string]any{"repeat_page_token": true})
	var last error
	rows := 0
	for _, err := range client.AllFuncAbundance(t.Context(), box.MetaBiosampleID, "go", nil) {
		last = err
		if rows++; rows > 1000 {
			t.Fatal("a page token that leads back leads round and round")
		}
	}
	wantError(t, last, bge.ErrProtocol)
}

func TestIterStrictCount(t *testing.T) {
	client := user(t)
	strict := &bge.FuncAbundanceOptions{Limit: 100, Call: bge.CallOptions{StrictCount: true}}
	if n := count(t, client.AllFuncAbundance(t.Context(), box.MetaBiosampleID, "go", strict)); n != 420 {
		t.Errorf("%d rows", n)
	}
	// taken up in the middle, the rows are fewer than the count
	page, err := client.FuncAbundance(t.Context(), box.MetaBiosampleID, "go", &bge.FuncAbundanceOptions{Limit: 100})
	strict.NextPage = must(t, page, err).NextPage
	var last error
	for _, err := range client.AllFuncAbundance(t.Context(), box.MetaBiosampleID, "go", strict) {
		last = err
	}
	wantError(t, last, bge.ErrProtocol)
}

func TestPagerClosed(t *testing.T) {
	client := user(t)
	pager := client.SamplesPager(nil)
	page, err := pager.Next(t.Context())
	must(t, page, err)
	for range 2 {
		if err := pager.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err = pager.Next(t.Context())
	wantError(t, err, bge.ErrClosed)

	_, err = client.SamplesPager(&bge.SamplesOptions{Extra: map[string]any{"$": 1}}).Next(t.Context())
	wantError(t, err, bge.ErrArgument)
	_, err = client.TaxonAbundancePager("", nil).Next(t.Context())
	if !errors.Is(err, bge.ErrArgument) && !errors.Is(err, bge.ErrAPI) {
		t.Errorf("an empty id gives %v", err)
	}
}

func TestPageToken(t *testing.T) {
	for text, want := range map[string]bge.PageToken{`2`: "2", `"a\"b"`: `a"b`, `9007199254740993`: "9007199254740993", `""`: ""} {
		var token bge.PageToken
		if err := json.Unmarshal([]byte(text), &token); err != nil || token != want {
			t.Errorf("%s is read as %q (%v)", text, token, err)
		}
	}
	var token bge.PageToken
	if err := json.Unmarshal([]byte(`{}`), &token); err == nil {
		t.Error("an object is no page token")
	}
}

func TestIterResumeComesFirst(t *testing.T) {
	client := user(t)
	pager := client.SamplesPager(&bge.SamplesOptions{Limit: 20})
	defer pager.Close()
	wantError(t, pager.Resume(bge.Position{Row: -1}), bge.ErrArgument)
	if err := pager.Resume(bge.Position{Page: "2", Row: 5}); err != nil {
		t.Fatal(err)
	}
	page, err := pager.Next(t.Context())
	if must(t, page, err); len(page.Result) != 15 {
		t.Errorf("%d rows", len(page.Result))
	}
	at := pager.Position()
	wantError(t, pager.Resume(bge.Position{}), bge.ErrArgument)
	if pager.Position() != at {
		t.Errorf("the walk is at %+v", pager.Position())
	}
	pager.Close()
	wantError(t, pager.Resume(bge.Position{}), bge.ErrClosed)
}
