//! Uploads and downloads that a later call goes on with.

use std::{fs, os::unix::fs::PermissionsExt};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, count, header, journal_line, open_uploads, stored},
    handles::Transfers,
    support::{Folder, Sandbox, c::Api},
};

fn object(result: &Value) -> &str {
    result["object_name"].as_str().expect("a name")
}

fn args(folder: &Folder) -> Value {
    json!({
        "multipart_threshold": 1,
        "part_size": 102_400,
        "multipart_num_threads": 1,
        "checkpoint_dir": folder.path("checkpoints"),
        "$": {"max_retries": 0},
    })
}

/// An upload that fails at its fifth part of ten; four are on the store.
fn interrupted(sandbox: &Sandbox, api: &Api, path: &str, args: &Value) {
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
    let failure = api.upload_file(path, args.clone()).expect_err("interrupted");
    assert_eq!(failure.status, BGE_ERR_TRANSPORT);
    assert_eq!(open_uploads(sandbox), 1);
    sandbox.clear_faults();
    sandbox.clear_log();
}

fn checkpoints(folder: &Folder) -> Vec<fs::DirEntry> {
    fs::read_dir(folder.path("checkpoints"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry"))
        .collect()
}

#[test]
fn an_upload_goes_on_with_what_the_store_has() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("resumes");
    let content = bytes(1, 1_000_000);
    let path = folder.file("a.bin", &content);
    interrupted(&sandbox, &sandbox.api(json!({})), &path, &args(&folder));

    let checkpoint = &checkpoints(&folder)[0];
    assert_eq!(checkpoint.metadata().expect("its metadata").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(checkpoint.path()).expect("JSON");
    let token: Value =
        sandbox.api(json!({})).value("get_upload_token", json!({})).expect("a token")["credentials"].clone();
    for secret in ["access_key_secret", "security_token", "access_key_id"] {
        assert!(!text.contains(token[secret].as_str().expect("a secret")), "{secret}");
    }
    assert!(!text.contains(sandbox.text("/access_token")));
    sandbox.clear_log();

    // Another client, as after a restart.
    let done = sandbox.api(json!({})).upload_file(&path, args(&folder)).expect("the rest");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    assert_eq!((&done["parts"], &done["verified"]), (&json!(10), &json!(true)));
    let log = sandbox.log();
    assert_eq!(count(&log, "PUT", "partNumber="), 6);
    assert_eq!(count(&log, "POST", "?uploads"), 0);
    assert_eq!(checkpoints(&folder).len(), 0);
}

#[test]
fn what_the_store_has_counts_and_not_what_the_checkpoint_believes() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("resumes");
    let content = bytes(2, 1_000_000);
    let path = folder.file("a.bin", &content);
    interrupted(&sandbox, &api, &path, &args(&folder));

    // The record knows two parts less, and one that is not the file's.
    let place = checkpoints(&folder)[0].path();
    let text = fs::read_to_string(&place).expect("a journal");
    let lines = text.lines().filter(|line| !line.contains("[1,") && !line.contains("[2,"));
    let mut journal: String = lines.map(|line| format!("{line}\n")).collect();
    assert_eq!(journal.lines().count(), text.lines().count() - 2);
    journal.push_str(&journal_line(&json!({"part": [3, {"size": 102_400, "crc64": 5, "etag": "\"00\""}]})));
    fs::write(&place, journal).expect("a checkpoint");
    let done = api.upload_file(&path, args(&folder)).expect("the rest");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6);
}

#[test]
fn without_the_right_to_list_the_record_is_believed() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("resumes");
    let content = bytes(3, 1_000_000);
    let path = folder.file("a.bin", &content);
    interrupted(&sandbox, &api, &path, &args(&folder));
    sandbox.set(json!({"store": {"deny_list_parts": true}}));
    let done = api.upload_file(&path, args(&folder)).expect("the rest");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6);
}

#[test]
fn what_cannot_be_resumed_begins_anew() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("resumes");
    let content = bytes(4, 1_000_000);
    let changed = bytes(5, 1_000_000);
    for what in ["changed file", "vanished upload", "broken checkpoint"] {
        let path = folder.file("a.bin", &content);
        interrupted(&sandbox, &api, &path, &args(&folder));
        let wanted = match what {
            "changed file" => {
                fs::write(&path, &changed).expect("a change");
                &changed
            }
            "vanished upload" => {
                sandbox.set(json!({"store": {"lose_uploads": true}}));
                &content
            }
            _ => {
                fs::write(checkpoints(&folder)[0].path(), "{\"version\": 1").expect("a checkpoint");
                &content
            }
        };
        let done = api.upload_file(&path, args(&folder)).expect(what);
        assert!(stored(&sandbox, object(&done)).as_deref() == Some(&wanted[..]), "{what}");
        assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 10, "{what}");
        sandbox.set(json!({"store": {"lose_uploads": true}}));
    }
}

