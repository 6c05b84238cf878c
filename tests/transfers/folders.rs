//! Many files in one call.

use std::{
    collections::HashSet,
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    process::Command,
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{KIB, bytes, count, crc64, objects, stored},
    handles::Transfers,
    support::{self, Folder, Sandbox},
};

/// A folder of three files, and one with two more below it.
fn tree() -> Folder {
    let folder = Folder::new("folders");
    for (seed, name) in ["b.txt", "a.txt", "c.bin"].into_iter().enumerate() {
        folder.file(name, &bytes(seed as u64, 1000 + seed));
    }
    fs::create_dir_all(folder.path("run/lane")).expect("a folder");
    folder.file("run/a.txt", &bytes(7, 10));
    folder.file("run/lane/d.txt", &bytes(8, 11));
    folder
}

fn names(results: &Value) -> Vec<String> {
    let results = results.as_array().expect("an array");
    let last = |result: &Value| {
        result["object_name"].as_str().and_then(|name| name.rsplit('/').next().map(str::to_owned))
    };
    results.iter().map(|result| last(result).expect("a name")).collect()
}

#[test]
fn the_regular_files_of_a_folder_under_one_token() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = tree();
    let done = api.upload_dir(&folder.path(""), json!({})).expect("uploads");
    assert_eq!(names(&done), ["a.txt", "b.txt", "c.bin"]);
    assert_eq!((&done[0]["size"], &done[0]["crc64"]), (&json!(1001), &json!(crc64(&bytes(1, 1001)))));
    assert_eq!(stored(&sandbox, done[2]["object_name"].as_str().expect("a name")), Some(bytes(2, 1002)));
    let log = sandbox.take_log();
    assert_eq!((count(&log, "POST", "/sts/token"), count(&log, "GET", "/oauth2/introspect")), (1, 1));

    let done = api.upload_dir(&folder.path(""), json!({"recursive": true})).expect("uploads");
    assert_eq!(names(&done), ["a.txt", "b.txt", "c.bin", "run_a.txt", "run_lane_d.txt"]);
    let args = json!({"recursive": true, "separator": "--"});
    let done = api.upload_dir(&folder.path(""), args).expect("uploads");
    assert_eq!(names(&done)[3..], ["run--a.txt", "run--lane--d.txt"]);

    let empty = Folder::new("folders");
    assert_eq!(api.upload_dir(&empty.path(""), json!({})).expect("nothing"), json!([]));
}

#[test]
fn two_files_of_one_name_are_refused_before_anything_is_sent() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = tree();
    folder.file("run_a.txt", b"the same name when flattened");
    let failure = api.upload_dir(&folder.path(""), json!({"recursive": true})).expect_err("a collision");
    assert_eq!(failure.status, BGE_ERR_ARGUMENT);
    assert!(
        failure.message.contains("run_a.txt") && failure.message.contains("run/a.txt"),
        "{}",
        failure.message
    );
    let files = json!([{"path": folder.path("a.txt")}, {"path": folder.path("b.txt"), "filename": "a.txt"}]);
    assert_eq!(api.batch_upload(files, json!({})).expect_err("a collision").status, BGE_ERR_ARGUMENT);
    for args in [json!({"separator": "/"}), json!({"recursive": "yes"}), json!({"recursiv": true})] {
        let failure = api.upload_dir(&folder.path(""), args.clone()).expect_err("no such argument");
        assert_eq!(failure.status, BGE_ERR_ARGUMENT, "{args}");
    }
    for files in [
        json!({}),
        json!([1]),
        json!([{"path": 1}]),
        json!([{"path": "a", "name": "b"}]),
        json!([{"path": ""}]),
    ] {
        let failure = api.batch_upload(files.clone(), json!({})).expect_err("no such list");
        assert_eq!(failure.status, BGE_ERR_ARGUMENT, "{files}");
    }
    assert_eq!(api.upload_dir("/no/such/folder", json!({})).expect_err("no folder").status, BGE_ERR_IO);
    assert_eq!(api.upload_dir(&folder.path("a.txt"), json!({})).expect_err("a file").status, BGE_ERR_IO);
    assert_eq!(sandbox.log().len(), 0);
}

