//! Downloads: ranges where the server has them, one stream where it has not, nothing half-written anywhere.

use std::fs;

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, count, crc64, eventually, header},
    handles::Transfers,
    support::{Folder, Sandbox, c::Api},
};

fn uploaded(api: &Api, name: &str, content: &[u8]) -> String {
    let done = api.upload(name, content, json!({})).expect("an upload");
    done["object_name"].as_str().expect("a name").to_owned()
}

fn left_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn gets(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|entry| entry["side"] == "store" && entry["method"] == "GET").collect()
}

#[test]
fn large_objects_come_in_ranges_of_one_version() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let content = bytes(1, 40 * MIB + 5);
    let object = uploaded(&api, "a.bin", &content);
    sandbox.clear_log();
    let path = folder.path("a.bin");
    let done = api.download(&object, &path, json!({})).expect("a download");
    assert!(fs::read(&path).expect("the file") == content);
    assert_eq!(
        done,
        json!({"path": path, "size": content.len(), "crc64": crc64(&content), "verified": true})
    );
    let log = sandbox.log();
    let gets = gets(&log);
    assert_eq!(gets.len(), 6);
    assert!(gets.iter().all(|get| header(get, "range").is_some() && header(get, "authorization").is_none()));
    assert_eq!(gets.iter().filter(|get| header(get, "if-match").is_some()).count(), 5);
    let connections: std::collections::HashSet<_> =
        gets.iter().map(|get| get["connection"].as_u64()).collect();
    assert!(connections.len() >= 4, "{connections:?}");
    assert_eq!(count(&log, "POST", "/oss/sign_url"), 1);
    assert_eq!(left_in(&folder), ["a.bin"]);
}

#[test]
fn one_stream_where_there_is_no_more() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let content = bytes(2, 20 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let empty = uploaded(&api, "empty.bin", b"");
    for (options, verified) in [
        (json!({"no_range": true}), true),
        (json!({"no_length": true, "no_range": true}), true),
        (json!({"no_crc": true}), false),
        (json!({"no_crc": true, "no_length": true, "no_range": true}), false),
    ] {
        let mut store = options.clone();
        store["reset"] = true.into();
        sandbox.set(json!({"store": store}));
        for connections in [1, 4] {
            let path = folder.path("a.bin");
            let args = json!({"multipart_num_threads": connections});
            let done = api.download(&object, &path, args.clone()).expect("a download");
            assert!(fs::read(&path).expect("the file") == content, "{options}");
            assert_eq!((&done["verified"], &done["crc64"]), (&json!(verified), &json!(crc64(&content))));
            let done = api.download(&empty, &path, args).expect("a download");
            assert_eq!((&done["size"], &done["crc64"]), (&json!(0), &json!("0")));
            assert_eq!(fs::read(&path).expect("the file"), b"");
        }
    }
    assert_eq!(left_in(&folder), ["a.bin"]);
}

#[test]
fn what_breaks_is_taken_up_where_it_broke() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let content = bytes(3, 20 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let get = |more: Value| {
        let mut fault = json!({"method": "GET", "side": "store"});
        fault.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        fault
    };
    for fault in [
        get(json!({"skip": 1, "kind": "reset"})),
        get(json!({"skip": 1, "kind": "reset_body", "bytes": 3 * MIB})),
        get(json!({"skip": 1, "kind": "truncate", "bytes": 3 * MIB})),
        get(json!({"skip": 1, "count": 2, "kind": "status", "status": 503})),
        // Each time a little further: that is progress, and no reason to give up.
        get(json!({"count": 12, "kind": "truncate", "bytes": MIB})),
    ] {
        for connections in [1, 4] {
            sandbox.fault(fault.clone());
            let path = folder.path("a.bin");
            let args = json!({"multipart_num_threads": connections, "$": {"max_retries": 2}});
            let done =
                api.download(&object, &path, args).unwrap_or_else(|failure| panic!("{fault} {failure:?}"));
            assert!(fs::read(&path).expect("the file") == content, "{fault}");
            assert_eq!(done["verified"], true);
            sandbox.clear_faults();
        }
    }
    assert_eq!(left_in(&folder), ["a.bin"]);
}

