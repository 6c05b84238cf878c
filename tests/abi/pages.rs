//! Walking lists: three styles, one cursor, nothing skipped or doubled.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Sandbox,
    c::Api,
    server::{Server, answer},
};

fn rows(page: &Value) -> Vec<Value> {
    page["result"].as_array().expect("rows").clone()
}

fn walk(api: &Api, name: &str, args: Value) -> (Vec<Value>, usize) {
    let pages = api.pages(name, args).expect("a walk");
    let (mut all, mut number) = (Vec::new(), 0);
    while let Some(page) = pages.next().expect("a page") {
        assert!(!rows(&page).is_empty(), "an empty page is not handed over");
        all.extend(rows(&page));
        number += 1;
    }
    assert!(pages.next().expect("still the end").is_none());
    (all, number)
}

#[test]
fn every_style_is_walked_to_its_end() {
    let sandbox = Sandbox::start(&["--samples", "47", "--taxa", "130"]);
    let api = sandbox.api(json!({}));
    let meta = sandbox.text("/meta_biosample_id");
    let element = "02393f70-c7e4-11e9-bfed-00163e104c79";
    for (name, args, id) in [
        ("get_samples", json!({"limit": 10}), "/biosample_id"),
        ("get_taxon_abundance", json!({"biosample_id": meta, "limit": 40}), "/taxonomy/taxon_id"),
        ("get_func_abundance", json!({"biosample_id": meta, "catalog": "go", "limit": 30}), "/coding/id"),
        (
            "get_gene_abundance",
            json!({"biosample_id": meta, "catalog": "IGC_9.9M", "data_type": "list", "limit": 40}),
            "/igc_gene/igc_gene_id",
        ),
        ("get_range_stream", json!({"data_element_id": element, "limit": 2}), "/stream_id"),
        ("model_versions", json!({"model_id": sandbox.text("/model_id"), "limit": 7}), "/version"),
    ] {
        let (all, number) = walk(&api, name, args);
        let ids: HashSet<String> = all.iter().map(|row| row.pointer(id).expect(id).to_string()).collect();
        assert_eq!(ids.len(), all.len(), "{name}: none twice");
        assert!(number > 2, "{name}: {number} pages");
        match name {
            "get_samples" => assert!(all.len() >= 47, "{}", all.len()),
            "get_taxon_abundance" => assert_eq!(all.len(), 130),
            _ => assert!(all.len() > 4, "{name}: {}", all.len()),
        }
    }
}

#[test]
fn an_unknown_taxon_gives_no_page_at_all() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id"), "taxon_ids": "txid1323"});
    assert_eq!(
        api.value("get_taxon_abundance", args.clone()).expect("a page"),
        json!({"count": 0, "next_page": null, "result": []})
    );
    assert_eq!(walk(&api, "get_taxon_abundance", args), (vec![], 0));
}

#[test]
fn a_short_page_is_not_the_last_one() {
    let sandbox = Sandbox::start(&["--taxa", "100"]);
    sandbox.set(json!({"page_cap": 15}));
    let api = sandbox.api(json!({}));
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id"), "limit": 50});
    assert_eq!(walk(&api, "get_taxon_abundance", args).0.len(), 100);
}

#[test]
fn a_walk_can_be_taken_up_again() {
    let sandbox = Sandbox::start(&["--taxa", "90"]);
    let api = sandbox.api(json!({}));
    let meta = sandbox.text("/meta_biosample_id");
    for (name, mut args) in [
        ("get_taxon_abundance", json!({"biosample_id": meta, "limit": 20})),
        ("get_func_abundance", json!({"biosample_id": meta, "catalog": "ko", "limit": 20})),
    ] {
        let (whole, _) = walk(&api, name, args.clone());
        let pages = api.pages(name, args.clone()).expect("a walk");
        let mut parts = rows(&pages.next().expect("a page").expect("there is one"));
        let second = pages.next().expect("a page").expect("there is one");
        parts.extend(rows(&second));
        args["next_page"] = second["next_page"].clone();
        parts.extend(walk(&api, name, args).0);
        assert_eq!(parts, whole, "{name}");
    }
}

