//! What transfers do to the disk: nothing is lost that was not proved wrong, nothing is written where it should not be,
//! and a record that cannot be written harms nobody.

use std::{
    ffi::{CString, OsStr},
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    time::Duration,
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, count, eventually, header, journal, journal_line, open_uploads, stored},
    handles::Transfers,
    kills::{command, outcome},
    support::{Folder, Sandbox, c::Api},
};

fn uploaded(api: &Api, name: &str, content: &[u8]) -> String {
    let done = api.upload(name, content, json!({})).expect("an upload");
    done["object_name"].as_str().expect("a name").to_owned()
}

fn names_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn store_gets(sandbox: &Sandbox) -> Vec<Value> {
    let log = sandbox.take_log();
    log.into_iter().filter(|entry| entry["side"] == "store" && entry["method"] == "GET").collect()
}

fn asked_for(entry: &Value) -> u64 {
    let range = header(entry, "range").expect("a range").trim_start_matches("bytes=");
    let (first, last) = range.split_once('-').expect("a range");
    last.parse::<u64>().expect("a number") - first.parse::<u64>().expect("a number") + 1
}

fn upload_args(folder: &Folder) -> Value {
    json!({
        "multipart_threshold": 1,
        "part_size": 102_400,
        "multipart_num_threads": 1,
        "checkpoint_dir": folder.path("checkpoints"),
        "$": {"max_retries": 0},
    })
}

/// An upload of ten parts that fails at its fifth.
fn interrupted(sandbox: &Sandbox, api: &Api, folder: &Folder, path: &str) {
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
    api.upload_file(path, upload_args(folder)).expect_err("interrupted");
    assert_eq!(open_uploads(sandbox), 1);
    sandbox.clear_faults();
    sandbox.clear_log();
}

#[test]
fn a_failure_that_brought_nothing_takes_nothing_away() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(1, 20 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let path = folder.path("a.bin");
    let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
    sandbox.fault(json!({"method": "GET", "side": "store", "kind": "truncate", "bytes": 17 * MIB}));
    api.download(&object, &path, args.clone()).expect_err("interrupted");
    let there = names_in(&folder);
    assert_eq!(there.len(), 2, "{there:?}");
    let part = fs::read(format!("{path}.bge-part")).expect("the part file");

    let store = json!({"method": "GET", "side": "store", "count": 0});
    let with = |fault: &Value, more: Value| {
        let mut fault = fault.clone();
        fault.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        fault
    };
    let sign = json!({"path": "/oss/sign_url", "count": 0});
    for (fault, status) in [
        (with(&sign, json!({"kind": "status", "status": 503})), BGE_ERR_HTTP),
        (with(&sign, json!({"kind": "reset"})), BGE_ERR_TRANSPORT),
        (with(&sign, json!({"kind": "code", "code": 400})), BGE_ERR_API),
        (with(&store, json!({"kind": "reset"})), BGE_ERR_TRANSPORT),
        (with(&store, json!({"kind": "status", "status": 503})), BGE_ERR_STORAGE),
        (
            with(&store, json!({"kind": "status", "status": 404, "xml": {"code": "NoSuchKey"}})),
            BGE_ERR_STORAGE,
        ),
        (with(&store, json!({"kind": "html"})), BGE_ERR_PROTOCOL),
    ] {
        sandbox.fault(fault.clone());
        let failure = api.download(&object, &path, args.clone()).expect_err("nothing comes");
        assert_eq!(failure.status, status, "{fault}: {failure:?}");
        sandbox.clear_faults();
    }
    // A client that reaches nobody, a deadline, a cancel, and an object that is not there.
    let nobody =
        Api::new(sandbox.text("/access_token"), r#"{"endpoint": "http://127.0.0.1:1", "max_retries": 0}"#);
    nobody.expect("a client").download(&object, &path, args.clone()).expect_err("nobody is there");
    sandbox.fault(with(&store, json!({"kind": "hang"})));
    let late = json!({"multipart_num_threads": 1, "$": {"deadline": 0.5}});
    assert_eq!(api.download(&object, &path, late).expect_err("late").status, BGE_ERR_TIMEOUT);
    let mut started = args.clone();
    started["object_name"] = object.as_str().into();
    started["path"] = path.as_str().into();
    sandbox.clear_log();
    let op = api.start("download", started).expect("an operation");
    eventually("it asks", || sandbox.log().iter().any(|entry| entry["side"] == "store"));
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, BGE_ERR_CANCELLED);
    sandbox.clear_faults();
    api.download("no/such/object", &path, args.clone()).expect_err("no such object");

    assert_eq!(names_in(&folder), there);
    assert!(fs::read(format!("{path}.bge-part")).expect("the part file") == part);
    sandbox.clear_log();
    api.download(&object, &path, args).expect("the rest");
    assert!(fs::read(&path).expect("the file") == content);
    let asked: u64 = store_gets(&sandbox).iter().map(asked_for).sum();
    assert!(asked < 5 * MIB as u64, "{asked}");
    assert_eq!(names_in(&folder), ["a.bin"]);
}

