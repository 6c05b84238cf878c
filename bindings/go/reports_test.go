package bge_test

import (
	"encoding/json"
	"testing"

	bge "github.com/libbge/libbge/bindings/go"
)

func TestReports(t *testing.T) {
	client := user(t)
	collection, err := client.ReportCollection(t.Context(), box.BiosampleID, nil)
	if must(t, collection, err); collection.BiosampleID != box.BiosampleID || collection.Type != "wgs" ||
		collection.ID == "" || len(collection.CreateTimestamp) != 10 {
		t.Errorf("collection: %+v", collection)
	}
	details, err := client.ReportDetails(t.Context(), box.BiosampleID, "traits", nil)
	if must(t, details, err); details.Total != int64(len(details.List)) || details.Total == 0 {
		t.Fatalf("details: %+v", details)
	}
	var first struct {
		ID      string `json:"report_id"`
		Version string `json:"domain_version"`
		Title   string
	}
	if err := json.Unmarshal(details.List[0], &first); err != nil {
		t.Fatal(err)
	}
	raw, err := client.ReportDetail(t.Context(), box.BiosampleID, first.Version, first.ID, nil)
	var report struct{ Title string }
	if err := json.Unmarshal(must(t, raw, err), &report); err != nil || report.Title != first.Title {
		t.Errorf("report: %s, listed as %+v", raw, first)
	}
	dictionaries, err := client.Dictionaries(t.Context(), box.BiosampleID, nil)
	if must(t, dictionaries, err); len(dictionaries) == 0 {
		t.Error("no dictionaries")
	}
	cards, err := client.MeritCards(t.Context(), box.BiosampleID, nil)
	if must(t, cards, err); len(cards) == 0 {
		t.Error("no cards")
	}

	clearLog(t)
	_, err = client.ReportDetails(t.Context(), box.BiosampleID, "weather", nil)
	wantError(t, err, bge.ErrArgument)
	if n := len(sent(t, "/wgs/*")); n != 0 {
		t.Errorf("an unknown domain was sent %d times", n)
	}
}
