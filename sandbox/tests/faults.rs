//! Faults on demand, as a client sees them.

mod common;

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{LIMIT, Sandbox, read_to_end};
use serde_json::{Value, json};

const PING: &str = "GET /ping HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n";

/// Headers and body of a raw answer.
fn split(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of headers in {answer:?}"))
}

fn content_length(headers: &str) -> usize {
    let line = headers
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    line.unwrap_or_else(|| panic!("no length in {headers}")).trim().parse().unwrap()
}

fn is_reset(end: std::io::Result<()>) -> bool {
    end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn a_status_with_headers_and_with_or_without_an_envelope() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"path": "/profile", "count": 1, "kind": "status", "status": 503, "headers": {"Retry-After": 2}}));
    sandbox.fault(json!({"path": "/profile", "kind": "status", "status": 404, "envelope": {"code": 41202, "msg": "没有"}}));
    sandbox.fault(json!({"path": "/profile", "kind": "status", "status": 429, "envelope": true}));
    sandbox.fault(json!({"path": "/profile", "kind": "status", "status": 200, "body_base64": "/w==", "content_type": "application/json"}));
    let first = sandbox.get("/profile", &[]);
    assert_eq!((first.status, first.header("retry-after")), (503, "2"));
    assert!(first.header("content-type").starts_with("text/html"));
    let second = sandbox.get("/profile", &[]);
    assert_eq!((second.status, second.json()), (404, json!({"code": 41202, "msg": "没有", "data": null})));
    let third = sandbox.get("/profile", &[]);
    assert_eq!((third.status, third.code()), (429, 429));
    let (raw, _) = sandbox.raw_get("/profile");
    assert!(raw.to_lowercase().contains("content-type: application/json"));
    assert_eq!(content_length(split(&raw).0), 1);
    assert_eq!(sandbox.get("/profile", &[]).code(), 0);
}

#[test]
fn only_what_matches_goes_wrong_and_only_so_often() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"method": "GET", "path": "/samples*", "side": "platform", "skip": 1, "count": 2,
                         "kind": "code", "code": 41001}));
    sandbox.fault(json!({"side": "store", "kind": "hang", "count": 0}));
    let codes: Vec<_> = (0..4).map(|_| sandbox.get("/samples", &[]).code()).collect();
    assert_eq!(codes, [0, 41001, 41001, 0]);
    let faults = sandbox.control("GET", "faults", Value::Null)["faults"].clone();
    assert_eq!((&faults[0]["applied"], &faults[1]["applied"]), (&json!(2), &json!(0)));
    sandbox.fault(json!({"query": "*limit=3*", "kind": "code", "code": 7, "count": 0}));
    assert_eq!(sandbox.get("/samples", &[("limit", "3")]).code(), 7);
    assert_eq!(sandbox.get("/samples", &[("limit", "4")]).code(), 0);
    sandbox.control("DELETE", "faults", Value::Null);
    assert_eq!(sandbox.get("/samples", &[("limit", "3")]).code(), 0);
}

#[test]
fn bad_requests_for_faults_change_nothing() {
    let sandbox = Sandbox::start(&[]);
    for wrong in
        [json!({"kind": "explode"}), json!([{"kind": "hang"}, {"kind": "hang", "sidee": 1}]), json!(7)]
    {
        assert_eq!(sandbox.try_control("POST", "faults", wrong).status, 400);
    }
    assert_eq!(sandbox.control("GET", "faults", Value::Null)["faults"], json!([]));
}

#[test]
fn the_kinds_that_answer_something_else() {
    let sandbox = Sandbox::start(&[]);
    let once = |kind: Value| {
        let mut fault = json!({"path": "/profile"});
        fault.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        sandbox.fault(fault);
        sandbox.get("/profile", &[])
    };
    let code = once(json!({"kind": "code", "code": 41303, "data": {"a": 1}, "status": 400}));
    assert_eq!(
        (code.status, code.json()),
        (400, json!({"code": 41303, "msg": "请提供本人的 biosample_id", "data": {"a": 1}}))
    );
    let html = once(json!({"kind": "html"}));
    assert_eq!((html.status, html.header("content-type")), (200, "text/html; charset=utf-8"));
    let expired = once(json!({"kind": "expired_token"}));
    assert_eq!((expired.status, expired.code()), (200, 403));
    assert_eq!(once(json!({"kind": "expired_token", "status": 401})).status, 401);
    let garbage = once(json!({"kind": "not_json"}));
    assert!(garbage.header("content-type").starts_with("application/json"));
    assert!(serde_json::from_str::<Value>(&garbage.text).is_err());
    assert_eq!(once(json!({"kind": "null_data"})).json(), json!({"code": 0, "msg": "成功", "data": null}));
    let moved = once(json!({"kind": "redirect", "location": "http://127.0.0.1:1/x", "status": 307}));
    assert_eq!((moved.status, moved.header("location")), (307, "http://127.0.0.1:1/x"));
    sandbox.fault(json!({"path": "/profile", "kind": "gzip_garbage"}));
    let (raw, _) = sandbox.raw_get("/profile");
    assert!(raw.to_lowercase().contains("content-encoding: gzip"));
    let sts = once(json!({"kind": "expired_sts"}));
    assert!(
        sts.status == 403
            && sts.text.contains("<Code>SecurityTokenExpired</Code>")
            && sts.text.contains("<EC>")
    );
}

