//! Streams, phenotypes, aggregates, data items.

use serde_json::{Value, json};

use crate::common::Sandbox;
use crate::{keys, refused, string};

#[test]
fn streams_and_what_is_written_to_them() {
    let sandbox = Sandbox::start(&[]);
    let (genome, element) = (sandbox.text("biosample_id"), "02393f70-c7e4-11e9-bfed-00163e104c79");
    let credentials = sandbox.credentials_token();
    let range = |more: &[(&str, &str)]| {
        let mut query = vec![("data_element_id", element), ("biosample_id", genome.as_str())];
        query.extend_from_slice(more);
        sandbox.get("/stream/range", &query)
    };
    let first = range(&[("limit", "1")]).data()["result"][0].clone();
    assert_eq!(
        keys(&first),
        [
            "stream_id",
            "data_element",
            "stream_generate_time_mask",
            "stream_meta",
            "create_time",
            "stream_data",
            "stream_generate_time"
        ]
    );
    assert_eq!(first["data_element"]["data_element_description"], "羟考酮");
    let times = |direction: &str| -> Vec<String> {
        let data = range(&[("sort_direction", direction), ("limit", "230")]).data();
        data["result"].as_array().unwrap().iter().map(|row| string(&row["stream_generate_time"])).collect()
    };
    let (ascending, mut descending) = (times("asc"), times("desc"));
    assert!(ascending.is_sorted() && ascending.len() == 230);
    descending.reverse();
    assert_eq!(ascending, descending);
    let within =
        range(&[("start_time", "2020-01"), ("end_time", "2020-12-31 23:59:59.999999"), ("limit", "230")])
            .data();
    let of_2020 = ascending.iter().filter(|time| time.starts_with("2020-")).count();
    assert_eq!(within["count"], of_2020);

    let form = [
        ("biosample_id", genome.as_str()),
        ("data_element_id", element),
        ("stream_generate_time", "2031-03-02T10:00:00Z"),
        ("stream_data", r#"{"name": "测试", "n": 9007199254740993}"#),
    ];
    let id = sandbox.post_as(&credentials, "/datamall/phenotype/write", &form).data()["stream_id"].clone();
    let newest = range(&[("limit", "1")]).data()["result"][0].clone();
    assert_eq!((&newest["stream_id"], &newest["stream_data"]["n"]), (&id, &json!(9_007_199_254_740_993_i64)));
    assert_eq!(newest["stream_generate_time"], "2031-03-02T18:00:00+0800");
    refused(&sandbox.post_as(&credentials, "/datamall/phenotype/write", &form), 41001);
    for (at, value) in [(0, ""), (1, "unsetting_deid"), (2, "soon"), (3, "not JSON"), (3, "[1]")] {
        let mut form = form.to_vec();
        form[at].1 = value;
        refused(&sandbox.post_as(&credentials, "/datamall/phenotype/write", &form), 41001);
    }
    refused(&range(&[("sort_direction", "up")]), 41001);
    refused(&range(&[("start_time", "soon")]), 41001);
    refused(
        &sandbox.get("/stream/range", &[("data_element_id", "unknown"), ("biosample_id", &genome)]),
        41001,
    );
    refused(&sandbox.get_as(&credentials, "/stream/range", &[("data_element_id", element)]), 41001);
    assert_eq!(sandbox.get("/stream/range", &[("data_element_id", element)]).code(), 0);
}

#[test]
fn aggregates_and_data_items() {
    let sandbox = Sandbox::start(&[]);
    let (genome, element) = (sandbox.text("biosample_id"), "02639c44-c7e4-11e9-bfed-00163e104c79");
    let base = [("data_element_id", element), ("biosample_id", genome.as_str()), ("start_time", "2019-01")];
    let aggregate = |more: &[(&str, &str)]| {
        let mut query = base.to_vec();
        query.extend_from_slice(more);
        sandbox.get("/omics_data/aggregate", &query)
    };
    let years = aggregate(&[("time_dimension", "year"), ("end_time", "2019-12-31"), ("periods", "5")]).data();
    let months = aggregate(&[("time_dimension", "month"), ("periods", "12")]).data();
    let total = |data: &Value| {
        data["result"].as_array().unwrap().iter().map(|row| row["count"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!(
        (years["result"].as_array().unwrap().len(), months["result"].as_array().unwrap().len()),
        (1, 12)
    );
    assert_eq!(total(&years), total(&months));
    assert_eq!(years["result"][0]["time"], "2019-01-01T00:00:00+0800");
    refused(&aggregate(&[("time_dimension", "century")]), 41001);
    refused(&aggregate(&[("time_dimension", "day"), ("periods", "101")]), 41001);
    refused(&aggregate(&[]), 41001);

    let items = |more: &[(&str, &str)]| {
        let mut query = vec![("namespace", "health"), ("biosample_id", genome.as_str())];
        query.extend_from_slice(more);
        sandbox.get("/data_item/batch_retrieve", &query)
    };
    let found = items(&[("data_element_ids", &format!("{element},unknown"))]).data();
    assert_eq!(
        (&found["count"], &found["result"][0]["data_element"]["data_element_description"]),
        (&json!(1), &json!("步数"))
    );
    let collection = sandbox.state()["collection_id"].as_str().unwrap().to_owned();
    assert_eq!(items(&[]).data()["count"], items(&[("collection_id", &collection)]).data()["count"]);
    refused(&items(&[("collection_id", "unknown")]), 41001);
    refused(&items(&[("data_element_ids", element), ("collection_id", "x")]), 41001);
    refused(&items(&[("data_element_ids", &vec!["a"; 101].join(","))]), 41001);
}
