//! Calls in the background: waiting, cancelling, and leaving nothing behind.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Sandbox, count, is_alone};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc").count()
}

fn sockets() -> usize {
    let links = std::fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    links
        .filter_map(|fd| std::fs::read_link(fd.path()).ok())
        .filter(|to| to.to_string_lossy().starts_with("socket:"))
        .count()
}

#[test]
fn an_operation_gives_what_the_call_gives() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let called = api.call("get_samples", json!({"limit": 3})).expect("samples");
    let op = api.start("get_samples", json!({"limit": 3})).expect("started");
    assert!(op.wait(-1));
    assert!(op.wait(0));
    assert_eq!(op.result().expect("samples"), called);
    assert_eq!(op.result().expect_err("taken").status, 12);
    let op =
        api.start("request", json!({"method": "GET", "path": "/samples", "args": {"page": 1, "limit": 3}}));
    assert_eq!(op.expect("started").finish().expect("samples"), called);
    let op = api.start("alive", json!({})).expect("started");
    assert_eq!(op.finish().expect("alive"), "true");
    let op = sandbox.oauth2(json!({})).start("get_credentials_token", json!({})).expect("started");
    assert!(op.finish().expect("a token").contains("obtained_at"));
    assert_eq!(api.start("no_such_call", json!({})).err().map(|failure| failure.status), Some(1));
    let op = api.start("get_sample", json!({})).expect("started");
    let failure = op.finish().expect_err("an argument is missing");
    assert_eq!(failure.status, 1);
    assert!(failure.message.starts_with("get_sample: biosample_id"), "{}", failure.message);
}

#[test]
fn a_result_too_early_is_refused_and_can_be_had_later() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/profile", "kind": "delay_headers", "ms": 300}));
    let op = api.start("get_user", json!({})).expect("started");
    assert_eq!(op.result().expect_err("too early").status, 1);
    assert!(!op.wait(10));
    op.finish().expect("the user");
}

#[test]
fn fd_becomes_readable_at_the_end() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/profile", "kind": "delay_headers", "ms": 300}));
    let op = api.start("get_user", json!({})).expect("started");
    let fd = op.fd();
    assert!(fd >= 0 && fd == op.fd());
    let poll = |ms: i32| {
        let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, alive.
        let ready = unsafe { libc::poll(&mut entry, 1, ms) };
        (ready, entry.revents & libc::POLLIN != 0)
    };
    assert_eq!(poll(10), (0, false));
    assert_eq!(poll(20_000), (1, true));
    assert!(op.wait(0));
    let op = api.start("get_user", json!({})).expect("started");
    op.wait(-1);
    let fd = op.fd();
    let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: as above.
    assert_eq!(unsafe { libc::poll(&mut entry, 1, 0) }, 1, "also when asked for afterwards");
}

#[test]
fn a_cancel_ends_one_operation_and_no_other() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"timeout": 60}));
    sandbox.fault(json!({"path": "/profile", "kind": "delay_headers", "ms": 1500, "count": 0}));
    let (one, other) = (
        api.start("get_user", json!({})).expect("started"),
        api.start("get_user", json!({})).expect("started"),
    );
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    one.cancel();
    assert!(one.wait(-1));
    assert!(started.elapsed() < Duration::from_millis(1000), "{:?}", started.elapsed());
    one.cancel();
    assert_eq!(one.result().expect_err("cancelled").status, 11);
    other.finish().expect("the other one goes on");
}

#[test]
fn cancels_against_a_silent_server_leave_nothing_behind() {
    if !is_alone("operations::cancels_against_a_silent_server_leave_nothing_behind") {
        return;
    }
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"timeout": 600}));
    api.start("get_user", json!({})).expect("started").finish().expect("the user");
    api.call("get_user", json!({})).expect("the user");
    let before = (threads(), sockets());
    sandbox.fault(json!({"path": "/profile", "kind": "hang", "count": 0}));
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let ops: Vec<_> = (0..100).map(|_| api.start("get_user", json!({})).expect("started")).collect();
        std::thread::sleep(Duration::from_millis(50));
        for op in &ops {
            let started = Instant::now();
            op.cancel();
            assert!(op.wait(-1));
            slowest = slowest.max(started.elapsed());
        }
        for op in ops {
            assert_eq!(op.result().expect_err("cancelled").status, 11);
        }
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    sandbox.clear_faults();
    let started = Instant::now();
    api.start("get_user", json!({})).expect("started").finish().expect("the next one runs at once");
    assert!(started.elapsed() < Duration::from_secs(5));
    let settled = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        threads() <= before.0 && sockets() <= before.1 + 1
    });
    assert!(settled, "{before:?} before, {:?} after", (threads(), sockets()));
    let open = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        sandbox.state()["connections"]["platform"]["open"].as_u64().is_some_and(|open| open < 10)
    });
    assert!(open, "the connections were closed: {}", sandbox.state()["connections"]);
}

#[test]
fn operations_in_a_row_leak_nothing() {
    if !is_alone("operations::operations_in_a_row_leak_nothing") {
        return;
    }
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"log": "off"}));
    let api = sandbox.api(json!({}));
    let round = |number: usize| {
        for _ in 0..number {
            api.start("alive", json!({})).expect("started").finish().expect("alive");
        }
    };
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/statm").expect("/proc");
        status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4
    };
    round(500);
    let before = (threads(), sockets(), memory());
    round(count(2_000, 10_000));
    let after = (threads(), sockets(), memory());
    assert!(after.0 <= before.0 + 2 && after.1 <= before.1 + 2, "{before:?} {after:?}");
    assert!(after.2 < before.2 + 20 * 1024, "KiB: {before:?} {after:?}");
}

#[test]
fn an_operation_outlives_its_client() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/profile", "kind": "delay_headers", "ms": 200}));
    let op = api.start("get_user", json!({})).expect("started");
    drop(api);
    op.finish().expect("the user");
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/profile", "kind": "hang"}));
    let op = api.start("get_user", json!({})).expect("started");
    drop(api);
    let started = Instant::now();
    drop(op);
    assert!(started.elapsed() < Duration::from_secs(1), "a free waits for nobody");
}

#[test]
fn a_file_tells_its_progress_in_bytes() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = crate::support::Folder::new("progress");
    let mut zip = vec![0; 3_000_000];
    zip[..4].copy_from_slice(b"PK\x05\x06");
    let path = folder.file("expfs.zip", &zip);
    let op = api.start("upload_model_expfs", json!({"model_id": sandbox.text("/model_id"), "expfs": path}));
    let op = op.expect("started");
    op.wait(-1);
    assert_eq!(op.progress(), (3_000_000, 3_000_000));
    op.finish().expect("uploaded");
}
