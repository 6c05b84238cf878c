//! Runs that end and are taken up again.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use super::{Stream, TAXA, Table, asked, metagenomes};
use crate::support::{Folder, Sandbox, c::Api, count};

#[test]
fn finished_samples_are_not_asked_for_again() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "70"]);
    // So that only an empty page tells the end.
    sandbox.set(json!({"count": "page"}));
    let api = sandbox.api(json!({}));
    let folder = Folder::new("checkpoints");
    let kept = folder.path("kept");
    let ids = metagenomes(&api, 6);
    let args = json!({"biosample_id": ids, "limit": 30, "$": {"checkpoint_dir": kept}});
    let plain = json!({"biosample_id": ids, "limit": 30});
    let wanted = Stream::table(&api, "get_taxon_abundance", &plain).expect("a stream").rows();

    // The fourth sample fails: the three before it are kept.
    sandbox
        .fault(json!({"query": format!("*{}*page=2*", ids[3]), "kind": "code", "code": 41001, "count": 0}));
    let mut one_at_a_time = args.clone();
    one_at_a_time["$"]["concurrency"] = 1.into();
    let mut stream = Stream::table(&api, "get_taxon_abundance", &one_at_a_time).expect("a stream");
    while stream.try_next().is_ok_and(|batch| batch.is_some()) {}
    drop(stream);

    sandbox.clear_faults();
    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    // Three samples of three pages; with numbered pages only an empty one tells the end.
    assert_eq!(asked(&sandbox, TAXA), 3 * 4);
    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    assert_eq!(sandbox.log().len(), 0, "all of it was there");

    // Other arguments are other requests; a damaged file is as good as none.
    let mut other = args.clone();
    other["limit"] = 29.into();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &other).expect("a stream").rows(), wanted);
    assert_eq!(asked(&sandbox, TAXA), 6 * 4);
    // Three runs have kept something, each in a file of its own.
    let files = files_below(&kept);
    assert_eq!(files.len(), 3, "{files:?}");
    for damaged in &files {
        let bytes = fs::read(damaged).expect("a file");
        fs::write(damaged, &bytes[..bytes.len() / 2]).expect("written");
        sandbox.clear_log();
        assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
        assert!(asked(&sandbox, TAXA) <= 6 * 4);
    }
    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    assert_eq!(asked(&sandbox, TAXA), 0, "what was damaged is there again");

    let mut impossible = args;
    impossible["$"]["checkpoint_dir"] = folder.file("file", b"").into();
    let broken = Stream::table(&api, "get_taxon_abundance", &impossible)
        .expect("a stream")
        .try_next()
        .expect_err("a file");
    assert_eq!(broken.json["name"], "BGE_ERR_IO");
}

/// The regular files in a folder and those below it.
fn files_below(folder: &str) -> Vec<std::path::PathBuf> {
    let (mut folders, mut files) = (vec![std::path::PathBuf::from(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            match entry.file_type().expect("a type").is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_run_over_all_samples_keeps_to_those_that_it_began_with() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("all");
    let args = json!({"biosample_ids": "all", "$": {"checkpoint_dir": folder.path("")}});
    let first = Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows();
    assert!(!first.is_empty());
    let new =
        json!({"external_sample_id": "new", "biosample_site": 6, "project_id": sandbox.text("/project_id")});
    api.value("register_sample", new).expect("registered");
    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), first);
    assert_eq!(sandbox.log().len(), 0);
}

#[test]
fn skipped_samples_are_tried_again() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("skipped");
    let ids = metagenomes(&api, 5);
    let args = json!({"biosample_id": ids, "$": {"checkpoint_dir": folder.path(""), "on_error": "skip"}});
    sandbox.fault(json!({"query": format!("*{}*", ids[2]), "kind": "code", "code": 41001}));
    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    assert_eq!(table.stream().expect("a stream").rows().len(), 80);
    assert_eq!(table.report()["failed"][0]["biosample_id"], *ids[2]);
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows().len(), 100);
}

/// The name under which the test program runs itself to be killed.
const VICTIM: &str = "checkpoints::a_run_that_is_to_be_killed";

/// Does nothing in an ordinary run: it is the process that the next test kills.
#[test]
fn a_run_that_is_to_be_killed() {
    let Ok(work) = std::env::var("BGE_TABLE_VICTIM") else { return };
    let work: serde_json::Value = serde_json::from_str(&work).expect("JSON");
    let options = json!({"endpoint": work["endpoint"]}).to_string();
    let api = Api::new(work["token"].as_str().expect("a token"), &options).expect("a client");
    println!("begun");
    Stream::table(&api, "get_taxon_abundance", &work["args"]).expect("a stream").rows();
}

