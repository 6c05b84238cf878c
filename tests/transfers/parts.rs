//! Uploads in parts: side by side, each repeated alone, completed once.

use std::{
    collections::HashSet,
    fs,
    time::{Duration, Instant},
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{KIB, bytes, count, crc64, eventually, header, objects, open_uploads, stored},
    handles::Transfers,
    support::{Folder, Sandbox},
};

/// Parts of the smallest size that the store takes.
fn in_parts() -> Value {
    json!({"multipart_threshold": 1, "part_size": 102_400, "$": {"max_retries": 2}})
}

fn object(result: &Value) -> &str {
    result["object_name"].as_str().expect("a name")
}

#[test]
fn parts_make_the_whole() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("parts");
    for size in [1, 102_400, 102_401, 1024 * KIB + 3] {
        let content = bytes(size as u64, size);
        let path = folder.file(&format!("{size}.bin"), &content);
        sandbox.clear_log();
        let done = api.upload_file(&path, in_parts()).expect("an upload");
        let parts = size.div_ceil(102_400);
        assert_eq!(done["parts"], parts);
        assert_eq!((&done["crc64"], &done["verified"]), (&json!(crc64(&content)), &json!(true)));
        assert!(done["etag"].as_str().is_some_and(|etag| etag.ends_with(&format!("-{parts}"))), "{done}");
        assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));

        let log = sandbox.take_log();
        assert_eq!(count(&log, "PUT", "partNumber="), parts);
        assert_eq!(count(&log, "POST", "uploads"), 1);
        let with_meta: Vec<_> = log
            .iter()
            .filter(|entry| header(entry, "x-oss-meta-bge-open-client-id").is_some())
            .map(|entry| entry["query_raw"].as_str().unwrap_or("").to_owned())
            .collect();
        assert_eq!(with_meta, ["uploads"]);
        assert!(log.iter().all(|entry| header(entry, "content-md5").is_none()));
    }
    // Below the threshold it is one request.
    let args = json!({"multipart_threshold": 102_402, "part_size": 102_400});
    let done = api.upload_file(&folder.path("102401.bin"), args).expect("an upload");
    assert_eq!(done["parts"], 1);
    assert_eq!(open_uploads(&sandbox), 0);
}

#[test]
fn parts_are_sent_side_by_side_within_the_bound() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(2, 820_000);
    let delay = Duration::from_millis(60);
    for connections in [1, 3] {
        sandbox.clear_log();
        sandbox.fault(json!({"query": "*partNumber=*", "count": 0, "kind": "delay_headers", "ms": 60}));
        let mut args = in_parts();
        args["multipart_num_threads"] = connections.into();
        let began = Instant::now();
        api.upload(&format!("{connections}.bin"), &content, args).expect("an upload");
        let took = began.elapsed();
        sandbox.clear_faults();
        let used: HashSet<u64> = sandbox
            .log()
            .iter()
            .filter(|entry| entry["query_raw"].as_str().unwrap_or("").contains("partNumber"))
            .map(|entry| entry["connection"].as_u64().expect("a number"))
            .collect();
        assert!(used.len() >= connections, "{connections}: {}", used.len());
        // Nine parts, so many at a time.
        assert!(took >= delay * 9 / connections as u32, "{connections}: {took:?}");
    }
}

#[test]
fn a_failed_part_is_repeated_alone() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(3, 500_000);
    let faults = [
        json!({"kind": "reset"}),
        json!({"kind": "reset", "request_bytes": 50_000}),
        json!({"kind": "reset", "after_work": true}),
        json!({"kind": "status", "status": 503}),
        json!({"kind": "status", "status": 500, "after_work": true}),
        json!({"kind": "expired_sts"}),
    ];
    for (place, mut fault) in faults.into_iter().enumerate() {
        fault["query"] = "*partNumber=3*".into();
        sandbox.clear_log();
        sandbox.fault(fault.clone());
        let done = api.upload(&format!("{place}.bin"), &content, in_parts()).expect("an upload");
        assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]), "{fault}");
        let log = sandbox.log();
        assert_eq!(count(&log, "PUT", "partNumber=3"), 2, "{fault}");
        assert_eq!(count(&log, "PUT", "partNumber="), 6, "{fault}");
    }
}

#[test]
fn what_finally_fails_is_aborted_on_the_store() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"query": "*partNumber=4*", "count": 0, "kind": "status", "status": 500}));
    let failure = api.upload("a.bin", &bytes(4, 500_000), in_parts()).expect_err("a part fails");
    assert_eq!((failure.status, failure.http_status), (BGE_ERR_STORAGE, 500));
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber=4"), 3);
    assert_eq!((open_uploads(&sandbox), objects(&sandbox).len()), (0, 0));
}

#[test]
fn a_cancelled_upload_is_aborted_in_the_background() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("parts");
    let path = folder.file("a.bin", &bytes(5, 500_000));
    sandbox.fault(json!({"query": "*partNumber=4*", "count": 0, "kind": "hang"}));
    let mut args = in_parts();
    args["path"] = path.into();
    let op = api.start("upload_file", args).expect("an operation");
    eventually("the part is sent", || count(&sandbox.log(), "PUT", "partNumber=4") == 1);
    let (done, total) = op.progress();
    assert!(done > 0 && total == 500_000);
    op.cancel();
    drop(op);
    // The abort goes out although nobody holds the client any more.
    drop(api);
    eventually("the upload is aborted", || open_uploads(&sandbox) == 0);
    assert_eq!(objects(&sandbox).len(), 0);
}

