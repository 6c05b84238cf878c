//! Many samples: their order, the ones that fail, how many at once, how fast.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Stream, TAXA, Table, asked, metagenomes, samples_of};
use crate::support::{Sandbox, c::Api, count};

fn query<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry["query"][name].as_str().unwrap_or_default()
}

fn one_by_one(api: &Api, ids: &[String], limit: u32) -> Vec<Value> {
    let rows = |id: &String| {
        Stream::table(api, "get_taxon_abundance", &json!({"biosample_id": id, "limit": limit}))
            .expect(id)
            .rows()
    };
    ids.iter().flat_map(rows).collect()
}

#[test]
fn rows_come_in_the_order_of_the_array_whatever_finishes_first() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "90"]);
    let api = sandbox.api(json!({}));
    let mut ids = metagenomes(&api, count(12, 25));
    ids.reverse();
    ids.push(ids[3].clone());
    let wanted = one_by_one(&api, &ids, 20);
    assert_eq!(wanted.len(), ids.len() * 90);
    for (concurrency, prefetch) in [(1, 1), (2, 1), (8, 1), (3, 4), (40, 8)] {
        sandbox.clear_faults();
        // The first ones are the slowest.
        for (place, id) in ids.iter().enumerate().take(5) {
            let late = json!({"query": format!("*{id}*"), "kind": "delay_headers", "ms": 120 - 20 * place, "count": 2});
            sandbox.fault(late);
        }
        let args = json!({"biosample_id": ids, "limit": 20, "$": {"concurrency": concurrency, "prefetch": prefetch}});
        let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
        let rows = table.stream().expect("a stream").rows();
        assert_eq!(rows, wanted, "concurrency {concurrency}, prefetch {prefetch}");
        assert_eq!(table.progress(), (wanted.len() as u64, ids.len() as u64, ids.len() as u64));
        assert_eq!(table.report(), json!({"failed": [], "misfits": 0}));
    }
}

#[test]
fn all_means_every_sample_that_the_filters_leave() {
    let sandbox = Sandbox::start(&["--samples", "31", "--taxa", "12"]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"page_cap": 4}));
    let ids = {
        let pages =
            api.pages("get_samples", json!({"omics": [2], "data_availability": true})).expect("samples");
        let mut ids = Vec::new();
        while let Some(page) = pages.next().expect("a page") {
            ids.extend(
                page["result"].as_array().expect("rows").iter().map(|row| row["biosample_id"].clone()),
            );
        }
        ids
    };
    assert!(ids.len() > 8, "{} samples", ids.len());
    let args = json!({"biosample_ids": "all", "omics": [2], "data_availability": true, "limit": 5});
    sandbox.clear_log();
    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    assert_eq!(table.progress(), (0, 0, 0));
    let rows = table.stream().expect("a stream").rows();
    assert_eq!(json!(samples_of(&rows)), json!(ids));
    assert_eq!(rows.len(), ids.len() * 12);
    assert_eq!(table.progress().2, ids.len() as u64);
    let log = sandbox.log();
    let lists: Vec<_> = log.iter().filter(|entry| entry["path"] == "/samples").collect();
    assert!(
        lists.iter().all(|entry| query(entry, "omics") == "2" && query(entry, "data_availability") == "True")
    );
    let others: Vec<_> = log.iter().filter(|entry| entry["path"] == TAXA).collect();
    assert!(others.iter().all(|entry| query(entry, "omics").is_empty() && query(entry, "limit") == "5"));

    let nobody = json!({"biosample_ids": "all", "project_ids": "P-NONE"});
    assert!(Stream::table(&api, "get_taxon_abundance", &nobody).expect("a stream").rows().is_empty());

    sandbox.fault(json!({"path": "/samples", "kind": "code", "code": 41001, "count": 0}));
    let broken = Stream::table(&api, "get_taxon_abundance", &args)
        .expect("a stream")
        .try_next()
        .expect_err("a refusal");
    assert_eq!((broken.json["code"].as_i64(), &broken.json["call"]), (Some(41001), &json!("get_samples")));
}

