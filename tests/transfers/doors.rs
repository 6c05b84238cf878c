//! Handles before a door that is closed for longer than a call may take: they say when it opens, and do not wait.

use std::time::{Duration, Instant};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, crc64},
    handles::Transfers,
    support::{Sandbox, c::Failure},
};

/// Each call of these handles may take so long.
const DEADLINE: f64 = 20.0;

fn args() -> Value {
    json!({"$": {"deadline": DEADLINE}})
}

fn closed(sandbox: &Sandbox, whom: Value, status: u16, seconds: u64) {
    let mut fault =
        json!({"count": 0, "kind": "status", "status": status, "headers": {"Retry-After": seconds}});
    fault.as_object_mut().expect("members").extend(whom.as_object().expect("members").clone());
    sandbox.fault(fault);
}

/// It came long before the deadline, and tells what a caller needs to know.
fn check(failure: &Failure, status: u16, begun: Instant) {
    assert!(begun.elapsed() < Duration::from_secs_f64(DEADLINE / 2.0), "{:?}", begun.elapsed());
    assert_ne!(failure.status, BGE_ERR_TIMEOUT, "{}", failure.message);
    assert_eq!(failure.http_status, i32::from(status), "{}", failure.message);
    assert!((30.0..=45.0).contains(&failure.retry_after), "{failure:?}");
}

#[test]
fn a_reader_says_when_it_opens() {
    let sandbox = Sandbox::start(&[]);
    let content = bytes(1, 12 * MIB);
    let done = sandbox.api(json!({})).upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    for (whom, status) in [
        (json!({"path": "/oss/sign_url"}), 429),
        (json!({"side": "store", "method": "GET"}), 503),
        (json!({"side": "store", "method": "GET"}), 429),
    ] {
        for call in ["read", "read_at", "size"] {
            closed(&sandbox, whom.clone(), status, 45);
            let reader = sandbox.api(json!({})).reader(object, args()).expect("a reader");
            for _ in 0..2 {
                let begun = Instant::now();
                let failure = match call {
                    "read" => reader.read(1000).expect_err("closed"),
                    "read_at" => reader.read_at(5000, 1000).expect_err("closed"),
                    _ => reader.size().map(|_| ()).expect_err("closed"),
                };
                check(&failure, status, begun);
            }
            sandbox.clear_faults();
        }
    }
    // It closes while blocks are fetched ahead.
    let reader = sandbox.api(json!({})).reader(object, args()).expect("a reader");
    let mut all = reader.read(100_000).expect("the beginning");
    closed(&sandbox, json!({"side": "store", "method": "GET"}), 503, 45);
    let begun = Instant::now();
    let (more, failure) = reader.rest(100_000);
    all.extend(more);
    assert!(all.len() < content.len() && content.starts_with(&all));
    check(&failure.expect("closed"), 503, begun);
}

#[test]
fn a_reader_goes_on_when_it_has_opened() {
    let sandbox = Sandbox::start(&[]);
    let content = bytes(2, 3 * MIB);
    let done = sandbox.api(json!({})).upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    let reader = sandbox.api(json!({})).reader(object, json!({"$": {"deadline": 2}})).expect("a reader");
    let mut all = reader.read(100_000).expect("the beginning");
    closed(&sandbox, json!({"side": "store", "method": "GET"}), 503, 3);
    let failure = loop {
        match reader.read(100_000) {
            Ok(bytes) => {
                assert!(!bytes.is_empty(), "the end");
                all.extend(bytes);
            }
            Err(failure) => break failure,
        }
    };
    assert_eq!((failure.http_status, failure.retry_after > 1.0), (503, true), "{failure:?}");
    sandbox.clear_faults();
    std::thread::sleep(Duration::from_millis(3200));
    let (more, failure) = reader.rest(100_000);
    assert!(failure.is_none(), "{failure:?}");
    all.extend(more);
    assert!(all == content);
}

#[test]
fn a_writer_says_when_it_opens() {
    let sandbox = Sandbox::start(&[]);
    let mut args = args();
    args["part_size"] = 102_400.into();
    for (whom, status) in [
        (json!({"path": "/sts/token"}), 429),
        (json!({"side": "store", "method": "POST", "query": "uploads*"}), 503),
        (json!({"side": "store", "method": "PUT"}), 503),
    ] {
        closed(&sandbox, whom, status, 45);
        let writer = sandbox.api(json!({})).writer("a.bin", args.clone()).expect("a writer");
        let begun = Instant::now();
        let failure = loop {
            if let Err(failure) = writer.write(&[7; 50_000]) {
                break failure;
            }
        };
        check(&failure, status, begun);
        sandbox.clear_faults();
        let _ = writer.abort();
    }
    // The door of a short upload is met at its end.
    let writer = sandbox.api(json!({})).writer("b.bin", args).expect("a writer");
    writer.write(b"content").expect("in memory");
    closed(&sandbox, json!({"side": "store", "method": "PUT"}), 503, 45);
    let begun = Instant::now();
    check(&writer.finish().expect_err("closed"), 503, begun);
    sandbox.clear_faults();
    let writer = sandbox.api(json!({})).writer("b.bin", json!({})).expect("a writer");
    writer.write(b"content").expect("in memory");
    assert_eq!(writer.finish().expect("another client's")["crc64"], json!(crc64(b"content")));
}

/// All that is under way ends; what begins after that is not concerned, by a handle from before, either.
#[test]
fn handles_outlive_a_cancel_of_everything() {
    let sandbox = Sandbox::start(&[]);
    let content = bytes(3, MIB);
    let api = sandbox.api(json!({}));
    let done = api.upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    let reader = api.reader(object, json!({})).expect("a reader");
    let writer = api.writer("b.bin", json!({})).expect("a writer");
    sandbox.fault(json!({"side": "store", "method": "GET", "kind": "hang"}));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| reader.read(1000));
        std::thread::sleep(Duration::from_millis(500));
        // SAFETY: a live handle.
        unsafe { bge::ffi::client::bge_api_cancel(api.0) };
        let failure = waiting.join().expect("no panic").expect_err("cancelled");
        assert_eq!(failure.status, BGE_ERR_CANCELLED, "{failure:?}");
    });
    sandbox.clear_faults();
    assert!(reader.read_at(0, MIB).expect("it goes on") == content);
    writer.write(b"content").expect("it goes on");
    assert_eq!(writer.finish().expect("an object")["verified"], true);
}