#[test]
fn devices_pipes_and_sockets_are_not_replaced() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", b"content");
    let pipe = CString::new(folder.path("pipe")).expect("no NUL");
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let _socket = UnixListener::bind(folder.path("socket")).expect("a socket");
    symlink("pipe", folder.path("link")).expect("a link");
    symlink("/dev/null", folder.path("null")).expect("a link");
    let before = names_in(&folder);
    sandbox.clear_log();
    for name in ["pipe", "socket", "link", "null", "/dev/null"] {
        let path = if name.starts_with('/') { name.to_owned() } else { folder.path(name) };
        let failure = api.download(&object, &path, json!({})).expect_err(name);
        assert_eq!(failure.status, BGE_ERR_IO, "{name}: {failure:?}");
    }
    assert_eq!(sandbox.log().len(), 0, "nothing was asked for");
    assert_eq!(names_in(&folder), before);
    let kind = |name: &str| fs::symlink_metadata(folder.path(name)).expect(name).file_type();
    assert!(kind("pipe").is_fifo() && kind("socket").is_socket() && kind("link").is_symlink());
    assert!(fs::metadata("/dev/null").expect("it").file_type().is_char_device());
    // A link that leads to nothing yet is written through.
    symlink("later.bin", folder.path("early")).expect("a link");
    api.download(&object, &folder.path("early"), json!({})).expect("a download");
    assert!(kind("early").is_symlink());
    assert_eq!(fs::read(folder.path("later.bin")).expect("the file"), b"content");
}

#[test]
fn pipes_without_another_end_and_files_without_an_end_hold_nobody_up() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("disk");
    let pipe = folder.path("pipe");
    let c_path = CString::new(pipe.clone()).expect("no NUL");
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) }, 0);
    let token = sandbox.text("/access_token");
    for (option, file) in [("log_file", pipe.as_str()), ("ca_file", "/dev/zero")] {
        let options = sandbox.options(json!({"log": "debug", (option): file}));
        let failure = Api::new(token, &options).err().expect(option);
        assert_eq!(failure.status, BGE_ERR_ARGUMENT, "{failure:?}");
        assert!(failure.message.contains(option), "{failure:?}");
    }
    let api = sandbox.api(json!({}));
    sandbox.clear_log();
    for (call, args) in [
        ("deploy_model", json!({"model_id": "m", "source_file": pipe})),
        ("upload_file", json!({"path": pipe})),
    ] {
        assert_eq!(api.call(call, args).expect_err(call).status, BGE_ERR_IO, "{call}");
    }
    assert_eq!(sandbox.log().len(), 0, "nothing was sent");
    // A pipe that somebody reads gets the lines.
    let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("the pipe");
    let options = sandbox.options(json!({"log": "debug", "log_file": pipe}));
    let api = Api::new(token, &options).expect("a client");
    api.call("get_samples", json!({"limit": 1})).expect("a call");
    let mut line = [0; 64];
    assert!(std::io::Read::read(&mut &reader, &mut line).expect("a line") > 0);
}