#[test]
fn what_is_no_regular_file_is_reported_and_the_others_go_on() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = tree();
    std::os::unix::fs::symlink(folder.path("a.txt"), folder.path("link.txt")).expect("a link");
    let _socket = UnixListener::bind(folder.path("socket")).expect("a socket");
    let failure = api.upload_dir(&folder.path(""), json!({})).expect_err("a link and a socket");
    assert_eq!(failure.status, BGE_ERR_IO);
    assert!(failure.message.contains("2 of 5"), "{}", failure.message);
    let files = failure.json["files"].as_array().expect("files");
    let told: Vec<(&str, bool)> = files
        .iter()
        .map(|file| (file["filename"].as_str().expect("a name"), file["result"]["verified"] == true))
        .collect();
    assert_eq!(
        told,
        [("a.txt", true), ("b.txt", true), ("c.bin", true), ("link.txt", false), ("socket", false)]
    );
    assert_eq!(files[3]["error"]["name"], "BGE_ERR_IO");
    assert_eq!(files[3]["path"], folder.path("link.txt"));
    assert_eq!(objects(&sandbox).len(), 3);
}

#[test]
fn a_failure_of_one_does_not_stop_the_others() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = tree();
    let files = json!([
        {"path": folder.path("a.txt"), "filename": "one.txt"},
        {"path": folder.path("missing.txt")},
        {"path": folder.path("b.txt"), "filename": "refused.txt"},
        {"path": folder.path("c.bin")},
    ]);
    sandbox
        .fault(json!({"side": "store", "path": "*refused.txt", "count": 0, "kind": "status", "status": 403}));
    let failure = api.batch_upload(files, json!({})).expect_err("two fail");
    assert_eq!(failure.status, BGE_ERR_IO);
    let told: Vec<&Value> = failure.json["files"].as_array().expect("files").iter().collect();
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["result"]["size"], 1001);
    assert_eq!(told[1]["error"]["status"], BGE_ERR_IO);
    assert_eq!(told[2]["error"]["status"], BGE_ERR_STORAGE);
    assert_eq!(told[3]["result"]["crc64"], crc64(&bytes(2, 1002)));
}

#[test]
fn small_files_share_kept_connections_and_large_ones_the_same_pool() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("folders");
    for number in 0..60 {
        folder.file(&format!("{number:02}.bin"), &bytes(number, 16 * KIB));
    }
    folder.file("large.bin", &bytes(61, 900 * KIB));
    let args = json!({"path": folder.path(""), "multipart_threshold": 200_000, "part_size": 102_400});
    let op = api.start("upload_dir", args).expect("an operation");
    let mut before = 0;
    while !op.wait(1) {
        let (done, total) = op.progress();
        assert!(done >= before && (total == 0 || done <= total));
        before = done;
    }
    let all = (60 * 16 * KIB + 900 * KIB) as u64;
    assert_eq!(op.progress(), (all, all));
    let done: Value = serde_json::from_str(&op.result().expect("uploads")).expect("JSON");
    assert_eq!(done.as_array().expect("an array").len(), 61);
    assert_eq!(done[60]["parts"], 9);
    let log = sandbox.log();
    let connections: HashSet<u64> =
        log.iter().filter(|e| e["side"] == "store").filter_map(|e| e["connection"].as_u64()).collect();
    // Now and then a connection is not back in time, and another one is made.
    assert!(connections.len() <= 10, "{}", connections.len());
    for number in [0u64, 59] {
        let name = done[number as usize]["object_name"].as_str().expect("a name");
        assert_eq!(stored(&sandbox, name), Some(bytes(number, 16 * KIB)));
    }
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
        // Of the three, each is called what it is and nothing else.
        let kinds = ["out of the folder", "to nothing", "in a circle"];
        let called = kinds.iter().filter(|kind| told(&failure, name).contains(**kind)).count();
        assert_eq!(called, usize::from(kinds.contains(&what)), "{name}: {}", told(&failure, name));
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

