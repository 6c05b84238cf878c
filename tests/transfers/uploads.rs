//! An upload in one request.

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{KIB, MIB, bytes, count, crc64, eventually, header, objects, stored, told},
    handles::Transfers,
    support::{Folder, Sandbox, c::Op},
};

fn object(result: &Value) -> &str {
    result["object_name"].as_str().expect("a name")
}

#[test]
fn one_signed_request_after_token_and_introspection() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("uploads");
    let content = bytes(1, 600 * KIB + 7);
    let path = folder.file("样本 1+a%20.vcf.txt", &content);

    let done = api.upload_file(&path, json!({})).expect("an upload");
    assert_eq!(done["size"], content.len());
    assert_eq!(done["crc64"], crc64(&content));
    assert_eq!((&done["parts"], &done["verified"]), (&json!(1), &json!(true)));
    assert!(object(&done).ends_with("/样本 1+a%20.vcf.txt"), "{done}");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));

    let log = sandbox.take_log();
    assert_eq!(told(&log, "platform")[..2], ["POST token", "GET introspect"]);
    let put = &log[2];
    assert_eq!((&put["side"], &put["method"]), (&json!("store"), &json!("PUT")));
    assert_eq!(header(put, "content-type"), Some("text/plain"));
    assert!(header(put, "authorization").is_some_and(|value| value.starts_with("OSS ")));
    let introspected = sandbox.text("/authorization/client_id");
    assert_eq!(header(put, "x-oss-meta-bge-open-client-id"), Some(introspected));
    assert_eq!(header(put, "content-length"), Some((600 * KIB + 7).to_string().as_str()));
    assert_eq!(header(put, "content-md5"), None);

    // One token serves many; a name that was given before may be another object's, so it gets a token of its own.
    api.upload("second.bin", &content, json!({})).expect("an upload");
    let log = sandbox.take_log();
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(header(&log[0], "content-type"), Some("application/octet-stream"));
    api.upload("second.bin", &content, json!({})).expect("an upload");
    assert_eq!(told(&sandbox.take_log(), "platform"), ["POST token"]);
}

#[test]
fn fresh_destinations_keep_objects_of_one_name_apart() {
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"fresh_destination": true}));
    let api = sandbox.api(json!({}));
    let (one, other) = (bytes(1, 100), bytes(2, 100));
    let first = api.upload("reads.fq", &one, json!({})).expect("an upload");
    let second = api.upload("reads.fq", &other, json!({})).expect("an upload");
    assert_ne!(object(&first), object(&second));
    assert_eq!(stored(&sandbox, object(&first)), Some(one));
    assert_eq!(stored(&sandbox, object(&second)), Some(other));
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("uploads");
    let path = folder.file("a.txt", b"x");
    let argument = |outcome: Result<Value, crate::support::c::Failure>, part: &str| {
        let failure = outcome.expect_err(part);
        assert_eq!(failure.status, BGE_ERR_ARGUMENT, "{failure:?}");
        assert!(failure.message.contains(part), "{}", failure.message);
    };
    for name in ["", ".", "..", "a/b"] {
        argument(api.upload(name, b"x", json!({})), "filename");
        argument(api.upload_file(&path, json!({"filename": name})), "filename");
    }
    argument(api.upload_file(&path, json!({"part_sise": 1})), "part_size");
    argument(api.upload_file(&path, json!({"part_size": 0})), "part_size");
    argument(api.upload_file(&path, json!({"part_size": "1"})), "part_size");
    argument(api.upload_file(&path, json!({"multipart_num_threads": 0})), "multipart_num_threads");
    argument(api.upload_file(&path, json!({"internal": "yes"})), "internal");
    argument(api.upload_file(&path, json!({"$": {"strict_count": true}})), "strict_count");
    argument(api.upload("a", b"x", json!({"checkpoint_dir": "/tmp"})), "checkpoint_dir");
    argument(api.value("upload", json!({"filename": "a"})), "upload");
    for path in ["/no/such/file", "/dev/null", "/tmp"] {
        let failure = api.upload_file(path, json!({})).expect_err(path);
        assert_eq!(failure.status, BGE_ERR_IO, "{failure:?}");
        assert!(failure.message.contains(path), "{}", failure.message);
    }
    argument(api.upload_file(&path, json!({"cmk_id": " "})), "cmk_id");
    assert_eq!(sandbox.log().len(), 0);
}

