package bge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestVariants(t *testing.T) {
	client := user(t)
	variants, err := client.Variants(t.Context(), box.BiosampleID, []string{"rs762551", "rs333"}, nil)
	must(t, variants, err)
	if len(variants) != 2 {
		t.Fatalf("%d variants", len(variants))
	}
	// the site of rs762551 is that of the API document
	v := variants[0]
	if !slices.Equal(v.AlternateID, []string{"rs762551"}) || v.Variant.Chromosome != "chr15" || v.Variant.Position != 74749576 ||
		v.Variant.Type != "snp" || v.Variant.ReferenceBase != "C" || v.GenomicContext.Gene[0].Symbol != "CYP1A2" ||
		v.Source.Tag.AssemblySynonym != "GRCh38" || v.Source.Tag.DBSNPBuild != 151 || !v.IsAssayed {
		t.Errorf("rs762551 is %+v", v)
	}
	if v.Variant.Call.DP <= 0 || len(v.Variant.Call.AD) != 2 || len(v.Variant.Information.Frequency["TOPMED"]) != 2 {
		t.Errorf("its call is %+v, its frequencies %v", v.Variant.Call, v.Variant.Information.Frequency)
	}
}

func TestManyVariantsComeInTheirOrder(t *testing.T) {
	client := user(t)
	rsids := make([]string, 250)
	for i := range rsids {
		rsids[i] = fmt.Sprintf("rs%d", 762551+i)
	}
	clearLog(t)
	variants, err := client.Variants(t.Context(), box.BiosampleID, rsids, nil)
	must(t, variants, err)
	if n := len(sent(t, "/variants")); n != 3 {
		t.Errorf("250 rsIDs in %d requests", n)
	}
	for i, v := range variants {
		if v.AlternateID[0] != rsids[i] {
			t.Fatalf("at %d is %s, not %s", i, v.AlternateID[0], rsids[i])
		}
	}
	if len(variants) != len(rsids) {
		t.Errorf("%d variants", len(variants))
	}
}

func TestProfessionalVariant(t *testing.T) {
	client := user(t)
	regions := []any{[]any{"chr15", 74749575, 74749577}}
	raw, err := client.ProfessionalVariant(t.Context(), box.BiosampleID,
		&bge.ProfessionalVariantOptions{Regions: regions, OnlyVariantSite: bge.Ptr(false)})
	var answer struct {
		OnlyVariantSite bool `json:"only_variant_site"`
		Result          []bge.Variant
	}
	if err := json.Unmarshal(must(t, raw, err), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.OnlyVariantSite || len(answer.Result) != 1 || answer.Result[0].AlternateID[0] != "rs762551" {
		t.Errorf("the answer is %s", raw)
	}

	_, err = client.ProfessionalVariant(t.Context(), box.BiosampleID, nil)
	wantError(t, err, bge.ErrArgument)
	_, err = client.ProfessionalVariant(t.Context(), box.BiosampleID,
		&bge.ProfessionalVariantOptions{Regions: regions, BEDFile: "regions.zip"})
	wantError(t, err, bge.ErrArgument)
}
