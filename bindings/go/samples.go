package bge

import (
	"context"
	"encoding/json"
	"iter"
)

// Sample is a biosample.
type Sample struct {
	BiosampleID          string           `json:"biosample_id"`
	UpdateTime           string           `json:"update_time"` // such as 2020-08-31T04:03:09+0000
	SampleCollectionTime string           `json:"sample_collection_time"`
	Organism             Coded            `json:"organism"`
	BiosampleSite        Coded            `json:"biosample_site"`
	Omic                 Coded            `json:"omic"` // 1 genomics, 2 metagenomics
	Status               Coded            `json:"status"`
	Primary              bool             `json:"primary"`
	DataAvailability     bool             `json:"data_availability"`
	Sequencing           Sequencing       `json:"sequencing"`
	Statistics           SampleStatistics `json:"statistics"`
	Project              []Project        `json:"project"`
	Extra                Extra            `json:"-"`
	members              `json:"-"`
}

func (s *Sample) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s Sample) MarshalJSON() ([]byte, error)       { return marshal(s) }

// Coded is a code of the platform with its name.
type Coded struct {
	Code    int64  `json:"code"`
	Display string `json:"display"`
	Extra   Extra  `json:"-"`
	members `json:"-"`
}

func (c *Coded) UnmarshalJSON(object []byte) error { return unmarshal(object, c) }
func (c Coded) MarshalJSON() ([]byte, error)       { return marshal(c) }

// Sequencing says how a biosample was sequenced.
type Sequencing struct {
	Platform        []string `json:"platform"`
	SequencingTime  []string `json:"sequencing_time"`
	InstrumentModel []string `json:"instrument_model"`
	ReadType        []string `json:"read_type"`
	Extra           Extra    `json:"-"`
	members         `json:"-"`
}

func (s *Sequencing) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s Sequencing) MarshalJSON() ([]byte, error)       { return marshal(s) }

// SampleStatistics are of a biosample's data; empty where they do not apply.
type SampleStatistics struct {
	HumanContamination json.Number `json:"human_contamination"`
	Depth              json.Number `json:"depth"`
	VariantCounting    json.Number `json:"variant_counting"`
	BasePairs          json.Number `json:"base_pairs"`
	Coverage           json.Number `json:"coverage"`
	Extra              Extra       `json:"-"`
	members            `json:"-"`
}

func (s *SampleStatistics) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s SampleStatistics) MarshalJSON() ([]byte, error)       { return marshal(s) }

// Project is a project that a biosample belongs to.
type Project struct {
	ProjectID         string `json:"project_id"`
	ProjectName       string `json:"project_name"`
	PublicDescription string `json:"public_description"`
	Extra             Extra  `json:"-"`
	members           `json:"-"`
}

func (p *Project) UnmarshalJSON(object []byte) error { return unmarshal(object, p) }
func (p Project) MarshalJSON() ([]byte, error)       { return marshal(p) }

// External pairs a lab's own sample id with the biosample's.
type External struct {
	ExternalSampleID string `json:"external_sample_id"`
	BiosampleID      string `json:"biosample_id"`
	ProjectID        string `json:"project_id"`
	BiosampleSite    int64  `json:"biosample_site"`
	Extra            Extra  `json:"-"`
	members          `json:"-"`
}

func (e *External) UnmarshalJSON(object []byte) error { return unmarshal(object, e) }
func (e External) MarshalJSON() ([]byte, error)       { return marshal(e) }

// RegisteredSample is what RegisterSample gives.
type RegisteredSample struct {
	BiosampleID string `json:"biosample_id"`
	Extra       Extra  `json:"-"`
	members     `json:"-"`
}

func (r *RegisteredSample) UnmarshalJSON(object []byte) error { return unmarshal(object, r) }
func (r RegisteredSample) MarshalJSON() ([]byte, error)       { return marshal(r) }

// SamplesOptions choose among the samples.
type SamplesOptions struct {
	BiosampleIDs     []string  `json:"biosample_ids"`
	BiosampleSites   []int     `json:"biosample_sites"` // 1 to 15
	Omics            []int     `json:"omics"`           // 1 genomics, 2 metagenomics
	ProjectIDs       []string  `json:"project_ids"`
	Organisms        []int     `json:"organisms"`         // 1 to 3
	DataAvailability *bool     `json:"data_availability"` // only samples with (or without) data
	Statuses         []int     `json:"statuses"`
	RequireFiles     bool      `json:"require_files"` // also list each sample's files
	NextPage         PageToken `json:"next_page"`
	Limit            int       `json:"limit"` // rows of a page, 50 unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// SampleOptions are those of Sample.
type SampleOptions struct {
	RequireFiles bool `json:"require_files"` // also list the sample's files

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// RegisterSampleOptions are those of RegisterSample.
type RegisterSampleOptions struct {
	DuplicateEnabled bool `json:"duplicate_enabled"` // allow an external sample id once more

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// ImproveSampleOptions are the facts to add; Extra takes those that are not named here.
type ImproveSampleOptions struct {
	LibraryID       string `json:"library_id"`
	LibraryStrategy string `json:"library_strategy"` // such as WGS
	LibrarySource   string `json:"library_source"`   // such as GENOMIC

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// Samples gives one page of the biosamples that the token may see.
func (c *Client) Samples(ctx context.Context, opts *SamplesOptions) (*Page[Sample], error) {
	return callFor[Page[Sample]](ctx, c, "get_samples", nil, opts)
}

// AllSamples walks through all pages of Samples.
func (c *Client) AllSamples(ctx context.Context, opts *SamplesOptions) iter.Seq2[Sample, error] {
	return all(ctx, func() *Pager[Sample] { return c.SamplesPager(opts) })
}

// SamplesPager walks through Samples page by page.
func (c *Client) SamplesPager(opts *SamplesOptions) *Pager[Sample] {
	return newPager[Sample](c, "get_samples", nil, opts)
}

// Sample gives one biosample.
func (c *Client) Sample(ctx context.Context, biosampleID string, opts *SampleOptions) (*Sample, error) {
	return callFor[Sample](ctx, c, "get_sample", args{"biosample_id": biosampleID}, opts)
}

// Externals gives the biosample ids of the lab's own sample ids.
func (c *Client) Externals(ctx context.Context, projectID string, biosampleSite int, externalIDs []string, opts *Options) ([]External, error) {
	required := args{"project_id": projectID, "biosample_site": biosampleSite, "external_ids": externalIDs}
	return callForList[[]External](ctx, c, "externals", required, opts)
}

// RegisterSample registers a biosample. It is never repeated by itself once something has reached the platform, so that
// no sample is registered twice.
func (c *Client) RegisterSample(ctx context.Context, externalSampleID string, biosampleSite int, projectID string, opts *RegisterSampleOptions) (*RegisteredSample, error) {
	required := args{"external_sample_id": externalSampleID, "biosample_site": biosampleSite, "project_id": projectID}
	return callFor[RegisteredSample](ctx, c, "register_sample", required, opts)
}

// ImproveSample adds facts to a biosample. A field once set cannot be changed (ErrAPI); with none to set nothing is sent.
func (c *Client) ImproveSample(ctx context.Context, biosampleID string, opts *ImproveSampleOptions) error {
	_, err := rawCall(ctx, c, "improve_sample", args{"biosample_id": biosampleID}, opts)
	return err
}
