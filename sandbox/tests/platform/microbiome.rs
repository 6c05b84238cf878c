//! Abundances of taxa, functions and genes.

use serde_json::{Value, json};

use crate::common::Sandbox;
use crate::{keys, refused, string};

#[test]
fn abundances() {
    let sandbox = Sandbox::start(&[]);
    let (genome, meta) = (sandbox.text("biosample_id"), sandbox.text("meta_biosample_id"));
    let taxa =
        sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", &meta), ("taxon_id", "BT1")]).data();
    assert_eq!(keys(&taxa[0]), ["platform_labels", "background", "sample_info", "observation", "taxonomy"]);
    assert_eq!(taxa[0]["taxonomy"]["rank"], "species");
    for catalog in
        ["go", "ko", "eggnog", "pfam", "kegg-pwy", "kegg-mdl", "level4ec", "metacyc-rxn", "metacyc-pwy"]
    {
        let query = [("biosample_id", meta.as_str()), ("catalog", catalog)];
        let data = sandbox.get("/microbiome/func_abundance", &query).data();
        assert_eq!(data["result"].as_array().unwrap().len(), 50);
        assert_eq!(
            keys(&data["result"][0]),
            ["sample_info", "platform_labels", "data_element_id", "coding", "observation"]
        );
        let id = string(&data["result"][7]["coding"]["id"]);
        let one = sandbox.get("/microbiome/func_abundance", &[query[0], query[1], ("ids", &id)]).data();
        assert_eq!(
            (&one["count"], &one["result"][0], &one["next_page"]),
            (&json!(1), &data["result"][7], &Value::Null)
        );
    }
    let genes = [
        ("biosample_id", meta.as_str()),
        ("catalog", "IGC_9.9M"),
        ("data_type", "list"),
        ("ids", "igc_50,igc_51"),
    ];
    let data = sandbox.get("/microbiome/gene_abundance", &genes).data();
    assert_eq!(
        (&data["count"], &data["result"][1]["igc_gene"]["igc_gene_id"]),
        (&json!(2), &json!("igc_51"))
    );
    let list = [("biosample_id", meta.as_str()), ("catalog", "UniRef90_HUMAnN2_0.11"), ("data_type", "list")];
    refused(&sandbox.get("/microbiome/gene_abundance", &list), 41001);
    let file = [list[0], list[1], ("data_type", "file")];
    let data = sandbox.get("/microbiome/gene_abundance", &file).data();
    let url = string(
        &sandbox.post("/oss/sign_url", &[("object_name", &string(&data["result"][0]["object_name"]))]).data()
            ["url"],
    );
    assert!(sandbox.get_url(&url).text.contains("UniRef90_"));
    refused(
        &sandbox.get("/microbiome/func_abundance", &[("biosample_id", &meta), ("catalog", "kegg")]),
        41001,
    );
    refused(&sandbox.get("/microbiome/func_abundance", &[("biosample_id", &meta)]), 41001);
    refused(&sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", "E-F1")]), 41303);
    let none = sandbox.get("/microbiome/taxon_abundance", &[("biosample_id", &genome)]).json();
    assert_eq!((&none["data"], &none["pagination"]), (&json!([]), &json!({"count": 0, "page": 1})));
}

#[test]
fn numbers_are_written_with_their_exponents() {
    let sandbox = Sandbox::start(&[]);
    let meta = sandbox.text("meta_biosample_id");
    let query =
        [("biosample_id", meta.as_str()), ("catalog", "IGC_9.9M"), ("data_type", "list"), ("limit", "1000")];
    let text = sandbox.get("/microbiome/gene_abundance", &query).text;
    let values: Vec<_> =
        text.split(r#""value": "#).skip(1).map(|rest| rest.split(',').next().unwrap()).collect();
    assert_eq!(values.len(), 1_000);
    let exponents = values.iter().filter(|value| value.contains("e-0") || value.contains("e-1")).count();
    assert!(exponents > 900, "{exponents} of 1000 values have an exponent of two digits");
}