#[test]
fn a_reset_comes_instead_of_an_answer() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"path": "/ping", "kind": "reset"}));
    let (received, end) = sandbox.raw(PING);
    assert_eq!(received, "");
    assert!(is_reset(end));
    assert!(sandbox.raw(PING).0.ends_with("pong"));
}

#[test]
fn a_reset_in_the_middle_of_the_requests_body() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"path": "/oss/sign_url", "kind": "reset", "request_bytes": 1000}));
    let address = sandbox.text("endpoint");
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"POST /oss/sign_url HTTP/1.1\r\nHost: s\r\nContent-Length: 10000000\r\n\r\n").unwrap();
    stream.write_all(&[b'x'; 999]).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(sandbox.log("?path=/oss/sign_url")[0]["body_complete"], false);
    stream.write_all(b"x").unwrap();
    assert!(is_reset(read_to_end(&mut stream).1));
    assert_eq!(sandbox.log("?path=/oss/sign_url")[0]["status"], Value::Null);
}

#[test]
fn a_reset_in_the_body_and_a_truncated_body() {
    let sandbox = Sandbox::start(&[]);
    for (kind, bytes) in [("reset_body", 40), ("truncate", 40), ("reset_body", 0), ("truncate", 0)] {
        sandbox.fault(json!({"path": "/profile", "kind": kind, "bytes": bytes}));
        let (received, end) = sandbox.raw_get("/profile");
        let (headers, body) = split(&received);
        assert!(headers.starts_with("HTTP/1.1 200 OK"));
        assert!(content_length(headers) > 200);
        assert!(body.len() <= bytes && body.len() + 2 >= bytes, "{kind}: {body:?}");
        match kind {
            "truncate" => end.unwrap(),
            _ => assert!(is_reset(end)),
        }
    }
}

#[test]
fn a_connection_that_closes_after_a_whole_answer_without_saying_so() {
    let sandbox = Sandbox::start(&[]);
    for reset in [false, true] {
        sandbox.fault(json!({"path": "/profile", "kind": "close", "reset": reset}));
        let token = sandbox.text("access_token");
        // Kept alive, for all that the client asks.
        let request = format!("GET /profile HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {token}\r\n\r\n");
        let (received, end) = sandbox.raw(&request);
        let (headers, body) = split(&received);
        assert_eq!(body.len(), content_length(headers));
        assert!(!headers.to_lowercase().contains("connection: close"));
        assert_eq!(is_reset(end), reset);
    }
}

#[test]
fn a_truncated_answer_of_many_megabytes_ends_where_it_should() {
    let sandbox = Sandbox::start(&["--taxa", "9000"]);
    let path =
        format!("/microbiome/taxon_abundance?limit=9000&biosample_id={}", sandbox.text("meta_biosample_id"));
    sandbox.options(json!({"page_cap": 9000}));
    sandbox.fault(json!({"path": "/microbiome/*", "kind": "truncate", "bytes": 5_000_000}));
    let (received, end) = sandbox.raw_get(&path);
    let (headers, body) = split(&received);
    assert!(content_length(headers) > 6_000_000);
    assert_eq!(body.len(), 5_000_000);
    end.unwrap();
}

#[test]
fn one_byte_is_corrupted_and_the_length_is_right() {
    let sandbox = Sandbox::start(&[]);
    let good = sandbox.raw_get("/profile").0;
    sandbox.fault(json!({"path": "/profile", "kind": "corrupt", "offset": 3, "xor": 1}));
    let bad = sandbox.raw_get("/profile").0;
    let (good, bad) = (split(&good).1.as_bytes(), split(&bad).1.as_bytes());
    assert_eq!(good.len(), bad.len());
    let differing: Vec<_> = (0..good.len()).filter(|&at| good[at] != bad[at]).collect();
    assert_eq!((differing, bad[3]), (vec![3], good[3] ^ 1));
}

#[test]
fn delays_before_the_headers_and_in_the_body() {
    let sandbox = Sandbox::start(&[]);
    for fault in [
        json!({"path": "/profile", "kind": "delay_headers", "ms": 300}),
        json!({"path": "/profile", "kind": "delay_headers", "ms": 300, "after_work": true}),
        json!({"path": "/profile", "kind": "delay_body", "ms": 300, "bytes": 10}),
        json!({"path": "/profile", "kind": "delay_body", "ms": 300}),
    ] {
        sandbox.fault(fault.clone());
        let start = Instant::now();
        assert_eq!(sandbox.get("/profile", &[]).code(), 0);
        assert!(start.elapsed() >= Duration::from_millis(300), "{fault}");
    }
    let length = sandbox.get("/profile", &[]).text.len() as u32;
    sandbox.fault(json!({"path": "/profile", "kind": "drip", "bytes": 50, "interval_ms": 20}));
    let start = Instant::now();
    assert_eq!(sandbox.get("/profile", &[]).code(), 0);
    assert!(start.elapsed() >= Duration::from_millis(20) * (length / 50 - 1));
}