/// A file that is mounted by itself, as containers do: whoever can mount one tries it, and everybody tries one that is
/// there already.
#[test]
fn a_mounted_file_is_refused_before_anything_is_fetched() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", b"content");
    let path = folder.file("mounted", b"before");
    let c_path = CString::new(path.clone()).expect("no NUL");
    // SAFETY: the paths are NUL-terminated; a bind mount takes neither type nor data.
    let mounted = unsafe {
        let null = std::ptr::null();
        libc::mount(c_path.as_ptr(), c_path.as_ptr(), null, libc::MS_BIND, null.cast()) == 0
    };
    sandbox.clear_log();
    let outcome = api.download(&object, &path, json!({}));
    if mounted {
        let asked = sandbox.log().len();
        // SAFETY: the path is NUL-terminated.
        assert_eq!(unsafe { libc::umount2(c_path.as_ptr(), libc::MNT_DETACH) }, 0);
        let failure = outcome.expect_err("it cannot be replaced");
        assert_eq!((failure.status, asked), (BGE_ERR_IO, 0), "{failure:?}");
        assert!(failure.message.contains("mounted"), "{failure:?}");
        assert_eq!(fs::read(&path).expect("the file"), b"before");
    } else {
        outcome.expect("an ordinary file");
    }
    assert_eq!(names_in(&folder), ["mounted"]);
}

#[test]
fn planted_links_lead_nowhere() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(2, 9 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    for (planted, may_work) in [("a.bin.bge-part", false), ("a.bin.bge-part.state", true)] {
        let folder = Folder::new("disk");
        let victim = folder.file("victim", b"precious");
        symlink(&victim, folder.path(planted)).expect("a link");
        let outcome = api.download(&object, &folder.path("a.bin"), json!({}));
        match outcome {
            Ok(_) => assert!(may_work && fs::read(folder.path("a.bin")).expect("the file") == content),
            Err(failure) => assert_eq!((failure.status, may_work), (BGE_ERR_IO, false), "{failure:?}"),
        }
        assert_eq!(fs::read(&victim).expect("it"), b"precious", "{planted}");
        fs::hard_link(&victim, folder.path("b.bin.bge-part")).expect("a link");
        let failure = api.download(&object, &folder.path("b.bin"), json!({})).expect_err("another name");
        assert_eq!(failure.status, BGE_ERR_IO);
        assert_eq!(fs::read(&victim).expect("it"), b"precious");
    }
    // In a checkpoint folder the upload goes on without a record.
    let folder = Folder::new("disk");
    let victim = folder.file("victim", b"precious");
    let path = folder.file("a.bin", &bytes(3, 1_000_000));
    interrupted(&sandbox, &api, &folder, &path);
    let record =
        fs::read_dir(folder.path("checkpoints")).expect("it").next().expect("one").expect("it").path();
    fs::remove_file(&record).expect("the record");
    symlink(&victim, &record).expect("a link");
    api.upload_file(&path, upload_args(&folder)).expect("an upload");
    assert_eq!(fs::read(&victim).expect("it"), b"precious");
}

#[test]
fn what_only_its_owner_may_read_stays_so() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", b"content");
    let mode = |path: &str| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    for rights in [0o600, 0o640, 0o444] {
        let path = folder.file("a.bin", b"old");
        fs::set_permissions(&path, fs::Permissions::from_mode(rights)).expect("rights");
        api.download(&object, &path, json!({})).expect("a download");
        assert_eq!((mode(&path), fs::read(&path).expect("it")), (rights, b"content".to_vec()));
        fs::remove_file(&path).expect("the file");
    }
    // A new one is as any new file.
    let usual = folder.file("usual", b"");
    api.download(&object, &folder.path("a.bin"), json!({})).expect("a download");
    assert_eq!(mode(&folder.path("a.bin")), mode(&usual));
}

