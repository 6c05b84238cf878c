//! Every row and every value, compared with the JSON route.

use serde_json::{Value, json};

use super::{Stream, Table, metagenomes, refused};
use crate::support::{Sandbox, c::Api};

/// All rows of a call as JSON, by its pages or at once.
fn by_json(api: &Api, name: &str, args: &Value) -> Vec<Value> {
    if matches!(name, "get_variants" | "externals") {
        return api.value(name, args.clone()).expect(name).as_array().expect("a list").clone();
    }
    let pages = api.pages(name, args.clone()).expect(name);
    let mut rows = Vec::new();
    while let Some(page) = pages.next().expect(name) {
        rows.extend(page["result"].as_array().expect("rows").iter().cloned());
    }
    rows
}

fn columns(name: &str) -> Vec<Value> {
    let table: Value = serde_json::from_str(&bge::endpoint::describe()).expect("JSON");
    let row = table.as_array().expect("rows").iter().find(|row| row["name"] == name).expect(name).clone();
    row["columns"].as_array().expect("columns").clone()
}

/// What the table must hold of a JSON row: by pointer, column by column, the rest in `extra`.
fn expected(row: &Value, columns: &[Value], sample: Option<&str>, of_samples: bool) -> Value {
    let mut rest = row.clone();
    // Every table of samples has this column; rows of some calls do not name their sample.
    let mut flat = if of_samples { json!({"biosample_id": null}) } else { json!({}) };
    for column in columns {
        let path = column["path"].as_str().expect("a path");
        let value = rest.pointer_mut(path).map_or(Value::Null, Value::take);
        flat[column["name"].as_str().expect("a name")] = match column["type"].as_str() {
            Some("json") if !value.is_null() => value.to_string().into(),
            Some("float64") if !value.is_null() => value.as_f64().into(),
            _ => value,
        };
    }
    if let (Some(id), true) = (sample, flat["biosample_id"].is_null()) {
        flat["biosample_id"] = id.into();
    }
    let rest = pruned(rest);
    flat["extra"] = if rest.is_null() { Value::Null } else { rest.to_string().into() };
    flat
}