#[test]
fn a_failed_page_is_asked_for_again() {
    let sandbox = Sandbox::start(&["--taxa", "100"]);
    let api = sandbox.api(json!({"max_retries": 0}));
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id"), "limit": 30});
    let (whole, _) = walk(&api, "get_taxon_abundance", args.clone());
    for skip in 0..4 {
        sandbox.clear_faults();
        sandbox.fault(json!({"path": "/microbiome/taxon_abundance", "skip": skip, "kind": "reset"}));
        let pages = api.pages("get_taxon_abundance", args.clone()).expect("a walk");
        let (mut all, mut failures) = (Vec::new(), 0);
        loop {
            match pages.next() {
                Ok(Some(page)) => all.extend(rows(&page)),
                Ok(None) => break,
                Err(failure) => {
                    assert_eq!(failure.status, 2);
                    failures += 1;
                }
            }
        }
        assert_eq!((failures, all), (1, whole.clone()), "the fault is at request {skip}");
    }
}

#[test]
fn a_token_that_repeats_is_an_error() {
    let sandbox = Sandbox::start(&["--taxa", "100"]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"repeat_page_token": true}));
    let meta = sandbox.text("/meta_biosample_id");
    for (name, args) in [
        ("get_samples", json!({"limit": 5})),
        ("get_func_abundance", json!({"biosample_id": meta, "catalog": "go", "limit": 5})),
    ] {
        let pages = api.pages(name, args).expect("a walk");
        let failure = (0..10).find_map(|_| pages.next().err()).expect("never an endless loop");
        assert_eq!(failure.status, 7, "{}", failure.message);
        assert_eq!(pages.next().expect_err("the same again").status, 7);
    }
}

/// Each page has rows of its own, and the third one leads back to the second.
#[test]
fn pages_that_go_in_a_circle_are_an_error() {
    let server = Server::start(|seen, stream| {
        let page = (1..4).find(|page| seen.target.contains(&format!("page={page}"))).unwrap_or(1);
        let next = if page == 3 { 2 } else { page + 1 };
        let rows = json!([{"biosample_id": format!("E-F{page}")}]);
        let page = json!({"code": 0, "msg": "", "data": {"result": rows, "count": 9, "next_page": next}});
        answer(stream, 200, "", page.to_string().as_bytes())
    });
    let api = Api::new("token", &json!({"endpoint": server.endpoint()}).to_string()).expect("a client");
    let pages = api.pages("get_samples", json!({"limit": 1})).expect("a walk");
    let mut seen = Vec::new();
    let failure = loop {
        match pages.next() {
            Ok(page) => seen.extend(rows(&page.expect("no end in good order"))),
            Err(failure) => break failure,
        }
        assert!(seen.len() < 100, "it never ends");
    };
    assert_eq!(failure.json["name"], "BGE_ERR_PROTOCOL");
    assert_eq!(seen, [1, 2, 3].map(|page| json!({"biosample_id": format!("E-F{page}")})));
}

#[test]
fn no_pagination_is_a_protocol_error() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"omit_pagination": true}));
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id")});
    assert_eq!(api.call("get_taxon_abundance", args).expect_err("no pagination").status, 7);
}

#[test]
fn one_page_is_fetched_ahead() {
    let sandbox = Sandbox::start(&["--taxa", "100"]);
    let api = sandbox.api(json!({}));
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id"), "limit": 10});
    sandbox.clear_log();
    let pages = api.pages("get_taxon_abundance", args).expect("a walk");
    assert!(sandbox.log().is_empty(), "nothing is sent before it is asked for");
    pages.next().expect("a page");
    let ahead = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        sandbox.log().len() == 2
    });
    assert!(ahead);
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(sandbox.log().len(), 2, "one, and no more");
}

#[test]
fn a_walk_that_counts_strictly_fails_at_its_end() {
    let sandbox = Sandbox::start(&["--samples", "20"]);
    let api = sandbox.api(json!({}));
    let strict = json!({"limit": 6, "$": {"strict_count": true}});
    let (all, _) = walk(&api, "get_samples", strict);
    let first = api.value("get_samples", json!({"limit": 6})).expect("a page");
    assert_eq!(first["count"], all.len());
    let body = json!({"code": 0, "msg": "", "data": {"result": rows(&first), "count": 7, "next_page": null}});
    sandbox.fault(json!({"path": "/samples", "kind": "status", "status": 200, "envelope": body}));
    let pages = api.pages("get_samples", json!({"$": {"strict_count": true}})).expect("a walk");
    assert!(pages.next().expect("the only page").is_some());
    let failure = pages.next().expect_err("6 rows, and a count of 7");
    assert_eq!(failure.status, 7);
    assert!(failure.message.contains('6') && failure.message.contains('7'), "{}", failure.message);
}

