//! What transfers keep on the disk of what was begun: nothing of it is lost that was not proved wrong, it is not believed
//! when it is crafted, and one that cannot be written harms nobody.

use std::{fs, os::unix::fs::MetadataExt, time::Duration};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, count, eventually, header, journal, journal_line, open_uploads, stored},
    handles::Transfers,
    kills::{command, outcome},
    support::{self, Folder, Sandbox, c::Api},
};

pub fn uploaded(api: &Api, name: &str, content: &[u8]) -> String {
    let done = api.upload(name, content, json!({})).expect("an upload");
    done["object_name"].as_str().expect("a name").to_owned()
}

pub fn names_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub fn store_gets(sandbox: &Sandbox) -> Vec<Value> {
    let log = sandbox.take_log();
    log.into_iter().filter(|entry| entry["side"] == "store" && entry["method"] == "GET").collect()
}

pub fn asked_for(entry: &Value) -> u64 {
    let range = header(entry, "range").expect("a range").trim_start_matches("bytes=");
    let (first, last) = range.split_once('-').expect("a range");
    last.parse::<u64>().expect("a number") - first.parse::<u64>().expect("a number") + 1
}

pub fn upload_args(folder: &Folder) -> Value {
    json!({
        "multipart_threshold": 1,
        "part_size": 102_400,
        "multipart_num_threads": 1,
        "checkpoint_dir": folder.path("checkpoints"),
        "$": {"max_retries": 0},
    })
}

/// An upload of ten parts that fails at its fifth.
pub fn interrupted(sandbox: &Sandbox, api: &Api, folder: &Folder, path: &str) {
    interrupted_at(5, sandbox, api, folder, path);
}