fn pruned(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let kept: serde_json::Map<_, _> =
        members.into_iter().map(|(k, v)| (k, pruned(v))).filter(|(_, v)| !v.is_null()).collect();
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

/// The same JSON, whatever its spaces and the order of its members.
fn normal(mut row: Value, columns: &[Value]) -> Value {
    let texts = columns.iter().filter(|c| c["type"] == "json").map(|c| c["name"].as_str().expect("a name"));
    for name in texts.chain(["extra"]) {
        if let Some(text) = row[name].as_str() {
            row[name] = pruned(serde_json::from_str(text).expect("JSON text"));
        }
    }
    // serde_json's own doubles may be off by one in the last place.
    for column in columns.iter().filter(|column| column["type"] == "float64") {
        let name = column["name"].as_str().expect("a name");
        if let Some(number) = row[name].as_f64() {
            row[name] = format!("{number:.12e}").into();
        }
    }
    row
}

/// Fetches a list page by page, or at once, and makes rows of each answer by itself.
fn by_pages(api: &Api, name: &str, args: &Value) -> Vec<Value> {
    let stream = |page: &str| Stream::of_page(name, page).expect(name).rows();
    if matches!(name, "get_variants" | "externals") {
        return stream(&api.call(name, args.clone()).expect(name));
    }
    let (mut args, mut rows) = (args.clone(), Vec::new());
    loop {
        let page = api.call(name, args.clone()).expect(name);
        rows.extend(stream(&page));
        let read: Value = serde_json::from_str(&page).expect("JSON");
        args["next_page"] = read["next_page"].clone();
        if read["next_page"].is_null() || read["result"].as_array().is_some_and(Vec::is_empty) {
            return rows;
        }
    }
}

fn compare(api: &Api, name: &str, args: &Value, sample: Option<&str>) -> usize {
    let columns = columns(name);
    let table: Vec<Value> = Stream::table(api, name, args)
        .expect(name)
        .rows()
        .into_iter()
        .map(|row| normal(row, &columns))
        .collect();
    let wanted: Vec<Value> = by_json(api, name, args)
        .iter()
        .map(|row| normal(expected(row, &columns, sample, name != "model_versions"), &columns))
        .collect();
    assert_eq!(table.len(), wanted.len(), "{name}");
    let pages = by_pages(api, name, args).into_iter().map(|row| normal(row, &columns));
    // A row by itself does not know which sample was asked for.
    let known = |row: &Value| sample.is_some() && row["biosample_id"].is_null();
    for (mut row, wanted) in pages.zip(&wanted) {
        if known(&row) {
            row["biosample_id"] = wanted["biosample_id"].clone();
        }
        assert_eq!(&row, wanted, "{name}, a page by itself");
    }
    for (number, (row, wanted)) in table.iter().zip(&wanted).enumerate() {
        assert_eq!(row, wanted, "{name}, row {number}");
    }
    table.len()
}

#[test]
fn every_list_is_the_same_as_a_table() {
    let sandbox = Sandbox::start(&["--samples", "40", "--taxa", "230"]);
    let api = sandbox.api(json!({}));
    let (genome, meta) = (sandbox.text("/biosample_id"), sandbox.text("/meta_biosample_id"));
    let project = sandbox.text("/project_id");
    let element = "02393f70-c7e4-11e9-bfed-00163e104c79";
    let collection = sandbox.state()["collection_id"].clone();
    let external = json!({"external_sample_id": "外部-1", "biosample_site": 6, "project_id": project});
    api.value("register_sample", external).expect("registered");
    let rsids: Vec<String> = (0..230).map(|n| format!("rs{}", 762_551 + n)).collect();
    for (name, args, sample, least) in [
        ("get_samples", json!({"limit": 7}), None, 41),
        ("get_variants", json!({"biosample_id": genome, "rsids": "rs762551,rs333,rs1"}), Some(genome), 3),
        ("get_variants", json!({"biosample_id": genome.to_lowercase(), "rsids": rsids}), Some(genome), 230),
        ("get_taxon_abundance", json!({"biosample_id": meta, "limit": 50}), Some(meta), 230),
        ("get_func_abundance", json!({"biosample_id": meta, "catalog": "ko", "limit": 60}), Some(meta), 61),
        (
            "get_gene_abundance",
            json!({"biosample_id": meta, "catalog": "IGC_9.9M", "data_type": "list", "limit": 1000}),
            Some(meta),
            1001,
        ),
        ("get_range_stream", json!({"data_element_id": element, "biosample_id": genome}), Some(genome), 101),
        ("get_range_stream", json!({"data_element_id": element, "limit": 1000}), None, 101),
        (
            "get_data_items",
            json!({"namespace": "n", "biosample_id": genome, "collection_id": collection}),
            Some(genome),
            11,
        ),
        ("model_versions", json!({"model_id": sandbox.text("/model_id")}), None, 20),
        (
            "externals",
            json!({"project_id": project, "biosample_site": 6, "external_ids": ["外部-1"]}),
            None,
            1,
        ),
    ] {
        let rows = compare(&api, name, &args, sample);
        assert!(rows >= least, "{name}: {rows} rows");
    }
}

#[test]
fn the_schema_is_declared_and_tells_units_and_sources() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    let mut stream = Stream::table(
        &api,
        "get_gene_abundance",
        &json!({
            "biosample_id": [], "catalog": "IGC_9.9M", "data_type": "list"
        }),
    )
    .expect("a stream");
    let schema = arrow_schema::Schema::try_from(&stream.schema()).expect("a schema");
    let told: Vec<String> =
        schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    assert_eq!(told[0], "biosample_id Utf8");
    assert!(told.contains(&"igc_gene_annotation_gene_length Int64".to_owned()), "{told:?}");
    assert!(told.contains(&"observation_value Float64".to_owned()));
    assert_eq!(told.last().map(String::as_str), Some("extra Utf8"));
    assert!(schema.fields().iter().all(|field| field.is_nullable()));
    let length = schema.field_with_name("igc_gene_annotation_gene_length").expect("a column");
    assert_eq!(length.metadata()["bge.unit"], "base pairs");
    assert_eq!(length.metadata()["bge.endpoint"], "get_gene_abundance");
    assert_eq!(length.metadata()["bge.type"], "int64");

    // Of no samples there are no rows, and nobody is asked.
    assert!(stream.next().is_none());
    assert_eq!(sandbox.log().len(), 0);
}

