//! Biosamples: lists, single ones, registration.

use super::{Arg, Column, Endpoint, Pages, Type, labels};

const NOUN: &str = "samples";
const SITE: Arg =
    Arg::new("biosample_site", Type::Integer, "sampling site, 1 to 15").required().labels(labels::SITES);

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("get_samples", NOUN, "/samples", "The biosamples that the token may see, page by page.")
        .args(&[
            Arg::new("biosample_ids", Type::Ids, "biosample ids").upper(),
            Arg::new("biosample_sites", Type::Ids, "sampling sites, 1 to 15").labels(labels::SITES),
            Arg::new("omics", Type::Ids, "omics: 1 genomics, 2 metagenomics").labels(labels::OMICS),
            Arg::new("project_ids", Type::Ids, "project ids"),
            Arg::new("organisms", Type::Ids, "organisms, 1 to 3").labels(labels::ORGANISMS),
            Arg::new("data_availability", Type::Bool, "only samples with (or without) data"),
            Arg::new("statuses", Type::Ids, "status codes").labels(labels::STATUSES),
            Arg::new("require_files", Type::Bool, "also list each sample's files"),
            Arg::new("next_page", Type::Token, "page number, from 1").wire("page").default("1"),
            Arg::new("limit", Type::Integer, "rows of a page").default("50"),
        ])
        .pages(Pages::Number)
        .columns(SAMPLE),
    Endpoint::get("get_sample", NOUN, "/samples/{biosample_id}", "One biosample.").args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("require_files", Type::Bool, "also list the sample's files"),
    ]),
    Endpoint::get(
        "externals",
        NOUN,
        "/samples/external_ids",
        "The biosample ids of the lab's own sample ids.",
    )
    .args(&[
        Arg::new("project_id", Type::Text, "project id").required(),
        SITE,
        Arg::new("external_ids", Type::Ids, "the lab's own sample ids").required(),
    ])
    .columns(&[
        Column::text("external_sample_id", "/external_sample_id").about("id that the sample has elsewhere"),
        Column::text("biosample_id", "/biosample_id").about("id of the sample"),
        Column::text("project_id", "/project_id").about("id of the project"),
        Column::int("biosample_site", "/biosample_site").about("code of where the sample was taken"),
    ]),
    Endpoint::post(
        "register_sample",
        NOUN,
        "/samples/register",
        "Registers a biosample; never repeated on its own.",
    )
    .args(&[
        Arg::new("external_sample_id", Type::Text, "the lab's own sample id").required(),
        SITE,
        Arg::new("project_id", Type::Text, "project id").required(),
        Arg::new(
            "duplicate_enabled",
            Type::Bool,
            "allow an external_sample_id once more; false on the platform",
        ),
    ]),
    Endpoint::post(
        "improve_sample",
        NOUN,
        "/samples/improve",
        "Adds facts to a biosample; a field once set stays.",
    )
    .args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("library_id", Type::Text, "sequencing library id"),
        Arg::new("library_strategy", Type::Text, "library strategy, such as WGS"),
        Arg::new("library_source", Type::Text, "library source, such as GENOMIC"),
    ])
    .answers_nothing()
    .idle_without_fields(),
];

static SAMPLE: &[Column] = &[
    Column::text("biosample_id", "/biosample_id").about("id of the sample"),
    Column::text("update_time", "/update_time").about("last change"),
    Column::text("sample_collection_time", "/sample_collection_time").about("when the sample was taken"),
    Column::int("organism_code", "/organism/code").about("code of the organism"),
    Column::text("organism_display", "/organism/display").about("the organism in words"),
    Column::json("sequencing_platform", "/sequencing/platform").about("sequencing platforms"),
    Column::json("sequencing_sequencing_time", "/sequencing/sequencing_time").about("when it was sequenced"),
    Column::json("sequencing_instrument_model", "/sequencing/instrument_model")
        .about("sequencing instruments"),
    Column::json("sequencing_read_type", "/sequencing/read_type").about("kinds of reads"),
    Column::json("project", "/project").about("projects of the sample"),
    Column::bool("data_availability", "/data_availability").about("whether there are data of the sample"),
    Column::int("status_code", "/status/code").about("code of the status"),
    Column::text("status_display", "/status/display").about("the status in words"),
    Column::bool("primary", "/primary").about("whether it is the person's main sample"),
    Column::int("biosample_site_code", "/biosample_site/code").about("code of where the sample was taken"),
    Column::text("biosample_site_display", "/biosample_site/display")
        .about("where the sample was taken, in words"),
    Column::int("omic_code", "/omic/code").about("code of the omics"),
    Column::text("omic_display", "/omic/display").about("the omics in words"),
    Column::float("statistics_human_contamination", "/statistics/human_contamination")
        .about("how much of the reads is human"),
    Column::float("statistics_depth", "/statistics/depth").about("depth of sequencing"),
    Column::int("statistics_variant_counting", "/statistics/variant_counting")
        .about("how many variants there are"),
    Column::float("statistics_base_pairs", "/statistics/base_pairs").about("bases that were sequenced"),
    Column::float("statistics_coverage", "/statistics/coverage").about("how much of the genome is covered"),
];
