//! What is repeated, how often, and what is not; second addresses, redirects and proxies.

use std::{net::TcpListener, time::Instant};

use serde_json::{Value, json};

use crate::support::{Sandbox, c::Api};

fn register(sandbox: &Sandbox) -> Value {
    json!({"external_sample_id": "once", "biosample_site": 1, "project_id": sandbox.text("/project_id")})
}

#[test]
fn reads_are_repeated_and_writes_are_not() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for kind in [
        json!({"kind": "reset"}),
        json!({"kind": "truncate"}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "status", "status": 503}),
        json!({"kind": "status", "status": 429}),
    ] {
        for (name, args, path, sent) in [
            ("get_user", json!({}), "/profile", 3),
            ("get_upload_token", json!({}), "/sts/token", 3),
            ("register_sample", register(&sandbox), "/samples/register", 1),
            ("invoke_model", json!({"model_id": sandbox.text("/model_id")}), "/model/*", 1),
        ] {
            sandbox.clear_faults();
            sandbox.clear_log();
            let mut fault = kind.clone();
            fault["path"] = path.into();
            fault["count"] = 2.into();
            sandbox.fault(fault);
            let outcome = api.call(name, args);
            assert_eq!(sandbox.take_log().len(), sent, "{name} {kind}: {outcome:?}");
            match sent {
                1 => assert!(!outcome.expect_err("not repeated").retryable, "{name} {kind}"),
                _ => assert!(outcome.is_ok(), "{name} {kind}: {outcome:?}"),
            }
        }
    }
}

#[test]
fn a_sample_is_never_registered_twice() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/samples/register", "kind": "reset", "after_work": true}));
    let failure = api.call("register_sample", register(&sandbox)).expect_err("the answer was lost");
    assert_eq!((failure.status, failure.retryable), (2, false));
    assert_eq!(sandbox.state()["registered_samples"].as_array().map(Vec::len), Some(1));
}

/// What it does nobody knows: even where nothing was done, whoever called decides.
#[test]
fn a_free_request_is_never_repeated() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for method in ["GET", "POST"] {
        sandbox.fault(json!({"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}));
        sandbox.clear_log();
        let failure = api.request(method, "/profile", json!({})).expect_err("503");
        assert_eq!((failure.http_status, sandbox.take_log().len()), (503, 1), "{method}");
        sandbox.clear_faults();
        // The door is closed for so long.
        std::thread::sleep(std::time::Duration::from_millis(1200));
    }
    let nobody =
        Api::new("token", &json!({"endpoint": format!("http://127.0.0.1:{}", closed_port())}).to_string());
    let begun = Instant::now();
    let failure =
        nobody.expect("a client").request("GET", "/profile", json!({})).expect_err("nobody is there");
    assert_eq!(failure.status, 2, "{}", failure.message);
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
}

#[test]
fn a_write_is_repeated_when_the_platform_says_when_to_come_back() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for status in [429, 503] {
        sandbox.clear_log();
        sandbox.fault(json!({"path": "/samples/register", "kind": "status", "status": status,
                             "headers": {"Retry-After": "1"}}));
        let mut args = register(&sandbox);
        args["external_sample_id"] = format!("later-{status}").into();
        let started = Instant::now();
        api.call("register_sample", args).expect("registered the second time");
        assert!(started.elapsed().as_millis() >= 1000, "Retry-After is waited for");
        assert_eq!(sandbox.take_log().len(), 2);
    }
}

#[test]
fn repeats_are_bounded() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"path": "/profile", "kind": "status", "status": 502, "count": 0}));
    for (options, args, sent) in [
        (json!({"max_retries": 1}), json!({}), 2),
        (json!({"max_retries": 0}), json!({}), 1),
        (json!({"max_retries": 0}), json!({"$": {"max_retries": 2}}), 3),
    ] {
        let api = sandbox.api(options);
        sandbox.clear_log();
        let failure = api.call("get_user", args).expect_err("always 502");
        assert_eq!((failure.status, failure.http_status, failure.retryable), (4, 502, true));
        assert_eq!(sandbox.take_log().len(), sent);
    }
}

#[test]
fn a_long_retry_after_is_not_waited_for() {
    let sandbox = Sandbox::start(&[]);
    for (after, args) in [("61", json!({})), ("30", json!({"$": {"deadline": 5}}))] {
        let api = sandbox.api(json!({}));
        sandbox.clear_log();
        sandbox.fault(
            json!({"path": "/profile", "kind": "status", "status": 503, "headers": {"Retry-After": after}}),
        );
        let started = Instant::now();
        let failure = api.call("get_user", args).expect_err("too long");
        assert!(started.elapsed().as_secs() < 5);
        assert!(failure.retryable);
        assert_eq!(failure.json["retry_after"].as_f64(), after.parse().ok());
        assert_eq!(sandbox.take_log().len(), 1);
    }
}