#[test]
fn corrupted_bytes_are_never_handed_over() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let content = bytes(4, 12 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let path = folder.file("a.bin", b"what was there before");
    for connections in [1, 4] {
        let args = json!({"multipart_num_threads": connections});
        let corrupt =
            |count: u64| json!({"method": "GET", "side": "store", "count": count, "kind": "corrupt"});
        sandbox.fault(corrupt(0));
        let failure = api.download(&object, &path, args.clone()).expect_err("corrupted");
        assert_eq!((failure.status, failure.retryable), (BGE_ERR_INTEGRITY, true), "{failure:?}");
        assert_eq!(fs::read(&path).expect("the file"), b"what was there before");
        assert_eq!(left_in(&folder), ["a.bin"]);
        sandbox.clear_faults();

        sandbox.fault(corrupt(1));
        api.download(&object, &path, args).expect("the second time");
        assert!(fs::read(&path).expect("the file") == content);
        fs::write(&path, b"what was there before").expect("the file");
    }
}

#[test]
fn an_object_that_changes_half_way_is_never_mixed() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let (before, after) = (bytes(5, 24 * MIB), bytes(6, 24 * MIB));
    for connections in [1, 4] {
        let object = uploaded(&api, "a.bin", &before);
        let path = folder.path("a.bin");
        // The rest is asked for when the object is another one already.
        let broken = json!({"method": "GET", "side": "store", "kind": "reset_body", "bytes": 2 * MIB});
        let late = json!({"method": "GET", "side": "store", "skip": 0, "count": 3, "kind": "delay_headers", "ms": 3000});
        sandbox.fault(json!([broken, late]));
        let args = json!({"object_name": object, "path": path, "multipart_num_threads": connections});
        sandbox.clear_log();
        let op = api.start("download", args).expect("an operation");
        eventually("the rest is asked for", || gets(&sandbox.log()).len() >= 2);
        sandbox.api(json!({})).upload("a.bin", &after, json!({})).expect("another object");
        let done: Value = serde_json::from_str(&op.finish().expect("a download")).expect("JSON");
        assert!(fs::read(&path).expect("the file") == after, "{connections}");
        assert_eq!((&done["verified"], &done["crc64"]), (&json!(true), &json!(crc64(&after))));
        sandbox.clear_faults();
    }
}

#[test]
fn a_url_that_expires_is_asked_for_anew() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let content = bytes(7, 40 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    sandbox.set(json!({"store": {"presign_uses": 2}}));
    sandbox.clear_log();
    let path = folder.path("a.bin");
    api.download(&object, &path, json!({})).expect("a download");
    assert!(fs::read(&path).expect("the file") == content);
    assert!(count(&sandbox.log(), "POST", "/oss/sign_url") >= 3);

    // One that the caller gave cannot be.
    let url = api.value("get_download_url", json!({"object_name": object})).expect("a URL");
    sandbox.expire("presigned");
    let failure =
        api.download_file(url["url"].as_str().expect("a URL"), &path, json!({})).expect_err("expired");
    assert_eq!((failure.status, failure.http_status), (BGE_ERR_STORAGE, 403));
    assert!(!failure.json.to_string().contains("Signature="), "{}", failure.json);
}

#[test]
fn where_a_file_goes() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let object = uploaded(&api, "a b%20.txt", b"content");
    let done = api.download(&object, &folder.path(""), json!({})).expect("into a folder");
    assert_eq!(done["path"], folder.path("a b%20.txt"));
    fs::remove_file(folder.path("a b%20.txt")).expect("the file");

    let base = sandbox.endpoint();
    let page = json!({"path": "/*", "count": 0, "kind": "status", "status": 200, "body": "content"});
    sandbox.fault(page);
    for (path, name) in [("/d/%E6%A0%B7%2Fx%0A.txt?q=1", "样_x_.txt"), ("/d/plain.txt", "plain.txt")] {
        let done = api.download_file(&format!("{base}{path}"), &folder.path(""), json!({})).expect(path);
        assert_eq!((&done["path"], &done["verified"]), (&json!(folder.path(name)), &json!(false)));
        assert_eq!(fs::read(folder.path(name)).expect("the file"), b"content");
    }
    for path in ["/d/%2e%2e%00x%2F..", "/", "/d/.%2E"] {
        let outcome = api.download_file(&format!("{base}{path}"), &folder.path(""), json!({}));
        let inside = outcome.as_ref().is_ok_and(|done| {
            let path = std::path::PathBuf::from(done["path"].as_str().expect("a path"));
            path.parent() == Some(folder.path("").as_ref())
        });
        assert!(inside || outcome.is_err_and(|failure| failure.status == BGE_ERR_ARGUMENT), "{path}");
    }
    for url in ["ftp://127.0.0.1/a", "no url", ""] {
        let failure = api.download_file(url, &folder.path("x"), json!({})).expect_err(url);
        assert_eq!(failure.status, BGE_ERR_ARGUMENT);
    }
    assert!(
        sandbox.log().iter().filter(|e| e["fault"] == "status").all(|e| header(e, "authorization").is_none())
    );
}