#[test]
fn a_crafted_state_costs_nothing_and_is_not_believed() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(4, 18 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let path = folder.path("a.bin");
    let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
    for (size, end) in
        [(i64::MAX as u64, 8 * MIB as u64), (u64::MAX, u64::MAX - 1), (18 * MIB as u64, 16 * MIB as u64)]
    {
        sandbox.fault(json!({"method": "GET", "side": "store", "kind": "truncate", "bytes": 17 * MIB}));
        api.download(&object, &path, args.clone()).expect_err("interrupted");
        let state = format!("{path}.bge-part.state");
        let text = fs::read_to_string(&state).expect("the state");
        let owner = text.lines().next().expect("a line").to_owned();
        let mut facts = journal(&state)[1]["begun"].clone();
        facts["size"] = size.into();
        let crafted = format!(
            "{owner}\n{}{}",
            journal_line(&json!({ "begun": facts })),
            journal_line(&json!({"stretch": [0, {"end": end, "crc64": 7}]}))
        );
        fs::write(&state, crafted).expect("a crafted state");
        api.download(&object, &path, json!({})).expect("a download");
        assert!(fs::read(&path).expect("the file") == content, "{size}");
        fs::remove_file(&path).expect("the file");
    }
    assert_eq!(names_in(&folder).len(), 0);

    // One of an upload that names another place, or parts without number.
    let upload = folder.file("b.bin", &bytes(5, 1_000_000));
    for (member, value) in
        [("part_size", json!(1)), ("size", json!(u64::MAX)), ("key", json!("other/place.bin"))]
    {
        interrupted(&sandbox, &api, &folder, &upload);
        let record =
            fs::read_dir(folder.path("checkpoints")).expect("it").next().expect("one").expect("it").path();
        let text = fs::read_to_string(&record).expect("a record");
        let mut begun = journal(record.to_str().expect("UTF-8"))[1].clone();
        begun["begun"][member] = value;
        let owner = text.lines().next().expect("a line");
        fs::write(&record, format!("{owner}\n{}", journal_line(&begun))).expect("a crafted record");
        let done = api.upload_file(&upload, upload_args(&folder)).expect(member);
        let name = done["object_name"].as_str().expect("a name");
        assert!(name.ends_with("/b.bin") && !name.starts_with("other"), "{name}");
        assert_eq!(stored(&sandbox, name), Some(bytes(5, 1_000_000)));
        sandbox.set(json!({"store": {"lose_uploads": true}}));
    }
}

#[test]
fn a_record_that_cannot_be_written_harms_nothing() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(6, 1_000_000);
    let path = folder.file("a.bin", &content);
    // No file of this process may have more bytes: the record stops somewhere, or never begins.
    for limit in [0, 300, 700] {
        let mut args = upload_args(&folder);
        args["path"] = path.as_str().into();
        let done = outcome(&mut command(&sandbox, "upload_file", &args, Some(limit), &json!({})));
        let done = done.unwrap_or_else(|failed| panic!("{limit}: {failed}"));
        assert_eq!((&done["parts"], &done["verified"]), (&json!(10), &json!(true)), "{limit}");
        assert_eq!(
            stored(&sandbox, done["object_name"].as_str().expect("a name")).as_deref(),
            Some(&content[..])
        );
    }
    assert_eq!(open_uploads(&sandbox), 0);

    let large = bytes(7, 20 * MIB);
    let object = uploaded(&api, "b.bin", &large);
    let target = folder.path("b.bin");
    fs::create_dir(format!("{target}.bge-part.state")).expect("a folder in the way");
    let log = folder.path("log");
    let api = sandbox.api(json!({"log": "info", "log_file": log}));
    api.download(&object, &target, json!({})).expect("a download");
    assert!(fs::read(&target).expect("the file") == large);
    assert!(fs::read_to_string(&log).expect("the log").contains("cannot be written"));
}

