//! Models and tasks.

use serde_json::{Value, json};

use crate::common::{Sandbox, zip};
use crate::{refused, string};

#[test]
fn models_are_called_deployed_published_and_rolled_back() {
    let sandbox = Sandbox::start(&[]);
    let model = sandbox.text("model_id");
    let call =
        |path: &str| sandbox.get(&format!("/model/{model}{path}"), &[("biosample_id", ""), ("年龄", "42")]);
    let result = call("").data();
    assert_eq!((&result["model_code"], &result["model_msg"]), (&json!(0), &json!("success")));
    assert_eq!(
        (&result["model_data"]["params"]["年龄"], &result["model_data"]["version"]),
        (&json!("42"), &json!(23))
    );
    let unknown = sandbox.get("/model/unknown_model_id", &[]);
    refused(&unknown, 41202);
    refused(&sandbox.get("/model/unknown/draft", &[]), 41202);
    refused(&sandbox.get(&format!("/model/{model}"), &[("biosample_id", "E-B1")]), 41303);

    let form = [("model_id", model.as_str()), ("memory_size", "256")];
    let deployed = sandbox.post_file("/model/deploy", &form, "source_file", "模型.zip", &zip());
    assert_eq!(deployed.data(), json!({"version": 24}));
    assert_eq!(
        (&call("").data()["model_data"]["version"], &call("/draft").data()["model_data"]["version"]),
        (&json!(23), &json!(24))
    );
    refused(&sandbox.post_file("/model/deploy", &form, "source_file", "a.zip", b"no zip"), 41001);
    refused(&sandbox.post_file("/model/deploy", &[("model_id", "x")], "source_file", "a.zip", &zip()), 41202);
    // without a source only the configuration changes
    assert_eq!(sandbox.post("/model/deploy", &form).data(), json!({"version": 24}));
    let both = [form[0], ("object_name", "x.zip")];
    refused(&sandbox.post_file("/model/deploy", &both, "source_file", "a.zip", &zip()), 41001);
    refused(&sandbox.post("/model/deploy", &[form[0], ("object_name", "no/such.zip")]), 41001);
    refused(&sandbox.post("/model/deploy", &[form[0], ("object_name", "x"), ("cpu", "many")]), 41001);

    assert_eq!(
        sandbox.post("/model/publish", &[form[0], ("message", "修复")]).data(),
        json!({"version": 24})
    );
    assert_eq!(call("").data()["model_data"]["version"], 24);
    let newest = sandbox.get(&format!("/model/{model}/versions"), &[("limit", "1")]).data();
    assert_eq!((&newest["result"][0]["message"], &newest["count"]), (&json!("修复"), &json!(24)));
    assert_eq!(sandbox.post("/model/rollback", &[form[0], ("version", "5")]).data(), json!({"version": 5}));
    assert_eq!(call("").data()["model_data"]["version"], 5);
    refused(&sandbox.post("/model/rollback", &[form[0], ("version", "99")]), 41001);
    refused(&sandbox.post("/model/rollback", &[form[0], ("version", "x")]), 41001);
    refused(&sandbox.post("/model/publish", &[form[0], ("message", "")]), 41001);
}