fn interrupted_at(part: usize, sandbox: &Sandbox, api: &Api, folder: &Folder, path: &str) {
    sandbox.fault(json!({"query": format!("*partNumber={part}&*"), "kind": "reset"}));
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
fn a_crafted_state_costs_nothing_and_is_not_believed() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let content = bytes(4, 18 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    let path = folder.path("a.bin");
    let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
    let whole = 18 * MIB as u64;
    for (size, end) in [
        (i64::MAX as u64, 8 * MIB as u64),
        (u64::MAX, u64::MAX - 1),
        (whole, 16 * MIB as u64),
        (whole, whole + 1),
        (whole, u64::MAX),
    ] {
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
    let anywhere = (0..support::count(1, 40)).map(|_| fastrand::u64(0..1500));
    for limit in [0, 300, 700].into_iter().chain(anywhere) {
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

/// Changed by one byte, longer or shorter by some, or only touched, while an upload of it stands anywhere.
#[test]
fn a_file_that_changed_anywhere_between_two_uploads() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..support::count(4, 120) {
        let content = bytes(random.u64(..), random.usize(920_000..1_020_000));
        let path = folder.file("a.bin", &content);
        let time = fs::metadata(&path).expect("it").modified().expect("a time");
        let part = random.usize(2..10);
        interrupted_at(part, &sandbox, &api, &folder, &path);
        let mut now = content.clone();
        let at = random.usize(..content.len());
        let kind = random.u8(..4);
        match kind {
            0 => now[at] ^= 1 << random.u8(..8),
            1 => now.extend(bytes(7, random.usize(1..200_000))),
            2 => now.truncate(at),
            _ => {}
        }
        fs::write(&path, &now).expect("it");
        // A copy keeps the time, an editor does not.
        let later = if random.bool() { time } else { time + Duration::from_secs(random.u64(1..10_000)) };
        fs::File::options().write(true).open(&path).expect("it").set_modified(later).expect("a time");
        let told =
            format!("seed {seed}, round {round}: kind {kind} at {at} of {}, part {part}", content.len());
        let done = api.upload_file(&path, upload_args(&folder)).expect(&told);
        let there = stored(&sandbox, done["object_name"].as_str().expect("a name"));
        assert!(there.as_deref() == Some(&now[..]), "{told}");
        let parts = content.len().div_ceil(102_400);
        if now == content {
            assert_eq!(count(&sandbox.log(), "PUT", "partNumber="), parts - (part - 1), "{told}");
        }
        assert_eq!(open_uploads(&sandbox), 0, "{told}");
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
fn files_of_others_stay_however_old_they_are() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let path = folder.file("a.bin", &bytes(14, 1_000_000));
    fs::create_dir(folder.path("checkpoints")).expect("a folder");
    let digest = "0123456789abcdef0123456789abcdef01234567";
    let names = ["movie.part", "a.gz.1-2.part", "mine.bge-upload", "b.bin.bge-part", "b.tmp", ".bge-0.tmp"];
    let names = names.map(str::to_owned).into_iter().chain([format!("{digest}.bge-upload.tmp")]);
    let precious: Vec<String> =
        names.flat_map(|name| [folder.path(&name), folder.path(&format!("checkpoints/{name}"))]).collect();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(90_000);
    for path in &precious {
        fs::write(path, b"precious").expect("a file");
        let file = fs::File::options().write(true).open(path).expect("it");
        file.set_modified(long_ago).expect("a time");
    }
    interrupted(&sandbox, &api, &folder, &path);
    let done = api.upload_file(&path, upload_args(&folder)).expect("the rest");
    let object = done["object_name"].as_str().expect("a name");
    api.download(object, &folder.path("b.bin.part"), json!({})).expect("a download");
    interrupted(&sandbox, &api, &folder, &path);
    let discard = json!({"checkpoint_dir": folder.path("checkpoints"), "discard": true});
    let discarded = api.value("unfinished_uploads", discard).expect("discarded");
    assert_eq!(discarded.as_array().expect("a list").len(), 1);
    for path in &precious {
        assert_eq!(fs::read(path).expect(path), b"precious");
    }
    assert_eq!(fs::read_dir(folder.path("checkpoints")).expect("it").count() * 2, precious.len());
}

#[test]
fn an_upload_under_way_is_not_discarded() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    let path = folder.file("a.bin", &bytes(13, 1_000_000));
    sandbox.fault(json!({"query": "*partNumber=5*", "kind": "delay_headers", "ms": 3000}));
    let mut args = upload_args(&folder);
    args["path"] = path.as_str().into();
    let op = api.start("upload_file", args).expect("an operation");
    eventually("the fifth part is on its way", || count(&sandbox.log(), "PUT", "partNumber=5") == 1);
    let discard = json!({"checkpoint_dir": folder.path("checkpoints"), "discard": true});
    let refused = sandbox.api(json!({})).value("unfinished_uploads", discard.clone()).expect_err("in use");
    assert!(refused.json["files"][0]["error"]["message"].to_string().contains("under way"), "{refused:?}");
    op.finish().expect("an upload");
    assert_eq!(count(&sandbox.log(), "POST", "?uploads"), 1);
    assert_eq!(api.value("unfinished_uploads", discard).expect("nothing is left"), json!([]));
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

/// A file that changes while it is uploaded: what the store gets is the file as it was at one moment, or it is said.
/// While it is written anew it is the beginning of what it will be.
#[test]
fn a_file_that_changes_at_any_moment() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("disk");
    // Slow enough to be caught in the middle.
    sandbox.fault(
        json!({"query": "*partNumber=*", "count": 0, "kind": "delay_headers", "ms": 15, "after_work": true}),
    );
    for round in 0..support::count(4, 100) {
        let (before, after) = (bytes(2 * round as u64, 1_000_000), bytes(2 * round as u64 + 1, 1_000_000));
        let path = folder.file("a.bin", &before);
        // A clock that ticks seldom must not make the two one.
        let earlier = std::time::SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(&path).expect("it").set_modified(earlier).expect("a time");
        let args = json!({"multipart_threshold": 1, "part_size": 102_400, "checkpoint_dir": folder.path("checkpoints")});
        let first = std::thread::scope(|scope| {
            let uploading = scope.spawn(|| api.upload_file(&path, args.clone()));
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..80)));
            fs::write(&path, &after).expect("another content");
            uploading.join().expect("no panic")
        });
        match first {
            Ok(done) => {
                let there =
                    stored(&sandbox, done["object_name"].as_str().expect("a name")).expect("an object");
                let size = there.len();
                assert!(there == before || after.starts_with(&there), "{round}: a mixture of {size} bytes");
            }
            Err(failure) => assert_eq!(failure.status, BGE_ERR_IO, "{round}: {failure:?}"),
        }
        let done = api.upload_file(&path, args).expect("as it is now");
        let there = stored(&sandbox, done["object_name"].as_str().expect("a name"));
        assert!(there.as_deref() == Some(&after[..]), "{round}");
        assert_eq!(open_uploads(&sandbox), 0, "{round}");
    }
}
