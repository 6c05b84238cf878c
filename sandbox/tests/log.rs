//! The request log: what a program sent, decoded by somebody else.

mod common;

use common::{Sandbox, zip};
use serde_json::{Value, json};

/// SHA-256 of the three bytes "abc", from the standard.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn requests_are_kept_in_order_as_sent_and_decoded() {
    let sandbox = Sandbox::start(&[]);
    let (answer, _) = sandbox.raw("GET /samples/%E6%A0%B7%2F..?a=1&a=%E6%9C%AC+x&b= HTTP/1.1\r\nHost: h\r\nX-Mine: 1\r\nConnection: close\r\n\r\n");
    assert!(answer.contains("\"code\": 403"));
    sandbox.post("/oss/sign_url", &[("object_name", "目录/样本 1+&=.txt"), ("region", "domestic")]);
    let log = sandbox.log("");
    assert_eq!(log.len(), 2);
    let get = &log[0];
    assert_eq!(
        (&get["side"], &get["method"], &get["path"]),
        (&json!("platform"), &json!("GET"), &json!("/samples/%E6%A0%B7%2F.."))
    );
    assert_eq!(get["segments"], json!(["samples", "样/.."]));
    assert_eq!(
        (&get["query_raw"], &get["query"]),
        (&json!("a=1&a=%E6%9C%AC+x&b="), &json!({"a": ["1", "本 x"], "b": ""}))
    );
    assert_eq!(get["query_pairs"], json!([["a", "1"], ["a", "本 x"], ["b", ""]]));
    assert_eq!(
        (&get["headers"]["x-mine"], &get["status"], &get["fault"]),
        (&json!("1"), &json!(200), &Value::Null)
    );
    let post = &log[1];
    assert_eq!(post["form"], json!({"object_name": "目录/样本 1+&=.txt", "region": "domestic"}));
    assert!(post["headers"]["authorization"].as_str().unwrap().starts_with("Bearer "));
    assert_ne!(get["connection"], post["connection"]);
    assert!(post["seq"].as_u64() > get["seq"].as_u64() && post["remote_port"].as_u64().unwrap() > 0);
}

#[test]
fn files_json_and_hashes() {
    let sandbox = Sandbox::start(&[]);
    sandbox.post_file("/model/expfs/upload", &[("model_id", "模型")], "expfs", "a b.zip", b"abc");
    sandbox.post_body(
        "/model/doc_upload",
        "application/json",
        r#"{"doc_content": [1e-07, "中"]}"#.as_bytes(),
    );
    sandbox.post_body("/ping", "text/plain", b"abc");
    let log = sandbox.log("");
    let file = json!({"name": "expfs", "filename": "a b.zip", "content_type": "application/zip", "size": 3, "sha256": ABC});
    assert_eq!((&log[0]["files"], &log[0]["form"]), (&json!([file]), &json!({"model_id": "模型"})));
    assert_eq!(log[1]["json"], json!({"doc_content": [1e-7, "中"]}));
    assert_eq!(log[1]["body"], r#"{"doc_content": [1e-07, "中"]}"#);
    assert_eq!(
        (&log[2]["body_sha256"], &log[2]["body_size"], &log[2]["status"]),
        (&json!(ABC), &json!(3), &json!(405))
    );
}

#[test]
fn large_bodies_are_measured_and_not_kept() {
    let sandbox = Sandbox::start(&[]);
    let mut content = zip();
    content.resize(20 * 1024 * 1024, 7);
    sandbox.post_file(
        "/model/expfs/upload",
        &[("model_id", &sandbox.text("model_id"))],
        "expfs",
        "e.zip",
        &content,
    );
    let text = "x".repeat(100_000);
    sandbox.post("/samples/improve", &[("biosample_id", "E-B1"), ("library_id", &text)]);
    let log = sandbox.log("");
    assert_eq!((&log[0]["files"][0]["size"], log[0].get("body")), (&json!(20 * 1024 * 1024), None));
    assert!(log[0]["body_size"].as_u64().unwrap() > 20 * 1024 * 1024);
    let kept = log[1]["form"]["library_id"].as_str().unwrap();
    assert!(kept.starts_with("(100000 bytes, SHA-256 "), "{kept}");
}

#[test]
fn the_store_has_its_requests_there_too() {
    let sandbox = Sandbox::start(&[]);
    let url = sandbox.post("/oss/sign_url", &[("object_name", "a/b.txt")]).data()["url"].clone();
    assert_eq!(sandbox.get_url(url.as_str().unwrap()).status, 404);
    let log = sandbox.log("?side=store");
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0]["method"], &log[0]["status"]), (&json!("GET"), &json!(404)));
    assert!(
        log[0]["path"].as_str().unwrap().ends_with("b.txt")
            && log[0]["headers"].get("authorization").is_none()
    );
    assert!(log[0]["query"]["Signature"].is_string());
}

