package bgearrow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	bge "github.com/libbge/libbge/bindings/go"
	"github.com/libbge/libbge/bindings/go/bgearrow"
	"github.com/libbge/libbge/bindings/go/bgetest"
)

var box *bgetest.Sandbox

func TestMain(m *testing.M) {
	var err error
	if box, err = bgetest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	box.Setenv()
	status := m.Run()
	box.Stop()
	os.Exit(status)
}

func user(t testing.TB) *bge.Client {
	t.Helper()
	client, err := bge.New(t.Context(), box.AccessToken, bge.WithEndpoint(box.Endpoint))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// metagenomes are the ids of samples that have abundances.
func metagenomes(t testing.TB, client *bge.Client, count int) []string {
	t.Helper()
	raw, err := client.CallRaw(t.Context(), "get_samples", map[string]any{"omics": 2, "limit": count})
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Result []struct {
			ID string `json:"biosample_id"`
		} `json:"result"`
	}
	if err := json.Unmarshal(raw, &page); err != nil || len(page.Result) != count {
		t.Fatal(err, len(page.Result))
	}
	ids := make([]string, count)
	for i, sample := range page.Result {
		ids[i] = sample.ID
	}
	return ids
}

func fault(t testing.TB, what map[string]any) {
	t.Helper()
	if err := box.Control("POST", "faults", what, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Control("DELETE", "faults", nil, nil) })
}

func open(t testing.TB, ctx context.Context, client *bge.Client, args map[string]any) *bgearrow.Reader {
	t.Helper()
	reader, err := bgearrow.Table(ctx, client, "get_taxon_abundance", args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Release)
	return reader
}

func TestRowsAreThoseOfTheJSONRoute(t *testing.T) {
	client := user(t)
	ids := metagenomes(t, client, 3)
	reader := open(t, t.Context(), client, map[string]any{"biosample_id": ids, "limit": 70})
	schema := reader.Schema()
	id := schema.FieldIndices("biosample_id")[0]
	value := schema.FieldIndices("observation_value")[0]
	if unit, ok := schema.Field(value).Metadata.GetValue("bge.unit"); !ok || unit != "percent" {
		t.Errorf("the unit is %q", unit)
	}

	var wanted []bge.TaxonAbundance
	for _, sample := range ids {
		for row, err := range client.AllTaxonAbundance(t.Context(), sample, nil) {
			if err != nil {
				t.Fatal(err)
			}
			wanted = append(wanted, row)
		}
	}
	row := 0
	for reader.Next() {
		batch := reader.RecordBatch()
		samples := batch.Column(id).(*array.String)
		values := batch.Column(value).(*array.Float64)
		for i := range int(batch.NumRows()) {
			number, _ := wanted[row].Observation.Value.Float64()
			if samples.Value(i) != ids[row/300] || values.Value(i) != number {
				t.Fatalf("row %d is %s %v, and should be %s %v", row, samples.Value(i), values.Value(i), ids[row/300], number)
			}
			row++
		}
	}
	if err := reader.Err(); err != nil || row != len(wanted) || row != 900 {
		t.Fatal(row, len(wanted), err)
	}
	if got := reader.Progress(); got != (bgearrow.Progress{Rows: 900, SamplesDone: 3, Samples: 3}) {
		t.Error(got)
	}
}

func TestFailures(t *testing.T) {
	client := user(t)
	ids := append(metagenomes(t, client, 2), box.OtherBiosampleID)
	for _, args := range []map[string]any{{}, {"biosample_id": 7}, {"biosample_id": ids, "$": map[string]any{"prefetch": 0}}} {
		if _, err := bgearrow.Table(t.Context(), client, "get_taxon_abundance", args); !errors.Is(err, bge.ErrArgument) {
			t.Error(args, err)
		}
	}
	reader := open(t, t.Context(), client, map[string]any{"biosample_id": ids})
	for reader.Next() {
	}
	var failure *bge.Error
	if err := reader.Err(); !errors.As(err, &failure) || failure.Code != 41303 || reader.Next() {
		t.Error(reader.Err())
	}

	skipping := open(t, t.Context(), client, map[string]any{"biosample_id": ids, "$": bgearrow.Switches{OnError: "skip"}})
	rows := int64(0)
	for skipping.Next() {
		rows += skipping.RecordBatch().NumRows()
	}
	report, err := skipping.Report()
	if err != nil || skipping.Err() != nil || rows != 600 || len(report.Failed) != 1 {
		t.Fatal(rows, report, err, skipping.Err())
	}
	if lost := report.Failed[0]; lost.BiosampleID != box.OtherBiosampleID || lost.Rows != 0 || lost.Err.Code != 41303 {
		t.Error(lost)
	}
	client.Close()
	if _, err := bgearrow.Table(t.Context(), client, "get_taxon_abundance", map[string]any{"biosample_id": ids}); !errors.Is(err, bge.ErrClosed) {
		t.Error(err)
	}
}

func TestAContextEndsATable(t *testing.T) {
	client := user(t)
	ids := metagenomes(t, client, 5)
	fault(t, map[string]any{"path": "/microbiome/taxon_abundance", "kind": "hang", "count": 0})
	reason := errors.New("the user has left")
	ctx, cancel := context.WithCancelCause(t.Context())
	reader := open(t, ctx, client, map[string]any{"biosample_id": ids})
	time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
	started := time.Now()
	if reader.Next() {
		t.Fatal("a batch")
	}
	if took := time.Since(started); took < 90*time.Millisecond || took > 400*time.Millisecond {
		t.Error("it took", took)
	}
	for _, target := range []error{context.Canceled, reason, bge.ErrCancelled} {
		if !errors.Is(reader.Err(), target) {
			t.Errorf("%v is not %v", reader.Err(), target)
		}
	}
	if _, err := bgearrow.Table(ctx, client, "get_samples", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	timed, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	late := open(t, timed, client, map[string]any{"biosample_id": ids})
	if late.Next() || !errors.Is(late.Err(), context.DeadlineExceeded) {
		t.Error(late.Err())
	}
}

func TestReleasedAtAnyTime(t *testing.T) {
	client := user(t)
	ids := metagenomes(t, client, 8)
	for read := range 12 {
		reader, err := bgearrow.Table(t.Context(), client, "get_taxon_abundance", map[string]any{"biosample_id": ids, "limit": 50})
		if err != nil {
			t.Fatal(err)
		}
		reader.Retain()
		for range read {
			if !reader.Next() {
				t.Fatal(reader.Err())
			}
		}
		var kept interface{ Release() }
		rows := int64(0)
		if read > 0 {
			batch := reader.RecordBatch()
			batch.Retain()
			kept, rows = batch, batch.NumRows()
		}
		reader.Release()
		reader.Release()
		if read > 0 {
			if rows != 50 {
				t.Error(rows)
			}
			kept.Release()
		}
	}
}

func ExampleTable() {
	ctx := context.Background()
	client, err := bge.Open(ctx)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	reader, err := bgearrow.Table(ctx, client, "get_taxon_abundance", map[string]any{
		"biosample_ids": "all", "omics": 2, "limit": 500, "$": bgearrow.Switches{Concurrency: 4},
	})
	if err != nil {
		panic(err)
	}
	defer reader.Release()
	rows := int64(0)
	for reader.Next() {
		rows += reader.RecordBatch().NumRows()
	}
	if err := reader.Err(); err != nil {
		panic(err)
	}
	fmt.Println(rows == int64(300*reader.Progress().Samples))
	// Output: true
}