#[test]
fn a_cancelled_upload_with_a_checkpoint_stays_open() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("resumes");
    let content = bytes(6, 1_000_000);
    let path = folder.file("a.bin", &content);
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "hang"}));
    let mut started = args(&folder);
    started["path"] = path.clone().into();
    let op = api.start("upload_file", started).expect("an operation");
    crate::content::eventually("four parts are there", || count(&sandbox.log(), "PUT", "partNumber=5") == 1);
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, BGE_ERR_CANCELLED);
    sandbox.clear_log();
    let done = api.upload_file(&path, args(&folder)).expect("the rest");
    assert_eq!(stored(&sandbox, object(&done)).as_deref(), Some(&content[..]));
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6);
}

#[test]
fn a_download_goes_on_with_what_is_on_the_disk() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("resumes");
    let content = bytes(7, 30 * MIB);
    let object = object(&api.upload("a.bin", &content, json!({})).expect("an upload")).to_owned();
    for connections in [1, 4] {
        let path = folder.path(&format!("{connections}.bin"));
        let args = json!({"multipart_num_threads": connections, "$": {"max_retries": 0}});
        // One connection asks for all: it breaks after 20 MiB. Four ask for ranges: the third breaks.
        let fault = if connections == 1 {
            json!({"method": "GET", "side": "store", "kind": "truncate", "bytes": 20 * MIB})
        } else {
            json!({"method": "GET", "side": "store", "skip": 2, "kind": "truncate", "bytes": 4 * MIB})
        };
        sandbox.fault(fault);
        let failure = api.download(&object, &path, args.clone()).expect_err("interrupted");
        assert_eq!(failure.status, BGE_ERR_TRANSPORT, "{failure:?}");
        assert!(
            !fs::exists(&path).expect("the folder") && fs::exists(format!("{path}.bge-part")).expect("it")
        );
        sandbox.clear_faults();
        sandbox.clear_log();
        let done = api.download(&object, &path, args.clone()).expect("the rest");
        assert!(fs::read(&path).expect("the file") == content);
        assert_eq!(done["verified"], true);
        let ranges = sandbox.log();
        let asked: u64 = ranges.iter().filter(|entry| entry["side"] == "store").map(asked_for).sum();
        assert!(asked < 30 * MIB as u64, "{connections}: {asked}");
        assert!(
            ranges.iter().filter(|entry| entry["side"] == "store").all(|e| header(e, "if-match").is_some())
        );
        fs::remove_file(&path).expect("the file");
    }
    // Nothing else is left.
    assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0);
}

fn asked_for(entry: &Value) -> u64 {
    let range = header(entry, "range").expect("a range").trim_start_matches("bytes=");
    let (first, last) = range.split_once('-').expect("a range");
    last.parse::<u64>().expect("a number") - first.parse::<u64>().expect("a number") + 1
}

#[test]
fn a_part_file_of_another_content_is_not_believed() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("resumes");
    let content = bytes(8, 20 * MIB);
    let object = object(&api.upload("a.bin", &content, json!({})).expect("an upload")).to_owned();
    let path = folder.path("a.bin");
    let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
    for what in ["spoilt bytes", "another object"] {
        sandbox.fault(json!({"method": "GET", "side": "store", "kind": "truncate", "bytes": 18 * MIB}));
        api.download(&object, &path, args.clone()).expect_err("interrupted");
        let mut wanted = content.clone();
        if what == "spoilt bytes" {
            let part = format!("{path}.bge-part");
            let mut bytes = fs::read(&part).expect("the part file");
            bytes[5 * MIB] ^= 1;
            fs::write(&part, bytes).expect("the part file");
        } else {
            wanted = bytes(9, 20 * MIB);
            api.upload("a.bin", &wanted, json!({})).expect("another object of the name");
        }
        let done = api.download(&object, &path, args.clone()).expect(what);
        assert_eq!(done["verified"], true);
        assert!(fs::read(&path).expect("the file") == wanted, "{what}");
        fs::remove_file(&path).expect("the file");
    }
}
