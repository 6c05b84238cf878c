//! Samples: shown to their owners, filtered, registered, improved.

use serde_json::json;

use crate::common::Sandbox;
use crate::{keys, refused, string};

#[test]
fn samples_have_the_shape_of_the_document() {
    let sandbox = Sandbox::start(&[]);
    let sample = sandbox.get(&format!("/samples/{}", sandbox.text("biosample_id")), &[]).data();
    assert_eq!(
        keys(&sample),
        [
            "update_time",
            "biosample_id",
            "sample_collection_time",
            "organism",
            "sequencing",
            "project",
            "data_availability",
            "status",
            "primary",
            "biosample_site",
            "omic",
            "statistics"
        ]
    );
    assert_eq!(
        keys(&sample["statistics"]),
        ["human_contamination", "depth", "variant_counting", "base_pairs", "coverage"]
    );
    assert_eq!(sample["omic"], json!({"code": 1, "display": "genomics"}));
    let meta = sandbox.get(&format!("/samples/{}", sandbox.text("meta_biosample_id")), &[]).data();
    assert_eq!(meta["biosample_site"], json!({"code": 1, "display": "feces"}));
}

#[test]
fn samples_of_others_do_not_exist() {
    let sandbox = Sandbox::start(&[]);
    let credentials = sandbox.credentials_token();
    let printed = sandbox.text("access_token");
    for token in [printed.as_str(), &credentials] {
        for id in [sandbox.text("biosample_id"), sandbox.text("meta_biosample_id")] {
            assert_eq!(sandbox.get_as(token, &format!("/samples/{id}"), &[]).data()["biosample_id"], id);
        }
        for id in [sandbox.text("other_biosample_id"), "demo".into(), "E-B112".into(), "..%2Fprofile".into()]
        {
            let no = sandbox.get_as(token, &format!("/samples/{id}"), &[]);
            refused(&no, 41303);
            assert_eq!(no.json()["msg"], "请提供本人的 biosample_id");
        }
        refused(
            &sandbox.get_as(token, &format!("/samples/{}", sandbox.text("biosample_id").to_lowercase()), &[]),
            41303,
        );
    }
}

#[test]
fn sample_filters() {
    let sandbox = Sandbox::start(&["--samples", "40"]);
    let count = |query: &[(&str, &str)]| sandbox.get("/samples", query).data()["count"].as_i64().unwrap();
    let (genome, meta) = (sandbox.text("biosample_id"), sandbox.text("meta_biosample_id"));
    assert_eq!(count(&[]), 40);
    assert_eq!(
        (count(&[("omics", "1")]), count(&[("omics", "2")]), count(&[("omics", "1,2")])),
        (20, 20, 40)
    );
    assert_eq!(count(&[("biosample_ids", &format!("{genome},{meta},E-B1"))]), 2);
    assert_eq!(count(&[("biosample_ids", &format!("{genome},{meta}")), ("omics", "2")]), 1);
    assert_eq!(count(&[("biosample_sites", "1")]), 20);
    assert_eq!((count(&[("organisms", "1")]), count(&[("organisms", "2,3")])), (40, 0));
    assert_eq!((count(&[("data_availability", "True")]), count(&[("data_availability", "False")])), (40, 0));
    assert_eq!(count(&[("statuses", "9001,9002")]), 40);
    let project = sandbox.text("project_id");
    assert!((2..40).contains(&count(&[("project_ids", &project)])));
    assert_eq!(count(&[("biosample_ids", "")]), 40, "an empty optional argument is none");
    for (name, value) in [
        ("biosample_sites", "0"),
        ("biosample_sites", "0,3"),
        ("biosample_sites", "20"),
        ("biosample_sites", "x"),
        ("omics", "3"),
        ("omics", "1,,2"),
        ("organisms", "4"),
        ("data_availability", "true"),
        ("require_files", "1"),
        ("statuses", "x"),
    ] {
        refused(&sandbox.get("/samples", &[(name, value)]), 41001);
    }
}

#[test]
fn registered_samples_last_and_are_registered_once() {
    let sandbox = Sandbox::start(&[]);
    let project = sandbox.text("project_id");
    let form = [
        ("external_sample_id", "样本-1"),
        ("biosample_site", "11"),
        ("project_id", &project),
        ("library_id", "L1"),
    ];
    let id = string(&sandbox.post("/samples/register", &form).data()["biosample_id"]);
    let sample = sandbox.get(&format!("/samples/{id}"), &[]).data();
    assert_eq!((&sample["external_sample_id"], &sample["library_id"]), (&json!("样本-1"), &json!("L1")));
    assert_eq!(
        (&sample["data_availability"], &sample["status"]["display"]),
        (&json!(false), &json!("已注册"))
    );
    assert_eq!(sandbox.get("/samples", &[]).data()["count"], 61);
    refused(&sandbox.post("/samples/register", &form), 41001);
    let mut twice = form.to_vec();
    twice.push(("duplicate_enabled", "True"));
    assert_ne!(string(&sandbox.post("/samples/register", &twice).data()["biosample_id"]), id);
    assert_eq!(sandbox.state()["registered_samples"].as_array().unwrap().len(), 2);
    for missing in 0..3 {
        let mut form = form.to_vec();
        form[missing].1 = "";
        refused(&sandbox.post("/samples/register", &form), 41001);
        form.remove(missing);
        refused(&sandbox.post("/samples/register", &form), 41001);
    }
    let query =
        [("project_id", project.as_str()), ("biosample_site", "11"), ("external_ids", "样本-1,样本-2")];
    let found = sandbox.get("/samples/external_ids", &query).data();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["biosample_id"]), (2, &json!(id)));
    refused(&sandbox.get("/samples/external_ids", &query[..2]), 41001);
    // What an application registers is its own, not the user's.
    let credentials = sandbox.credentials_token();
    let theirs = string(&sandbox.post_as(&credentials, "/samples/register", &form).data()["biosample_id"]);
    assert_eq!(sandbox.get_as(&credentials, &format!("/samples/{theirs}"), &[]).code(), 0);
    refused(&sandbox.get(&format!("/samples/{theirs}"), &[]), 41303);
}

#[test]
fn a_field_is_set_once() {
    let sandbox = Sandbox::start(&[]);
    let id = sandbox.text("biosample_id");
    let improve = |fields: &[(&str, &str)]| {
        let mut form = vec![("biosample_id", id.as_str())];
        form.extend_from_slice(fields);
        sandbox.post("/samples/improve", &form)
    };
    assert_eq!(improve(&[("library_id", "HWJBAYTGAA170328-18"), ("library_source", "基因组")]).code(), 0);
    refused(&improve(&[("library_id", "other")]), 41001);
    refused(&improve(&[("library_strategy", "WGS"), ("library_id", "HWJBAYTGAA170328-18")]), 41001);
    let sample = sandbox.get(&format!("/samples/{id}"), &[]).data();
    assert_eq!(
        (&sample["library_id"], &sample["library_source"]),
        (&json!("HWJBAYTGAA170328-18"), &json!("基因组"))
    );
    assert!(sample.get("library_strategy").is_none(), "nothing is set when something cannot be");
    refused(&improve(&[]), 41001);
    refused(&sandbox.post("/samples/improve", &[("library_id", "x")]), 41001);
    refused(&sandbox.post("/samples/improve", &[("biosample_id", "E-B1"), ("library_id", "x")]), 41303);
}
