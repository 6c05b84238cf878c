//! Options and faults that let a client meet what it meets outside: quotas, outages, lies, floods.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{BINARY, LIMIT, Sandbox, read_to_end};
use serde_json::{Value, json};

/// An object of the store, and an address that reads it.
fn object(sandbox: &Sandbox, name: &str, content: &str) -> String {
    sandbox.control("POST", "objects", json!({"name": name, "text": content}));
    let signed = sandbox.post("/oss/sign_url", &[("object_name", name)]).data();
    signed["url"].as_str().unwrap().to_owned()
}

/// Status, headers and body of a GET with headers of one's own.
fn get(url: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let (address, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    let head = String::from_utf8_lossy(&answer).to_lowercase();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head, body)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[test]
fn a_limit_above_the_maximum_is_41001() {
    let sandbox = Sandbox::start(&["--max-limit", "20"]);
    let meta = sandbox.text("meta_biosample_id");
    let genes = [("biosample_id", meta.as_str()), ("catalog", "IGC_9.9M"), ("data_type", "list")];
    for (path, query) in [("/samples", &[][..]), ("/microbiome/gene_abundance", &genes[..])] {
        let with = |limit| {
            let mut query = query.to_vec();
            query.push(("limit", limit));
            sandbox.get(path, &query)
        };
        assert_eq!(with("20").data()["result"].as_array().unwrap().len(), 20);
        let refused = with("21");
        assert_eq!((refused.status, refused.code()), (200, 41001));
        assert!(refused.json()["data"]["limit"].as_str().unwrap().contains("20"));
    }
    sandbox.options(json!({"max_limit": 30}));
    assert_eq!(sandbox.get("/samples", &[("limit", "30")]).code(), 0);
    sandbox.control("DELETE", "options", Value::Null);
    assert_eq!(sandbox.get("/samples", &[("limit", "30")]).code(), 41001);
}

#[test]
fn the_quota_is_one_for_all_clients() {
    let sandbox = Sandbox::start(&["--rps", "4", "--option", "log=off"]);
    let address = sandbox.text("endpoint");
    let start = Instant::now();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let url = format!("{address}/ping");
            std::thread::spawn(move || (0..4).filter(|_| get(&url, "").0 == 200).count())
        })
        .collect();
    let answered: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    // A second's worth at once, and what has come in since.
    let most = 4 + (start.elapsed().as_secs_f64() * 4.0).ceil() as usize;
    assert!((4..=most).contains(&answered), "{answered} of at most {most}");
    let state = sandbox.state();
    assert_eq!(state["requests"], json!({"platform": 32, "store": 0, "kms": 0}));
    assert_eq!(state["refused_by_quota"], 32 - answered);
}

#[test]
fn a_refresh_can_answer_without_a_refresh_token_and_the_old_one_stays_good() {
    let sandbox = Sandbox::start(&["--option", "omit_refresh_token=true"]);
    let extra = sandbox.text("authorization_extra_query");
    let redirect = sandbox.authorize(&format!("&{extra}"));
    let code = common::parameter(redirect.header("location"), "code").unwrap();
    let uri = sandbox.text("redirect_uri");
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &uri)];
    let first = sandbox.token("authorization", &fields).data();
    let refresh_token = first["refresh_token"].as_str().unwrap();
    let refresh = || {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        sandbox.token("authorization", &fields).data()
    };
    for _ in 0..2 {
        let renewed = refresh();
        assert!(renewed.get("refresh_token").is_none());
        assert_eq!(sandbox.get_as(renewed["access_token"].as_str().unwrap(), "/profile", &[]).code(), 0);
    }
    sandbox.options(json!({"omit_refresh_token": false}));
    assert_ne!(refresh()["refresh_token"], first["refresh_token"]);
    assert_eq!(sandbox.state()["oauth"]["refresh_tokens"], 1);
}

