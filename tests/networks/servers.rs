//! Networks and servers as they are: answers without an end, silence, outages, doors that are closed for a while.

use std::{
    io::Write,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Folder,
    c::{Api, Failure, OAuth2},
    count,
    server::{Server, answer, drip, good, silence},
};

fn api(server: &Server, mut options: Value) -> Api {
    options["endpoint"] = server.endpoint().into();
    Api::new("token", &options.to_string()).expect("a client")
}

/// The same call by both senders.
fn both(api: &Api, args: &Value) -> [Result<String, Failure>; 2] {
    let started = api.start("get_user", args.clone()).expect("started");
    [api.call("get_user", args.clone()), started.finish()]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).and_then(|()| packed.finish()).expect("packed")
}

#[test]
fn an_answer_is_bounded_after_it_is_unpacked() {
    let most = 1_000_000;
    let body = |length: usize| {
        let text = format!("{{\"code\":0,\"data\":\"{}\"}}", "0".repeat(length));
        gzip(text.as_bytes())
    };
    let (bomb, fits) = (body(64 << 20), body(900_000));
    assert!(bomb.len() < 100_000);
    let server = Server::start(move |seen, stream| {
        let body = if seen.target.contains("fits") { &fits } else { &bomb };
        answer(stream, 200, "Content-Encoding: gzip\r\n", body)
    });
    let api = api(&server, json!({"max_answer": most}));
    for outcome in both(&api, &json!({})) {
        let failure = outcome.expect_err("too long");
        assert_eq!((failure.status, failure.http_status), (7, 200), "{}", failure.message);
        assert!(failure.message.contains("1000000 bytes") && failure.message.contains("max_answer"));
    }
    assert_eq!(server.seen().len(), 2, "it is not asked for again");
    for outcome in both(&api, &json!({"fits": 1})) {
        assert_eq!(outcome.expect("it fits").len(), 900_002);
    }
}

#[test]
fn an_answer_without_an_end_ends() {
    let server = Server::start(|_, stream| {
        let head =
            "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"data\":\"";
        let mut going = stream.write_all(head.as_bytes()).is_ok();
        while going {
            going = stream.write_all(&[b'0'; 65_536]).is_ok();
        }
        false
    });
    for outcome in both(&api(&server, json!({"max_answer": 5_000_000})), &json!({})) {
        assert!(outcome.expect_err("too long").message.contains("max_answer"));
    }
}

#[test]
fn an_error_page_without_an_end_is_the_error_that_it_is() {
    // Quickly, slowly, and with a length that nobody can set memory aside for.
    for (pause, promise) in [
        (Duration::ZERO, ""),
        (Duration::from_millis(100), ""),
        (Duration::ZERO, "Content-Length: 9223372036854775807\r\n"),
    ] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = sent.clone();
        let server = Server::start(move |_, stream| {
            let head = format!("HTTP/1.1 500 X\r\n{promise}Connection: close\r\n\r\n");
            let page = if pause.is_zero() { vec![b'.'; 65_536] } else { b"<p>sorry</p>".to_vec() };
            let mut going = stream.write_all(head.as_bytes()).is_ok();
            while going {
                std::thread::sleep(pause);
                going = stream.write_all(&page).is_ok();
                counted.fetch_add(page.len(), Ordering::SeqCst);
            }
            false
        });
        let begun = Instant::now();
        for outcome in both(&api(&server, json!({"max_retries": 0, "timeout": 2})), &json!({})) {
            let failure = outcome.expect_err("500");
            assert_eq!((failure.status, failure.http_status), (4, 500), "{}", failure.message);
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        // What two connections have room for on the way, and not much more.
        let sent = sent.load(Ordering::SeqCst);
        assert!(sent < 40 << 20, "{sent} bytes of an error were taken");
    }
}

