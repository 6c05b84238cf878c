package bgearrow_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	bge "github.com/libbge/libbge/bindings/go"
	"github.com/libbge/libbge/bindings/go/bgearrow"
)

// What is released answers, and says that it is.
func TestReleasedReader(t *testing.T) {
	client := user(t)
	ids := metagenomes(t, client, 1)
	reader := open(t, t.Context(), client, map[string]any{"biosample_id": ids, "limit": 50})
	if !reader.Next() {
		t.Fatal(reader.Err())
	}
	fields := reader.Schema().NumFields()
	batch := reader.RecordBatch()
	batch.Retain()
	defer batch.Release()
	reader.Release()
	if reader.Next() || !errors.Is(reader.Err(), bge.ErrClosed) {
		t.Errorf("the error is %v", reader.Err())
	}
	if reader.RecordBatch() != nil || reader.Schema().NumFields() != fields || reader.Progress() != (bgearrow.Progress{}) {
		t.Error("a released reader goes on")
	}
	if _, err := reader.Report(); !errors.Is(err, bge.ErrClosed) {
		t.Errorf("the report gives %v", err)
	}
	if batch.NumRows() != 50 || batch.Column(0).Len() != 50 {
		t.Errorf("the retained batch has %d rows", batch.NumRows())
	}
	reader.Release() // once too often
	if reader.Next() {
		t.Error("it came back")
	}
}

// Release at any time, beside whatever runs: also a Next that waits for a silent platform.
func TestReleaseBesideOthers(t *testing.T) {
	client := user(t)
	ids := metagenomes(t, client, 3)
	for round := range 10 {
		if round%2 == 0 {
			fault(t, map[string]any{"path": "/microbiome/taxon_abundance", "kind": "hang", "skip": 2, "count": 1})
		}
		reader, err := bgearrow.Table(t.Context(), client, "get_taxon_abundance", map[string]any{"biosample_id": ids, "limit": 50})
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		group.Add(3)
		go func() {
			defer group.Done()
			for reader.Next() {
			}
		}()
		for range 2 {
			go func() {
				defer group.Done()
				for reader.Progress().Rows > 0 || reader.Schema() == nil {
					reader.Report()
					runtime.Gosched()
				}
			}()
		}
		time.Sleep(time.Duration(round) * time.Millisecond)
		at := time.Now()
		reader.Release()
		group.Wait()
		if took := time.Since(at); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	}
}

// A reader that nobody releases is freed by the collector, with its requests.
func TestReaderWithoutRelease(t *testing.T) {
	client := user(t)
	ids := metagenomes(t, client, 2)
	for range 5 {
		reader, err := bgearrow.Table(context.Background(), client, "get_taxon_abundance", map[string]any{"biosample_id": ids, "limit": 50})
		if err != nil {
			t.Fatal(err)
		}
		reader.Next()
		runtime.GC()
		if reader.Progress().Rows != 50 {
			t.Errorf("%+v", reader.Progress())
		}
	}
	runtime.GC()
}

func TestTableChecksItsArguments(t *testing.T) {
	client := user(t)
	var none context.Context
	for name, err := range map[string]error{
		"UTF-8":   second(bgearrow.Table(t.Context(), client, "get_samples", map[string]any{"biosample_ids": []string{"\xff"}})),
		"context": second(bgearrow.Table(none, client, "get_samples", nil)),
		"NUL":     second(bgearrow.Table(t.Context(), client, "get_samples\x00", nil)),
	} {
		if !errors.Is(err, bge.ErrArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ *bgearrow.Reader, err error) error { return err }
