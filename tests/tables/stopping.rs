//! Readers that stop: cancelled, released early, too slow.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Stream, TAXA, Table, asked, metagenomes, refused};
use crate::support::{Sandbox, count, eventually, in_a_child};

#[test]
fn a_blocked_read_ends_soon_after_the_cancel() {
    let sandbox = Sandbox::start(&["--samples", "40", "--taxa", "40"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 10);
    for _ in 0..count(5, 100) {
        sandbox.clear_faults();
        sandbox.fault(json!({"path": TAXA, "kind": "hang", "count": 0, "skip": 3}));
        let table = Table::open(&api, "get_taxon_abundance", &json!({"biosample_id": ids})).expect("a table");
        let mut stream = table.stream().expect("a stream");
        let ready = Barrier::new(2);
        let (broken, waited) = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                ready.wait();
                loop {
                    if let Err(broken) = stream.try_next() {
                        return (broken, Instant::now());
                    }
                }
            });
            ready.wait();
            thread::sleep(Duration::from_millis(60));
            assert!(!reader.is_finished(), "nothing blocks");
            let cancelled = Instant::now();
            table.cancel();
            table.cancel();
            let (broken, ended) = reader.join().expect("a reader");
            (broken, ended - cancelled)
        });
        assert_eq!(broken.errno, libc::ECANCELED);
        assert_eq!(broken.json["name"], "BGE_ERR_CANCELLED");
        assert!(waited < Duration::from_millis(100), "{waited:?}");
        assert_eq!(stream.try_next().expect_err("cancelled for good").errno, libc::ECANCELED);
    }
    // The client is as good as before.
    sandbox.clear_faults();
    assert_eq!(
        Stream::table(&api, "get_taxon_abundance", &json!({"biosample_id": ids[0]}))
            .expect("a stream")
            .rows()
            .len(),
        40
    );
}

#[test]
fn streams_are_taken_once_and_outlive_what_they_come_from() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "40"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 5);
    sandbox.clear_log();
    let table = Table::open(&api, "get_taxon_abundance", &json!({"biosample_id": ids, "limit": 10}))
        .expect("a table");
    let mut stream = table.stream().expect("a stream");
    let failure = refused(table.stream());
    assert_eq!(failure.json["name"], "BGE_ERR_CLOSED");
    assert_eq!(sandbox.log().len(), 0, "nobody has asked for a batch yet");
    drop(table);
    drop(api);
    assert_eq!(stream.rows().len(), 200);
}

#[test]
fn a_stream_may_be_released_at_any_time() {
    let sandbox = Sandbox::start(&["--samples", "40", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 12);
    for read in 0..count(12, 60) {
        let args = json!({"biosample_id": ids, "limit": 10, "$": {"concurrency": 4}});
        let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
        let mut stream = table.stream().expect("a stream");
        for _ in 0..read {
            assert_eq!(stream.next().expect("a batch").num_rows(), 10);
        }
        stream.release();
        table.cancel();
        assert_eq!(table.progress().0, 10 * read as u64);
        assert_eq!(table.report()["misfits"], 0);
    }
    // What was under way has ended: nobody asks any more.
    thread::sleep(Duration::from_millis(100));
    let before = asked(&sandbox, TAXA);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(asked(&sandbox, TAXA), before);
    let none = Table::open(&api, "get_taxon_abundance", &json!({"biosample_id": ids})).expect("a table");
    drop(none);
}

#[test]
fn a_reader_that_stops_stops_the_fetching() {
    let sandbox = Sandbox::start(&["--samples", "80", "--taxa", "400"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 35);
    sandbox.clear_log();
    let args = json!({"biosample_id": ids, "limit": 10, "$": {"concurrency": 4, "prefetch": 3}});
    let mut stream = Stream::table(&api, "get_taxon_abundance", &args).expect("a stream");
    for read in 1..=3 {
        assert_eq!(stream.next().expect("a batch").num_rows(), 10);
        let settled = Instant::now();
        let mut before = 0;
        // Whatever may be fetched is fetched quickly; then it stays so.
        while asked(&sandbox, TAXA) != before {
            before = asked(&sandbox, TAXA);
            assert!(settled.elapsed() < Duration::from_secs(20), "it never settles");
            thread::sleep(Duration::from_millis(150));
        }
        assert!((read + 11..=read + 12).contains(&before), "{before} pages were fetched with {read} read");
    }
    assert_eq!(stream.rows().len(), 35 * 400 - 30);
}

#[test]
fn a_stream_that_a_child_releases_goes_on_in_its_parent() {
    let sandbox = Sandbox::start(&["--samples", "40", "--taxa", "40"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 10);
    sandbox.fault(json!({"path": TAXA, "kind": "delay_headers", "ms": 2000, "skip": 3}));
    sandbox.clear_log();
    let args = json!({"biosample_id": ids, "limit": 10, "$": {"concurrency": 4}});
    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    let mut stream = table.stream().expect("a stream");
    let first = stream.next().expect("a batch").num_rows();
    eventually("one is waited for", || asked(&sandbox, TAXA) > 3);
    // Until nothing else is under way.
    thread::sleep(Duration::from_millis(300));
    in_a_child(|| {
        assert_eq!(stream.try_next().expect_err("the parent's").errno, libc::EINVAL);
        table.cancel();
        stream.release();
        // SAFETY: the handle's last use in this process.
        unsafe { bge::ffi::table::bge_table_free(table.0) };
    });
    assert_eq!(first + stream.rows().len(), 400);
}
