//! Variants by rsID and by region.

use serde_json::{Value, json};

use crate::common::Sandbox;
use crate::{keys, refused};

#[test]
fn variants_in_the_order_asked_for() {
    let sandbox = Sandbox::start(&[]);
    let (genome, meta) = (sandbox.text("biosample_id"), sandbox.text("meta_biosample_id"));
    let variants =
        |id: &str, rsids: &str| sandbox.get("/variants", &[("biosample_id", id), ("rsids", rsids)]);
    let found = variants(&genome, "rs671,rs1,rs762551").data();
    let ids: Vec<_> =
        found.as_array().unwrap().iter().map(|v| v["alternate_id"][0].as_str().unwrap()).collect();
    assert_eq!(ids, ["rs671", "rs1", "rs762551"]);
    assert_eq!(
        keys(&found[2]),
        [
            "source",
            "is_assayed",
            "genomic_context",
            "variant",
            "is_genotyped",
            "batch_no",
            "alternate_id",
            "coordinate_system",
            "is_no_call",
            "variant_id"
        ]
    );
    assert_eq!(found[2]["genomic_context"]["gene"][0]["symbol"], "CYP1A2");
    assert_eq!(
        (&found[2]["variant"]["chromosome"], &found[2]["variant"]["position"]),
        (&json!("chr15"), &json!(74_749_576))
    );
    assert_eq!((&found[1]["is_assayed"], &found[1]["variant"]), (&json!(false), &Value::Null));
    assert_eq!(variants(&genome, "rs671,rs1,rs762551").data(), found);
    assert_eq!(variants(&meta, "rs671").data()[0]["is_assayed"], false);
    for wrong in ["333", "55333,rs3", "srs3", "rs3,,rs34", "rs3,,", "", "rs1, rs2", " rs1"] {
        refused(&variants(&genome, wrong), 41001);
    }
    let many = |count: usize| (1..=count).map(|n| format!("rs{n}")).collect::<Vec<_>>().join(",");
    assert_eq!(variants(&genome, &many(100)).data().as_array().unwrap().len(), 100);
    refused(&variants(&genome, &many(101)), 41001);
    refused(&variants("demo", "rs333"), 41303);
    refused(&sandbox.get("/variants", &[("rsids", "rs333")]), 41001);
}

#[test]
fn variants_by_region() {
    let sandbox = Sandbox::start(&[]);
    let genome = sandbox.text("biosample_id");
    let ask = |more: &[(&str, &str)]| {
        let mut form = vec![("biosample_id", genome.as_str()), ("only_variant_site", "False")];
        form.extend_from_slice(more);
        sandbox.post("/professional/variant", &form)
    };
    let found = ask(&[("regions", r#"[["chr19", 44908683, 44908822], ["chr2", 1, 2]]"#)]).data();
    assert_eq!((&found["region_count"], &found["count"]), (&json!(2), &json!(2)));
    let genes: Vec<_> = found["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["genomic_context"]["gene"][0]["symbol"])
        .collect();
    assert_eq!(genes, ["APOE", "APOE"]);
    let all = json!([["chr1", 0, 300_000_000], ["chr19", 0, 300_000_000]]).to_string();
    let sites = |answer: Value| answer["count"].as_i64().unwrap();
    let only = [("biosample_id", genome.as_str()), ("regions", all.as_str())];
    assert!(
        sites(sandbox.post("/professional/variant", &only).data()) < sites(ask(&[("regions", &all)]).data())
    );
    refused(&ask(&[]), 41001);
    refused(&ask(&[("regions", "chr1")]), 41001);
    refused(&ask(&[("regions", &json!(vec![json!(["chr1", 1, 2]); 5_001]).to_string())]), 41001);
    let form = [("biosample_id", genome.as_str())];
    refused(&sandbox.post_file("/professional/variant", &form, "bed_file", "a.zip", b"no zip"), 41001);
}
