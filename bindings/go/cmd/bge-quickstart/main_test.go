package main

import (
	"strings"
	"testing"

	"github.com/libbge/libbge/bindings/go/bgetest"
)

func TestQuickstart(t *testing.T) {
	box, err := bgetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer box.Stop()
	box.Setenv()
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"the user zhangsan", "sees 50 samples", box.BiosampleID, box.MetaBiosampleID, "chr15:74749576", "300 taxa",
		"/reads.fastq", "verified: true", "the two files are the same", "BGE_ERR_API", "41303",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, out.String())
		}
	}
}
