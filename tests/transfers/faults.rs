//! Each fault on each step of a transfer: what comes back, how often it was tried, and that nothing half-written is left.

use std::fs;

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{bytes, count, objects, open_uploads, stored},
    handles::Transfers,
    support::{Folder, Sandbox},
};

/// A step of a transfer: which requests it is, and whether a lost answer can be made good.
struct Step {
    name: &'static str,
    method: &'static str,
    /// What the request's path and query hold.
    part: &'static str,
    fault: Value,
}

fn steps() -> Vec<Step> {
    let step = |name, method, part, fault| Step { name, method, part, fault };
    vec![
        step("token", "POST", "/sts/token", json!({"path": "/sts/token"})),
        step("introspect", "GET", "/oauth2/introspect", json!({"path": "/oauth2/introspect"})),
        step("put", "PUT", "small.bin", json!({"method": "PUT", "path": "*small.bin"})),
        step("initiate", "POST", "?uploads", json!({"method": "POST", "query": "uploads*"})),
        step("part", "PUT", "partNumber=2", json!({"method": "PUT", "query": "*partNumber=2*"})),
        step("complete", "POST", "?uploadId", json!({"method": "POST", "query": "uploadId=*"})),
        step("url", "POST", "/oss/sign_url", json!({"path": "/oss/sign_url"})),
        step("get", "GET", "object.bin", json!({"method": "GET", "path": "*object.bin"})),
    ]
}

/// What happens to a step when a fault stays: the status, and how often the request was sent with two repeats.
fn outcome(step: &Step, kind: &str) -> (i32, usize) {
    let on_store = !matches!(step.name, "token" | "introspect" | "url");
    match kind {
        "reset" | "truncate" | "reset_body" => (BGE_ERR_TRANSPORT, 3),
        "hang" => (BGE_ERR_TIMEOUT, 3),
        "500" | "503" | "429" if on_store => (BGE_ERR_STORAGE, 3),
        "500" | "503" | "429" => (BGE_ERR_HTTP, 3),
        "403" if on_store => (BGE_ERR_STORAGE, 1),
        "html" => (BGE_ERR_PROTOCOL, 1),
        other => panic!("{other}"),
    }
}

fn fault(step: &Step, kind: &str, repeats: u64) -> Value {
    let mut fault = step.fault.clone();
    let more = match kind {
        "500" | "503" | "429" | "403" => {
            json!({"kind": "status", "status": kind.parse::<u16>().expect("a number")})
        }
        // With a byte each time it would be progress, and no reason to give up.
        "truncate" | "reset_body" if step.name == "get" => json!({"kind": kind, "bytes": 0}),
        other => json!({"kind": other}),
    };
    fault.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    fault["count"] = repeats.into();
    fault
}

#[test]
fn every_fault_on_every_step() {
    // Most of the time is spent waiting: each step has a sandbox and a thread of its own.
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            steps().into_iter().map(|step| scope.spawn(move || every_fault_on(&step))).collect();
        for thread in threads {
            thread.join().expect("each fault on this step");
        }
    });
}