#[test]
fn a_steady_slow_answer_is_no_timeout_and_a_silent_one_is() {
    let server = Server::start(|seen, stream| match seen.target.contains("silent") {
        true => silence(stream),
        false => drip(stream, br#"{"code":0,"data":{"slow": true}}"#, 4, Duration::from_millis(300)),
    });
    let api = api(&server, json!({"timeout": 1, "max_retries": 0}));
    for outcome in both(&api, &json!({})) {
        assert_eq!(outcome.expect("slow, but steady"), r#"{"slow": true}"#);
    }
    for outcome in both(&api, &json!({"silent": 1})) {
        let failure = outcome.expect_err("silent");
        assert_eq!(failure.status, 3);
        assert!(failure.message.contains("\"timeout\" allows more"), "{}", failure.message);
    }
}

#[test]
fn after_a_body_a_server_may_think_about_it() {
    let server = Server::start(|seen, stream| {
        std::thread::sleep(Duration::from_millis(2500));
        answer(stream, 200, "", format!(r#"{{"code":0,"data":{}}}"#, seen.body.len()).as_bytes())
    });
    let api = api(&server, json!({"timeout": 1, "max_retries": 0}));
    let long = json!({"text": "x".repeat(1 << 20)});
    let taken: usize =
        api.request("POST", "/anything", long.clone()).expect("17 s are allowed").parse().expect("a length");
    assert!(taken > 1 << 20);
    let op = api.start("request", json!({"method": "POST", "path": "/anything", "args": long}));
    op.expect("started").finish().expect("here, too");
    let failure = api.request("POST", "/anything", json!({"text": "x"})).expect_err("1 s is allowed");
    assert_eq!((failure.status, failure.retryable), (3, false));
}

#[test]
fn a_deadline_bounds_whatever_a_call_waits_for() {
    // A token endpoint that is silent, an answer that never ends, a connection that never gets free.
    let server = Server::start(|seen, stream| match seen.target.split('?').next() {
        Some("/oauth2/access_token") => silence(stream),
        _ => drip(stream, &[b' '; 600], 1, Duration::from_millis(100)),
    });
    let short = json!({"$": {"deadline": 1}});
    let bounded = |outcome: Result<String, Failure>, begun: Instant| {
        let failure = outcome.expect_err("too late");
        assert_eq!(failure.status, 3, "{}", failure.message);
        assert!(failure.message.contains("the deadline passed"), "{}", failure.message);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    };
    let options = json!({"endpoint": server.endpoint()}).to_string();
    let application = OAuth2::new("id", "secret", &options).expect("an application");
    let renewing = application.api(None).expect("a client");
    let plain = api(&server, json!({"max_connections": 1, "timeout": 30}));
    for api in [&renewing, &plain] {
        let begun = Instant::now();
        bounded(api.call("get_user", short.clone()), begun);
        let begun = Instant::now();
        bounded(api.start("get_user", short.clone()).expect("started").finish(), begun);
    }
    let busy = plain.start("get_user", json!({})).expect("started");
    assert!(!busy.wait(300));
    let begun = Instant::now();
    bounded(plain.call("get_user", short.clone()), begun);
    let folder = Folder::new("late");
    let file = json!({"url": server.endpoint(), "path": folder.path("file"), "$": short["$"]});
    let begun = Instant::now();
    bounded(plain.start("download_file", file).expect("started").finish(), begun);
}

/// Calls that were sent with the same token, and hear one after the other that it has ended.
#[test]
fn a_renewal_that_failed_is_not_repeated_by_each_call_that_needed_it() {
    let refused = AtomicUsize::new(0);
    let server = Server::start(move |seen, stream| {
        if seen.target.starts_with("/oauth2/access_token") {
            return answer(stream, 200, "", br#"{"code":400,"msg":"","data":null}"#);
        }
        let place = refused.fetch_add(1, Ordering::SeqCst) as u64;
        std::thread::sleep(Duration::from_millis(1500 + 200 * place));
        answer(stream, 200, "", r#"{"code":403,"msg":"access_token 已失效或错误","data":null}"#.as_bytes())
    });
    let options = json!({"endpoint": server.endpoint()}).to_string();
    let application = OAuth2::new("id", "secret", &options).expect("an application");
    let token = json!({"access_token": "a", "refresh_token": "r", "expires_in": 21_600});
    let api = application.api(Some(&token.to_string())).expect("a client");
    let ops: Vec<_> = (0..6).map(|_| api.start("get_user", json!({})).expect("started")).collect();
    for op in ops {
        let failure = op.finish().expect_err("it has ended");
        assert_eq!((failure.status, failure.code), (6, 400), "{}", failure.message);
    }
    let seen = server.seen();
    let renewals = seen.iter().filter(|seen| seen.target.starts_with("/oauth2/access_token")).count();
    assert_eq!((renewals, seen.len()), (1, 7));
}

#[test]
fn what_a_deadline_cut_off_is_told() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| match asked.fetch_add(1, Ordering::SeqCst) % 2 {
        0 => answer(stream, 502, "x-request-id: id-7\r\n", b""),
        _ => silence(stream),
    });
    for outcome in both_in_turn(&api(&server, json!({})), &json!({"$": {"deadline": 2}})) {
        let failure = outcome.expect_err("too late");
        assert_eq!(
            (failure.status, failure.http_status, failure.retryable),
            (3, 502, true),
            "{}",
            failure.message
        );
        assert_eq!(failure.request_id.as_deref(), Some("id-7"));
        assert!(failure.message.contains("the server refused"), "{}", failure.message);
    }
}

fn both_in_turn(api: &Api, args: &Value) -> [Result<String, Failure>; 2] {
    let called = api.call("get_user", args.clone());
    [called, api.start("get_user", args.clone()).expect("started").finish()]
}

#[test]
fn an_outage_of_some_seconds_is_outlived() {
    for round in 0..count(1, 12) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let options = json!({"endpoint": format!("http://{address}")});
        let api = Arc::new(Api::new("token", &options.to_string()).expect("a client"));
        let calling = {
            let api = api.clone();
            std::thread::spawn(move || {
                let op = api.start(
                    "register_sample",
                    json!({"external_sample_id": "x", "biosample_site": 1, "project_id": "p"}),
                );
                (api.call("get_user", json!({})), op.expect("started").finish())
            })
        };
        let lasts = if round == 0 { 4.0 } else { 25.0 * fastrand::f64() };
        std::thread::sleep(Duration::from_secs_f64(lasts));
        let _server =
            Server::on(TcpListener::bind(address).expect("the same port"), |_, stream| good(stream));
        let (read, written) = calling.join().expect("no panic");
        read.unwrap_or_else(|failure| panic!("after {lasts} s: {failure:?}"));
        written.unwrap_or_else(|failure| panic!("nothing had reached anybody in {lasts} s: {failure:?}"));
    }
}

#[test]
fn a_closed_door_is_respected_by_all_of_a_client() {
    let server = Server::start(|_, stream| answer(stream, 429, "Retry-After: 75\r\n", b""));
    let one = api(&server, json!({}));
    for _ in 0..20 {
        let begun = Instant::now();
        for outcome in both_in_turn(&one, &json!({})) {
            let failure = outcome.expect_err("not now");
            assert_eq!((failure.http_status, failure.retryable), (429, true), "{}", failure.message);
            let after = failure.json["retry_after"].as_f64().expect("a time");
            assert!((70.0..=75.0).contains(&after), "{after}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(server.seen().len(), 1, "the door was closed once");
    assert_eq!(api(&server, json!({})).call("get_user", json!({})).expect_err("not now").http_status, 429);
    assert_eq!(server.seen().len(), 2, "another client's door is its own");
}

#[test]
fn whoever_may_wait_waits_together() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer(stream, 503, "Retry-After: 2\r\n", b""),
        _ => good(stream),
    });
    let api = Arc::new(api(&server, json!({})));
    let first = api.start("get_user", json!({})).expect("started");
    while server.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(200));
    let callers: Vec<_> = (0..12)
        .map(|caller| {
            let api = api.clone();
            std::thread::spawn(move || match caller % 3 {
                0 => api.start("get_user", json!({})).expect("started").finish(),
                1 => api.request("POST", "/x", json!({})),
                _ => api.call("get_user", json!({})),
            })
        })
        .collect();
    for caller in callers {
        caller.join().expect("no panic").expect("it waited");
    }
    first.finish().expect("it waited");
    let seen = server.seen();
    assert_eq!(seen.len(), 14);
    let early = seen[1..].iter().filter(|request| request.at - seen[0].at < Duration::from_millis(1900));
    assert_eq!(early.count(), 0, "before the door opened");
}

#[test]
fn no_number_of_a_server_is_too_large() {
    for after in
        ["18446744073709551615", "18446744073709551616", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "1e99"]
    {
        let server =
            Server::start(move |_, stream| answer(stream, 503, &format!("Retry-After: {after}\r\n"), b""));
        for args in [json!({"$": {"deadline": 2}}), json!({"$": {"max_retries": 0}})] {
            let outcome = api(&server, json!({})).call("get_user", args);
            let failure = outcome.expect_err("503");
            assert!(
                [3, 4].contains(&failure.status) && failure.http_status == 503,
                "{after}: {}",
                failure.message
            );
        }
    }
}

#[test]
fn what_may_not_be_repeated_is_not_sent_again_for_its_redirect() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let server = Server::start(move |_, stream| {
        answer(stream, 302, &format!("Location: http://{closed}/next\r\n"), b"")
    });
    let second = Server::start(|_, stream| good(stream));
    let api = api(&server, json!({"fallback_endpoint": second.endpoint()}));
    for outcome in [
        api.call("invoke_model", json!({"model_id": "m"})),
        api.start("invoke_model", json!({"model_id": "m"})).expect("started").finish(),
    ] {
        let failure = outcome.expect_err("nobody is there");
        assert_eq!((failure.status, failure.retryable), (2, false), "{}", failure.message);
    }
    assert_eq!((server.seen().len(), second.seen().len()), (2, 0));
}

#[test]
fn no_permission_is_final_under_any_status() {
    let server =
        Server::start(|_, stream| answer(stream, 502, "", r#"{"code":401,"msg":"无访问权限"}"#.as_bytes()));
    for outcome in both_in_turn(&api(&server, json!({})), &json!({})) {
        let failure = outcome.expect_err("no permission");
        assert_eq!((failure.status, failure.code, failure.retryable), (6, 401, false));
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn max_connections_bounds_bodies_that_stream_too() {
    let body = vec![7; 64];
    let server = Server::start(move |_, stream| drip(stream, &body, 8, Duration::from_millis(50)));
    let folder = Folder::new("bounded");
    let api = api(&server, json!({"max_connections": 2}));
    let downloads: Vec<_> = (0..6)
        .map(|n| {
            let url = format!("{}/object-{n}", server.endpoint());
            let args = json!({"url": url, "path": folder.path(&format!("file-{n}"))});
            api.start("download_file", args).expect("started")
        })
        .collect();
    for download in downloads {
        download.finish().expect("it comes");
    }
    assert!(server.most() <= 2, "max_connections is 2, and {} were open at once", server.most());
}

#[test]
fn redirects_lead_to_names_in_every_script() {
    let server = Server::start(|seen, stream| match seen.target.as_str() {
        "/profile" => answer(stream, 302, "Location: /样本 一?名=值\r\n", b""),
        "/%E6%A0%B7%E6%9C%AC%20%E4%B8%80?%E5%90%8D=%E5%80%BC" => good(stream),
        _ => answer(stream, 404, "", b""),
    });
    for outcome in both(&api(&server, json!({})), &json!({})) {
        outcome.expect("followed");
    }
}

#[test]
fn a_user_in_an_address_is_sent_to_its_host_only() {
    let other = Server::start(|_, stream| answer(stream, 200, "", b"content"));
    let elsewhere = other.endpoint();
    let server = Server::start(move |seen, stream| match seen.target.as_str() {
        "/moved" => answer(stream, 302, &format!("Location: {elsewhere}/there\r\n"), b""),
        _ => answer(stream, 200, "", b"content"),
    });
    let folder = Folder::new("userinfo");
    let api = api(&server, json!({}));
    for path in ["object", "moved"] {
        let url = format!("http://user:p%40ss@127.0.0.1:{}/{path}", server.port);
        let args = json!({"url": url, "path": folder.path(path)});
        api.call("download_file", args).expect("it comes");
    }
    for seen in server.seen().iter() {
        // "user:p@ss"
        assert_eq!(seen.header("authorization"), Some("Basic dXNlcjpwQHNz"), "{}", seen.head);
    }
    assert_eq!(other.seen()[0].header("authorization"), None);
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let server = Server::start(|_, stream| answer(stream, 200, "", b"{\"code\": 0,\n \"data\": [1.5, NaN]}"));
    let failure = api(&server, json!({})).call("get_user", json!({})).expect_err("no JSON");
    assert_eq!(failure.status, 7);
    assert!(failure.message.contains("line 2, column 16: NaN"), "{}", failure.message);
}

/// Looked at in a process of its own: other tests have threads of the same names.
#[test]
fn our_threads_leave_signals_to_the_host() {
    const INSIDE: &str = "BGE_TEST_THREADS";
    if std::env::var_os(INSIDE).is_none() {
        let mut command = std::process::Command::new(std::env::current_exe().expect("the test's own path"));
        command.args(["--exact", "servers::our_threads_leave_signals_to_the_host"]).env(INSIDE, "1");
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let server = Server::start(|seen, stream| match seen.target.as_str() {
        "/object" => answer(stream, 200, "", &[1; 300_000]),
        _ => good(stream),
    });
    let folder = Folder::new("signals");
    let api = api(&server, json!({}));
    for outcome in both(&api, &json!({})) {
        outcome.expect("a user");
    }
    let args =
        json!({"url": format!("http://localhost:{}/object", server.port), "path": folder.path("file")});
    api.call("download_file", args).expect("it comes");
    let mask = |task: &std::path::Path| -> Option<(String, u64)> {
        let status = std::fs::read_to_string(task.join("status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some((field("Name:")?.to_owned(), u64::from_str_radix(field("SigBlk:")?, 16).ok()?))
    };
    let ours = || -> Vec<(String, u64)> {
        let tasks = std::fs::read_dir("/proc/self/task").expect("/proc").flatten();
        let masks = tasks.filter_map(|task| mask(&task.path()));
        masks.filter(|(name, _)| name.starts_with("bge") || name.starts_with("reqwest")).collect()
    };
    let blocks = |mask: u64, signal: i32| mask & (1 << (signal - 1)) != 0;
    let wrong = || -> Vec<(String, u64)> {
        let wrong = |(_, mask): &(String, u64)| {
            [libc::SIGTERM, libc::SIGALRM, libc::SIGPROF, libc::SIGINT, libc::SIGUSR1, libc::SIGCHLD]
                .iter()
                .any(|signal| !blocks(*mask, *signal))
                || [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT]
                    .iter()
                    .any(|signal| blocks(*mask, *signal))
        };
        ours().into_iter().filter(wrong).collect()
    };
    assert!(ours().len() >= 3, "{:?}", ours());
    assert_eq!(wrong(), []);
}
