//! Runs that end and are taken up again.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use super::{Stream, TAXA, Table, asked, metagenomes};
use crate::support::{Folder, Sandbox, count};

#[test]
fn finished_samples_are_not_asked_for_again() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "70"]);
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
    let files = || {
        let mut files: Vec<_> = fs::read_dir(&kept)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| name.ends_with(".gz"))
            .collect();
        files.sort();
        files
    };
    assert_eq!(files().len(), 3, "{:?}", files());

    sandbox.clear_faults();
    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    // Three samples of three pages; with numbered pages only an empty one tells the end.
    assert_eq!(asked(&sandbox, TAXA), 3 * 4);
    assert_eq!(files().len(), 6);

    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    assert_eq!(sandbox.log().len(), 0, "all of it was there");

    // Other arguments are other requests; a damaged file is as good as none.
    let mut other = args.clone();
    other["limit"] = 29.into();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &other).expect("a stream").rows(), wanted);
    assert_eq!(asked(&sandbox, TAXA), 6 * 4);
    let damaged = format!("{kept}/{}", files()[0]);
    let bytes = fs::read(&damaged).expect("a file");
    fs::write(&damaged, &bytes[..bytes.len() / 2]).expect("written");
    sandbox.clear_log();
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    assert!([0, 4].contains(&asked(&sandbox, TAXA)), "one sample at most is asked for again");

    let mut impossible = args;
    impossible["$"]["checkpoint_dir"] = folder.file("file", b"").into();
    let broken = Stream::table(&api, "get_taxon_abundance", &impossible)
        .expect("a stream")
        .try_next()
        .expect_err("a file");
    assert_eq!(broken.json["name"], "BGE_ERR_IO");
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
    let api =
        crate::support::c::Api::new(work["token"].as_str().expect("a token"), &options).expect("a client");
    println!("begun");
    Stream::table(&api, "get_taxon_abundance", &work["args"]).expect("a stream").rows();
}

#[test]
fn killed_at_any_moment_a_run_goes_on_to_the_same_table() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "120", "--latency", "4"]);
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