#[test]
fn links_stay_links_and_folders_that_are_not_there_are_said_first() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let object = uploaded(&api, "a.txt", b"content");
    let real = folder.file("real.txt", b"old");
    let link = folder.path("link.txt");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    api.download(&object, &link, json!({})).expect("a download");
    assert_eq!(fs::read(&real).expect("the file"), b"content");
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());

    sandbox.clear_log();
    let failure = api.download(&object, &folder.path("no/such/a.txt"), json!({})).expect_err("no folder");
    assert_eq!(failure.status, BGE_ERR_IO);
    assert!(failure.message.contains("no/such/a.txt"), "{}", failure.message);
    assert_eq!(sandbox.log().len(), 0);
}

#[test]
fn two_downloads_never_write_one_file() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let content = bytes(8, 100_000);
    let object = uploaded(&api, "a.bin", &content);
    let path = folder.path("a.bin");
    sandbox.fault(json!({"side": "store", "method": "GET", "kind": "delay_headers", "ms": 800}));
    sandbox.clear_log();
    let op = api.start("download", json!({"object_name": object, "path": path})).expect("an operation");
    eventually("the first one has begun", || gets(&sandbox.log()).len() == 1);
    let failure = api.download(&object, &path, json!({})).expect_err("the second one");
    assert_eq!(failure.status, BGE_ERR_IO, "{failure:?}");
    op.finish().expect("the first one");
    assert!(fs::read(&path).expect("the file") == content);
    assert_eq!(left_in(&folder), ["a.bin"]);
}

#[test]
fn cancelled_downloads_leave_nothing_under_the_name() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let object = uploaded(&api, "a.bin", &bytes(9, 100_000));
    sandbox.fault(json!({"side": "store", "method": "GET", "count": 0, "kind": "delay_body", "ms": 60_000}));
    let args = json!({"object_name": object, "path": folder.path("a.bin")});
    let op = api.start("download", args).expect("an operation");
    eventually("bytes come", || op.progress().0 > 0);
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, BGE_ERR_CANCELLED);
    eventually("the part file goes away", || left_in(&folder).is_empty());
}

#[test]
fn bytes_are_kept_as_they_come() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    // Called gzip, and none: whoever unpacked it would fail.
    sandbox.fault(json!({"path": "/reads.fq.gz", "kind": "gzip_garbage"}));
    let url = format!("{}/reads.fq.gz", sandbox.endpoint());
    let done = api.download_file(&url, &folder.path("x"), json!({})).expect("a download");
    let bytes = fs::read(folder.path("x")).expect("the file");
    assert_eq!(done["size"], bytes.len());
    assert!(bytes.starts_with(b"\x1f\x8b"));

    // Redirects are followed, and lead to the same bytes.
    let object = uploaded(&api, "a.txt", b"content");
    let target = api.value("get_download_url", json!({"object_name": object})).expect("a URL");
    sandbox.fault(json!({"path": "/elsewhere", "kind": "redirect", "location": target["url"]}));
    let url = format!("{}/elsewhere", sandbox.endpoint());
    let done = api.download_file(&url, &folder.path("y"), json!({})).expect("a download");
    assert_eq!(
        (&done["verified"], fs::read(folder.path("y")).expect("it")),
        (&json!(true), b"content".to_vec())
    );
}

#[test]
fn a_login_page_is_not_the_object() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("downloads");
    let object = uploaded(&api, "a.txt", b"content");
    sandbox.fault(json!({"side": "store", "method": "GET", "count": 0, "kind": "html"}));
    let failure = api.download(&object, &folder.path("a.txt"), json!({})).expect_err("a login page");
    assert_eq!(failure.status, BGE_ERR_PROTOCOL, "{failure:?}");
    assert_eq!(left_in(&folder).len(), 0);
}