#[test]
fn pages_come_in_the_background_too() {
    let sandbox = Sandbox::start(&["--taxa", "100"]);
    let api = sandbox.api(json!({"timeout": 60}));
    let args = json!({"biosample_id": sandbox.text("/meta_biosample_id"), "limit": 30});
    let (whole, _) = walk(&api, "get_taxon_abundance", args.clone());
    let pages = api.pages("get_taxon_abundance", args).expect("a walk");
    let mut all = Vec::new();

    sandbox.fault(json!({"path": "/microbiome/taxon_abundance", "kind": "hang"}));
    let op = pages.start().expect("started");
    assert_eq!(pages.next().expect_err("an operation is under way").status, 1);
    assert_eq!(pages.start().err().map(|failure| failure.status), Some(1));
    std::thread::sleep(std::time::Duration::from_millis(100));
    op.cancel();
    assert_eq!(op.finish().expect_err("cancelled").status, 11);

    // Done, but never taken: the same page is given again.
    let op = pages.start().expect("started");
    assert!(op.wait(-1));
    drop(op);
    loop {
        let page: Value =
            serde_json::from_str(&pages.start().expect("started").finish().expect("a page")).expect("JSON");
        if page.is_null() {
            break;
        }
        all.extend(rows(&page));
    }
    assert_eq!(all, whole);
}

#[test]
fn a_page_may_be_given_so_much_time() {
    let sandbox = Sandbox::start(&[]);
    let longer = json!({"limit": 3, "$": {"deadline": 3600}});
    let refused =
        json!({"path": "/samples", "kind": "status", "status": 429, "headers": {"Retry-After": 50}});
    let pages = sandbox.api(json!({})).pages("get_samples", longer.clone()).expect("pages");
    sandbox.fault(refused);
    let begun = Instant::now();
    let failure = pages.start_within(30_000).expect("started").finish().expect_err("it cannot wait so long");
    assert_eq!((failure.status, failure.http_status), (4, 429), "{}", failure.message);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());

    let pages = sandbox.api(json!({"timeout": 600})).pages("get_samples", longer).expect("pages");
    let first = pages.start_within(60_000).expect("started").finish().expect("a page");
    // The second one is on its way when it is asked for.
    pages.start_within(60_000).expect("started").finish().expect("a page");
    sandbox.fault(json!({"path": "/samples", "kind": "hang", "count": 0}));
    for _ in 0..2 {
        let late = loop {
            match pages.start_within(200).expect("started").finish() {
                Ok(page) => assert_ne!(page, first),
                Err(late) => break late,
            }
        };
        assert_eq!(late.status, 3, "{}", late.message);
    }
    sandbox.clear_faults();
    pages.start_within(-1).expect("started").finish().expect("the page that was late");
}

#[test]
fn only_lists_have_pages() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for (name, args, part) in [
        ("get_user", json!({}), "paginated"),
        ("get_taxon_abundance", json!({}), "biosample_id"),
        ("get_samples", json!({"$": {"strict": true}}), "strict"),
    ] {
        let failure = api.pages(name, args).err().expect(name);
        assert!(failure.status == 1 && failure.message.contains(part), "{}", failure.message);
    }
}

fn limits(sandbox: &Sandbox, path: &str) -> Vec<String> {
    let log = sandbox.take_log();
    let own = log.iter().filter(|entry| entry["path"] == path);
    own.map(|entry| entry["query"]["limit"].as_str().unwrap_or("none").to_owned()).collect()
}

