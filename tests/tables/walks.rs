//! How samples are walked: how large their pages are, when they end, what a slow or a bad one costs the others.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Stream, TAXA, Table, asked, metagenomes, samples_of};
use crate::support::Sandbox;

fn limits(sandbox: &Sandbox) -> Vec<String> {
    let log = sandbox.take_log();
    let taxa = log.iter().filter(|entry| entry["path"] == TAXA);
    taxa.map(|entry| entry["query"]["limit"].as_str().unwrap_or("none").to_owned()).collect()
}

#[test]
fn pages_are_worth_a_round_trip() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "130"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 3);
    sandbox.clear_log();
    let args = json!({"biosample_id": ids});
    let wanted = Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows();
    assert_eq!(wanted.len(), 390);
    assert_eq!(limits(&sandbox), ["1000"; 6]);

    // A platform that refuses them is asked as documented, by this client for good.
    let other = sandbox.api(json!({}));
    sandbox.set(json!({"max_limit": 999}));
    assert_eq!(Stream::table(&other, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    let first = limits(&sandbox);
    assert!((1..=3).contains(&first.iter().filter(|limit| *limit == "1000").count()), "{first:?}");
    assert!(first.iter().all(|limit| ["1000", "50"].contains(&limit.as_str())), "{first:?}");
    assert_eq!(Stream::table(&other, "get_taxon_abundance", &args).expect("a stream").rows(), wanted);
    assert!(limits(&sandbox).iter().all(|limit| limit == "50"));
    // What was refused for another reason is told as it is.
    let wrong = json!({"biosample_id": ids[0], "catalog": "nothing"});
    let broken =
        Stream::table(&api, "get_func_abundance", &wrong).expect("a stream").try_next().expect_err("no");
    assert_eq!(broken.json["code"], 41001);
}

#[test]
fn a_count_is_believed_when_it_has_proved_itself() {
    let sandbox = Sandbox::start(&["--samples", "40", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 12);
    sandbox.clear_log();
    let table = |ids: &[String]| {
        let args = json!({"biosample_id": ids, "limit": 30, "$": {"concurrency": 1}});
        Stream::table(&api, "get_taxon_abundance", &args).expect("a stream")
    };
    assert_eq!(table(&ids).rows().len(), 720);
    // Two pages and an empty one, then two pages each.
    assert_eq!(asked(&sandbox, TAXA), 3 + 11 * 2);
    // An empty page before it is reached is an error of that sample.
    let cut = json!({"code": 0, "msg": "", "data": [], "pagination": {"count": 60, "page": 2}}).to_string();
    sandbox.fault(json!({"query": format!("*{}*page=2*", ids[1]), "kind": "not_json", "body": cut}));
    let mut stream = table(&ids[1..2]);
    let broken = loop {
        match stream.try_next() {
            Ok(batch) => assert!(batch.is_some(), "it ends in good order"),
            Err(broken) => break broken,
        }
    };
    assert_eq!(broken.json["name"], "BGE_ERR_PROTOCOL");
    let message = broken.json["message"].as_str().expect("a message");
    assert!(message.contains("30 of 60"), "{message}");

    // A count that is the page's own is never taken for more.
    sandbox.set(json!({"count": "page"}));
    let other = sandbox.api(json!({}));
    sandbox.clear_log();
    for _ in 0..2 {
        let args = json!({"biosample_id": ids, "limit": 30});
        assert_eq!(Stream::table(&other, "get_taxon_abundance", &args).expect("a stream").rows().len(), 720);
    }
    assert_eq!(asked(&sandbox, TAXA), 2 * 12 * 3);
}

#[test]
fn a_last_page_that_comes_again_ends_the_walk_at_once() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"repeat_last_page": true, "count": "page"}));
    for (name, more) in [("get_taxon_abundance", json!({})), ("get_func_abundance", json!({"catalog": "ko"}))]
    {
        let mut args = more;
        args["biosample_id"] = metagenomes(&api, 1)[0].clone().into();
        args["limit"] = 25.into();
        let mut stream = Stream::table(&api, name, &args).expect("a stream");
        let mut rows = Vec::new();
        let broken = loop {
            match stream.try_next() {
                Ok(batch) => rows.extend(super::values(&batch.expect("it ends in good order"))),
                Err(broken) => break broken,
            }
            assert!(rows.len() < 10_000, "{name} never ends");
        };
        assert!(rows.len() >= 60, "{name}: {}", rows.len());
        let distinct: std::collections::HashSet<String> = rows.iter().map(Value::to_string).collect();
        assert_eq!(rows.len(), distinct.len(), "{name}: the page was given twice");
        assert_eq!(broken.json["name"], "BGE_ERR_PROTOCOL");
    }
}