#[test]
fn misfits_and_unknown_members_are_kept_counted_or_refused() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let rows =
        r#"[{"observation": {"value": "many"}, "new": 9007199254740993, "taxonomy": {"taxon_id": "BT1"}}]"#;
    let body = format!(r#"{{"code": 0, "data": {rows}, "pagination": {{"count": 1, "page": 1}}}}"#);
    let fault = json!({"path": super::TAXA, "kind": "status", "status": 200, "body": body,
        "content_type": "application/json"});
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id"), "taxon_ids": "txid1323"});

    sandbox.fault(fault.clone());
    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    let rows = table.stream().expect("a stream").rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["observation_value"], Value::Null);
    assert_eq!(rows[0]["taxonomy_taxon_id"], "BT1");
    assert_eq!(rows[0]["biosample_id"], sandbox.text("/meta_biosample_id"));
    assert_eq!(rows[0]["extra"], r#"{"observation":{"value":"many"},"new":9007199254740993}"#);
    assert_eq!(table.report(), json!({"failed": [], "misfits": 1}));

    sandbox.fault(fault);
    let mut strict = args.clone();
    strict["$"] = json!({"strict": true});
    let broken = Stream::table(&api, "get_taxon_abundance", &strict)
        .expect("a stream")
        .try_next()
        .expect_err("strict");
    assert_eq!(broken.json["name"], "BGE_ERR_PROTOCOL");
    let message = broken.json["message"].as_str().expect("a message");
    assert!(
        message.contains("observation_value") && message.contains(sandbox.text("/meta_biosample_id")),
        "{message}"
    );
}

#[test]
fn what_cannot_be_a_table_is_refused_before_anything_is_sent() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    let ids = metagenomes(&api, 2);
    sandbox.clear_log();
    for (name, args, part) in [
        ("get_user", json!({}), "get_user"),
        ("get_taxon", json!({}), "did you mean \"get_taxon_abundance\""),
        ("get_taxon_abundance", json!({}), "biosample_id is required"),
        ("get_taxon_abundance", json!({"biosample_id": 7}), "biosample_id must be"),
        ("get_taxon_abundance", json!({"biosample_id": ["E-B1", 7]}), "biosample_id must be"),
        ("get_taxon_abundance", json!({"biosample_id": ids, "next_page": 3}), "next_page"),
        ("get_taxon_abundance", json!({"biosample_id": "E-B1", "biosample_ids": "all"}), "biosample_ids"),
        ("get_taxon_abundance", json!({"biosample_ids": ["E-B1"]}), "biosample_ids must be \"all\""),
        ("get_taxon_abundance", json!({"biosample_ids": "all", "omics": {}}), "omics"),
        ("get_taxon_abundance", json!({"biosample_id": ids, "limit": "5"}), "limit"),
        ("get_func_abundance", json!({"biosample_id": ids}), "catalog is required"),
        ("get_taxon_abundance", json!({"biosample_id": ids, "$": {"concurrency": 0}}), "$.concurrency"),
        ("get_taxon_abundance", json!({"biosample_id": ids, "$": {"prefetch": 1.5}}), "$.prefetch"),
        ("get_taxon_abundance", json!({"biosample_id": ids, "$": {"on_error": "ignore"}}), "$.on_error"),
        ("get_taxon_abundance", json!({"biosample_id": ids, "$": {"rate_limit": 0}}), "$.rate_limit"),
        (
            "get_taxon_abundance",
            json!({"biosample_id": ids, "$": {"checkpoint_dir": ""}}),
            "$.checkpoint_dir",
        ),
        ("get_taxon_abundance", json!({"biosample_id": ids, "$": {"strict": 1}}), "$.strict"),
        (
            "get_taxon_abundance",
            json!({"biosample_id": ids, "$": {"concurency": 1}}),
            "did you mean \"concurrency\"",
        ),
    ] {
        let failure = refused(Table::open(&api, name, &args));
        assert_eq!(failure.json["name"], "BGE_ERR_ARGUMENT", "{args}");
        assert!(failure.message.contains(part), "{args}: {}", failure.message);
        assert_eq!(
            refused(Stream::table(&api, name, &args)).message.split_once(": ").map(|m| m.1.to_owned()),
            failure.message.split_once(": ").map(|m| m.1.to_owned())
        );
    }
    assert_eq!(sandbox.log().len(), 0, "something was sent");
}

