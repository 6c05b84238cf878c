package bge

import (
	"context"
	"encoding/json"
	"iter"
)

// SampleInfo says which biosample an abundance is of.
type SampleInfo struct {
	BiosampleID   string `json:"biosample_id"`
	SampleTime    string `json:"sample_time"`
	BiosampleSite string `json:"biosample_site"` // such as feces
	Extra         Extra  `json:"-"`
	members       `json:"-"`
}

func (s *SampleInfo) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s SampleInfo) MarshalJSON() ([]byte, error)       { return marshal(s) }

// Observation is a measured abundance.
type Observation struct {
	Value    json.Number `json:"value"`
	Unit     string      `json:"unit"` // such as percent
	Type     string      `json:"type"` // such as relative abundance
	Software string      `json:"software"`
	Extra    Extra       `json:"-"`
	members  `json:"-"`
}

func (o *Observation) UnmarshalJSON(object []byte) error { return unmarshal(object, o) }
func (o Observation) MarshalJSON() ([]byte, error)       { return marshal(o) }

// TaxonAbundance is the abundance of a taxon.
type TaxonAbundance struct {
	Taxonomy       Taxonomy    `json:"taxonomy"`
	Observation    Observation `json:"observation"`
	Background     Background  `json:"background"`
	SampleInfo     SampleInfo  `json:"sample_info"`
	PlatformLabels []string    `json:"platform_labels"`
	Extra          Extra       `json:"-"`
	members        `json:"-"`
}

func (a *TaxonAbundance) UnmarshalJSON(object []byte) error { return unmarshal(object, a) }
func (a TaxonAbundance) MarshalJSON() ([]byte, error)       { return marshal(a) }

// Taxonomy places a taxon in the tree.
type Taxonomy struct {
	TaxonID   string       `json:"taxon_id"`
	TaxonName string       `json:"taxon_name"`
	Rank      string       `json:"rank"`    // such as species
	Lineage   string       `json:"lineage"` // from the kingdom down, separated by |
	Coding    CodingSystem `json:"coding"`
	Extra     Extra        `json:"-"`
	members   `json:"-"`
}

func (t *Taxonomy) UnmarshalJSON(object []byte) error { return unmarshal(object, t) }
func (t Taxonomy) MarshalJSON() ([]byte, error)       { return marshal(t) }

// Background is a taxon's abundance in a reference cohort.
type Background struct {
	ReferenceCohort string                 `json:"reference_cohort"`
	Mean            json.Number            `json:"mean"` // in the observation's unit
	Freq            json.Number            `json:"freq"` // the part of the cohort that has the taxon, 0 to 1
	RankRatio       string                 `json:"rank_ratio"`
	Background      map[string]json.Number `json:"background"` // quantiles, such as "50%"
	Extra           Extra                  `json:"-"`
	members         `json:"-"`
}

func (b *Background) UnmarshalJSON(object []byte) error { return unmarshal(object, b) }
func (b Background) MarshalJSON() ([]byte, error)       { return marshal(b) }

// FuncAbundance is the abundance of a function.
type FuncAbundance struct {
	Coding         CodingSystem `json:"coding"` // the function: its catalog and id
	DataElementID  string       `json:"data_element_id"`
	Observation    Observation  `json:"observation"`
	SampleInfo     SampleInfo   `json:"sample_info"`
	PlatformLabels []string     `json:"platform_labels"`
	Extra          Extra        `json:"-"`
	members        `json:"-"`
}

func (a *FuncAbundance) UnmarshalJSON(object []byte) error { return unmarshal(object, a) }
func (a FuncAbundance) MarshalJSON() ([]byte, error)       { return marshal(a) }

// GeneAbundance is the abundance of a gene.
type GeneAbundance struct {
	IGCGene        IGCGene     `json:"igc_gene"`
	Observation    Observation `json:"observation"`
	SampleInfo     SampleInfo  `json:"sample_info"`
	PlatformLabels []string    `json:"platform_labels"`
	Extra          Extra       `json:"-"`
	members        `json:"-"`
}

func (a *GeneAbundance) UnmarshalJSON(object []byte) error { return unmarshal(object, a) }
func (a GeneAbundance) MarshalJSON() ([]byte, error)       { return marshal(a) }

// IGCGene is a gene of the integrated gene catalog.
type IGCGene struct {
	ID         string         `json:"igc_gene_id"`
	Name       string         `json:"igc_gene_name"`
	Coding     CodingSystem   `json:"coding"`
	Annotation GeneAnnotation `json:"annotation"`
	Extra      Extra          `json:"-"`
	members    `json:"-"`
}

func (g *IGCGene) UnmarshalJSON(object []byte) error { return unmarshal(object, g) }
func (g IGCGene) MarshalJSON() ([]byte, error)       { return marshal(g) }

// GeneAnnotation is what is known of a gene.
type GeneAnnotation struct {
	KEGG         string `json:"kegg_annotation"`
	EggNOG       string `json:"eggnog_annotation"`
	Phylum       string `json:"phylum"`
	Genus        string `json:"genus"`
	Completeness string `json:"gene_completeness"`
	Length       int64  `json:"gene_length"` // base pairs
	Extra        Extra  `json:"-"`
	members      `json:"-"`
}