#[test]
fn killed_at_any_moment_a_run_goes_on_to_the_same_table() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "120", "--latency", "4"]);
    sandbox.set(json!({"count": "page"}));
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 20);
    let wanted = Stream::table(&api, "get_taxon_abundance", &json!({"biosample_id": ids, "limit": 20}))
        .expect("a stream")
        .rows();
    for moment in 0..count(5, 20) {
        let folder = Folder::new("killed");
        let args = json!({"biosample_id": ids, "limit": 20,
            "$": {"checkpoint_dir": folder.path(""), "concurrency": 3}});
        let work =
            json!({"endpoint": sandbox.endpoint(), "token": sandbox.text("/access_token"), "args": args});
        let mut victim = Command::new(std::env::current_exe().expect("a path"))
            .args(["--exact", VICTIM, "--nocapture"])
            .env("BGE_TABLE_VICTIM", work.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut begun = [0; 1];
        victim.stdout.as_mut().expect("its output").read_exact(&mut begun).expect("it begins");
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..30) + 15 * moment as u64));
        victim.kill().expect("killed");
        victim.wait().expect("gone");

        sandbox.clear_log();
        assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
        // What was finished before stays so: each sample that is asked for is asked for from its first page on.
        let finished = 20 - asked(&sandbox, TAXA) / 7;
        assert_eq!(asked(&sandbox, TAXA), (20 - finished) * 7);
        sandbox.clear_log();
        assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
        assert_eq!(sandbox.log().len(), 0);
    }
}

#[test]
fn what_one_account_has_fetched_is_nobody_elses() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("accounts");
    let args = json!({"biosample_id": metagenomes(&api, 3), "$": {"checkpoint_dir": folder.path("")}});
    let table = |api: &Api| Stream::table(api, "get_taxon_abundance", &args).expect("a stream");
    assert_eq!(table(&api).rows().len(), 60);
    sandbox.clear_log();
    let stranger = Api::new("anothers-token", &sandbox.options(json!({}))).expect("a client");
    let broken = table(&stranger).try_next().expect_err("a stranger");
    assert_eq!(broken.json["name"], "BGE_ERR_AUTH");
    assert!(asked(&sandbox, TAXA) > 0, "the platform decides who sees what");
    sandbox.clear_log();
    assert_eq!(table(&sandbox.api(json!({}))).rows().len(), 60);
    assert_eq!(sandbox.log().len(), 0, "the same account finds its own");
}

#[test]
fn files_of_others_stay_and_planted_ones_lead_nowhere() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("others");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(90_000);
    let precious: Vec<String> = ["movie.part", "a.gz.1-2.part", "b.tmp", ".bge-0.tmp"]
        .map(|name| folder.file(name, b"precious"))
        .into();
    for path in &precious {
        let file = fs::File::options().write(true).open(path).expect("a file");
        file.set_modified(long_ago).expect("an old file");
    }
    let args = json!({"biosample_id": metagenomes(&api, 3), "$": {"checkpoint_dir": folder.path("")}});
    let table = || Stream::table(&api, "get_taxon_abundance", &args).expect("a stream");
    assert_eq!(table().rows().len(), 60);
    let own = || -> Vec<_> {
        let all = files_below(&folder.path("")).into_iter();
        all.filter(|path| !precious.contains(&path.display().to_string())).collect()
    };
    let stranger = own()[0].with_file_name("stranger.part");
    fs::write(&stranger, "precious").expect("a file");
    let old = fs::File::options().write(true).open(&stranger).expect("a file");
    old.set_modified(long_ago).expect("an old file");
    assert_eq!(table().rows().len(), 60);
    assert_eq!(fs::read(&stranger).expect("it stays"), b"precious");
    fs::remove_file(&stranger).expect("removed");
    let own = own();
    assert_eq!(own.len(), 1, "{own:?}");
    // A link in the place of what was kept, to a copy of it: not followed, and not touched.
    let copy = folder.path("copy");
    fs::rename(&own[0], &copy).expect("moved");
    std::os::unix::fs::symlink(&copy, &own[0]).expect("a link");
    let before = fs::read(&copy).expect("a file");
    sandbox.clear_log();
    assert_eq!(table().rows().len(), 60);
    assert!(asked(&sandbox, TAXA) >= 3);
    assert!(fs::read(&copy).expect("a file") == before, "it was written to");
    for path in &precious {
        assert_eq!(fs::read(path).expect(path), b"precious");
    }
    // A folder that was planted for what is kept.
    let own = own[0].parent().expect("a folder").to_owned();
    fs::remove_dir_all(&own).expect("removed");
    std::os::unix::fs::symlink(folder.path(""), &own).expect("a link");
    let broken = table().try_next().expect_err("a link");
    assert_eq!(broken.json["name"], "BGE_ERR_IO");
}