#[test]
fn a_closed_door_says_how_long_and_opens() {
    let sandbox = Sandbox::start(&[]);
    sandbox.fault(json!({"side": "platform", "seconds": 3.5, "kind": "status", "status": 429,
                         "envelope": true, "headers": {"Retry-After": "{left}"}}));
    let refused = sandbox.get("/profile", &[]);
    assert_eq!((refused.status, refused.code()), (429, 429));
    assert!(["1", "2", "3", "4"].contains(&refused.header("retry-after")));
    let start = Instant::now();
    while sandbox.get("/profile", &[]).status == 429 {
        assert!(start.elapsed() < LIMIT, "the door stays closed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_outage_refuses_connections_and_ends_on_the_same_port() {
    let sandbox = Sandbox::start(&[]);
    let url = object(&sandbox, "a", "hello");
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut idle = TcpStream::connect(&address).unwrap();
    idle.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(get(&url, "").0, 200);
    sandbox.control("POST", "outage", json!({"seconds": 3, "side": "store"}));
    assert!(read_to_end(&mut idle).1.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    let refused = TcpStream::connect(&address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(sandbox.get("/profile", &[]).code(), 0);
    let again = |address: &str| {
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < LIMIT, "the outage does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    again(&address);
    assert_eq!(get(&url, "").2, b"hello");

    sandbox.control("POST", "outage", json!({"seconds": 3}));
    let platform = sandbox.text("endpoint").trim_start_matches("http://").to_owned();
    for address in [&platform, &address] {
        assert!(TcpStream::connect(address).is_err(), "{address}");
    }
    again(&platform);
    assert_eq!(sandbox.get("/profile", &[]).code(), 0);
    for wrong in [json!({"seconds": -1}), json!({}), json!({"seconds": 1, "side": "moon"})] {
        assert_eq!(sandbox.try_control("POST", "outage", wrong).status, 400);
    }
}

#[test]
fn request_lines_beyond_8_kib_are_refused() {
    let sandbox = Sandbox::start(&[]);
    let line = |length: usize| {
        let around = "GET /ping?a= HTTP/1.1".len();
        get(&sandbox.url(&format!("/ping?a={}", "x".repeat(length - around))), "").0
    };
    assert_eq!((line(8_192), line(8_193), line(60_000)), (200, 414, 414));
    assert_eq!(sandbox.log("?path=/ping&last=1")[0]["status"], 414);
    sandbox.options(json!({"max_request_line": 100}));
    assert_eq!((line(100), line(101)), (200, 414));
    sandbox.options(json!({"max_request_line": 0}));
    assert_eq!(line(60_000), 200);
}

#[test]
fn answers_without_an_end_and_answers_that_swell() {
    let sandbox = Sandbox::start(&[]);
    let read = |fault: Value, wanted: usize| {
        sandbox.fault(fault);
        let address = sandbox.text("endpoint");
        let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(b"GET /ping HTTP/1.1\r\nHost: s\r\n\r\n").unwrap();
        let mut received = vec![0; wanted];
        stream.read_exact(&mut received).unwrap();
        String::from_utf8_lossy(&received).into_owned()
    };
    let json = read(json!({"path": "/ping", "kind": "endless"}), 3_000_000);
    // The start is a chunk of its own.
    let (head, text) = json.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(text.contains("{\"code\": 0, \"msg\": \"成功\", \"data\": [") && text.contains("0, 0, 0, 0, "));
    assert!(!json.to_lowercase().contains("content-length"));
    let page = read(json!({"path": "/ping", "kind": "endless", "status": 502, "text": "噪"}), 100_000);
    assert!(page.starts_with("HTTP/1.1 502") && page.contains("噪噪噪噪"));
    assert_eq!(sandbox.try_control("POST", "faults", json!({"kind": "endless", "text": ""})).status, 400);

    sandbox.fault(json!({"path": "/ping", "kind": "gzip_bomb", "bytes": 300_000_000}));
    let (status, head, body) = get(&sandbox.url("/ping"), "");
    assert_eq!((status, header(&head, "content-encoding")), (200, "gzip"));
    assert!(body.len() < 1_000_000, "{}", body.len());
}

#[test]
fn short_answers_can_be_compressed_too() {
    let sandbox = Sandbox::start(&[]);
    let profile = || {
        let token = sandbox.text("access_token");
        let headers = format!("Authorization: Bearer {token}\r\nAccept-Encoding: gzip\r\n");
        get(&sandbox.url("/profile"), &headers)
    };
    assert!(!profile().1.contains("content-encoding"));
    sandbox.options(json!({"gzip_from": 0}));
    let (_, head, body) = profile();
    assert_eq!(header(&head, "content-encoding"), "gzip");
    assert!(body.starts_with(b"\x1f\x8b"));
}

#[test]
fn ranges_that_lie_and_ranges_that_are_short() {
    let sandbox = Sandbox::start(&[]);
    let url = object(&sandbox, "ods/序列.txt", "0123456789");
    let range = |fault: Value| {
        let mut all = json!({"side": "store"});
        all.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        sandbox.fault(all);
        let (status, head, body) = get(&url, "Range: bytes=2-7\r\n");
        (status, header(&head, "content-range").to_owned(), String::from_utf8(body).unwrap())
    };
    let of = |status, range: &str, body: &str| (status, range.to_owned(), body.to_owned());
    assert_eq!(range(json!({"kind": "content_range", "total": "*"})), of(206, "bytes 2-7/*", "234567"));
    let huge = 9_223_372_036_854_775_807_u64;
    assert_eq!(
        range(json!({"kind": "content_range", "total": huge})),
        of(206, "bytes 2-7/9223372036854775807", "234567")
    );
    assert_eq!(range(json!({"kind": "content_range", "shift": -2})), of(206, "bytes 0-5/10", "234567"));
    assert_eq!(range(json!({"kind": "content_range", "value": "bytes */x"})), of(206, "bytes */x", "234567"));
    assert_eq!(range(json!({"kind": "short_range"})), of(206, "bytes 2-4/10", "234"));
    assert_eq!(range(json!({"kind": "short_range", "bytes": 1})), of(206, "bytes 2-2/10", "2"));
    assert_eq!(range(json!({"kind": "short_range", "bytes": 99})), of(206, "bytes 2-7/10", "234567"));
    // What is no range stays as it is.
    sandbox.fault(json!({"side": "store", "kind": "short_range"}));
    assert_eq!(get(&url, "").2, b"0123456789");
}

#[test]
fn two_mirrors_and_an_object_that_shrinks() {
    let sandbox = Sandbox::start(&["--option", "store.alternate_etags=true"]);
    let url = object(&sandbox, "a", "0123456789");
    let etags: Vec<_> = (0..4).map(|_| header(&get(&url, "").1, "etag").to_owned()).collect();
    assert_eq!((&etags[0], &etags[1]), (&etags[2], &etags[3]));
    assert_ne!(etags[0], etags[1]);
    // Each knows its own only.
    let matching = format!("If-Match: {}\r\n", etags[0]);
    assert_eq!((get(&url, &matching).0, get(&url, &matching).0), (200, 412));

    sandbox.options(json!({"store": {"reset": true}}));
    let before = header(&get(&url, "").1, "etag").to_owned();
    sandbox.control("POST", "objects", json!({"name": "a", "keep": 4}));
    let (_, head, body) = get(&url, "");
    assert_eq!(body, b"0123");
    assert_ne!(header(&head, "etag"), before);
    let past = "Range: bytes=4-\r\n";
    assert_eq!(get(&url, past).0, 200, "the store's own way: the whole object");
    sandbox.options(json!({"store": {"standard_ranges": true}}));
    assert_eq!(get(&url, past).0, 416);
    assert_eq!(get(&url, "Range: bytes=1-99\r\n").2, b"123");
    sandbox.control("POST", "objects", json!({"name": "a", "base64": "/w=="}));
    assert_eq!(get(&url, "").2, b"\xff");
    sandbox.control("POST", "objects", json!({"name": "a", "delete": true}));
    assert_eq!(get(&url, "").0, 404);
    for wrong in
        [json!({"name": "a"}), json!({"name": "a", "keep": 1}), json!({"name": "a", "text": "", "keep": 1})]
    {
        assert_eq!(sandbox.try_control("POST", "objects", wrong).status, 400);
    }
}

#[test]
fn an_object_of_many_parts_is_cut_in_the_middle() {
    let folder = std::env::temp_dir().join(format!("sandbox-cut-{}", std::process::id()));
    let sandbox = Sandbox::start(&["--data-dir", folder.to_str().unwrap()]);
    let content = "0123456789".repeat(300_000);
    let url = object(&sandbox, "big", &content);
    sandbox.control("POST", "objects", json!({"name": "big", "keep": 2_000_001}));
    assert_eq!(get(&url, "").2, &content.as_bytes()[..2_000_001]);
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn an_address_in_raw_utf_8() {
    let sandbox = Sandbox::start(&[]);
    let location = "http://127.0.0.1:9/目录/样本 1.txt";
    sandbox.fault(json!({"path": "/ping", "kind": "redirect", "location": location}));
    let address = sandbox.text("endpoint");
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n").unwrap();
    let (answer, _) = read_to_end(&mut stream);
    assert!(answer.contains(&format!("location: {location}\r\n")), "{answer}");
}

#[test]
fn the_last_page_again_and_again() {
    let sandbox = Sandbox::start(&["--samples", "12", "--taxa", "12"]);
    sandbox.options(json!({"repeat_last_page": true, "count": "page"}));
    let meta = sandbox.text("meta_biosample_id");
    let samples = |page| sandbox.get("/samples", &[("limit", "5"), ("page", page)]).data();
    assert_eq!(samples("1")["count"], 5);
    let (third, fourth) = (samples("3"), samples("4"));
    assert_eq!((&third["next_page"], &fourth["next_page"]), (&json!(4), &json!(5)));
    assert_eq!((&third["result"], &third["count"]), (&fourth["result"], &json!(2)));
    let taxa = |page| {
        let query = [("biosample_id", meta.as_str()), ("limit", "5"), ("page", page)];
        sandbox.get("/microbiome/taxon_abundance", &query).json()
    };
    assert_eq!(taxa("3")["data"], taxa("9")["data"]);
    assert_eq!(taxa("9")["pagination"], json!({"count": 2, "page": 9}));
    let terms = |token: &str| {
        let query =
            [("biosample_id", meta.as_str()), ("catalog", "go"), ("limit", "300"), ("next_page", token)];
        sandbox.get("/microbiome/func_abundance", &query).data()
    };
    let mut pages = vec![terms("")];
    for _ in 0..3 {
        let token = pages.last().unwrap()["next_page"].as_str().unwrap().to_owned();
        pages.push(terms(&token));
    }
    assert_ne!(pages[0]["result"], pages[1]["result"]);
    assert_eq!((&pages[1]["result"], &pages[1]["result"]), (&pages[2]["result"], &pages[3]["result"]));
    assert_ne!(pages[2]["next_page"], pages[3]["next_page"]);
}

#[test]
fn faults_and_options_from_the_command_line() {
    let fault = r#"{"path": "/profile", "kind": "code", "code": 7}"#;
    let sandbox =
        Sandbox::start(&["--fault", fault, "--option", "page_cap=3", "--option", "base_path=/gateway"]);
    assert_eq!(sandbox.get("/profile", &[]).code(), 7);
    assert_eq!(sandbox.get("/gateway/profile", &[]).code(), 0);
    assert_eq!(sandbox.get("/samples", &[]).data()["result"].as_array().unwrap().len(), 3);
    for (wrong, said) in [
        (["--fault", "{}"], "kind"),
        (["--fault", "{"], "JSON"),
        (["--option", "page_caps=3"], "page_caps"),
        (["--option", "store.no=3"], "no"),
        (["--option", "latency"], "NAME=VALUE"),
    ] {
        let output = Command::new(BINARY).args(wrong).arg("--stdin-lifetime").output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(said), "{wrong:?}: {message}");
    }
}
