//! Every kind of error, provoked, with everything that is known about it.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Folder, Sandbox, c::Api};

fn fault(sandbox: &Sandbox, kind: Value) {
    let mut fault = json!({"path": "/profile", "count": 1});
    for (name, value) in kind.as_object().expect("an object") {
        fault[name] = value.clone();
    }
    sandbox.fault(fault);
}

#[test]
fn answers_that_are_no_results_are_told_apart() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"max_retries": 0}));
    let envelope = json!({"code": 41001, "msg": "参数错误", "data": {"field": "limit"}});
    for (kind, status, http, code, retryable, part) in [
        (json!({"kind": "code", "code": 41001, "msg": "参数错误"}), 5, 200, 41001, false, "参数错误"),
        (json!({"kind": "code", "code": 401}), 6, 200, 401, false, "no permission"),
        (json!({"kind": "expired_token"}), 6, 200, 403, false, "access_token 已失效或错误"),
        (json!({"kind": "expired_token", "status": 403}), 6, 403, 403, false, "已失效"),
        (json!({"kind": "status", "status": 401}), 6, 401, 0, false, "token"),
        (json!({"kind": "status", "status": 404}), 4, 404, 0, false, "404"),
        (json!({"kind": "status", "status": 404, "envelope": envelope}), 4, 404, 41001, false, "参数错误"),
        (json!({"kind": "status", "status": 429}), 4, 429, 0, true, "429"),
        (json!({"kind": "status", "status": 502}), 4, 502, 0, true, "502"),
        (json!({"kind": "html"}), 7, 200, 0, false, "web page"),
        (json!({"kind": "not_json"}), 7, 200, 0, false, "no envelope"),
        (
            json!({"kind": "status", "status": 200, "body": "pong", "content_type": "text/plain"}),
            7,
            200,
            0,
            false,
            "not JSON",
        ),
        (
            json!({"kind": "status", "status": 200, "body": "{\"code\":0,\"data\":1}", "content_type": "text/html"}),
            7,
            200,
            0,
            false,
            "not JSON",
        ),
        (json!({"kind": "status", "status": 307}), 7, 307, 0, false, "redirects"),
        (json!({"kind": "truncate"}), 2, 200, 0, true, "ended before"),
        (json!({"kind": "reset_body", "bytes": 20}), 2, 200, 0, true, "ended before"),
        (json!({"kind": "reset"}), 2, 0, 0, true, "connection"),
    ] {
        sandbox.clear_faults();
        sandbox.set(json!({"gzip": false}));
        fault(&sandbox, kind.clone());
        let failure = api.call("get_user", json!({})).expect_err(&kind.to_string());
        let seen = (failure.status, failure.http_status, failure.code, failure.retryable);
        assert_eq!(seen, (status, http, code, retryable), "{kind}: {}", failure.message);
        assert!(failure.message.contains(part), "{kind}: {}", failure.message);
        assert!(failure.message.starts_with("get_user: "), "{}", failure.message);
        assert!(!failure.message.contains(['\n', '\r']));
        assert_eq!(failure.json["call"], "get_user");
    }
}

#[test]
fn an_error_carries_what_the_platform_said() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(
        json!({"path": "/profile", "kind": "status", "status": 200, "envelope": {"code": 41202, "msg": "模型不存在", "data": {"model": [1, 2]}}}),
    );
    let failure = api.call("get_user", json!({})).expect_err("refused");
    let id = failure.request_id.expect("the sandbox names its requests");
    assert_eq!(failure.json["request_id"], id.as_str());
    assert_eq!(failure.json["data"], json!({"model": [1, 2]}));
    assert_eq!(failure.json["msg"], "模型不存在");
    assert_eq!(
        (failure.json["name"].as_str(), failure.json["code"].as_i64()),
        (Some("BGE_ERR_API"), Some(41202))
    );
}

