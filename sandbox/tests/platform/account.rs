//! The account, and what is no call at all.

use serde_json::json;

use crate::common::Sandbox;
use crate::{refused, string};

#[test]
fn the_account() {
    let sandbox = Sandbox::start(&[]);
    let ping = sandbox.get_url(&sandbox.url("/ping"));
    assert_eq!((ping.text.as_str(), ping.header("content-type")), ("pong", "text/plain; charset=utf-8"));
    let user = sandbox.get("/profile", &[]).data();
    assert_eq!(
        (&user["username"], &user["nickname"], &user["sex"]),
        (&json!("zhangsan"), &json!("张三"), &json!(1))
    );
    assert!(!sandbox.get("/profile", &[]).header("x-request-id").is_empty());
    let all = sandbox.post("/user/overview", &[]).data();
    assert_eq!((&all["sample_count"], &all["genome_count"]), (&json!(60), &json!(30)));
    let genome = sandbox.text("biosample_id");
    let one = sandbox.post("/user/overview", &[("biosample_id", &genome)]).data();
    assert_eq!((&one["sample_count"], &one["samples"][0]["biosample_id"]), (&json!(1), &json!(genome)));
    refused(&sandbox.post("/user/overview", &[("phone", "17376000000"), ("biosample_id", &genome)]), 41001);
    refused(&sandbox.post("/user/overview", &[("project_id", "P-W1")]), 41001);
    refused(&sandbox.post("/user/overview", &[("biosample_id", &sandbox.text("other_biosample_id"))]), 41303);
    refused(&sandbox.post_as(&sandbox.credentials_token(), "/user/overview", &[]), 41001);
}

#[test]
fn paths_and_methods_that_do_not_exist() {
    let sandbox = Sandbox::start(&[]);
    for path in ["/nowhere", "/samples/", "/samples/a/b", "/model/", "/samples/../profile"] {
        let (answer, _) = sandbox.raw_get(path);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(answer.contains(r#""code": 404"#));
    }
    let wrong = sandbox.post("/profile", &[]);
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET"));
    assert_eq!(sandbox.get("/sts/token", &[]).status, 405);
}

#[test]
fn arguments_belong_in_the_query_of_get_and_the_form_of_post() {
    let sandbox = Sandbox::start(&[]);
    let name = "object_name=a%2Fb.txt";
    refused(&sandbox.post(&format!("/oss/sign_url?{name}"), &[]), 41001);
    refused(&sandbox.post_body("/oss/sign_url", "text/plain", name.as_bytes()), 41001);
    let signed = sandbox.post_body("/oss/sign_url", "application/x-www-form-urlencoded", name.as_bytes());
    assert!(string(&signed.data()["url"]).contains("b.txt"));
}

#[test]
fn text_is_utf_8_everywhere() {
    let sandbox = Sandbox::start(&[]);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(sandbox.post_body("/oss/sign_url", form, b"object_name=%E6%A0%B7%E6%9C%AC").code(), 0);
    assert_eq!(sandbox.post_body("/oss/sign_url", form, "object_name=样本".as_bytes()).code(), 0);
    // GBK, encoded and raw.
    for wrong in [&b"object_name=%D1%F9%B1%BE"[..], b"object_name=\xd1\xf9\xb1\xbe"] {
        refused(&sandbox.post_body("/oss/sign_url", form, wrong), 41001);
    }
    let multipart =
        b"--XyZ\r\nContent-Disposition: form-data; name=\"object_name\"\r\n\r\n\xd1\xf9\r\n--XyZ--\r\n";
    refused(&sandbox.post_body("/oss/sign_url", "multipart/form-data; boundary=XyZ", multipart), 41001);
    assert!(sandbox.raw_get("/samples?organisms=1&note=%E6%A0%B7").0.contains("\"code\": 0"));
    assert!(sandbox.raw_get("/samples?organisms=1&note=%D1%F9").0.contains("\"code\": 41001"));
}