#[test]
fn long_lists_of_ids_are_walked_in_pieces() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "400"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 2);
    let plain =
        Stream::table(&api, "get_taxon_abundance", &json!({"biosample_id": ids})).expect("a stream").rows();
    // Those that there are stand far apart among those that there are not.
    let real: Vec<&str> =
        plain[..400].iter().map(|row| row["taxonomy_taxon_id"].as_str().expect("an id")).collect();
    let mut taxa: Vec<String> = (0..8_600).map(|number| format!("txid9{number:06}")).collect();
    for (place, id) in real.iter().enumerate() {
        taxa.insert(place * 21, (*id).to_owned());
    }
    sandbox.clear_log();
    let args = json!({"biosample_id": ids, "taxon_ids": taxa});
    let rows = Stream::table(&api, "get_taxon_abundance", &args).expect("a stream").rows();
    let key = |row: &Value| (row["biosample_id"].to_string(), row["taxonomy_taxon_id"].to_string());
    let sorted = |mut rows: Vec<Value>| {
        rows.sort_by_key(key);
        rows
    };
    assert_eq!(sorted(rows), sorted(plain));
    let lines = sandbox.take_log();
    assert!(lines.len() > 20, "{} requests", lines.len());
    for entry in &lines {
        assert!(entry["query_raw"].as_str().map_or(0, str::len) < 8_100);
    }
}

#[test]
fn one_slow_sample_holds_nobody_back() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 25);
    let plain = json!({"biosample_id": ids, "limit": 10});
    let wanted = Stream::table(&api, "get_taxon_abundance", &plain).expect("a stream").rows();
    for whole in [false, true] {
        sandbox.fault(json!({"query": format!("*{}*", ids[0]), "kind": "delay_headers", "ms": 4000}));
        sandbox.clear_log();
        let args = json!({"biosample_id": ids, "limit": 10,
            "$": {"concurrency": 4, "prefetch": 2, "whole": whole}});
        let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
        let mut stream = table.stream().expect("a stream");
        let mut rows = super::values(&stream.next().expect("a batch"));
        // Eight pages have room; all the others were fetched meanwhile.
        let seen = sandbox.log();
        let others: std::collections::HashSet<_> =
            seen.iter().filter_map(|entry| entry["query"]["biosample_id"].as_str()).collect();
        assert_eq!(others.len(), 25, "whole: {whole}");
        rows.extend(stream.rows());
        assert_eq!(rows, wanted, "whole: {whole}");
    }
}

#[test]
fn outages_and_closed_doors_cost_no_sample() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "40"]);
    let api = sandbox.api(json!({"max_retries": 0}));
    let ids = metagenomes(&api, 30);
    let args = json!({"biosample_id": ids, "limit": 20,
        "$": {"on_error": "skip", "retry_for": 60, "concurrency": 6}});
    for fault in [
        json!({"path": TAXA, "kind": "status", "status": 503, "seconds": 2}),
        json!({"path": TAXA, "kind": "status", "status": 429, "headers": {"Retry-After": "{left}"}, "seconds": 2}),
        json!({"path": TAXA, "kind": "reset", "seconds": 1}),
    ] {
        let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
        let mut stream = table.stream().expect("a stream");
        let mut rows = super::values(&stream.next().expect("a batch"));
        sandbox.fault(fault.clone());
        sandbox.clear_log();
        rows.extend(stream.rows());
        assert_eq!(table.report()["failed"], json!([]), "{fault}");
        assert_eq!(samples_of(&rows), ids, "{fault}");
        let failed = sandbox.take_log().iter().filter(|entry| !entry["fault"].is_null()).count();
        assert!(failed < 40, "{failed} requests at a closed door");
        sandbox.clear_faults();
    }
    // It has an end, and then the run has one.
    let mut short = args.clone();
    short["$"]["retry_for"] = json!(1.5);
    sandbox.fault(json!({"path": TAXA, "kind": "status", "status": 503, "count": 0}));
    let begun = Instant::now();
    let broken =
        Stream::table(&api, "get_taxon_abundance", &short).expect("a stream").try_next().expect_err("an end");
    assert_eq!(broken.json["retryable"], true);
    assert!(begun.elapsed() < Duration::from_secs(20));
    sandbox.clear_faults();

    // One that fails alone, again and again, is left out; the others are not.
    sandbox.fault(json!({"query": format!("*{}*", ids[20]), "kind": "status", "status": 500, "count": 0}));
    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    assert_eq!(table.stream().expect("a stream").rows().len(), 29 * 40);
    assert_eq!(table.report()["failed"][0]["biosample_id"], *ids[20]);
}