#[test]
fn one_page_becomes_columns_without_a_client() {
    let samples = r#" {"count": 2, "next_page": null, "result": [
        {"biosample_id": "E-F1", "primary": true, "organism": {"code": 9007199254740993, "display": "人"}, "new": [1]},
        {"biosample_id": "E-B2", "statistics": {"depth": "30x", "variant_counting": 4000000000}}]} "#;
    let rows = Stream::of_page("get_samples", samples).expect("a stream").rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        [&rows[0]["biosample_id"], &rows[0]["primary"], &rows[0]["organism_code"], &rows[0]["extra"]],
        [&json!("E-F1"), &json!(true), &json!(9_007_199_254_740_993_i64), &json!(r#"{"new":[1]}"#)]
    );
    assert_eq!(rows[1]["statistics_depth"], Value::Null);
    assert_eq!(rows[1]["extra"], r#"{"statistics":{"depth":"30x"}}"#);
    assert_eq!(rows[1]["statistics_variant_counting"], 4_000_000_000_i64);

    // Rows that were taken out of their pages, in a list of their own; other calls' answers the other way round.
    let list = r#"[{"biosample_id":"E-F1"},null,{"biosample_id":"E-F3"}]"#;
    let rows = Stream::of_page("get_samples", list).expect("a stream").rows();
    assert_eq!(
        rows.iter().map(|row| row["biosample_id"].clone()).collect::<Vec<_>>(),
        [json!("E-F1"), Value::Null, json!("E-F3")]
    );
    let variants = r#"{"result": [{"variant_id": "rs1", "variant": {"call": {"DP": 9}}}]}"#;
    let rows = Stream::of_page("get_variants", variants).expect("a stream").rows();
    assert_eq!((&rows[0]["variant_id"], &rows[0]["variant_call_dp"]), (&json!("rs1"), &json!(9)));
    assert_eq!(rows[0]["biosample_id"], Value::Null);

    // Every list call gives its schema for a page without rows.
    let table: Value = serde_json::from_str(&bge::endpoint::describe()).expect("JSON");
    for call in table.as_array().expect("rows") {
        let name = call["name"].as_str().expect("a name");
        let Some(columns) = call["columns"].as_array().filter(|columns| !columns.is_empty()) else {
            assert!(refused(Stream::of_page(name, "[]")).message.contains(name), "{name} has no rows");
            continue;
        };
        for page in ["[]", r#"{"result": [], "next_page": ""}"#] {
            let mut stream = Stream::of_page(name, page).expect(name);
            let schema = arrow_schema::Schema::try_from(&stream.schema()).expect("a schema");
            let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            for column in columns {
                assert!(names.iter().any(|name| **name == column["name"]), "{name}: {column}");
            }
            assert_eq!(names.last().map(|name| name.as_str()), Some("extra"));
            assert!(stream.next().is_none());
        }
    }
}

#[test]
fn what_is_no_page_is_refused_as_an_argument() {
    for page in
        ["", "nothing", "{}", "null", "7", "[", r#"{"result": {}}"#, r#"{"result": [{}]} x"#, "[{}] []"]
    {
        let failure = refused(Stream::of_page("get_samples", page));
        assert_eq!(failure.json["name"], "BGE_ERR_ARGUMENT", "{page}");
        assert!(failure.message.contains("page_json"), "{page}: {}", failure.message);
    }
    let failure = refused(Stream::of_page("get_sampels", "[]"));
    assert!(failure.message.contains("get_samples"), "{}", failure.message);
}
