package bge

import (
	"context"
	"encoding/json"
)

// Variant is what a biosample has at one rsID.
type Variant struct {
	VariantID        string         `json:"variant_id"`
	AlternateID      []string       `json:"alternate_id"` // rsIDs
	Variant          VariantSite    `json:"variant"`
	IsAssayed        bool           `json:"is_assayed"`
	IsGenotyped      bool           `json:"is_genotyped"`
	IsNoCall         bool           `json:"is_no_call"`
	BatchNo          int64          `json:"batch_no"`
	CoordinateSystem int64          `json:"coordinate_system"`
	GenomicContext   GenomicContext `json:"genomic_context"`
	Source           VariantSource  `json:"source"`
	Extra            Extra          `json:"-"`
	members          `json:"-"`
}

func (v *Variant) UnmarshalJSON(object []byte) error { return unmarshal(object, v) }
func (v Variant) MarshalJSON() ([]byte, error)       { return marshal(v) }

// VariantSite is a site of the genome, and the genotype called there.
type VariantSite struct {
	Chromosome    string             `json:"chromosome"` // such as chr15
	Position      int64              `json:"position"`
	Type          string             `json:"type"` // such as snp
	Genotype      string             `json:"genotype"`
	ReferenceBase string             `json:"reference_base"`
	AlternateBase []string           `json:"alternate_base"`
	Call          VariantCall        `json:"call"`
	Information   VariantInformation `json:"information"`
	Extra         Extra              `json:"-"`
	members       `json:"-"`
}

func (s *VariantSite) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s VariantSite) MarshalJSON() ([]byte, error)       { return marshal(s) }

// VariantCall has a call's fields as VCF names them.
type VariantCall struct {
	GT      string  `json:"GT"` // genotype, such as 0/1
	DP      int64   `json:"DP"` // read depth
	GQ      int64   `json:"GQ"` // genotype quality
	AD      []int64 `json:"AD"` // depth of each allele
	PL      string  `json:"PL"` // likelihoods of the genotypes
	Extra   Extra   `json:"-"`
	members `json:"-"`
}

func (c *VariantCall) UnmarshalJSON(object []byte) error { return unmarshal(object, c) }
func (c VariantCall) MarshalJSON() ([]byte, error)       { return marshal(c) }

// VariantInformation is about a site over all samples.
type VariantInformation struct {
	AN          int64       `json:"AN"` // number of alleles
	DP          int64       `json:"DP"` // read depth
	SiteQuality json.Number `json:"site_quality"`
	// Frequency has each allele's frequency in each reference population, the reference allele's first.
	Frequency map[string][]json.Number `json:"frequency"`
	Extra     Extra                    `json:"-"`
	members   `json:"-"`
}

func (i *VariantInformation) UnmarshalJSON(object []byte) error { return unmarshal(object, i) }
func (i VariantInformation) MarshalJSON() ([]byte, error)       { return marshal(i) }

// GenomicContext names the genes around a variant.
type GenomicContext struct {
	Gene    []Gene `json:"gene"`
	Extra   Extra  `json:"-"`
	members `json:"-"`
}

func (g *GenomicContext) UnmarshalJSON(object []byte) error { return unmarshal(object, g) }
func (g GenomicContext) MarshalJSON() ([]byte, error)       { return marshal(g) }

// Gene is a gene by its symbol; its versions of RNA and protein are in Extra.
type Gene struct {
	Symbol  string       `json:"symbol"`
	Coding  CodingSystem `json:"coding"`
	Extra   Extra        `json:"-"`
	members `json:"-"`
}

func (g *Gene) UnmarshalJSON(object []byte) error { return unmarshal(object, g) }
func (g Gene) MarshalJSON() ([]byte, error)       { return marshal(g) }

// CodingSystem says who gives the ids beside it their meaning.
type CodingSystem struct {
	System  string `json:"system"`
	ID      string `json:"id"` // of function abundances only
	Extra   Extra  `json:"-"`
	members `json:"-"`
}

func (c *CodingSystem) UnmarshalJSON(object []byte) error { return unmarshal(object, c) }
func (c CodingSystem) MarshalJSON() ([]byte, error)       { return marshal(c) }

// VariantSource says how a variant was found.
type VariantSource struct {
	Tag             SourceTag `json:"tag"`
	UpdateTime      string    `json:"update_time"`
	PipelineVersion string    `json:"pipeline_version"`
	Extra           Extra     `json:"-"`
	members         `json:"-"`
}

func (s *VariantSource) UnmarshalJSON(object []byte) error { return unmarshal(object, s) }
func (s VariantSource) MarshalJSON() ([]byte, error)       { return marshal(s) }

// SourceTag names the genome assembly and the build of dbSNP.
type SourceTag struct {
	AssemblySynonym string `json:"assembly_synonym"` // such as GRCh38
	DBSNPBuild      int64  `json:"dbSNP_build"`
	Extra           Extra  `json:"-"`
	members         `json:"-"`
}

func (t *SourceTag) UnmarshalJSON(object []byte) error { return unmarshal(object, t) }
func (t SourceTag) MarshalJSON() ([]byte, error)       { return marshal(t) }

// ProfessionalVariantOptions take exactly one of Regions and BEDFile.
type ProfessionalVariantOptions struct {
	OnlyVariantSite *bool  `json:"only_variant_site"` // leave out sites equal to the reference; true unless given
	Regions         []any  `json:"regions"`           // at most 5000 regions
	BEDFile         string `json:"bed_file"`          // path of a zipped BED file, which is streamed from disk

	Extra map[string]any `json:"-"`
	Call  CallOptions    `json:"-"`
}

// Variants gives the variants of a biosample at given rsIDs. More than 100 are fetched in pieces: one list, in the
// order given, all of it or an error. Positions are counted from 1 on GRCh38, as in VCF and dbSNP, whatever
// CoordinateSystem says.
func (c *Client) Variants(ctx context.Context, biosampleID string, rsids []string, opts *Options) ([]Variant, error) {
	return callForList[[]Variant](ctx, c, "get_variants", args{"biosample_id": biosampleID, "rsids": rsids}, opts)
}

// ProfessionalVariant gives the variants in regions of the genome.
func (c *Client) ProfessionalVariant(ctx context.Context, biosampleID string, opts *ProfessionalVariantOptions) (json.RawMessage, error) {
	return rawCall(ctx, c, "professional_variant", args{"biosample_id": biosampleID}, opts)
}
