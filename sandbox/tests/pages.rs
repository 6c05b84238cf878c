//! The three ways of walking pages, and how they can go wrong on demand.

mod common;

use common::Sandbox;
use serde_json::{Value, json};

/// All rows of a walk by a token or number in `result.next_page`, and how many pages there were.
fn walk(sandbox: &Sandbox, path: &str, fixed: &[(&str, &str)], page: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut next) = (Vec::new(), 0, Value::Null);
    loop {
        let token = next.as_str().map_or_else(|| next.to_string(), str::to_owned);
        let mut query = fixed.to_vec();
        if !next.is_null() {
            query.push((page, &token));
        }
        let data = sandbox.get(path, &query).data();
        rows.extend_from_slice(data["result"].as_array().unwrap());
        pages += 1;
        next = data["next_page"].clone();
        if next.is_null() {
            assert_eq!(data["count"], rows.len(), "the sandbox counts all rows");
            return (rows, pages);
        }
        assert!(pages < 1_000);
    }
}

fn unique(rows: &[Value], pointer: &str) -> usize {
    let mut ids: Vec<_> = rows.iter().map(|row| row.pointer(pointer).unwrap().to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

#[test]
fn samples_are_numbered_pages_that_end_with_null() {
    let sandbox = Sandbox::start(&["--samples", "23"]);
    let (rows, pages) = walk(&sandbox, "/samples", &[("limit", "5")], "page");
    assert_eq!((rows.len(), pages, unique(&rows, "/biosample_id")), (23, 5, 23));
    let beyond = sandbox.get("/samples", &[("page", "9"), ("limit", "5")]).data();
    assert_eq!((&beyond["result"], &beyond["next_page"]), (&json!([]), &Value::Null));
}

#[test]
fn taxa_have_their_page_in_the_envelope_and_no_last_page() {
    let sandbox = Sandbox::start(&["--taxa", "12"]);
    let meta = sandbox.text("meta_biosample_id");
    let page = |number: &str| {
        let query = [("biosample_id", meta.as_str()), ("limit", "5"), ("page", number)];
        sandbox.get("/microbiome/taxon_abundance", &query).json()
    };
    let sizes: Vec<_> =
        ["1", "2", "3", "4"].map(|number| page(number)["data"].as_array().unwrap().len()).to_vec();
    assert_eq!(sizes, [5, 5, 2, 0]);
    assert_eq!(page("4")["pagination"], json!({"count": 12, "page": 4}));
    let one = sandbox
        .get("/microbiome/taxon_abundance", &[("biosample_id", &meta), ("taxon_id", "txid815")])
        .json();
    assert_eq!((one["data"].as_array().unwrap().len(), &one["pagination"]["count"]), (1, &json!(1)));
    for unknown in ["txid1323", "txdemo", "tx", "test"] {
        let none =
            sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", &meta), ("taxon_id", unknown)]);
        assert_eq!((&none.json()["data"], &none.json()["pagination"]["count"]), (&json!([]), &json!(0)));
    }
    let two = [("biosample_id", meta.as_str()), ("taxon_id", "BT1,txid815")];
    assert_eq!(sandbox.get("/microbiome/taxon_abundance", &two).json()["pagination"]["count"], 2);
}

#[test]
fn opaque_tokens_walk_every_row_once() {
    let sandbox = Sandbox::start(&[]);
    let (meta, genome) = (sandbox.text("meta_biosample_id"), sandbox.text("biosample_id"));
    let functions = [("biosample_id", meta.as_str()), ("catalog", "metacyc-rxn"), ("limit", "100")];
    let (rows, pages) = walk(&sandbox, "/microbiome/func_abundance", &functions, "next_page");
    assert!(pages >= 4 && unique(&rows, "/coding/id") == rows.len());
    let genes =
        [("biosample_id", meta.as_str()), ("catalog", "IGC_9.9M"), ("data_type", "list"), ("limit", "1000")];
    let (rows, pages) = walk(&sandbox, "/microbiome/gene_abundance", &genes, "next_page");
    assert_eq!((rows.len(), pages, unique(&rows, "/igc_gene/igc_gene_id")), (2_400, 3, 2_400));
    let element = "02393f70-c7e4-11e9-bfed-00163e104c79";
    let stream = [("data_element_id", element), ("biosample_id", genome.as_str())];
    let (rows, pages) = walk(&sandbox, "/stream/range", &stream, "next_page");
    assert_eq!((rows.len(), pages, unique(&rows, "/stream_id")), (230, 3, 230));
}

#[test]
fn versions_and_data_items_have_numbers_for_tokens() {
    let sandbox = Sandbox::start(&[]);
    let path = format!("/model/{}/versions", sandbox.text("model_id"));
    let (rows, pages) = walk(&sandbox, &path, &[], "next_page");
    assert_eq!((rows.len(), pages), (23, 3));
    assert_eq!((&rows[0]["version"], &rows[22]["version"]), (&json!(23), &json!(1)));
    let genome = sandbox.text("biosample_id");
    let collection = sandbox.state()["collection_id"].as_str().unwrap().to_owned();
    let items = [("namespace", "health"), ("biosample_id", &genome), ("collection_id", &collection)];
    let (rows, pages) = walk(&sandbox, "/data_item/batch_retrieve", &items, "next_page");
    assert_eq!((rows.len(), pages), (12, 2));
    // Ids of 18 digits, which a double cannot hold.
    assert!(rows.iter().all(|row| row["data_item_id"].as_u64().unwrap() > 1 << 53));
}

#[test]
fn a_token_of_another_list_or_none_at_all_is_41001() {
    let sandbox = Sandbox::start(&[]);
    let meta = sandbox.text("meta_biosample_id");
    let page = |catalog: &str, token: &str| {
        let query = [("biosample_id", meta.as_str()), ("catalog", catalog), ("next_page", token)];
        sandbox.get("/microbiome/func_abundance", &query)
    };
    let token = page("go", "").data()["next_page"].as_str().unwrap().to_owned();
    assert_eq!(page("go", &token).code(), 0);
    assert_eq!(page("ko", &token).code(), 41001);
    assert_eq!(page("go", "2").code(), 41001);
}

#[test]
fn limits_are_checked_and_capped() {
    let sandbox = Sandbox::start(&["--samples", "30"]);
    for wrong in ["0", "-1", "ten", "1.5"] {
        assert_eq!(sandbox.get("/samples", &[("limit", wrong)]).code(), 41001, "{wrong}");
        assert_eq!(sandbox.get("/samples", &[("page", wrong)]).code(), 41001, "{wrong}");
    }
    let meta = sandbox.text("meta_biosample_id");
    let genes =
        [("biosample_id", meta.as_str()), ("catalog", "IGC_9.9M"), ("data_type", "list"), ("limit", "1001")];
    assert_eq!(sandbox.get("/microbiome/gene_abundance", &genes).code(), 41001);
    sandbox.options(json!({"page_cap": 7}));
    let capped = sandbox.get("/samples", &[("limit", "20")]).data();
    assert_eq!((capped["result"].as_array().unwrap().len(), &capped["next_page"]), (7, &json!(2)));
}

#[test]
fn tokens_can_be_made_to_repeat_and_pagination_to_be_missing() {
    let sandbox = Sandbox::start(&[]);
    let meta = sandbox.text("meta_biosample_id");
    sandbox.options(json!({"repeat_page_token": true, "omit_pagination": true}));
    let functions = |token: &str| {
        let query = [("biosample_id", meta.as_str()), ("catalog", "go"), ("next_page", token)];
        sandbox.get("/microbiome/func_abundance", &query).data()["next_page"].as_str().unwrap().to_owned()
    };
    let first = functions("");
    assert_eq!(functions(&first), first);
    assert_eq!(sandbox.get("/samples", &[("page", "2")]).data()["next_page"], 2);
    let taxa = sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", &meta)]).json();
    assert!(taxa.get("pagination").is_none() && taxa["data"].as_array().unwrap().len() == 50);
    sandbox.control("DELETE", "options", Value::Null);
    let taxa = sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", &meta)]).json();
    assert_eq!(taxa["pagination"]["page"], 1);
}

#[test]
fn a_walk_by_tokens_can_end_with_an_empty_one() {
    let sandbox = Sandbox::start(&["--option", "empty_last_token=true"]);
    let meta = sandbox.text("meta_biosample_id");
    let query = [("biosample_id", meta.as_str()), ("catalog", "go"), ("limit", "1000")];
    assert_eq!(sandbox.get("/microbiome/func_abundance", &query).data()["next_page"], "");
    assert_eq!(sandbox.get("/samples", &[("limit", "1000")]).data()["next_page"], Value::Null);
}

#[test]
fn large_cohorts_and_profiles_are_served() {
    let sandbox = Sandbox::start(&["--samples", "10000", "--taxa", "20000"]);
    let (rows, pages) = walk(&sandbox, "/samples", &[("limit", "1000")], "page");
    assert_eq!((rows.len(), pages, unique(&rows, "/biosample_id")), (10_000, 10, 10_000));
    let meta = sandbox.text("meta_biosample_id");
    let mut ids = Vec::new();
    let mut total = 0.0;
    for number in 1..=20 {
        let query = [("biosample_id", meta.as_str()), ("limit", "1000"), ("page", &number.to_string())];
        let page = sandbox.get("/microbiome/taxon_abundance", &query).data();
        for row in page.as_array().unwrap() {
            ids.push(json!({"id": row["taxonomy"]["taxon_id"]}));
            total += row["observation"]["value"].as_f64().unwrap();
        }
    }
    assert_eq!((ids.len(), unique(&ids, "/id")), (20_000, 20_000));
    assert!((total - 100.0).abs() < 0.01, "the abundances add up to {total} percent");
}