#[test]
fn an_inactive_token_ends_it_before_anything_is_uploaded() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let inactive = json!({"code": 0, "msg": "", "data": {"active": false}});
    sandbox
        .fault(json!({"path": "/oauth2/introspect", "kind": "status", "status": 200, "envelope": inactive}));
    let failure = api.upload("a.txt", b"x", json!({})).expect_err("inactive");
    assert_eq!(failure.status, BGE_ERR_AUTH, "{failure:?}");
    assert_eq!(told(&sandbox.log(), "store").len(), 0);
}

#[test]
fn the_stores_checksum_decides() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"store": {"no_crc": true}}));
    let done = api.upload("a.txt", b"123456789", json!({})).expect("an upload");
    assert_eq!((&done["verified"], &done["crc64"]), (&json!(false), &json!("11051210869376104954")));

    sandbox.set(json!({"store": {"no_crc": false, "wrong_crc": true}}));
    sandbox.clear_log();
    let failure =
        api.upload("b.txt", b"123456789", json!({"$": {"max_retries": 1}})).expect_err("other bytes");
    assert_eq!(failure.status, BGE_ERR_INTEGRITY);
    assert!(failure.retryable);
    assert_eq!(count(&sandbox.log(), "PUT", "b.txt"), 2);
}

#[test]
fn v4_by_option_and_when_v1_is_refused() {
    let sandbox = Sandbox::start(&[]);
    let versions = |log: &[Value]| -> Vec<bool> {
        let store = log.iter().filter(|entry| entry["side"] == "store");
        store.map(|entry| header(entry, "authorization").is_some_and(|v| v.starts_with("OSS4-"))).collect()
    };
    sandbox.set(json!({"store": {"refuse_v1": true}}));
    let api = sandbox.api(json!({"oss_signature": "v4"}));
    api.upload("a.txt", b"x", json!({})).expect("V4");
    assert_eq!(versions(&sandbox.take_log()), [true]);

    let api = sandbox.api(json!({}));
    api.upload("目录 b.txt", b"x", json!({})).expect("V4 by itself");
    api.upload("c.txt", b"x", json!({})).expect("V4 from now on");
    assert_eq!(versions(&sandbox.take_log()), [false, true, true]);
    let parts = json!({"part_size": 102_400, "multipart_threshold": 1});
    api.upload("d.bin", &bytes(3, 250 * KIB), parts).expect("parts under V4");

    sandbox.set(json!({"store": {"refuse_v1": false, "refuse_v4": true}}));
    sandbox.api(json!({})).upload("e.txt", b"x", json!({})).expect("V1");
}

#[test]
fn a_clock_that_is_off_is_set_once() {
    for skew in [7200, -7200] {
        let sandbox = Sandbox::start(&[]);
        sandbox.set(json!({"store": {"clock_skew": skew}}));
        let api = sandbox.api(json!({}));
        api.upload("a.txt", b"x", json!({})).expect("by the store's clock");
        assert_eq!(count(&sandbox.take_log(), "PUT", "a.txt"), 2);
        api.upload("b.txt", b"x", json!({})).expect("by the store's clock");
        assert_eq!(count(&sandbox.take_log(), "PUT", "b.txt"), 1);
    }
    // A store that never agrees is not asked for ever.
    let sandbox = Sandbox::start(&[]);
    let skewed = json!({"code": "RequestTimeTooSkewed", "message": "never"});
    sandbox.fault(json!({"side": "store", "count": 0, "kind": "status", "status": 403, "xml": skewed}));
    let failure = sandbox.api(json!({})).upload("a.txt", b"x", json!({})).expect_err("skewed");
    assert_eq!(
        (failure.status, &failure.json["storage_code"]),
        (BGE_ERR_STORAGE, &json!("RequestTimeTooSkewed"))
    );
}

#[test]
fn credentials_are_renewed_before_they_end_and_when_they_are_refused() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    api.upload("a.txt", b"x", json!({})).expect("an upload");
    sandbox.expire("sts");
    sandbox.clear_log();
    api.upload("b.txt", b"x", json!({})).expect("with other credentials");
    let log = sandbox.take_log();
    assert_eq!(count(&log, "PUT", "b.txt"), 2);
    assert_eq!(told(&log, "platform"), ["POST token"]);

    sandbox.set(json!({"sts_lifetime": 4}));
    sandbox.expire("sts");
    api.upload("c.txt", b"x", json!({})).expect("an upload");
    std::thread::sleep(std::time::Duration::from_millis(3500));
    sandbox.clear_log();
    api.upload("d.txt", b"x", json!({})).expect("an upload");
    assert_eq!(count(&sandbox.log(), "PUT", "d.txt"), 1);
    assert_eq!(count(&sandbox.log(), "POST", "/sts/token"), 1);

    // Refused again and again, it is an error.
    sandbox.fault(json!({"side": "store", "count": 0, "kind": "expired_sts"}));
    let failure = api.upload("e.txt", b"x", json!({})).expect_err("refused");
    assert_eq!((failure.status, failure.http_status), (BGE_ERR_STORAGE, 403));
}

