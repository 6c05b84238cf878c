//! Credentials for uploads, addresses for downloads.

use serde_json::json;

use crate::common::Sandbox;
use crate::{keys, refused, string};

#[test]
fn files_of_a_sample_can_be_downloaded() {
    let sandbox = Sandbox::start(&[]);
    let path = format!("/samples/{}", sandbox.text("meta_biosample_id"));
    assert!(sandbox.get(&path, &[]).data().get("files").is_none());
    let file = sandbox.get(&path, &[("require_files", "True")]).data()["files"][0].clone();
    let name = string(&file["object_name"]);
    let signed = sandbox.post("/oss/sign_url", &[("object_name", &name), ("expiration_time", "60")]).data();
    assert_eq!(keys(&signed), ["url", "expires"]);
    let content = sandbox.get_url(&string(&signed["url"]));
    assert_eq!((content.status, content.text.len() as u64), (200, file["file_size"].as_u64().unwrap()));
    assert!(content.text.contains("txid815\t"));
    refused(&sandbox.post("/oss/sign_url", &[]), 41001);
    refused(&sandbox.post("/oss/sign_url", &[("object_name", &name), ("region", "lunar")]), 41001);
    refused(&sandbox.post("/oss/sign_url", &[("object_name", &name), ("expiration_time", "0")]), 41001);
}

#[test]
fn upload_tokens() {
    let sandbox = Sandbox::start(&[]);
    let token = sandbox.post("/sts/token", &[("internal", "False")]).data();
    assert_eq!(keys(&token), ["base_uri", "credentials", "endpoint", "destination", "bucket", "region_id"]);
    assert_eq!(
        keys(&token["credentials"]),
        ["access_key_secret", "security_token", "expiration", "access_key_id"]
    );
    let [endpoint, bucket, destination] =
        ["endpoint", "bucket", "destination"].map(|name| string(&token[name]));
    assert_eq!(token["base_uri"], format!("{endpoint}/{bucket}/{destination}"));
    assert_eq!(token["region_id"], "oss-cn-shenzhen");
    assert!(string(&token["credentials"]["expiration"]).ends_with('Z'));
    let again = sandbox.post("/sts/token", &[]).data();
    assert_eq!(again["destination"], token["destination"]);
    assert_ne!(again["credentials"]["access_key_id"], token["credentials"]["access_key_id"]);
    let theirs = sandbox.post_as(&sandbox.credentials_token(), "/sts/token", &[]).data();
    assert_ne!(theirs["destination"], token["destination"]);
    sandbox.options(json!({"fresh_destination": true}));
    assert_ne!(sandbox.post("/sts/token", &[]).data()["destination"], token["destination"]);
    refused(&sandbox.post("/sts/token", &[("internal", "false")]), 41001);
}
