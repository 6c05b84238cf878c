//! Microbiome profiles: taxa, functions, genes.

use super::{Arg, Column, Endpoint, Grants, Pages, Type};

const NOUN: &str = "microbiome";

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get(
        "get_taxon_abundance",
        NOUN,
        "/microbiome/taxon_abundance",
        "The abundance of each taxon of a biosample, page by page.",
    )
    .grants(Grants::User)
    .args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("taxon_ids", Type::Ids, "taxon ids, such as txid815").wire("taxon_id"),
        Arg::new("next_page", Type::Token, "page number, from 1").wire("page").default("1"),
        Arg::new("limit", Type::Integer, "rows of a page").default("50"),
    ])
    .pages(Pages::Envelope)
    .columns(TAXON),
    Endpoint::get(
        "get_func_abundance",
        NOUN,
        "/microbiome/func_abundance",
        "The abundance of each function of a biosample, page by page.",
    )
    .grants(Grants::User)
    .args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new(
            "catalog",
            Type::Text,
            "go, ko, eggnog, pfam, kegg-pwy, kegg-mdl, level4ec, metacyc-rxn or metacyc-pwy",
        )
        .required(),
        Arg::new("ids", Type::Ids, "function ids"),
        Arg::new("next_page", Type::Token, "the last answer's next_page"),
        Arg::new("limit", Type::Integer, "rows of a page").default("50"),
    ])
    .pages(Pages::Token)
    .columns(FUNCTION),
    Endpoint::get(
        "get_gene_abundance",
        NOUN,
        "/microbiome/gene_abundance",
        "The abundance of each gene of a gut biosample, page by page, or as a file.",
    )
    .grants(Grants::User)
    .args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("catalog", Type::Text, "IGC_9.9M or UniRef90_HUMAnN2_0.11").required(),
        Arg::new("data_type", Type::Text, "list or file; UniRef90_HUMAnN2_0.11 has file only").required(),
        Arg::new("ids", Type::Ids, "gene ids"),
        Arg::new("next_page", Type::Token, "the last answer's next_page"),
        Arg::new("limit", Type::Integer, "rows of a page, at most 1000; 50 on the platform"),
    ])
    .pages(Pages::Token)
    .columns(GENE),
];

static TAXON: &[Column] = &[
    Column::text("biosample_id", "/sample_info/biosample_id"),
    Column::text("sample_info_sample_time", "/sample_info/sample_time"),
    Column::text("sample_info_biosample_site", "/sample_info/biosample_site"),
    Column::text("taxonomy_taxon_id", "/taxonomy/taxon_id"),
    Column::text("taxonomy_taxon_name", "/taxonomy/taxon_name"),
    Column::text("taxonomy_rank", "/taxonomy/rank"),
    Column::text("taxonomy_lineage", "/taxonomy/lineage"),
    Column::text("taxonomy_coding_system", "/taxonomy/coding/system"),
    Column::float("observation_value", "/observation/value").unit("percent"),
    Column::text("observation_unit", "/observation/unit"),
    Column::text("observation_type", "/observation/type"),
    Column::text("background_reference_cohort", "/background/reference_cohort"),
    Column::float("background_mean", "/background/mean").unit("percent"),
    Column::float("background_freq", "/background/freq"),
    Column::text("background_rank_ratio", "/background/rank_ratio"),
    Column::json("background_background", "/background/background"),
    Column::json("platform_labels", "/platform_labels"),
];

static FUNCTION: &[Column] = &[
    Column::text("biosample_id", "/sample_info/biosample_id"),
    Column::text("sample_info_sample_time", "/sample_info/sample_time"),
    Column::text("sample_info_biosample_site", "/sample_info/biosample_site"),
    Column::text("data_element_id", "/data_element_id"),
    Column::text("coding_id", "/coding/id"),
    Column::text("coding_system", "/coding/system"),
    Column::float("observation_value", "/observation/value").unit("percent"),
    Column::text("observation_unit", "/observation/unit"),
    Column::text("observation_type", "/observation/type"),
    Column::json("platform_labels", "/platform_labels"),
];

static GENE: &[Column] = &[
    Column::text("biosample_id", "/sample_info/biosample_id"),
    Column::text("sample_info_sample_time", "/sample_info/sample_time"),
    Column::text("sample_info_biosample_site", "/sample_info/biosample_site"),
    Column::text("igc_gene_igc_gene_id", "/igc_gene/igc_gene_id"),
    Column::text("igc_gene_igc_gene_name", "/igc_gene/igc_gene_name"),
    Column::text("igc_gene_coding_system", "/igc_gene/coding/system"),
    Column::text("igc_gene_annotation_kegg_annotation", "/igc_gene/annotation/kegg_annotation"),
    Column::text("igc_gene_annotation_eggnog_annotation", "/igc_gene/annotation/eggnog_annotation"),
    Column::text("igc_gene_annotation_phylum", "/igc_gene/annotation/phylum"),
    Column::text("igc_gene_annotation_genus", "/igc_gene/annotation/genus"),
    Column::text("igc_gene_annotation_gene_completeness", "/igc_gene/annotation/gene_completeness"),
    Column::int("igc_gene_annotation_gene_length", "/igc_gene/annotation/gene_length").unit("base pairs"),
    Column::float("observation_value", "/observation/value").unit("percent"),
    Column::text("observation_unit", "/observation/unit"),
    Column::text("observation_type", "/observation/type"),
    Column::text("observation_software", "/observation/software"),
    Column::json("platform_labels", "/platform_labels"),
];
