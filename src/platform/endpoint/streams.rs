//! Data streams, aggregates and data items.

use super::{Arg, Column, Endpoint, Grants, Pages, Rule, Type};

const NOUN: &str = "streams";

pub(super) static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get(
        "get_range_stream",
        NOUN,
        "/stream/range",
        "A data element's values over a time range, page by page.",
    )
    .args(&[
        Arg::new("data_element_id", Type::Text, "data element id").required(),
        Arg::new("biosample_id", Type::Text, "biosample id; client-credentials tokens need it").upper(),
        Arg::new("start_time", Type::Text, "from this time, such as 1970-01"),
        Arg::new("end_time", Type::Text, "to this time, such as 2021-04-01 10:11:00.123456"),
        Arg::new("sort_direction", Type::Text, "asc or desc; desc on the platform"),
        Arg::new("next_page", Type::Token, "the last answer's next_page"),
        Arg::new("limit", Type::Integer, "rows of a page").default("100"),
    ])
    .pages(Pages::Token)
    .columns(&[
        Column::text("stream_id", "/stream_id").about("id of the measurement"),
        Column::text("data_element_data_element_id", "/data_element/data_element_id")
            .about("id of the data element"),
        Column::text("data_element_data_element_name", "/data_element/data_element_name")
            .about("name of the data element"),
        Column::text("data_element_data_element_description", "/data_element/data_element_description")
            .about("what the data element is"),
        Column::text("stream_generate_time", "/stream_generate_time").about("when it was measured"),
        Column::text("stream_generate_time_mask", "/stream_generate_time_mask")
            .about("which parts of stream_generate_time are known"),
        Column::text("create_time", "/create_time").about("when it was recorded"),
        Column::text("stream_meta_user_entity_id", "/stream_meta/user_entity_id").about("whose it is"),
        Column::text("stream_meta_namespace", "/stream_meta/namespace").about("namespace of the measurement"),
        Column::json("stream_data", "/stream_data").about("what was measured"),
    ]),
    Endpoint::get(
        "aggregate_omics_data",
        NOUN,
        "/omics_data/aggregate",
        "A data element's values by period.",
    )
    .args(&[
        Arg::new("data_element_id", Type::Text, "data element id").required(),
        Arg::new("time_dimension", Type::Text, "year, quarter, month, week, day, minute or second")
            .required(),
        Arg::new("start_time", Type::Text, "from this time").required(),
        Arg::new("end_time", Type::Text, "to this time"),
        Arg::new("biosample_id", Type::Text, "biosample id").upper(),
        Arg::new("interval", Type::Integer, "time dimensions of one period").default("1"),
        Arg::new("periods", Type::Integer, "number of periods, at most 100").default("100"),
    ]),
    Endpoint::post(
        "write_phenotype",
        NOUN,
        "/datamall/phenotype/write",
        "Writes a phenotype of a biosample.",
    )
    .grants(Grants::Client)
    .args(&[
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("data_element_id", Type::Text, "data element id").required(),
        Arg::new("stream_generate_time", Type::Text, "such as 2021-03-02T10:00:00Z").required(),
        Arg::new("stream_data", Type::Object, "the values").required(),
        Arg::new("duplicate_enabled", Type::Bool, "allow the same values once more"),
    ]),
    Endpoint::get(
        "get_data_items",
        NOUN,
        "/data_item/batch_retrieve",
        "Data items of a biosample, page by page.",
    )
    .args(&[
        Arg::new("namespace", Type::Text, "namespace").required(),
        Arg::new("biosample_id", Type::Text, "biosample id").required().upper(),
        Arg::new("collection_id", Type::Text, "collection id"),
        Arg::new("data_element_ids", Type::Ids, "at most 100 data element ids"),
        Arg::new("next_page", Type::Token, "the last answer's next_page"),
    ])
    .rules(&[Rule::Excludes("collection_id", &["data_element_ids"])])
    .pages(Pages::Token)
    .columns(&[
        Column::text("biosample_id", "/biosample_id").about("id of the sample"),
        Column::int("data_item_id", "/data_item_id").about("id of the data item"),
        Column::text("namespace", "/namespace").about("namespace of the data item"),
        Column::text("data_element_data_element_id", "/data_element/data_element_id")
            .about("id of the data element"),
        Column::text("data_element_data_element_name", "/data_element/data_element_name")
            .about("name of the data element"),
        Column::text("data_element_data_element_description", "/data_element/data_element_description")
            .about("what the data element is"),
        Column::json("value", "/value").about("value of the data item"),
        Column::text("unit", "/unit").about("unit of the value"),
        Column::text("update_time", "/update_time").about("last change"),
    ]),
];
