package bge_test

import (
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

// What a call costs from end to end, on loopback.
func BenchmarkCall(b *testing.B) {
	client := user(b)
	if err := client.Alive(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("alive", func(b *testing.B) {
		for b.Loop() {
			if err := client.Alive(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("alive in parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := client.Alive(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("300 taxa", func(b *testing.B) {
		opts := &bge.TaxonAbundanceOptions{Limit: 1000}
		for b.Loop() {
			page, err := client.TaxonAbundance(b.Context(), box.MetaBiosampleID, opts)
			if err != nil || len(page.Result) != 300 {
				b.Fatal(err)
			}
		}
	})
	b.Run("300 taxa, raw", func(b *testing.B) {
		args := map[string]any{"biosample_id": box.MetaBiosampleID, "limit": 1000}
		for b.Loop() {
			if _, err := client.CallRaw(b.Context(), "get_taxon_abundance", args); err != nil {
				b.Fatal(err)
			}
		}
	})
}