#[test]
fn a_silent_request_holds_its_connection_until_the_client_goes() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"path": "/ping", "kind": "hang"}));
    let open = || sandbox.state()["connections"]["platform"]["open"].as_u64().unwrap();
    let before = open();
    let address = sandbox.text("endpoint");
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.write_all(PING.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let (received, end) = read_to_end(&mut stream);
    assert_eq!(received, "");
    assert!(matches!(end.unwrap_err().kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert_eq!(open(), before + 1);
    drop(stream);
    let start = Instant::now();
    while open() > before {
        assert!(start.elapsed() < LIMIT, "the connection stays open");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn after_work_the_write_has_happened_and_otherwise_it_has_not() {
    let sandbox = Sandbox::start(&[]);
    let project = sandbox.text("project_id");
    let register = |external: &str| {
        let form = [("external_sample_id", external), ("biosample_site", "11"), ("project_id", &project)];
        sandbox.try_post_as(&sandbox.text("access_token"), "/samples/register", &form)
    };
    let registered = || sandbox.state()["registered_samples"].as_array().unwrap().len();
    for (number, (kind, after_work)) in
        [("reset", false), ("reset", true), ("status", false), ("status", true), ("truncate", false)]
            .into_iter()
            .enumerate()
    {
        let before = registered();
        let mut fault = json!({"path": "/samples/register", "kind": kind, "after_work": after_work});
        if kind == "status" {
            fault["status"] = json!(502);
        }
        sandbox.fault(fault);
        let answer = register(&format!("ext-{number}"));
        assert_eq!(answer.is_ok_and(|answer| answer.status == 502), kind == "status");
        // What spoils a good answer has always done the work.
        let expected = usize::from(after_work || kind == "truncate");
        assert_eq!(registered() - before, expected, "{kind} {after_work}");
    }
}

#[test]
fn the_store_fails_in_its_own_language() {
    let sandbox = Sandbox::start(&[]);
    let path = format!("/samples/{}", sandbox.text("biosample_id"));
    let file = sandbox.get(&path, &[("require_files", "True")]).data()["files"][0]["object_name"].clone();
    let url = sandbox.post("/oss/sign_url", &[("object_name", file.as_str().unwrap())]).data()["url"].clone();
    let url = url.as_str().unwrap();
    let good = sandbox.get_url(url);
    sandbox.fault(json!({"side": "store", "kind": "status", "status": 500}));
    sandbox.fault(json!({"side": "store", "kind": "status", "status": 403, "xml": {"code": "AccessDenied", "ec": "0003-00000001"}}));
    sandbox.fault(json!({"side": "store", "kind": "corrupt", "offset": 9, "xor": 1}));
    let failed = sandbox.get_url(url);
    assert!(failed.status == 500 && failed.text.contains("<Code>InternalError</Code>"), "{}", failed.text);
    assert!(!failed.header("x-oss-request-id").is_empty());
    let denied = sandbox.get_url(url);
    assert!(denied.status == 403 && denied.text.contains("<EC>0003-00000001</EC>"), "{}", denied.text);
    let corrupted = sandbox.get_url(url);
    assert_eq!(corrupted.header("x-oss-hash-crc64ecma"), good.header("x-oss-hash-crc64ecma"));
    assert_ne!(corrupted.text, good.text);
    assert_eq!(sandbox.get_url(url).text, good.text);
    sandbox.control("POST", "expire", json!({"what": "presigned"}));
    assert_eq!(sandbox.get_url(url).status, 403);
}

#[test]
fn too_many_requests_get_429_with_retry_after() {
    let sandbox = Sandbox::start(&["--rps", "5"]);
    let statuses: Vec<_> = (0..20).map(|_| sandbox.get_url(&sandbox.url("/ping")).status).collect();
    assert_eq!(&statuses[..5], [200; 5]);
    assert!(statuses.contains(&429));
    sandbox.options(json!({"rps": 1}));
    let answers: Vec<_> = (0..3).map(|_| sandbox.get("/profile", &[])).collect();
    let limited = answers.iter().find(|answer| answer.status == 429).expect("one of three is too many");
    assert_eq!((limited.header("retry-after"), limited.code()), ("1", 429));
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(sandbox.get("/profile", &[]).status, 200);
}

#[test]
fn latency_applies_to_every_answer_of_the_platform() {
    let sandbox = Sandbox::start(&["--latency", "120"]);
    let start = Instant::now();
    sandbox.get("/profile", &[]);
    sandbox.get("/samples", &[]);
    assert!(start.elapsed() >= Duration::from_millis(240));
}