fn every_fault_on(step: &Step) {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("faults");
    let content = bytes(1, 300_000);
    let object = sandbox.api(json!({})).upload("object.bin", &content, json!({})).expect("an upload");
    let object = object["object_name"].as_str().expect("a name").to_owned();
    let before = objects(&sandbox);
    // A connection breaks in the answer's body only where there is one.
    let with_body = ["token", "introspect", "initiate", "url", "get"];
    for kind in ["reset", "hang", "500", "503", "429", "403", "html", "truncate", "reset_body"] {
        let on_platform = matches!(step.name, "token" | "introspect" | "url");
        if (matches!(kind, "truncate" | "reset_body") && !with_body.contains(&step.name))
            || (kind == "403" && on_platform)
        {
            continue;
        }
        let what = format!("{kind} on {}", step.name);
        let transfer = |retries: u32| {
            let timeout = if kind == "hang" { 1.5 } else { 60.0 };
            let api = sandbox.api(json!({"timeout": timeout, "max_retries": retries}));
            match step.name {
                "url" | "get" => api.download(&object, &folder.path("down.bin"), json!({})),
                "put" => api.upload("small.bin", &content, json!({})),
                _ => {
                    let args = json!({"multipart_threshold": 1, "part_size": 102_400});
                    api.upload("large.bin", &content, args)
                }
            }
        };
        // A fault that stays.
        let (status, times) = outcome(step, kind);
        sandbox.fault(fault(step, kind, 0));
        sandbox.clear_log();
        let failure = transfer(2).expect_err(&what);
        assert_eq!(failure.status, status, "{what}: {failure:?}");
        let log = sandbox.log();
        assert_eq!(count(&log, step.method, step.part), times, "{what}");
        sandbox.clear_faults();
        assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0, "{what}");
        // The one thing that an interrupted upload may leave is an initiation whose answer was lost.
        let orphans = if matches!(step.name, "initiate") { 3 } else { 0 };
        assert!(open_uploads(&sandbox) <= orphans, "{what}");
        assert_eq!(objects(&sandbox), before, "{what}");
        sandbox.set(json!({"store": {"lose_uploads": true}}));

        // The same fault twice: what may pass has passed then.
        if times == 3 {
            sandbox.fault(fault(step, kind, 2));
            let done = transfer(2).unwrap_or_else(|failure| panic!("{what}, twice: {failure:?}"));
            assert_eq!(done["verified"], true, "{what}");
            match done["object_name"].as_str() {
                Some(name) => assert!(stored(&sandbox, name).as_deref() == Some(&content[..]), "{what}"),
                None => {
                    assert!(fs::read(folder.path("down.bin")).expect("the file") == content, "{what}");
                    fs::remove_file(folder.path("down.bin")).expect("the file");
                }
            }
            sandbox.clear_faults();
            sandbox.set(json!({"store": {"lose_uploads": true}}));
            if let Some(name) = done["object_name"].as_str() {
                assert!(name.ends_with("small.bin") || name.ends_with("large.bin"));
            }
            forget(&sandbox, &before);
        }
    }
}

/// Takes away what the test has uploaded, by the store's own DELETE.
fn forget(sandbox: &Sandbox, before: &[String]) {
    let api = sandbox.api(json!({}));
    for name in objects(sandbox).iter().filter(|name| !before.contains(name)) {
        crate::content::delete(sandbox, &api, name);
    }
}

#[test]
fn what_the_server_asks_for_is_honoured() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let wait = json!({"method": "PUT", "kind": "status", "status": 503, "headers": {"Retry-After": "1"}});
    sandbox.fault(wait);
    let began = std::time::Instant::now();
    api.upload("a.bin", b"x", json!({})).expect("after the wait");
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));

    sandbox
        .fault(json!({"method": "PUT", "kind": "status", "status": 503, "headers": {"Retry-After": "3600"}}));
    sandbox.clear_log();
    let failure = api.upload("b.bin", b"x", json!({})).expect_err("too long a wait");
    assert_eq!((failure.status, failure.retryable), (BGE_ERR_STORAGE, true));
    assert_eq!(failure.json["retry_after"], 3600.0);
    assert_eq!(count(&sandbox.log(), "PUT", "b.bin"), 1);
}

#[test]
fn a_deadline_bounds_it_all() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"max_retries": 100}));
    let folder = Folder::new("faults");
    let content = bytes(2, 300_000);
    let object = api.upload("object.bin", &content, json!({})).expect("an upload");
    sandbox.fault(json!({"side": "store", "count": 0, "kind": "status", "status": 500}));
    let in_time = json!({"$": {"deadline": 1}});
    let object = object["object_name"].as_str().expect("a name");
    let outcomes = [
        api.upload("a.bin", &content, in_time.clone()),
        api.upload("b.bin", &content, json!({"multipart_threshold": 1, "$": {"deadline": 1}})),
        api.download(object, &folder.path("a.bin"), in_time),
    ];
    for outcome in outcomes {
        let failure = outcome.expect_err("late");
        assert!(matches!(failure.status, BGE_ERR_TIMEOUT | BGE_ERR_STORAGE), "{failure:?}");
    }
    assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0);
}