#[test]
fn names_as_long_as_they_may_be() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(8, 20 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    for name in ["样".repeat(85), "a".repeat(255), format!("{}.bam", "b".repeat(240))] {
        let path = folder.path(&name);
        sandbox.fault(json!({"method": "GET", "side": "store", "kind": "truncate", "bytes": 17 * MIB}));
        let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
        api.download(&object, &path, args.clone()).expect_err("interrupted");
        sandbox.clear_log();
        api.download(&object, &path, args).expect("the rest");
        assert!(fs::read(&path).expect("the file") == content);
        let asked: u64 = store_gets(&sandbox).iter().map(asked_for).sum();
        assert!(asked < 5 * MIB as u64, "{asked}");
        fs::remove_file(&path).expect("the file");
    }
    sandbox.clear_log();
    let failure = api.download(&object, &folder.path(&"c".repeat(256)), json!({})).expect_err("too long");
    assert_eq!((failure.status, sandbox.log().len()), (BGE_ERR_IO, 0));
    assert_eq!(names_in(&folder).len(), 0);
}

#[test]
fn what_cannot_end_well_does_not_begin() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let object = uploaded(&api, "a.bin", &bytes(9, 40 * MIB));
    sandbox.clear_log();
    let failure = api.download(&object, &folder.path("new/"), json!({})).expect_err("no folder");
    assert_eq!((failure.status, sandbox.log().len()), (BGE_ERR_ARGUMENT, 0), "{failure:?}");
    for connections in [1, 4] {
        let args = json!({"object_name": object, "path": folder.path("a.bin"), "multipart_num_threads": connections});
        let failed = outcome(&mut command(&sandbox, "download", &args, Some(9 * MIB as u64), &json!({})))
            .expect_err("no room");
        assert_eq!(failed["status"], BGE_ERR_IO, "{failed}");
        assert_eq!(store_gets(&sandbox).len(), 1, "the first answer tells it");
    }
    assert_eq!(names_in(&folder).len(), 0);
}

#[test]
fn folders_whose_names_are_no_text() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(10, 1_000_000);
    // "data" in Chinese, as GBK spells it.
    let gbk = Path::new(&folder.path("")).join(OsStr::from_bytes(b"\xca\xfd\xbe\xdd"));
    fs::create_dir(&gbk).expect("a folder");
    fs::write(gbk.join("a.bin"), &content).expect("a file");
    let mut args = upload_args(&folder);
    args["path"] = "a.bin".into();
    args["checkpoint_dir"] = "checkpoints".into();
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "reset"}));
    outcome(command(&sandbox, "upload_file", &args, None, &json!({})).current_dir(&gbk))
        .expect_err("interrupted");
    sandbox.clear_faults();
    sandbox.clear_log();
    let done = outcome(command(&sandbox, "upload_file", &args, None, &json!({})).current_dir(&gbk))
        .expect("the rest");
    assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), 6);
    let name = done["object_name"].as_str().expect("a name");
    assert_eq!(stored(&sandbox, name).as_deref(), Some(&content[..]));
    let args = json!({"object_name": name, "path": "down.bin"});
    outcome(command(&sandbox, "download", &args, None, &json!({})).current_dir(&gbk)).expect("a download");
    assert!(fs::read(gbk.join("down.bin")).expect("the file") == content);

    // What cannot have a name in the store is said, and the rest is taken.
    fs::write(gbk.join(OsStr::from_bytes(b"\xca\xfd.txt")), b"x").expect("a file");
    let failure =
        outcome(command(&sandbox, "upload_dir", &json!({"path": "."}), None, &json!({})).current_dir(&gbk));
    let files = failure.expect_err("one name is no text")["files"].clone();
    let told: Vec<bool> =
        files.as_array().expect("files").iter().map(|f| f["result"]["verified"] == true).collect();
    assert_eq!(told.iter().filter(|good| **good).count(), 2, "{files}");
    assert!(files.to_string().contains("UTF-8"), "{files}");
    drop(api);
}

