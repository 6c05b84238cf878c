//! Arguments: what is refused before anything is sent, and how the rest is written.

use serde_json::json;

use super::wire::pairs;
use crate::support::{Folder, Sandbox};

#[test]
fn an_id_cannot_reach_another_endpoint() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    for (id, path) in [
        ("../profile", "/samples/..%2FPROFILE"),
        ("a b%2e?x#y", "/samples/A%20B%252E%3FX%23Y"),
        ("样本", "/samples/%E6%A0%B7%E6%9C%AC"),
        ("..%2f", "/samples/..%252F"),
    ] {
        let refused = api.call("get_sample", json!({"biosample_id": id})).expect_err(id);
        assert_eq!((refused.status, refused.code), (5, 41303), "{id}");
        assert_eq!(sandbox.take_log()[0]["path"], path);
    }
    for id in ["", ".", ".."] {
        let refused = api.call("get_sample", json!({"biosample_id": id})).expect_err(id);
        assert_eq!(refused.status, 1);
        assert!(refused.message.contains("biosample_id"), "{}", refused.message);
    }
    assert!(sandbox.take_log().is_empty());
}

#[test]
fn bad_arguments_are_named_and_nothing_is_sent() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let zip = "/nonexistent/model.zip";
    sandbox.clear_log();
    for (name, args, status, part) in [
        ("get_variants", r#"{"biosample_id": "E-B1"}"#, 1, "rsids is required"),
        ("get_variants", r#"{"biosample_id": 5, "rsids": "rs1"}"#, 1, "biosample_id must be a string"),
        ("get_variants", r#"{"biosample_id": "E-B1", "rsids": [true]}"#, 1, "rsids must hold only"),
        ("get_samples", r#"{"limit": "5"}"#, 1, "limit must be a whole number"),
        ("get_samples", r#"{"limit": 5.0}"#, 1, "limit must be a whole number"),
        ("get_samples", r#"{"limit": 5, "limit": 6}"#, 1, "limit is given twice"),
        ("get_samples", r#"{"next_page": 1, "page": 2}"#, 1, "page is given twice"),
        ("get_samples", r#"{"data_availability": "yes"}"#, 1, "data_availability must be true or false"),
        ("get_samples", "[1]", 1, "args_json must be one JSON object"),
        ("get_samples", "{", 1, "args_json must be one JSON object"),
        ("get_samples", r#"{"x": "\ud800"}"#, 1, "x must be a string of Unicode"),
        ("get_samples", r#"{"$": {"timeot": 1}}"#, 1, "did you mean \"timeout\""),
        ("get_samples", r#"{"$": {"timeout": -1}}"#, 1, "$.timeout must be"),
        (
            "get_samples",
            r#"{"$": {"headers": {"Authorization": "x"}}}"#,
            1,
            "$.headers cannot set authorization",
        ),
        ("get_sample_", "{}", 1, "did you mean \"get_sample\""),
        (
            "report_details",
            r#"{"biosample_id": "x", "domain": "fortune"}"#,
            1,
            "domain must be one of traits",
        ),
        (
            "report_detail",
            r#"{"biosample_id": "x", "domain_version": "pgx_v9", "report_id": "1"}"#,
            1,
            "domain_version must be one of",
        ),
        (
            "get_overview",
            r#"{"phone": "13800138000", "biosample_id": "x"}"#,
            1,
            "phone cannot be given together with biosample_id",
        ),
        (
            "get_overview",
            r#"{"biosample_id": "x", "project_id": "p", "external_sample_id": "e"}"#,
            1,
            "biosample_id cannot be given together",
        ),
        (
            "get_overview",
            r#"{"project_id": "p"}"#,
            1,
            "project_id and external_sample_id must be given together",
        ),
        ("professional_variant", r#"{"biosample_id": "x"}"#, 1, "regions or bed_file must be given"),
        (
            "professional_variant",
            r#"{"biosample_id": "x", "regions": [], "bed_file": "b.zip"}"#,
            1,
            "exactly one of them",
        ),
        (
            "deploy_model",
            r#"{"model_id": "m", "source_file": "a.zip", "object_name": "b"}"#,
            1,
            "source_file cannot be given together with object_name",
        ),
        (
            "deploy_model",
            &format!(r#"{{"model_id": "m", "source_file": "{zip}"}}"#),
            10,
            "source_file cannot be read",
        ),
        (
            "deploy_model",
            r#"{"model_id": "m", "source_file": "/tmp"}"#,
            10,
            "source_file is not a regular file",
        ),
        (
            "get_data_items",
            r#"{"namespace": "n", "biosample_id": "x", "collection_id": "c", "data_element_ids": "d"}"#,
            1,
            "collection_id cannot be given together with data_element_ids",
        ),
        (
            "ferry_to_oss",
            r#"{"account": "a", "password": "p", "project_no": "n", "biosample_cnt": -1}"#,
            1,
            "biosample_cnt must be 0 or more",
        ),
        (
            "write_phenotype",
            r#"{"biosample_id": "x", "data_element_id": "d", "stream_generate_time": "t", "stream_data": [1]}"#,
            1,
            "stream_data must be an object",
        ),
        ("upload", r#"{"filename": "x"}"#, 1, "upload"),
    ] {
        let failure = api.call_text(name, args).expect_err(args);
        assert_eq!(failure.status, status, "{name} {args}: {}", failure.message);
        assert!(failure.message.contains(part), "{name} {args}: {}", failure.message);
        assert!(failure.message.starts_with(name) || name == "get_sample_", "{}", failure.message);
        assert!(!failure.retryable);
    }
    assert!(sandbox.take_log().is_empty(), "nothing is sent");
}

#[test]
fn a_configuration_changes_without_a_source() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    let args = json!({"model_id": sandbox.text("/model_id"), "memory_size": 512, "runtime": "python3"});
    let answer = api.value("deploy_model", args).expect("configured");
    assert!(answer["version"].is_u64(), "{answer}");
    let entry = &sandbox.take_log()[0];
    assert_eq!(
        entry["form"],
        json!({"model_id": sandbox.text("/model_id"), "memory_size": "512", "runtime": "python3"})
    );
    assert_eq!(entry["files"].as_array().map_or(0, Vec::len), 0);
    let items = json!({"namespace": "health", "biosample_id": sandbox.text("/biosample_id")});
    assert!(api.value("get_data_items", items).expect("all items")["count"].as_u64() > Some(0));
}

/// A name is data: it can begin neither another parameter of a part's header nor another header.
#[test]
fn names_cannot_leave_their_place() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("names");
    let file = folder.file("a.zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    sandbox.clear_log();
    for name in [
        "x\"; filename=\"evil.zip",
        "x\r\nContent-Type: text/plain\r\n\r\nhidden",
        "x\0",
        "x\u{85}y",
        "\u{1b}[31m",
        "x\\",
    ] {
        let mut args = json!({"model_id": sandbox.text("/model_id"), "source_file": file});
        args[name] = "v".into();
        let refused = api.call("deploy_model", args).expect_err(name);
        assert_eq!(refused.status, 1, "{}", refused.message);
        assert!(refused.message.contains("beside a file"), "{}", refused.message);
    }
    assert!(sandbox.take_log().is_empty(), "nothing is sent");
    let mut args = json!({"model_id": sandbox.text("/model_id"), "source_file": file});
    args["a 样品;b=c"] = "v".into();
    api.call("deploy_model", args).expect("deployed");
    assert_eq!(sandbox.take_log()[0]["form"]["a 样品;b=c"], "v");
    // A file's name may hold a line end on Linux.
    let odd = folder.file("a\r\nContent-Type: text\r\n.zip", b"PK\x05\x06");
    api.call("deploy_model", json!({"model_id": sandbox.text("/model_id"), "source_file": odd}))
        .expect("sent");
    let part = &sandbox.take_log()[0]["files"][0];
    assert_eq!(part["filename"], "a%0D%0AContent-Type: text%0D%0A.zip");
    assert_eq!(part["content_type"], "application/zip");
}

#[test]
fn numbers_keep_their_characters() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    let args = r#"{"a": 1e-07, "b": 9007199254740993, "c": [1.50, "x", false], "d": {"k": 1E5, "中":[ 1]}}"#;
    api.call_text("get_user", args).expect("a user");
    let seen = pairs(&sandbox.take_log()[0]);
    let wanted = [
        ("a", "1e-07"),
        ("b", "9007199254740993"),
        ("c", "1.50"),
        ("c", "x"),
        ("c", "False"),
        ("d", r#"{"k": 1E5, "中":[ 1]}"#),
    ];
    assert_eq!(seen, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_switch_among_the_arguments_is_refused() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    for (name, switch) in [
        ("deadline", "deadline"),
        ("max-retries", "max_retries"),
        ("maxRetries", "max_retries"),
        ("concurrency", "concurrency"),
        ("checkpoint_dir", "checkpoint_dir"),
        ("check_point_dir", "checkpoint_dir"),
        ("rate_limit", "rate_limit"),
    ] {
        for (call, mut args) in [
            ("get_samples", json!({})),
            ("get_taxon_abundance", json!({"biosample_id": "E-B1"})),
            ("download", json!({"object_name": "a", "path": "/nonexistent/a"})),
        ] {
            args[name] = 3.into();
            let refused = api.call(call, args).expect_err(name);
            assert_eq!(refused.status, 1, "{call} {name}: {}", refused.message);
            let remedy = format!("{{\"$\": {{\"{switch}\": …}}}}");
            assert!(refused.message.contains(&remedy), "{call} {name}: {}", refused.message);
            assert!(refused.message.starts_with(&format!("{call}: {name} ")), "{}", refused.message);
        }
    }
    assert!(sandbox.log().is_empty(), "nothing was sent");
    // A model's parameters are its own.
    let model = sandbox.text("/model_id");
    api.call("invoke_model", json!({"model_id": model, "columns": "a", "strict": true})).expect("passed on");
    assert!(sandbox.log()[0]["query_raw"].as_str().is_some_and(|query| query.contains("columns=a")));
}