#[test]
fn tasks_take_a_while_and_can_fail() {
    let sandbox = Sandbox::start(&[]);
    let end = |id: &str| -> (Vec<String>, Value) {
        let mut seen = Vec::new();
        loop {
            let task = sandbox.get(&format!("/task/{id}"), &[]).data();
            seen.push(string(&task["progress"]));
            if ["SUCCESS", "FAILURE"].contains(&task["progress"].as_str().unwrap()) {
                return (seen, task["result"].clone());
            }
            assert_eq!(task["result"], Value::Null);
        }
    };
    let slow = sandbox.get("/model/slow-model", &[]).data();
    let (seen, result) = end(&string(&slow["task_id"]));
    assert_eq!(
        (seen, &result["model_code"]),
        (vec!["PENDING".into(), "STARTED".into(), "SUCCESS".into()], &json!(0))
    );
    let failing = sandbox.get("/model/failing-model", &[]).data();
    assert_eq!(end(&string(&failing["task_id"])).0.last().unwrap(), "FAILURE");
    sandbox.options(json!({"task_polls": 0}));
    let model = sandbox.text("model_id");
    let expfs =
        sandbox.post_file("/model/expfs/upload", &[("model_id", &model)], "expfs", "e.zip", &zip()).data();
    let (seen, result) = end(&string(&expfs["task_id"]));
    assert_eq!((seen.len(), &result["filename"], &result["size"]), (1, &json!("e.zip"), &json!(22)));
    refused(&sandbox.get("/task/unknown", &[]), 41001);
    refused(
        &sandbox.post_file("/model/expfs/upload", &[("model_id", &model)], "other", "e.zip", &zip()),
        41001,
    );
}

#[test]
fn licenses_and_documents() {
    let sandbox = Sandbox::start(&[]);
    let model = sandbox.text("model_id");
    let form = [("model_id", model.as_str()), ("expires", "60"), ("params", r#"{"年龄": 42}"#)];
    let license = sandbox.post("/model/license", &form).data();
    assert_eq!(license["params"], json!({"年龄": 42}));
    assert!(string(&license["license_key"]).contains('_'));
    refused(&sandbox.post("/model/license", &[form[0], ("expires", "0")]), 41001);
    refused(&sandbox.post("/model/license", &[form[0], ("params", "{")]), 41001);
    let document =
        json!({"doc_tab": "简介", "model_id": model, "doc_content": [{"text": "肠癌"}, null, 1.5]});
    // The official client names no content type.
    for (content_type, version) in [("application/json", 1), ("text/plain", 2)] {
        let answer = sandbox.post_body("/model/doc_upload", content_type, document.to_string().as_bytes());
        assert_eq!(answer.data(), json!({"model_id": model, "version": version}));
    }
    let models = sandbox.state()["models"].clone();
    let kept = models.as_array().unwrap().iter().find(|entry| entry["model_id"] == model.as_str()).unwrap();
    assert_eq!(kept["documents"]["简介"]["doc_content"], document["doc_content"]);
    refused(&sandbox.post_body("/model/doc_upload", "application/json", b"{"), 41001);
    refused(&sandbox.post_body("/model/doc_upload", "application/json", br#"{"doc_tab": "x"}"#), 41001);
}

#[test]
fn files_are_zips_under_names_without_folders() {
    let sandbox = Sandbox::start(&[]);
    let (model, genome) = (sandbox.text("model_id"), sandbox.text("biosample_id"));
    let model = [("model_id", model.as_str())];
    let sample = [("biosample_id", genome.as_str())];
    for (path, fields, name) in [
        ("/model/deploy", &model, "source_file"),
        ("/model/expfs/upload", &model, "expfs"),
        ("/professional/variant", &sample, "bed_file"),
    ] {
        for filename in ["/home/user/a.zip", "folder/a.zip"] {
            let no = sandbox.post_file(path, fields, name, filename, &zip());
            refused(&no, 41001);
            assert_eq!(no.json()["data"][name], "文件名错误", "{path}");
        }
        let (field, value) = fields[0];
        let body = [
            format!("--XyZ\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n--XyZ\r\n"),
            format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"a.zip\"\r\n"),
            "Content-Type: application/octet-stream\r\n\r\n".into(),
        ];
        let body = [body.concat().as_bytes(), &zip(), b"\r\n--XyZ--\r\n"].concat();
        let no = sandbox.post_body(path, "multipart/form-data; boundary=XyZ", &body);
        refused(&no, 41001);
        assert!(no.json()["data"][name].as_str().unwrap().contains("application/zip"), "{}", no.text);
    }
}