#[test]
fn size_and_content_say_whether_a_file_is_the_same() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(11, 1_000_000);
    let path = folder.path("a.bin");
    let anew = |content: &[u8]| {
        let _ = fs::remove_file(&path);
        folder.file("a.bin", content);
    };
    for what in ["touched", "copied back", "same time, other content", "grown", "cut"] {
        anew(&content);
        let time = fs::metadata(&path).expect("it").modified().expect("a time");
        interrupted(&sandbox, &api, &folder, &path);
        let mut now = content.clone();
        match what {
            "touched" => {
                let later = time + Duration::from_secs(3600);
                fs::File::options().write(true).open(&path).expect("it").set_modified(later).expect("a time");
            }
            "copied back" => {
                let inode = fs::metadata(&path).expect("it").ino();
                fs::rename(&path, folder.path("kept")).expect("a name");
                folder.file("a.bin", &content);
                assert_ne!(fs::metadata(&path).expect("it").ino(), inode);
            }
            "same time, other content" => {
                now[3] ^= 1;
                fs::write(&path, &now).expect("it");
                fs::File::options().write(true).open(&path).expect("it").set_modified(time).expect("a time");
            }
            "grown" => now.extend([7; 100]),
            _ => now.truncate(999_999),
        }
        if now.len() != content.len() {
            fs::write(&path, &now).expect("it");
        }
        let done = api.upload_file(&path, upload_args(&folder)).expect(what);
        assert!(
            stored(&sandbox, done["object_name"].as_str().expect("a name")).as_deref() == Some(&now[..]),
            "{what}"
        );
        let sent = count(&sandbox.log(), "PUT", "partNumber=");
        assert_eq!(sent, if now == content { 6 } else { 10 }, "{what}");
        assert_eq!(open_uploads(&sandbox), 0, "{what}: the old upload is given up on the store");
    }
}

#[test]
fn unfinished_uploads_are_listed_and_discarded() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let path = folder.file("a.bin", &bytes(12, 1_000_000));
    interrupted(&sandbox, &api, &folder, &path);
    folder.file("checkpoints/notes.txt", b"not ours");
    let args = json!({"checkpoint_dir": folder.path("checkpoints")});
    let listed = api.value("unfinished_uploads", args.clone()).expect("a list");
    assert_eq!(listed.as_array().expect("an array").len(), 1);
    let told = |name: &str| listed[0][name].clone();
    assert_eq!((told("path"), told("filename")), (json!(path), json!("a.bin")));
    assert_eq!((told("size"), told("parts"), told("sent")), (json!(1_000_000), json!(4), json!(409_600)));
    assert_eq!(told("own"), true);
    assert_eq!(open_uploads(&sandbox), 1, "a list changes nothing");

    // Another account sees it, and may not discard it.
    let discard = json!({"checkpoint_dir": folder.path("checkpoints"), "discard": true});
    let other = Api::new("another-token", &sandbox.options(json!({}))).expect("a client");
    assert_eq!(other.value("unfinished_uploads", args.clone()).expect("a list")[0]["own"], false);
    assert_eq!(
        other.value("unfinished_uploads", discard.clone()).expect_err("not its own").status,
        BGE_ERR_AUTH
    );
    assert_eq!(open_uploads(&sandbox), 1);

    let done = api.value("unfinished_uploads", discard).expect("discarded");
    assert_eq!(done[0]["discarded"], true);
    assert_eq!(open_uploads(&sandbox), 0);
    assert_eq!(api.value("unfinished_uploads", args).expect("a list"), json!([]));
    assert!(fs::exists(folder.path("checkpoints/notes.txt")).expect("the folder"));
    for wrong in
        [json!({}), json!({"checkpoint_dir": "x", "discard": 1}), json!({"checkpoint_dir": "x", "y": 1})]
    {
        assert_eq!(api.value("unfinished_uploads", wrong).expect_err("wrong").status, BGE_ERR_ARGUMENT);
    }
}