#[test]
fn walks_ask_for_pages_that_are_worth_a_round_trip() {
    let sandbox = Sandbox::start(&["--samples", "70", "--taxa", "130"]);
    let meta = sandbox.text("/meta_biosample_id");
    let gene = json!({"biosample_id": meta, "catalog": "IGC_9.9M", "data_type": "list"});
    for (name, path, args, usual) in [
        ("get_samples", "/samples", json!({}), "50"),
        ("get_taxon_abundance", "/microbiome/taxon_abundance", json!({"biosample_id": meta}), "50"),
        ("get_gene_abundance", "/microbiome/gene_abundance", gene, "none"),
    ] {
        sandbox.set(json!({"max_limit": 1000}));
        let api = sandbox.api(json!({}));
        sandbox.clear_log();
        let (all, _) = walk(&api, name, args.clone());
        assert!(limits(&sandbox, path).iter().all(|limit| limit == "1000"), "{name}");
        // Single calls stay as documented, and so does what the caller says.
        api.value(name, args.clone()).expect(name);
        assert_eq!(limits(&sandbox, path), [usual], "{name}");
        let mut given = args.clone();
        given["limit"] = 60.into();
        assert_eq!(walk(&api, name, given).0, all, "{name}");
        assert!(limits(&sandbox, path).iter().all(|limit| limit == "60"), "{name}");

        sandbox.set(json!({"max_limit": 999}));
        let api = sandbox.api(json!({}));
        assert_eq!(walk(&api, name, args.clone()).0, all, "{name}");
        let asked = limits(&sandbox, path);
        assert_eq!(asked[0], "1000", "{name}");
        assert!(asked[1..].iter().all(|limit| limit == usual), "{name}: {asked:?}");
        assert_eq!(walk(&api, name, args).0, all, "{name}");
        assert!(limits(&sandbox, path).iter().all(|limit| limit == usual), "{name}: it was remembered");
    }
}

#[test]
fn a_page_that_comes_again_is_an_error_at_once() {
    let sandbox = Sandbox::start(&["--samples", "47", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"repeat_last_page": true, "count": "page"}));
    let meta = sandbox.text("/meta_biosample_id");
    for (name, args) in [
        ("get_samples", json!({"limit": 20})),
        ("get_samples", json!({})),
        ("get_taxon_abundance", json!({"biosample_id": meta, "limit": 25})),
        ("get_func_abundance", json!({"biosample_id": meta, "catalog": "ko", "limit": 30})),
    ] {
        let pages = api.pages(name, args).expect("a walk");
        let mut seen: Vec<Vec<Value>> = Vec::new();
        let failure = loop {
            match pages.next() {
                Ok(page) => seen.push(rows(&page.expect("no end in good order"))),
                Err(failure) => break failure,
            }
            assert!(seen.len() < 100, "{name} never ends");
        };
        assert_eq!(failure.json["name"], "BGE_ERR_PROTOCOL", "{name}");
        assert!(seen.windows(2).all(|two| two[0] != two[1]), "{name}: the page was given twice");
    }
}

#[test]
fn lists_of_ids_that_are_too_long_are_sent_in_pieces_or_refused_with_the_number_that_fits() {
    let sandbox = Sandbox::start(&["--samples", "47", "--taxa", "60"]);
    let api = sandbox.api(json!({}));
    let (all, _) = walk(&api, "get_samples", json!({}));
    let mut ids: Vec<String> = (0..4_000).map(|number| format!("E-X{number:011}")).collect();
    for (place, sample) in all.iter().enumerate() {
        ids.insert(place * 80, sample["biosample_id"].as_str().expect("an id").to_owned());
    }
    sandbox.clear_log();
    let (found, _) = walk(&api, "get_samples", json!({"biosample_ids": ids}));
    let key = |sample: &Value| sample["biosample_id"].to_string();
    let (mut found, mut wanted) = (found, all.clone());
    found.sort_by_key(key);
    wanted.sort_by_key(key);
    assert_eq!(found, wanted);
    assert!(
        sandbox.take_log().iter().all(|entry| entry["query_raw"].as_str().is_none_or(|q| q.len() < 8_100))
    );

    // A plain list is put together.
    let project = sandbox.text("/project_id");
    for number in [3, 1_500, 2_999] {
        let sample = json!({"external_sample_id": format!("外部-{number}"), "biosample_site": 6, "project_id": project});
        api.value("register_sample", sample).expect("registered");
    }
    let externals: Vec<String> = (0..3_000).map(|number| format!("外部-{number}")).collect();
    let args = json!({"project_id": project, "biosample_site": 6, "external_ids": externals});
    let rows = api.value("externals", args).expect("a list");
    let names: Vec<&Value> =
        rows.as_array().expect("rows").iter().map(|row| &row["external_sample_id"]).collect();
    assert_eq!(names, ["外部-3", "外部-1500", "外部-2999"]);

    // One page of many cannot be: the message says how many fit, and so many do.
    sandbox.clear_log();
    let refusal = api.value("get_samples", json!({"biosample_ids": ids})).expect_err("too long");
    assert_eq!(refusal.json["name"], "BGE_ERR_ARGUMENT");
    assert!(refusal.message.contains("biosample_ids") && refusal.message.contains(&ids.len().to_string()));
    assert!(sandbox.log().is_empty(), "nothing was sent");
    let told: Vec<usize> =
        refusal.message.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    let fit = told.iter().copied().find(|number| *number != ids.len()).expect("a number");
    assert!(fit > 300, "{}", refusal.message);
    api.value("get_samples", json!({"biosample_ids": ids[..fit]})).expect("so many fit");
    let failure =
        api.pages("get_samples", json!({"biosample_ids": ids, "next_page": 2})).err().expect("refused");
    assert!(failure.message.contains("next_page"), "{}", failure.message);
}