#[test]
fn a_malformed_answer_is_not_kept_and_skips_its_sample() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("malformed");
    let ids = metagenomes(&api, 5);
    let pagination = r#""pagination": {"count": 1, "page": 1}"#;
    for body in [
        format!(r#"{{"code": 0, "msg": "", "data": [{{"taxonomy": 1]}}], {pagination}}}"#),
        format!(r#"{{"code": 0, "msg": "", "data": {{"rows": []}}, {pagination}}}"#),
        format!(
            r#"{{"code": 0, "msg": "", "data": [{{"observation": {{"value": "high"}}}}], {pagination}}}"#
        ),
    ] {
        let args = json!({"biosample_id": ids,
            "$": {"checkpoint_dir": folder.path(&body.len().to_string()), "on_error": "skip", "strict": true}});
        sandbox.fault(json!({"query": format!("*{}*", ids[2]), "kind": "not_json", "body": body}));
        let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
        let rows = table.stream().expect("a stream").rows();
        assert_eq!(rows.len(), 80, "{body}");
        let report = table.report();
        assert_eq!(report["failed"][0]["biosample_id"], *ids[2], "{body}");
        assert_eq!(report["failed"][0]["error"]["name"], "BGE_ERR_PROTOCOL", "{body}");
        // The next run finds nothing of it.
        sandbox.clear_log();
        assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows().len(), 100);
        assert!((1..=2).contains(&asked(&sandbox, TAXA)));
    }
}

/// The same for a process that may write no file of more than 1 KiB.
const CRAMPED: &str = "checkpoints::a_run_without_room";

#[test]
fn a_run_without_room() {
    let Ok(work) = std::env::var("BGE_TABLE_CRAMPED") else { return };
    let work: serde_json::Value = serde_json::from_str(&work).expect("JSON");
    let options = json!({"endpoint": work["endpoint"], "log_file": work["log"]}).to_string();
    let api = Api::new(work["token"].as_str().expect("a token"), &options).expect("a client");
    let rows = Stream::table(&api, "get_taxon_abundance", &work["args"]).expect("a stream").rows();
    assert_eq!(rows.len(), 10 * 90);
}

#[test]
fn a_full_disk_does_not_end_what_it_was_to_protect() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "90"]);
    let api = sandbox.api(json!({}));
    // In pieces of 512 bytes: as little as to fail at once, and any more.
    for room in (0..count(1, 25)).map(|round| if round == 0 { 2 } else { fastrand::u64(0..40) }) {
        a_disk_with_so_much_room(&sandbox, &api, room);
    }
}

/// A folder that cannot be made, for the reason that the environment names.
const NO_FOLDERS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
int mkdir(const char *path, mode_t mode) {
  const char *why = getenv("MKDIR_FAILS");
  if (why == NULL) return ((int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir"))(path, mode);
  errno = atoi(why);
  return -1;
}
"#;

#[test]
fn without_room_for_a_folder_nothing_is_kept_and_nothing_is_lost() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "90"]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("no-room");
    let (source, library) = (folder.file("shim.c", NO_FOLDERS.as_bytes()), folder.path("shim.so"));
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o", &library, &source, "-ldl"]).status();
    assert!(built.expect("a C compiler").success());
    let args = json!({"biosample_id": metagenomes(&api, 10), "limit": 30,
        "$": {"checkpoint_dir": folder.path("kept")}});
    let work = json!({"endpoint": sandbox.endpoint(), "token": sandbox.text("/access_token"), "args": args,
        "log": folder.path("log")});
    for (code, goes_on) in
        [(libc::ENOSPC, true), (libc::EDQUOT, true), (libc::EROFS, true), (libc::EACCES, false)]
    {
        let done = Command::new(std::env::current_exe().expect("a path"))
            .args(["--exact", CRAMPED, "--nocapture"])
            .env("BGE_TABLE_CRAMPED", work.to_string())
            .env("LD_PRELOAD", &library)
            .env("MKDIR_FAILS", code.to_string())
            .output()
            .expect("a process");
        assert_eq!(done.status.success(), goes_on, "{code}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let log = fs::read_to_string(folder.path("log")).expect("a log");
    assert_eq!(log.matches("nothing is kept").count(), 3, "{log}");
}

fn a_disk_with_so_much_room(sandbox: &Sandbox, api: &Api, room: u64) {
    let folder = Folder::new("full");
    let args = json!({"biosample_id": metagenomes(api, 10), "limit": 30,
        "$": {"checkpoint_dir": folder.path("kept"), "concurrency": 3}});
    let work = json!({"endpoint": sandbox.endpoint(), "token": sandbox.text("/access_token"), "args": args,
        "log": folder.path("log")});
    let done = Command::new("sh")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {room}; exec \"$0\" --exact \"$1\" --nocapture")])
        .arg(std::env::current_exe().expect("a path"))
        .arg(CRAMPED)
        .env("BGE_TABLE_CRAMPED", work.to_string())
        .output()
        .expect("a process");
    assert!(done.status.success(), "{room}: {}", String::from_utf8_lossy(&done.stderr));
    if room == 2 {
        let log = fs::read_to_string(folder.path("log")).expect("a log");
        assert!(log.contains("no longer kept"), "{log}");
    }
    // What was kept is whole, however little it is.
    let rows = Stream::table(api, "get_taxon_abundance", &args).expect("a stream").rows();
    assert_eq!(rows.len(), 10 * 90, "{room}");
}