/// Folders, files and links at random; `find` says what a walk along the links reaches.
#[test]
fn any_tree_of_links_is_taken_as_find_takes_it() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let found = |folder: &Folder, how: &[&str]| -> Vec<String> {
        let output = Command::new("find")
            .args(how)
            .args([&folder.path("top"), "-mindepth", "1", "-type", "f", "-printf", r"%P\n"])
            .output()
            .expect("find");
        String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
    };
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..support::count(4, 120) {
        let folder = Folder::new("links");
        // The outer folder holds nothing but the two: a link out of the inner one leads to what is known.
        let mut folders = vec!["top".to_owned(), "outside".to_owned()];
        for number in 0..random.usize(1..5) {
            let above = random.choice(&folders).expect("one").clone();
            folders.push(format!("{above}/d{number}"));
        }
        folders.iter().for_each(|name| fs::create_dir(folder.path(name)).expect("a folder"));
        let mut all = folders.clone();
        for number in 0..random.usize(1..7) {
            let name = format!("{}/f{number}", random.choice(&folders).expect("one"));
            folder.file(&name, &bytes(random.u64(..), random.usize(..3000)));
            all.push(name);
        }
        for number in 0..random.usize(1..5) {
            let name = format!("{}/l{number}", random.choice(&folders).expect("one"));
            let to = random.choice(&all).expect("one").clone();
            let to = match random.u8(..6) {
                0 => "nowhere".to_owned(),
                1 => format!("l{number}"),
                2 => format!("{}{to}", "../".repeat(name.matches('/').count())),
                _ => folder.path(&to),
            };
            symlink(to, folder.path(&name)).expect("a link");
            all.push(name);
        }
        for follow_links in [false, true] {
            let told = format!("seed {seed}, round {round}, follow_links {follow_links}");
            let wanted = found(&folder, if follow_links { &["-L"] } else { &["-P"] });
            let args = json!({"recursive": true, "separator": "-", "follow_links": follow_links});
            let good: Vec<Value> = match api.upload_dir(&folder.path("top"), args) {
                Ok(done) => done.as_array().expect("an array").clone(),
                Err(failure) => {
                    assert_eq!(failure.status, BGE_ERR_IO, "{told}: {failure:?}");
                    let files = failure.json["files"].as_array().expect("files").clone();
                    let (good, bad): (Vec<Value>, Vec<Value>) =
                        files.into_iter().partition(|file| file["result"]["verified"] == true);
                    for file in bad {
                        let cause = file["error"]["cause"].as_str().unwrap_or_default();
                        assert!(cause.contains("link") || cause.contains("circle"), "{told}: {file}");
                    }
                    good.into_iter().map(|file| file["result"].clone()).collect()
                }
            };
            let object = |one: &Value| one["object_name"].as_str().expect("a name").to_owned();
            let mut given = names(&Value::Array(good.clone()));
            given.sort();
            let mut flat: Vec<String> = wanted.iter().map(|path| path.replace('/', "-")).collect();
            flat.sort();
            assert_eq!(given, flat, "{told}");
            for path in wanted.iter().take(2) {
                let name = format!("/{}", path.replace('/', "-"));
                let one = good.iter().map(object).find(|object| object.ends_with(&name)).expect("it");
                let content = fs::read(folder.path(&format!("top/{path}"))).expect("a file");
                assert_eq!(stored(&sandbox, &one), Some(content), "{told}: {path}");
            }
        }
    }
}

#[test]
fn folders_of_any_depth_harm_no_host() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("folders");
    folder.file("a.txt", b"above");
    let deep = format!("{}/{}", folder.path("d"), "d/".repeat(1800));
    fs::create_dir_all(&deep).expect("folders");
    fs::write(format!("{deep}f"), b"below").expect("a file");
    // The store takes names of up to 1023 bytes.
    for separator in ["_", ""] {
        let args = json!({"recursive": true, "separator": separator});
        let failure = api.upload_dir(&folder.path(""), args).expect_err("one is too deep");
        let files = failure.json["files"].as_array().expect("the files").clone();
        assert_eq!(files.len(), 2, "{files:?}");
        assert_eq!(files[0]["filename"], "a.txt");
        assert!(files[0]["result"].is_object(), "{files:?}");
        let error = files[1]["error"]["message"].as_str().expect("a message");
        assert!(error.contains("1023"), "{error}");
    }
}