#[test]
fn a_child_does_not_keep_what_its_parent_gave_up() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(13, 100_000);
    let object = uploaded(&api, "a.bin", &content);
    sandbox.fault(json!({"side": "store", "method": "GET", "kind": "delay_body", "ms": 60_000}));
    let path = folder.path("a.bin");
    let op = api.start("download", json!({"object_name": object, "path": path})).expect("an operation");
    eventually("bytes come", || op.progress().0 > 0);
    // SAFETY: the child only sleeps, frees what it inherited, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        std::thread::sleep(Duration::from_millis(300));
        drop(op);
        std::thread::sleep(Duration::from_secs(20));
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(0) };
    }
    std::thread::sleep(Duration::from_millis(600));
    assert!(fs::exists(format!("{path}.bge-part")).expect("the folder"), "the child took nothing away");
    op.cancel();
    op.finish().expect_err("cancelled");
    sandbox.clear_faults();
    let done = api.download(&object, &path, json!({}));
    // SAFETY: a child of this process, which is waited for.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
    done.expect("the child has no lock");
    assert!(fs::read(&path).expect("the file") == content);
}

#[test]
fn links_are_followed_when_asked_for_and_told_apart() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let (folder, outside) = (Folder::new("disk"), Folder::new("disk"));
    folder.file("a.txt", b"inside");
    fs::create_dir(folder.path("sub")).expect("a folder");
    folder.file("sub/c.txt", b"below");
    outside.file("b.txt", b"outside");
    for (to, name) in [
        ("a.txt", "inside.txt"),
        (&outside.path("b.txt"), "outside.txt"),
        ("nowhere", "dangling.txt"),
        ("circle.txt", "circle.txt"),
        ("..", "sub/up"),
        (&outside.path(""), "elsewhere"),
    ] {
        symlink(to, folder.path(name)).expect("a link");
    }
    let told = |failure: &Value, name: &str| {
        let files = failure["files"].as_array().expect("files");
        let one = files.iter().find(|file| file["filename"] == name).unwrap_or_else(|| panic!("{name}"));
        one["error"]["cause"].as_str().map(str::to_owned).unwrap_or_default()
    };
    let args = json!({"recursive": true});
    let failure = api.upload_dir(&folder.path(""), args).expect_err("links").json;
    for (name, what) in [
        ("inside.txt", "a.txt"),
        ("outside.txt", "out of the folder"),
        ("dangling.txt", "to nothing"),
        ("circle.txt", "in a circle"),
        ("sub_up", "in a circle"),
        ("elsewhere", "out of the folder"),
    ] {
        assert!(told(&failure, name).contains(what), "{name}: {}", told(&failure, name));
    }
    let args = json!({"recursive": true, "follow_links": true});
    let failure = api.upload_dir(&folder.path(""), args).expect_err("two lead nowhere").json;
    let files = failure["files"].as_array().expect("files");
    let good: Vec<&str> = files
        .iter()
        .filter(|file| file["result"]["verified"] == true)
        .map(|file| file["filename"].as_str().expect("a name"))
        .collect();
    assert_eq!(good, ["a.txt", "elsewhere_b.txt", "inside.txt", "outside.txt", "sub_c.txt"]);
    assert!(told(&failure, "dangling.txt").contains("to nothing"));
    assert!(
        told(&failure, "circle.txt").contains("in a circle")
            && told(&failure, "sub_up").contains("in a circle")
    );
}