#[test]
fn credentials_end_in_the_middle_and_no_part_is_lost() {
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"store": {"sts_uses": 4}}));
    let api = sandbox.api(json!({}));
    let content = bytes(6, 1_500_000);
    let done = api.upload("a.bin", &content, in_parts()).expect("an upload");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    let log = sandbox.log();
    let sent = |status: u64| {
        log.iter()
            .filter(|entry| entry["query_raw"].as_str().unwrap_or("").contains("partNumber="))
            .filter(|entry| entry["status"] == status)
            .count()
    };
    assert_eq!(sent(200), 15);
    assert!(sent(403) >= 3, "no credential ended");
}

#[test]
fn credentials_for_another_destination_begin_anew() {
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"fresh_destination": true}));
    let api = sandbox.api(json!({}));
    let content = bytes(13, 500_000);
    sandbox.fault(json!({"query": "*partNumber=4*", "kind": "expired_sts"}));
    let done = api.upload("a.bin", &content, in_parts()).expect("an upload");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    assert_eq!(count(&sandbox.log(), "POST", "?uploads"), 2);
}

#[test]
fn a_vanished_upload_begins_anew() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(7, 500_000);
    let lost = json!({"code": "NoSuchUpload"});
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "status", "status": 404, "xml": lost}));
    let done = api.upload("a.bin", &content, in_parts()).expect("an upload");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    assert_eq!(count(&sandbox.log(), "POST", "?uploads"), 2);
    assert_eq!(open_uploads(&sandbox), 0);

    sandbox
        .fault(json!({"query": "*partNumber=*", "count": 0, "kind": "status", "status": 404, "xml": lost}));
    let failure = api.upload("b.bin", &content, in_parts()).expect_err("it vanishes each time");
    assert_eq!(failure.json["storage_code"], "NoSuchUpload");
}

#[test]
fn the_answer_to_complete_may_get_lost() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(8, 300_000);
    let is_complete = json!({"method": "POST", "query": "uploadId=*"});
    let mut spoilt: Vec<Value> = [
        json!({"kind": "reset", "after_work": true}),
        json!({"kind": "status", "status": 500, "after_work": true}),
        json!({"kind": "truncate"}),
        json!({"kind": "html", "after_work": true}),
        json!({"kind": "corrupt", "offset": 1}),
    ]
    .to_vec();
    for (place, fault) in spoilt.iter_mut().enumerate() {
        fault.as_object_mut().expect("a fault").extend(is_complete.as_object().expect("members").clone());
        sandbox.fault(fault.clone());
        let done = api.upload(&format!("{place}.bin"), &content, in_parts()).expect("it is there");
        assert_eq!((&done["verified"], &done["crc64"]), (&json!(true), &json!(crc64(&content))), "{fault}");
        assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]), "{fault}");
        assert_eq!(open_uploads(&sandbox), 0, "{fault}");
    }
    sandbox.set(json!({"store": {"complete_then_fail": 5}}));
    let done = api.upload("later.bin", &content, in_parts()).expect("it is there");
    assert_eq!(done["verified"], true);
}

#[test]
fn what_the_store_cannot_vouch_for_is_not_called_verified() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(9, 300_000);
    for option in ["no_crc", "no_part_crc"] {
        sandbox.set(json!({"store": {"reset": true, option: true}}));
        let done = api.upload(&format!("{option}.bin"), &content, in_parts()).expect("an upload");
        assert_eq!((&done["verified"], &done["crc64"]), (&json!(false), &json!(crc64(&content))));
    }
    sandbox.set(json!({"store": {"reset": true, "wrong_crc": true}}));
    let failure = api.upload("wrong.bin", &content, in_parts()).expect_err("other bytes");
    assert_eq!(failure.status, BGE_ERR_INTEGRITY);
    assert_eq!(open_uploads(&sandbox), 0);
}

#[test]
fn a_file_that_changes_on_the_way_is_not_uploaded() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("parts");
    let path = folder.file("a.bin", &bytes(10, 500_000));
    for change in [600_000, 100_000] {
        sandbox.clear_log();
        sandbox.fault(json!({"query": "*partNumber=5*", "kind": "delay_headers", "ms": 600}));
        let mut args = in_parts();
        args["path"] = path.clone().into();
        let op = api.start("upload_file", args).expect("an operation");
        eventually("the part is sent", || count(&sandbox.log(), "PUT", "partNumber=5") == 1);
        fs::write(&path, bytes(11, change)).expect("a change");
        let failure = op.finish().expect_err("a changed file");
        assert_eq!(failure.status, BGE_ERR_IO, "{failure:?}");
        assert!(failure.message.contains("changed"), "{}", failure.message);
        assert_eq!((open_uploads(&sandbox), objects(&sandbox).len()), (0, 0));
        fs::write(&path, bytes(10, 500_000)).expect("the file as it was");
    }
}

#[test]
fn progress_never_goes_back() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(12, 900_000);
    sandbox.fault(json!([
        {"query": "*partNumber=2*", "count": 2, "kind": "reset", "request_bytes": 60_000},
        {"query": "*partNumber=6*", "kind": "status", "status": 404, "xml": {"code": "NoSuchUpload"}},
    ]));
    let op = api.start_upload("a.bin", &content, in_parts()).expect("an operation");
    let mut before = 0;
    while !op.wait(1) {
        let (done, total) = op.progress();
        assert!(
            done >= before && done <= 900_000 && [0, 900_000].contains(&total),
            "{before} {done} {total}"
        );
        before = done;
    }
    op.result().expect("an upload");
    assert_eq!(op.progress(), (900_000, 900_000));
}
