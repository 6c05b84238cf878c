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
    Column::text("variant_id", "/variant_id").about("id of the row"),
    Column::json("alternate_id", "/alternate_id").about("rsIDs of the site"),
    Column::bool("is_assayed", "/is_assayed").about("whether the site was looked at in this sample"),
    Column::bool("is_genotyped", "/is_genotyped").about("whether a genotype was called"),
    Column::bool("is_no_call", "/is_no_call").about("whether the site was looked at, and no genotype called"),
    Column::int("batch_no", "/batch_no").about("number of the batch"),
    Column::int("coordinate_system", "/coordinate_system")
        .about("as the platform says it; positions are counted from 1 all the same"),
    Column::text("variant_chromosome", "/variant/chromosome").about("chromosome, such as chr15"),
    Column::int("variant_position", "/variant/position")
        .about("position on GRCh38, counted from 1 as in VCF and dbSNP"),
    Column::text("variant_type", "/variant/type").about("such as snp or indel"),
    Column::text("variant_genotype", "/variant/genotype").about("bases of the genotype"),
    Column::text("variant_reference_base", "/variant/reference_base").about("bases of the reference"),
    Column::json("variant_alternate_base", "/variant/alternate_base")
        .about("bases of the alternates; empty where the sample is as the reference"),
    Column::text("variant_call_gt", "/variant/call/GT")
        .about("genotype: numbers of alleles, 0 for the reference"),
    Column::int("variant_call_dp", "/variant/call/DP").about("reads at the site"),
    Column::int("variant_call_gq", "/variant/call/GQ").about("quality of the genotype, Phred-scaled"),
    Column::json("variant_call_ad", "/variant/call/AD").about("reads of each allele, the reference first"),
    Column::text("variant_call_pl", "/variant/call/PL")
        .about("likelihoods of the genotypes, Phred-scaled, in the order of VCF"),
    Column::int("variant_information_an", "/variant/information/AN").about("alleles that were called"),
    Column::int("variant_information_dp", "/variant/information/DP").about("reads at the site"),
    Column::float("variant_information_site_quality", "/variant/information/site_quality")
        .about("quality of the site, Phred-scaled (QUAL of VCF)"),
    Column::json("variant_information_frequency", "/variant/information/frequency")
        .about("frequencies of the alleles in other cohorts, the reference first"),
    Column::json("genomic_context_gene", "/genomic_context/gene").about("genes around the site"),
    Column::text("source_tag_assembly_synonym", "/source/tag/assembly_synonym")
        .about("the assembly that positions are on"),
    Column::int("source_tag_dbsnp_build", "/source/tag/dbSNP_build")
        .about("build of dbSNP that rsIDs are of"),
    Column::text("source_update_time", "/source/update_time").about("last change"),
    Column::text("source_pipeline_version", "/source/pipeline_version").about("version of the pipeline"),
];