/// The platform says why in the answer's data: as a text, in the members of an object, or in a task's result.
#[test]
fn a_refusals_reason_is_in_its_message() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let long = "长".repeat(5000);
    for (data, part) in [
        (json!("外部样品编号已注册"), "参数错误: 外部样品编号已注册"),
        (json!({"external_sample_id": "已注册"}), "参数错误: external_sample_id: 已注册"),
        (json!({"limit": ["太大", "太小"]}), "limit: 太大, 太小"),
        (json!({"detail": {"errors": [{"site": 99}]}}), "参数错误: site: 99"),
        (json!({"phone": "13912345678", "why": "已被 13912345678 占用"}), "已被 *** 占用"),
        (json!(long), "长…"),
    ] {
        sandbox.clear_faults();
        let envelope = json!({"code": 41001, "msg": "参数错误", "data": data});
        fault(&sandbox, json!({"kind": "status", "status": 200, "envelope": envelope}));
        let failure = api.call("get_user", json!({})).expect_err("refused");
        assert!(failure.message.contains(part), "{data}: {}", failure.message);
        assert!(failure.message.chars().count() < 500, "{}", failure.message);
        assert!(!failure.message.contains("13912345678"), "{}", failure.message);
        assert_eq!(failure.json["data"], data, "the JSON has all of it");
    }
    // What the caller gave as a secret is masked there, too.
    sandbox.clear_faults();
    let envelope = json!({"code": 41001, "msg": "参数错误", "data": {"path": "/x?p=hunter2-hunter2"}});
    sandbox.fault(json!({"path": "/ferry/download_to_oss", "count": 1, "kind": "status", "status": 200,
                         "envelope": envelope}));
    let client = sandbox.oauth2(json!({})).api(None).expect("a client");
    let args = json!({"account": "a", "password": "hunter2-hunter2", "project_no": "p", "biosample_cnt": 1});
    let failure = client.call("ferry_to_oss", args).expect_err("refused");
    assert!(failure.message.contains("path: /x?p=***"), "{}", failure.message);

    let project = sandbox.text("/project_id");
    let args = json!({"external_sample_id": "twice", "biosample_site": 1, "project_id": project});
    api.call("register_sample", args.clone()).expect("registered");
    let twice = api.call("register_sample", args).expect_err("registered already");
    assert!(twice.message.contains("external_sample_id: "), "{}", twice.message);
}

#[test]
fn a_failed_tasks_reason_is_in_its_message() {
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"tasks_fail": true}));
    let api = sandbox.api(json!({}));
    let folder = Folder::new("task");
    let file = folder.file("a.zip", b"PK\x05\x06");
    let task = api
        .value("upload_model_expfs", json!({"model_id": sandbox.text("/model_id"), "expfs": file}))
        .expect("a task");
    let failed = api.call("wait_task", json!({"task_id": task["task_id"]})).expect_err("failed");
    assert_eq!(failed.status, 5);
    assert!(failed.message.ends_with("the task failed: 任务执行失败"), "{}", failed.message);
    assert_eq!(failed.json["data"]["progress"], "FAILURE");
}

#[test]
fn a_429_says_how_long_to_wait_and_what_prevents_it() {
    let sandbox = Sandbox::start(&[]);
    for (fields, wait, part) in
        [(json!({"headers": {"Retry-After": "75"}}), 75.0, "wait 75 s"), (json!({}), -1.0, "fewer requests")]
    {
        let api = sandbox.api(json!({"max_retries": 0}));
        sandbox.clear_faults();
        let mut kind = json!({"kind": "status", "status": 429});
        for (name, value) in fields.as_object().expect("an object") {
            kind[name] = value.clone();
        }
        fault(&sandbox, kind);
        let failure = api.call("get_user", json!({})).expect_err("too many");
        assert!(failure.message.contains(part), "{}", failure.message);
        assert!(failure.message.contains("rate_limit"), "{}", failure.message);
        assert_eq!((failure.retry_after, failure.call.as_deref()), (wait, Some("get_user")));
        let hint = failure.hint.expect("a hint");
        assert!(failure.message.ends_with(&hint), "{}", failure.message);
        assert_eq!(failure.json["hint"], hint.as_str());
    }
    let plain = sandbox
        .api(json!({}))
        .call("get_sample", json!({"biosample_id": "E-B00000000000"}))
        .expect_err("unknown");
    assert_eq!((plain.retry_after, plain.hint), (-1.0, None));
}