#[test]
fn a_deadline_bounds_all_attempts() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"max_retries": 50}));
    sandbox.fault(json!({"path": "/profile", "kind": "status", "status": 500, "count": 0}));
    let started = Instant::now();
    let failure = api.call("get_user", json!({"$": {"deadline": 1}})).expect_err("always 500");
    assert!(started.elapsed().as_millis() < 4000, "{:?}", started.elapsed());
    assert!([3, 4].contains(&failure.status), "{}", failure.message);
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

#[test]
fn the_second_address_is_for_when_the_first_cannot_be_reached() {
    let sandbox = Sandbox::start(&[]);
    let token = sandbox.text("/access_token");
    let closed = format!("http://127.0.0.1:{}", closed_port());
    let options = json!({"endpoint": closed, "fallback_endpoint": sandbox.endpoint(), "max_retries": 0});
    let api = Api::new(token, &options.to_string()).expect("a client");
    api.call("get_user", json!({})).expect("by the second address");
    api.call("register_sample", register(&sandbox)).expect("a write, too: nothing had reached anybody");

    // An answer, whatever it is, is an answer.
    let second = Sandbox::start(&[]);
    let options =
        json!({"endpoint": sandbox.endpoint(), "fallback_endpoint": second.endpoint(), "max_retries": 0});
    let api = Api::new(token, &options.to_string()).expect("a client");
    for kind in [json!({"kind": "status", "status": 503}), json!({"kind": "reset"})] {
        let mut fault = kind.clone();
        fault["path"] = "/profile".into();
        sandbox.fault(fault);
        api.call("get_user", json!({})).expect_err("no second address");
    }
    assert!(second.log().is_empty());
}

#[test]
fn redirects_are_followed_for_get_and_keep_the_token_at_home() {
    let sandbox = Sandbox::start(&[]);
    let elsewhere = Sandbox::start(&[]);
    let api = sandbox.api(json!({"max_retries": 0}));
    let redirect = |path: &str, location: &str, status: u16, count: u32| {
        sandbox.fault(json!({"path": path, "kind": "status", "status": status, "count": count,
                             "headers": {"Location": location}}));
    };
    redirect("/profile", "/samples?page=1&limit=1", 302, 1);
    api.call("get_user", json!({})).expect("at the same host the token goes along");

    redirect("/profile", &format!("{}/profile", elsewhere.endpoint()), 307, 1);
    let args = json!({"$": {"headers": {"X-Secret": "s"}}});
    api.call("get_user", args).expect_err("the other host gets no token");
    let entry = &elsewhere.take_log()[0];
    assert_eq!(
        (&entry["headers"]["authorization"], &entry["headers"]["x-secret"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(entry["headers"]["referer"], Value::Null);

    redirect("/sts/token", "/profile", 307, 1);
    let failure = api.call("get_upload_token", json!({})).expect_err("POST does not follow");
    assert_eq!((failure.status, failure.http_status), (7, 307));

    sandbox.clear_faults();
    sandbox.clear_log();
    redirect("/profile", "/profile", 302, 0);
    let failure = api.call("get_user", json!({})).expect_err("in circles");
    assert_eq!(failure.status, 7);
    assert_eq!(sandbox.take_log().len(), 6, "the first and five more");
}

#[test]
fn connections_are_kept() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for _ in 0..50 {
        api.call("get_user", json!({})).expect("a user");
    }
    let connections: std::collections::HashSet<u64> =
        sandbox.log().iter().filter_map(|entry| entry["connection"].as_u64()).collect();
    assert_eq!(connections.len(), 1);
}

#[test]
fn a_proxy_carries_the_calls() {
    // A request in a proxy's form is answered like any other, so the sandbox can stand in for a proxy.
    let proxy = Sandbox::start(&[]);
    let options = json!({"endpoint": "http://platform.invalid", "proxy": proxy.endpoint()});
    let api = Api::new(proxy.text("/access_token"), &options.to_string()).expect("a client");
    proxy.clear_log();
    api.call("get_user", json!({})).expect("through the proxy");
    assert_eq!(proxy.take_log()[0]["headers"]["host"], "platform.invalid");
    for proxy in ["nonsense", "ftp://proxy:21", "http://"] {
        let failure = Api::new("token", &json!({ "proxy": proxy }).to_string()).err().expect(proxy);
        assert!(failure.status == 1 && failure.message.contains("proxy"), "{}", failure.message);
    }
}
