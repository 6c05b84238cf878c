//! Variants of a genome.

use super::{Arg, Column, Endpoint, Kind, Rule, Type};

const NOUN: &str = "variants";

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("get_variants", NOUN, "/variants", "The variants of a biosample at given rsIDs.")
        .kind(Kind::Variants)
        .args(&[
            Arg::new("biosample_id", Type::Text, "biosample id").required().trim().upper(),
            Arg::new("rsids", Type::Ids, "rsIDs; more than 100 are fetched in pieces").required().trim(),
        ])
        .columns(VARIANT),
    Endpoint::post(
        "professional_variant",
        NOUN,
        "/professional/variant",
        "Variants in regions of the genome.",
    )
    .repeatable(true)
    .args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("only_variant_site", Type::Bool, "leave out sites equal to the reference").default("True"),
        Arg::new("regions", Type::Array, "at most 5000 regions"),
        Arg::new("bed_file", Type::File, "path of a zipped BED file"),
    ])
    .rules(&[Rule::OneOf(&["regions", "bed_file"])]),
];

static VARIANT: &[Column] = &[
    Column::text("variant_id", "/variant_id"),
    Column::json("alternate_id", "/alternate_id"),
    Column::bool("is_assayed", "/is_assayed"),
    Column::bool("is_genotyped", "/is_genotyped"),
    Column::bool("is_no_call", "/is_no_call"),
    Column::int("batch_no", "/batch_no"),
    Column::int("coordinate_system", "/coordinate_system"),
    Column::text("variant_chromosome", "/variant/chromosome"),
    Column::int("variant_position", "/variant/position"),
    Column::text("variant_type", "/variant/type"),
    Column::text("variant_genotype", "/variant/genotype"),
    Column::text("variant_reference_base", "/variant/reference_base"),
    Column::json("variant_alternate_base", "/variant/alternate_base"),
    Column::text("variant_call_gt", "/variant/call/GT"),
    Column::int("variant_call_dp", "/variant/call/DP"),
    Column::int("variant_call_gq", "/variant/call/GQ"),
    Column::json("variant_call_ad", "/variant/call/AD"),
    Column::text("variant_call_pl", "/variant/call/PL"),
    Column::int("variant_information_an", "/variant/information/AN"),
    Column::int("variant_information_dp", "/variant/information/DP"),
    Column::float("variant_information_site_quality", "/variant/information/site_quality"),
    Column::json("variant_information_frequency", "/variant/information/frequency"),
    Column::json("genomic_context_gene", "/genomic_context/gene"),
    Column::text("source_tag_assembly_synonym", "/source/tag/assembly_synonym"),
    Column::int("source_tag_dbsnp_build", "/source/tag/dbSNP_build"),
    Column::text("source_update_time", "/source/update_time"),
    Column::text("source_pipeline_version", "/source/pipeline_version"),
];