#[test]
fn a_wrong_argument_is_not_asked_once_for_each_sample() {
    let sandbox = Sandbox::start(&["--samples", "60", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 30);
    sandbox.clear_log();
    let args = json!({"biosample_id": ids, "catalog": "nothing", "limit": 10, "$": {"on_error": "skip"}});
    let broken =
        Stream::table(&api, "get_func_abundance", &args).expect("a stream").try_next().expect_err("no");
    assert_eq!(broken.json["code"], 41001);
    assert!(sandbox.log().len() <= 2, "{} requests", sandbox.log().len());
}

#[test]
fn columns_that_nobody_asks_for_are_not_there() {
    let sandbox = Sandbox::start(&["--samples", "20", "--taxa", "20"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 2);
    let all =
        Stream::table(&api, "get_taxon_abundance", &json!({"biosample_id": ids})).expect("a stream").rows();
    for names in [
        vec!["observation_value", "biosample_id"],
        vec!["extra"],
        vec!["taxonomy_rank", "taxonomy_taxon_id", "extra"],
    ] {
        let args = json!({"biosample_id": ids, "$": {"columns": names}});
        let mut stream = Stream::table(&api, "get_taxon_abundance", &args).expect("a stream");
        let schema = arrow_schema::Schema::try_from(&stream.schema()).expect("a schema");
        assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), names);
        for (row, whole) in stream.rows().iter().zip(&all) {
            for name in &names {
                assert_eq!(row[name], whole[name]);
            }
        }
    }
    let wrong = json!({"biosample_id": ids, "$": {"columns": ["observation_valu"]}});
    let failure = super::refused(Table::open(&api, "get_taxon_abundance", &wrong));
    assert!(failure.message.contains("observation_value"), "{}", failure.message);
    for wrong in [json!([]), json!("extra"), json!([1]), json!(["extra", "extra"])] {
        let args = json!({"biosample_id": ids, "$": {"columns": wrong}});
        assert_eq!(
            super::refused(Table::open(&api, "get_taxon_abundance", &args)).json["name"],
            "BGE_ERR_ARGUMENT"
        );
    }
}

#[test]
fn a_sample_that_is_wanted_whole_is_given_whole_or_not_at_all() {
    let sandbox = Sandbox::start(&["--samples", "30", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let ids = metagenomes(&api, 6);
    sandbox
        .fault(json!({"query": format!("*{}*page=3*", ids[1]), "kind": "code", "code": 41001, "count": 0}));
    // One page of room: a sample of six pages goes to disk.
    let args = json!({"biosample_id": ids, "limit": 10,
        "$": {"on_error": "skip", "whole": true, "concurrency": 1, "prefetch": 1}});
    let table = Table::open(&api, "get_taxon_abundance", &args).expect("a table");
    let rows = table.stream().expect("a stream").rows();
    assert_eq!(rows.len(), 5 * 60);
    assert!(!samples_of(&rows).contains(&ids[1]));
    assert_eq!((&table.report()["failed"][0]["rows"], table.progress().0), (&json!(0), 300));
    thread::yield_now();
}
