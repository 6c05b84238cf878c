package bge

import (
	"context"
	"encoding/json"
)

// ReportCollection is the collection of reports on a biosample.
type ReportCollection struct {
	ID              string      `json:"report_collection_id"`
	Type            string      `json:"report_collection_type"`
	BiosampleID     string      `json:"biosample_id"`
	CreateTimestamp json.Number `json:"create_timestamp"`
	Extra           Extra       `json:"-"`
	members         `json:"-"`
}

func (r *ReportCollection) UnmarshalJSON(object []byte) error { return unmarshal(object, r) }
func (r ReportCollection) MarshalJSON() ([]byte, error)       { return marshal(r) }

// ReportDetails are the reports of one domain.
type ReportDetails struct {
	Total   int64             `json:"total"`
	List    []json.RawMessage `json:"list"` // each report as written
	Extra   Extra             `json:"-"`
	members `json:"-"`
}

func (r *ReportDetails) UnmarshalJSON(object []byte) error { return unmarshal(object, r) }
func (r ReportDetails) MarshalJSON() ([]byte, error)       { return marshal(r) }

// ReportCollection gives the collection of reports on a biosample, whose id is sent as given. Reports are for
// authorization-code tokens.
func (c *Client) ReportCollection(ctx context.Context, biosampleID string, opts *Options) (*ReportCollection, error) {
	return callFor[ReportCollection](ctx, c, "report_collection", args{"biosample_id": biosampleID}, opts)
}

// ReportDetails gives the reports of one domain: traits, pgx, common_disease_risk, genetic_disease_mendelian or
// genetic_disease_risk.
func (c *Client) ReportDetails(ctx context.Context, biosampleID, domain string, opts *Options) (*ReportDetails, error) {
	return callFor[ReportDetails](ctx, c, "report_details", args{"biosample_id": biosampleID, "domain": domain}, opts)
}

// ReportDetail gives one report. domainVersion is a domain with its version, such as traits_v1 or pgx_v2.
func (c *Client) ReportDetail(ctx context.Context, biosampleID, domainVersion, reportID string, opts *Options) (json.RawMessage, error) {
	required := args{"biosample_id": biosampleID, "domain_version": domainVersion, "report_id": reportID}
	return rawCall(ctx, c, "report_detail", required, opts)
}

// Dictionaries gives the dictionaries that reports refer to, each as written.
func (c *Client) Dictionaries(ctx context.Context, biosampleID string, opts *Options) ([]json.RawMessage, error) {
	return callForList[[]json.RawMessage](ctx, c, "dictionaries", args{"biosample_id": biosampleID}, opts)
}

// MeritCards gives the merit cards of a biosample, each as written.
func (c *Client) MeritCards(ctx context.Context, biosampleID string, opts *Options) ([]json.RawMessage, error) {
	return callForList[[]json.RawMessage](ctx, c, "merit_cards", args{"biosample_id": biosampleID}, opts)
}
