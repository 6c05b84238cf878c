package bge_test

import (
	"encoding/json"
	"strings"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestTaxonAbundance(t *testing.T) {
	client := user(t)
	page, err := client.TaxonAbundance(t.Context(), box.MetaBiosampleID, &bge.TaxonAbundanceOptions{Limit: 3})
	must(t, page, err)
	if len(page.Result) != 3 || page.NextPage != "2" {
		t.Fatalf("%d rows, next page %q", len(page.Result), page.NextPage)
	}
	row := page.Result[0]
	if row.SampleInfo.BiosampleID != box.MetaBiosampleID || row.SampleInfo.BiosampleSite != "feces" ||
		row.Observation.Unit != "percent" || row.Taxonomy.TaxonID == "" || row.Background.Background["50%"] == "" ||
		!strings.HasPrefix(row.Taxonomy.Lineage, "k__") {
		t.Errorf("the first row is %+v", row)
	}

	one, err := client.TaxonAbundance(t.Context(), box.MetaBiosampleID,
		&bge.TaxonAbundanceOptions{TaxonIDs: []string{row.Taxonomy.TaxonID}})
	if must(t, one, err); len(one.Result) != 1 || one.Result[0].Observation.Value != row.Observation.Value {
		t.Errorf("the same taxon alone: %+v", one.Result)
	}
	none, err := client.TaxonAbundance(t.Context(), box.MetaBiosampleID,
		&bge.TaxonAbundanceOptions{TaxonIDs: []string{"txid0"}})
	if must(t, none, err); len(none.Result) != 0 || none.Count != "0" || none.NextPage != "" {
		t.Errorf("an unknown taxon: %+v", none)
	}
}

func TestAbundancesKeepTheirDigits(t *testing.T) {
	client := user(t)
	functions, err := client.FuncAbundance(t.Context(), box.MetaBiosampleID, "go", &bge.FuncAbundanceOptions{Limit: 20})
	must(t, functions, err)
	genes, err := client.GeneAbundance(t.Context(), box.MetaBiosampleID, "IGC_9.9M", "list", &bge.GeneAbundanceOptions{Limit: 20})
	must(t, genes, err)
	raw, err := client.CallRaw(t.Context(), "get_gene_abundance", map[string]any{
		"biosample_id": box.MetaBiosampleID, "catalog": "IGC_9.9M", "data_type": "list", "limit": 20,
	})
	must(t, raw, err)
	for _, gene := range genes.Result {
		if !strings.Contains(string(raw), `"value": `+gene.Observation.Value.String()+",") {
			t.Errorf("%s is not as the platform wrote it", gene.Observation.Value)
		}
	}
	if gene := genes.Result[0].IGCGene; gene.ID != "igc_1" || gene.Annotation.Length <= 0 {
		t.Errorf("the first gene is %+v", gene)
	}
	if !strings.Contains(string(functions.Result[0].Observation.Value), "e-") {
		t.Errorf("the exponent is gone: %s", functions.Result[0].Observation.Value)
	}
	if coding := functions.Result[0].Coding; !strings.HasPrefix(coding.ID, "GO:") || coding.System == "" {
		t.Errorf("the first function is %+v", coding)
	}
}

func TestGeneAbundanceAsAFile(t *testing.T) {
	client := user(t)
	page, err := client.GeneAbundance(t.Context(), box.MetaBiosampleID, "UniRef90_HUMAnN2_0.11", "file", nil)
	must(t, page, err)
	var object string
	if err := json.Unmarshal(page.Result[0].Extra["object_name"], &object); err != nil || object == "" {
		t.Errorf("the file is %+v", page.Result)
	}
	_, err = client.GeneAbundance(t.Context(), box.MetaBiosampleID, "UniRef90_HUMAnN2_0.11", "list", nil)
	if e := wantError(t, err, bge.ErrAPI); e.Code != 41001 {
		t.Errorf("code %d", e.Code)
	}
}