#[test]
fn a_file_that_changes_before_its_last_byte_is_sent_never_appears() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("uploads");
    let path = folder.file("a.bin", &bytes(4, 600 * KIB));
    let wait = json!({"method": "PUT", "kind": "status", "status": 503, "headers": {"Retry-After": "1"}});
    sandbox.fault(wait);
    let op = api.start("upload_file", json!({"path": path})).expect("an operation");
    eventually("it is asked to come back", || count(&sandbox.log(), "PUT", "a.bin") == 1);
    std::fs::write(&path, bytes(5, 600 * KIB)).expect("a change");
    let failure = op.finish().expect_err("a changed file");
    assert_eq!(failure.status, BGE_ERR_IO, "{failure:?}");
    assert!(failure.message.contains("a.bin changed"), "{}", failure.message);
    assert_eq!(objects(&sandbox).len(), 0);
}

#[test]
fn memory_in_the_background() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(4, 3 * MIB);
    let op = api.start_upload("background.bin", &content, json!({})).expect("an operation");
    let mut before = 0;
    while !op.wait(1) {
        let (done, _) = op.progress();
        assert!(done >= before && done <= content.len() as u64);
        before = done;
    }
    assert_eq!(op.progress(), (content.len() as u64, content.len() as u64));
    let done: Value = serde_json::from_str(&op.result().expect("an upload")).expect("JSON");
    assert_eq!(done["crc64"], crc64(&content));
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
}

#[test]
fn what_is_cancelled_never_appears_and_its_bytes_are_given_back() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for stage in ["/sts/token", "/oauth2/introspect", "*"] {
        let side = if stage == "*" { "store" } else { "platform" };
        sandbox.fault(json!({"path": stage, "side": side, "kind": "hang"}));
        let mut content = bytes(5, 64 * MIB);
        let op: Op = api.start_upload("cancelled.bin", &content, json!({})).expect("an operation");
        assert!(!op.wait(300));
        op.cancel();
        assert!(op.wait(5000));
        // From here on they are the caller's again, to change or to free.
        content.fill(0xAA);
        drop(content);
        assert_eq!(op.result().expect_err("cancelled").status, BGE_ERR_CANCELLED);
        assert_eq!(objects(&sandbox).iter().filter(|name| name.ends_with("cancelled.bin")).count(), 0);
        sandbox.clear_faults();
    }
}

#[test]
fn a_deadline_bounds_the_wait_for_credentials_that_another_call_asks_for() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"timeout": 60}));
    sandbox.fault(json!({"path": "/sts/token", "kind": "hang"}));
    let content = bytes(9, 1000);
    let op = api.start_upload("first.bin", &content, json!({})).expect("an operation");
    eventually("it asks", || count(&sandbox.log(), "POST", "/sts/token") == 1);
    let begun = std::time::Instant::now();
    let late = api.upload("second.bin", &content, json!({"$": {"deadline": 0.5}})).expect_err("late");
    assert_eq!(late.status, BGE_ERR_TIMEOUT, "{late:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, BGE_ERR_CANCELLED);
    api.upload("third.bin", &content, json!({})).expect("nobody is in the way");
}

/// Files of Linux whose size is said to be 0.
#[test]
fn what_a_file_holds_counts_and_not_what_its_size_says() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("uploads");
    let content = std::fs::read("/proc/version").expect("a file of Linux");
    assert_eq!(std::fs::metadata("/proc/version").expect("it").len(), 0);
    std::os::unix::fs::symlink("/proc/version", folder.path("link")).expect("a link");
    let empty = folder.file("empty", b"");
    for path in ["/proc/version", &folder.path("link")] {
        let done = api.upload_file(path, json!({"filename": "version.txt"})).expect(path);
        assert_eq!((&done["size"], &done["verified"]), (&json!(content.len()), &json!(true)));
        assert_eq!(stored(&sandbox, done["object_name"].as_str().expect("a name")), Some(content.clone()));
    }
    let files = json!([{"path": "/proc/version"}, {"path": empty}]);
    let done = api.batch_upload(files, json!({})).expect("both");
    let sizes: Vec<u64> =
        done.as_array().expect("two").iter().map(|one| one["size"].as_u64().expect("a size")).collect();
    assert_eq!(sizes, [content.len() as u64, 0]);
}