#[test]
fn a_failing_sample_ends_the_table_or_is_skipped() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let mut ids = metagenomes(&api, 6);
    let other = sandbox.text("/other_biosample_id").to_owned();
    ids.insert(3, other.clone());
    let args = json!({"biosample_id": ids, "limit": 25});

    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    let mut stream = table.stream().expect("a stream");
    let mut rows = Vec::new();
    let broken = loop {
        match stream.try_next() {
            Ok(batch) => rows.extend(super::values(&batch.expect("not the end"))),
            Err(broken) => break broken,
        }
    };
    assert_eq!(samples_of(&rows), ids[..3]);
    assert_eq!(broken.errno, libc::EIO);
    assert_eq!(broken.json["code"], 41303);
    assert_eq!(broken.json["biosample_id"], *other);
    let message = broken.json["message"].as_str().expect("a message");
    assert!(message.starts_with(&format!("get_taxon_abundance: {other}: ")), "{message}");
    assert_eq!(stream.try_next().expect_err("still broken").json, broken.json);
    drop(stream);

    // One that fails at once, and one that fails on its second page.
    let late = ids[1].clone();
    let second = json!({"query": format!("*{late}*page=2*"), "kind": "code", "code": 41001, "count": 0});
    sandbox.fault(second);
    let mut skipping = args.clone();
    skipping["$"] = json!({"on_error": "skip", "concurrency": 3});
    let table = Table::open(&api, "get_taxon_abundance", &skipping).expect("a table");
    let rows = table.stream().expect("a stream").rows();
    let mut given: HashMap<String, usize> = HashMap::new();
    for row in &rows {
        *given.entry(row["biosample_id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    assert_eq!((given.get(&other), given[&late], given[&ids[0]]), (None, 25, 60));
    let report = table.report();
    let failed = report["failed"].as_array().expect("a list");
    assert_eq!(failed.len(), 2, "{report}");
    assert_eq!((&failed[0]["biosample_id"], &failed[0]["rows"]), (&json!(late), &json!(25)));
    assert_eq!((&failed[1]["biosample_id"], &failed[1]["rows"]), (&json!(other), &json!(0)));
    assert_eq!((&failed[0]["error"]["code"], &failed[1]["error"]["code"]), (&json!(41001), &json!(41303)));
    assert_eq!(table.progress().1, ids.len() as u64);

    // A refused token is nobody's own failure.
    sandbox.clear_faults();
    sandbox.expire("access_tokens");
    let broken =
        Stream::table(&api, "get_taxon_abundance", &skipping).expect("a stream").try_next().expect_err("403");
    assert_eq!(broken.json["name"], "BGE_ERR_AUTH");
}

#[test]
fn passing_failures_are_repeated_and_leading_back_is_refused() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 4);
    let args = json!({"biosample_id": ids, "limit": 20});
    let wanted = one_by_one(&api, &ids, 20);
    for kind in ["reset", "truncate", "reset_body"] {
        sandbox.fault(json!({"path": TAXA, "kind": kind, "skip": 2, "count": 2}));
        assert_eq!(
            Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows(),
            wanted,
            "{kind}"
        );
    }
    sandbox.set(json!({"repeat_page_token": true}));
    let broken = Stream::table(&api, "get_taxon_abundance", &args).expect("a stream");
    let mut broken = broken;
    let error = loop {
        match broken.try_next() {
            Ok(batch) => assert!(batch.is_some(), "it ends in good order"),
            Err(broken) => break broken,
        }
    };
    assert_eq!(error.json["name"], "BGE_ERR_PROTOCOL");
    assert_eq!(error.json["biosample_id"], *ids[0]);
}

#[test]
fn no_more_requests_at_once_or_a_second_than_asked_for() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "60", "--latency", "20"]);
    sandbox.set(json!({"count": "page"}));
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 10);
    let before = sandbox.state()["connections"]["platform"]["accepted"].as_u64().expect("a number");
    let args = json!({"biosample_id": ids, "limit": 20, "$": {"concurrency": 3}});
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows().len(), 600);
    let opened = sandbox.state()["connections"]["platform"]["accepted"].as_u64().expect("a number") - before;
    // One of them is the question itself.
    assert!((3..=4).contains(&opened), "{opened} connections for 3 samples at a time");

    sandbox.clear_log();
    let begun = Instant::now();
    let args = json!({"biosample_id": ids, "limit": 30, "$": {"concurrency": 8, "rate_limit": 50}});
    assert_eq!(Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows().len(), 600);
    let requests = asked(&sandbox, TAXA);
    assert_eq!(requests, 30);
    assert!(begun.elapsed() >= Duration::from_millis(20 * (requests as u64 - 1)), "{:?}", begun.elapsed());
}

#[test]
fn an_empty_id_is_said_before_anything_is_sent() {
    let api =
        crate::support::c::Api::new("token", r#"{"endpoint": "http://127.0.0.1:9"}"#).expect("a client");
    for ids in [json!(""), json!(["BT1", "BT2", ""])] {
        let failure = super::refused(Table::open(&api, "get_taxon_abundance", &json!({"biosample_id": ids})));
        let place = if ids.is_array() { "number 3 is empty" } else { "number 1 is empty" };
        assert!(failure.message.contains(place), "{}", failure.message);
    }
}