func (a *GeneAnnotation) UnmarshalJSON(object []byte) error { return unmarshal(object, a) }
func (a GeneAnnotation) MarshalJSON() ([]byte, error)       { return marshal(a) }

// TaxonAbundanceOptions choose among the taxa.
type TaxonAbundanceOptions struct {
	TaxonIDs []string  `json:"taxon_ids"` // such as txid815
	NextPage PageToken `json:"next_page"`
	Limit    int       `json:"limit"` // rows of a page, 50 unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// FuncAbundanceOptions choose among the functions.
type FuncAbundanceOptions struct {
	IDs      []string  `json:"ids"`
	NextPage PageToken `json:"next_page"`
	Limit    int       `json:"limit"` // rows of a page, 50 unless given

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// GeneAbundanceOptions choose among the genes.
type GeneAbundanceOptions struct {
	IDs      []string  `json:"ids"`
	NextPage PageToken `json:"next_page"`
	Limit    int       `json:"limit"` // rows of a page, at most 1000; 50 on the platform

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// TaxonAbundance gives one page of the abundances of a biosample's taxa; an unknown taxon gives a count of 0. For
// authorization-code tokens.
func (c *Client) TaxonAbundance(ctx context.Context, biosampleID string, opts *TaxonAbundanceOptions) (*Page[TaxonAbundance], error) {
	return callFor[Page[TaxonAbundance]](ctx, c, "get_taxon_abundance", args{"biosample_id": biosampleID}, opts)
}

// AllTaxonAbundance walks through all pages of TaxonAbundance.
func (c *Client) AllTaxonAbundance(ctx context.Context, biosampleID string, opts *TaxonAbundanceOptions) iter.Seq2[TaxonAbundance, error] {
	return all(ctx, func() *Pager[TaxonAbundance] { return c.TaxonAbundancePager(biosampleID, opts) })
}

// TaxonAbundancePager walks through TaxonAbundance page by page.
func (c *Client) TaxonAbundancePager(biosampleID string, opts *TaxonAbundanceOptions) *Pager[TaxonAbundance] {
	return newPager[TaxonAbundance](c, "get_taxon_abundance", args{"biosample_id": biosampleID}, opts)
}

// FuncAbundance gives one page of the abundances of a biosample's functions. catalog is go, ko, eggnog, pfam, kegg-pwy,
// kegg-mdl, level4ec, metacyc-rxn or metacyc-pwy. For authorization-code tokens.
func (c *Client) FuncAbundance(ctx context.Context, biosampleID, catalog string, opts *FuncAbundanceOptions) (*Page[FuncAbundance], error) {
	required := args{"biosample_id": biosampleID, "catalog": catalog}
	return callFor[Page[FuncAbundance]](ctx, c, "get_func_abundance", required, opts)
}

// AllFuncAbundance walks through all pages of FuncAbundance.
func (c *Client) AllFuncAbundance(ctx context.Context, biosampleID, catalog string, opts *FuncAbundanceOptions) iter.Seq2[FuncAbundance, error] {
	return all(ctx, func() *Pager[FuncAbundance] { return c.FuncAbundancePager(biosampleID, catalog, opts) })
}

// FuncAbundancePager walks through FuncAbundance page by page.
func (c *Client) FuncAbundancePager(biosampleID, catalog string, opts *FuncAbundanceOptions) *Pager[FuncAbundance] {
	return newPager[FuncAbundance](c, "get_func_abundance", args{"biosample_id": biosampleID, "catalog": catalog}, opts)
}

// GeneAbundance gives one page of the abundances of a gut biosample's genes. catalog is IGC_9.9M or
// UniRef90_HUMAnN2_0.11; dataType is list or file, of which UniRef90_HUMAnN2_0.11 has file only. Rows of file name a
// file of the object store in their Extra. For authorization-code tokens.
func (c *Client) GeneAbundance(ctx context.Context, biosampleID, catalog, dataType string, opts *GeneAbundanceOptions) (*Page[GeneAbundance], error) {
	required := args{"biosample_id": biosampleID, "catalog": catalog, "data_type": dataType}
	return callFor[Page[GeneAbundance]](ctx, c, "get_gene_abundance", required, opts)
}

// AllGeneAbundance walks through all pages of GeneAbundance.
func (c *Client) AllGeneAbundance(ctx context.Context, biosampleID, catalog, dataType string, opts *GeneAbundanceOptions) iter.Seq2[GeneAbundance, error] {
	return all(ctx, func() *Pager[GeneAbundance] { return c.GeneAbundancePager(biosampleID, catalog, dataType, opts) })
}

// GeneAbundancePager walks through GeneAbundance page by page.
func (c *Client) GeneAbundancePager(biosampleID, catalog, dataType string, opts *GeneAbundanceOptions) *Pager[GeneAbundance] {
	required := args{"biosample_id": biosampleID, "catalog": catalog, "data_type": dataType}
	return newPager[GeneAbundance](c, "get_gene_abundance", required, opts)
}