#[test]
fn null_data_is_a_result() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/profile", "kind": "null_data"}));
    assert_eq!(api.call("get_user", json!({})).expect("null"), "null");
}

#[test]
fn a_silent_server_is_a_timeout() {
    let sandbox = Sandbox::start(&[]);
    for (kind, args) in [
        (json!({"kind": "hang"}), json!({"$": {"timeout": 0.3, "max_retries": 0}})),
        (json!({"kind": "delay_body", "ms": 30_000}), json!({"$": {"timeout": 0.3, "max_retries": 0}})),
        (json!({"kind": "hang", "count": 0}), json!({"$": {"deadline": 0.5}})),
    ] {
        sandbox.clear_faults();
        let api = sandbox.api(json!({}));
        fault(&sandbox, kind.clone());
        let started = std::time::Instant::now();
        let failure = api.call("get_user", args).expect_err("too slow");
        assert_eq!(failure.status, 3, "{kind}: {}", failure.message);
        assert!(started.elapsed().as_secs() < 10, "{kind}: {:?}", started.elapsed());
    }
}

#[test]
fn nobody_at_the_address_is_a_transport_error() {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    for endpoint in [format!("http://127.0.0.1:{port}"), "http://no-such-host.invalid".to_owned()] {
        let options = json!({"endpoint": endpoint, "max_retries": 0, "proxy": null});
        let api = Api::new("token", &options.to_string()).expect("a client");
        let failure = api.call("get_user", json!({})).expect_err("nobody");
        assert_eq!(
            (failure.status, failure.http_status, failure.retryable),
            (2, 0, true),
            "{}",
            failure.message
        );
        assert!(failure.message.contains(&endpoint), "the address is named: {}", failure.message);
        // Nothing reached anybody: even a write may be repeated.
        let args = json!({"external_sample_id": "x", "biosample_site": 1, "project_id": "p"});
        assert!(api.call("register_sample", args).expect_err("nobody").retryable);
    }
}

#[test]
fn the_platforms_own_refusals_keep_their_codes() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let other = sandbox.text("/other_biosample_id");
    let not_mine = api.call("get_sample", json!({"biosample_id": other})).expect_err("not mine");
    assert_eq!((not_mine.status, not_mine.code), (5, 41303));
    assert!(not_mine.message.contains("请提供本人的 biosample_id"));
    let unknown = api.call("invoke_model", json!({"model_id": "no-such-model"})).expect_err("unknown");
    assert_eq!((unknown.status, unknown.code), (5, 41202));
    let wrong = Api::new("wrong-token", &sandbox.options(json!({}))).expect("a client");
    let refused = wrong.call("get_user", json!({})).expect_err("wrong");
    assert_eq!((refused.status, refused.code), (6, 403));
    let client = sandbox.oauth2(json!({})).api(None).expect("a client");
    let user = client.call("get_user", json!({})).expect_err("for users only");
    assert_eq!((user.status, user.code), (6, 401));
    let mine = sandbox.text("/biosample_id");
    let phenotype = json!({"biosample_id": mine, "data_element_id": "02393f70-c7e4-11e9-bfed-00163e104c79",
                           "stream_generate_time": "2021-03-02T10:00:00Z", "stream_data": {}});
    let refused = api.call("write_phenotype", phenotype).expect_err("for applications only");
    assert_eq!((refused.status, refused.code), (5, 40014));
}
