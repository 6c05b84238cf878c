// Package bgearrow reads the lists of the BGE open platform as Arrow record batches: all pages, of one sample or of a
// whole cohort, fetched side by side and in order.
//
//	reader, err := bgearrow.Table(ctx, client, "get_taxon_abundance", map[string]any{"biosample_id": ids})
//	if err != nil {
//		return err
//	}
//	defer reader.Release()
//	for reader.Next() {
//		batch := reader.RecordBatch() // good until the next call of Next, unless retained
//		…
//	}
//	return reader.Err()
//
// It is a module of its own, so that package bge needs no other.
package bgearrow