#[test]
fn a_walk_goes_on_after_its_client_was_cancelled_between_two_pages() {
    let sandbox = Sandbox::start(&["--samples", "47"]);
    let api = sandbox.api(json!({}));
    let pages = api.pages("get_samples", json!({"limit": 10})).expect("a walk");
    sandbox.fault(json!({"path": "/samples", "kind": "hang", "skip": 1, "count": 0}));
    let first = pages.next().expect("a page").expect("one");
    // SAFETY: a live handle.
    unsafe {
        bge::ffi::client::bge_api_cancel(api.0);
    }
    sandbox.clear_faults();
    let mut all = rows(&first);
    while let Some(page) = pages.next().expect("what begins afterwards is not concerned") {
        all.extend(rows(&page));
    }
    assert_eq!(all.len(), 47);
}

#[test]
fn a_walk_can_be_cancelled_from_another_thread() {
    let sandbox = Sandbox::start(&["--samples", "47"]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"path": "/samples", "kind": "hang", "skip": 1, "count": 0}));
    let pages = api.pages("get_samples", json!({"limit": 10})).expect("a walk");
    pages.next().expect("a page");
    std::thread::scope(|scope| {
        let cancelling = scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            pages.cancel();
            std::time::Instant::now()
        });
        let failure = pages.next().expect_err("cancelled");
        let ended = std::time::Instant::now();
        assert_eq!(failure.json["name"], "BGE_ERR_CANCELLED");
        let waited = ended.saturating_duration_since(cancelling.join().expect("no panic"));
        assert!(waited < std::time::Duration::from_millis(100), "{waited:?}");
    });
    assert_eq!(pages.next().expect_err("for good").json["name"], "BGE_ERR_CANCELLED");
    // An operation, too; and others of the same client go on.
    let pages = api.pages("get_samples", json!({"limit": 10})).expect("a walk");
    let op = pages.start().expect("started");
    pages.cancel();
    assert_eq!(op.finish().expect_err("cancelled").json["name"], "BGE_ERR_CANCELLED");
    sandbox.clear_faults();
    assert!(api.pages("get_samples", json!({})).expect("a walk").next().expect("a page").is_some());
}

/// A page is fetched ahead under the deadline of a call that is not there yet: what it could not wait for, that call can.
#[test]
fn a_page_ahead_that_failed_meanwhile_is_asked_for_again() {
    let sandbox = Sandbox::start(&["--samples", "20"]);
    let api = sandbox.api(json!({}));
    let pages = api.pages("get_samples", json!({"limit": 5, "$": {"deadline": 4}})).expect("a walk");
    sandbox.fault(json!({
        "path": "/samples", "skip": 1, "count": 1, "kind": "status", "status": 503, "headers": {"Retry-After": 6},
    }));
    let mut all = rows(&pages.next().expect("a page").expect("the first"));
    std::thread::sleep(std::time::Duration::from_millis(6500));
    while let Some(page) = pages.next().expect("the door is open again") {
        all.extend(rows(&page));
    }
    assert_eq!(all, walk(&api, "get_samples", json!({"limit": 5})).0);
}