#[test]
fn the_log_can_be_filtered_cleared_and_turned_off() {
    let sandbox = Sandbox::start(&[]);
    for _ in 0..3 {
        sandbox.get("/profile", &[]);
        sandbox.post("/sts/token", &[]);
    }
    assert_eq!(sandbox.log("?path=/prof*").len(), 3);
    assert_eq!(sandbox.log("?method=post").len(), 3);
    assert_eq!(sandbox.log("?last=2").len(), 2);
    let seq = sandbox.log("?last=2")[0]["seq"].as_u64().unwrap();
    assert_eq!(sandbox.log(&format!("?since={seq}")).len(), 1);
    assert_eq!(sandbox.try_control("GET", "log?nonsense=1", Value::Null).status, 400);
    sandbox.control("DELETE", "log", Value::Null);
    assert_eq!(sandbox.log("").len(), 0);
    sandbox.options(json!({"log": "off"}));
    sandbox.get("/profile", &[]);
    assert_eq!(sandbox.log("").len(), 0);
    sandbox.options(json!({"log": "light"}));
    sandbox.post("/sts/token", &[("internal", "True")]);
    let light = sandbox.log("");
    assert_eq!((&light[0]["form"], light[0].get("body_sha256")), (&json!({"internal": "True"}), None));
}

#[test]
fn what_went_wrong_is_noted() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"path": "/profile", "kind": "status", "status": 503}));
    sandbox.get("/profile", &[]);
    sandbox.get("/profile", &[]);
    let log = sandbox.log("");
    assert_eq!((&log[0]["fault"], &log[0]["status"]), (&json!("status"), &json!(503)));
    assert_eq!((&log[1]["fault"], &log[1]["status"]), (&Value::Null, &json!(200)));
}

#[test]
fn a_base_path_is_kept_in_the_log_and_answered() {
    let sandbox = Sandbox::start(&[]);
    assert_eq!(sandbox.get("/gateway/profile", &[]).status, 404);
    sandbox.options(json!({"base_path": "/gateway"}));
    assert_eq!(sandbox.get("/gateway/profile", &[]).code(), 0);
    assert_eq!(sandbox.log("?last=1")[0]["path"], "/gateway/profile");
}

#[test]
fn answers_are_compressed_for_those_who_accept_it() {
    let sandbox = Sandbox::start(&[]);
    let token = sandbox.text("access_token");
    let headers = |path: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        );
        sandbox.raw(&request).0.split("\r\n\r\n").next().unwrap().to_lowercase()
    };
    assert!(headers("/samples").contains("content-encoding: gzip"));
    assert!(!headers("/oauth2/introspect?token=x").contains("content-encoding"), "small answers are not");
    let plain = sandbox.get("/samples", &[]);
    assert_eq!(plain.header("content-encoding"), "");
    sandbox.options(json!({"gzip": false}));
    assert!(!headers("/samples").contains("content-encoding"));
}

#[test]
fn control_knows_its_names_and_methods() {
    let sandbox = Sandbox::start(&[]);
    assert_eq!(sandbox.try_control("GET", "nothing", Value::Null).status, 404);
    assert_eq!(sandbox.try_control("POST", "state", Value::Null).status, 405);
    assert_eq!(sandbox.try_control("POST", "options", json!({"latencyy": 1})).status, 400);
    assert_eq!(
        sandbox.try_control("POST", "options", json!({"store": {"no_such": true}, "latency": 9})).status,
        400
    );
    assert_eq!(sandbox.control("GET", "options", Value::Null)["latency"], 0);
    assert_eq!(sandbox.try_control("POST", "expire", json!({"what": "everything"})).status, 400);
    assert_eq!(sandbox.control("GET", "ready", Value::Null), sandbox.ready);
    assert_eq!(sandbox.log("").len(), 0);
}
