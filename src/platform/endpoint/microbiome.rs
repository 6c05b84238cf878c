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
    Column::text("biosample_id", "/sample_info/biosample_id").about("id of the sample"),
    Column::text("sample_info_sample_time", "/sample_info/sample_time").about("when the sample was taken"),
    Column::text("sample_info_biosample_site", "/sample_info/biosample_site")
        .about("where the sample was taken"),
    Column::text("taxonomy_taxon_id", "/taxonomy/taxon_id").about("id of the taxon"),
    Column::text("taxonomy_taxon_name", "/taxonomy/taxon_name")
        .about("name of the taxon, with the letter of its rank"),
    Column::text("taxonomy_rank", "/taxonomy/rank").about("rank of the taxon; ranks contain each other"),
    Column::text("taxonomy_lineage", "/taxonomy/lineage")
        .about("names of the taxon and of those above it, with the letters of their ranks"),
    Column::text("taxonomy_coding_system", "/taxonomy/coding/system").about("where taxon ids come from"),
    Column::float("observation_value", "/observation/value").unit("percent").about("abundance"),
    Column::text("observation_unit", "/observation/unit").about("unit of observation_value"),
    Column::text("observation_type", "/observation/type").about("what observation_value is"),
    Column::text("background_reference_cohort", "/background/reference_cohort")
        .about("people that the background is of"),
    Column::float("background_mean", "/background/mean")
        .unit("percent")
        .about("mean abundance in the reference cohort"),
    Column::float("background_freq", "/background/freq")
        .about("share of the reference cohort that has the taxon, as a fraction"),
    Column::text("background_rank_ratio", "/background/rank_ratio")
        .about("place of the abundance among those of the reference cohort"),
    Column::json("background_background", "/background/background")
        .about("quantiles of the abundance in the reference cohort"),
    Column::json("platform_labels", "/platform_labels").about("sequencing platforms"),
];

static FUNCTION: &[Column] = &[
    Column::text("biosample_id", "/sample_info/biosample_id").about("id of the sample"),
    Column::text("sample_info_sample_time", "/sample_info/sample_time").about("when the sample was taken"),
    Column::text("sample_info_biosample_site", "/sample_info/biosample_site")
        .about("where the sample was taken"),
    Column::text("data_element_id", "/data_element_id").about("id of the data element"),
    Column::text("coding_id", "/coding/id").about("id of the function"),
    Column::text("coding_system", "/coding/system").about("catalog that the id is of"),
    Column::float("observation_value", "/observation/value").unit("percent").about("abundance"),
    Column::text("observation_unit", "/observation/unit").about("unit of observation_value"),
    Column::text("observation_type", "/observation/type").about("what observation_value is"),
    Column::json("platform_labels", "/platform_labels").about("sequencing platforms"),
];

static GENE: &[Column] = &[
    Column::text("biosample_id", "/sample_info/biosample_id").about("id of the sample"),
    Column::text("sample_info_sample_time", "/sample_info/sample_time").about("when the sample was taken"),
    Column::text("sample_info_biosample_site", "/sample_info/biosample_site")
        .about("where the sample was taken"),
    Column::text("igc_gene_igc_gene_id", "/igc_gene/igc_gene_id")
        .about("id of the gene in the integrated gene catalog"),
    Column::text("igc_gene_igc_gene_name", "/igc_gene/igc_gene_name").about("name of the gene"),
    Column::text("igc_gene_coding_system", "/igc_gene/coding/system").about("where gene ids come from"),
    Column::text("igc_gene_annotation_kegg_annotation", "/igc_gene/annotation/kegg_annotation")
        .about("KEGG orthology of the gene"),
    Column::text("igc_gene_annotation_eggnog_annotation", "/igc_gene/annotation/eggnog_annotation")
        .about("eggNOG group of the gene"),
    Column::text("igc_gene_annotation_phylum", "/igc_gene/annotation/phylum")
        .about("phylum that the gene is of"),
    Column::text("igc_gene_annotation_genus", "/igc_gene/annotation/genus")
        .about("genus that the gene is of"),
    Column::text("igc_gene_annotation_gene_completeness", "/igc_gene/annotation/gene_completeness")
        .about("whether an end of the gene is missing"),
    Column::int("igc_gene_annotation_gene_length", "/igc_gene/annotation/gene_length")
        .unit("base pairs")
        .about("length of the gene"),
    Column::float("observation_value", "/observation/value").unit("percent").about("abundance"),
    Column::text("observation_unit", "/observation/unit").about("unit of observation_value"),
    Column::text("observation_type", "/observation/type").about("what observation_value is"),
    Column::text("observation_software", "/observation/software").about("program that measured"),
    Column::json("platform_labels", "/platform_labels").about("sequencing platforms"),
];
