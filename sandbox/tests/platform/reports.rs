//! Reports on a genome.

use crate::common::Sandbox;
use crate::{refused, string};

#[test]
fn reports() {
    let sandbox = Sandbox::start(&[]);
    let genome = sandbox.text("biosample_id");
    let get = |path: &str, more: &[(&str, &str)]| {
        sandbox.get(path, &[&[("biosample_id", genome.as_str())], more].concat())
    };
    let collection = get("/wgs/report/collection", &[]).data();
    for name in ["report_collection_id", "report_collection_type", "biosample_id", "create_timestamp"] {
        assert!(collection.get(name).is_some(), "{name}");
    }
    for domain in
        ["traits", "pgx", "common_disease_risk", "genetic_disease_mendelian", "genetic_disease_risk"]
    {
        let details = get("/wgs/report/details", &[("domain", domain)]).data();
        let list = details["list"].as_array().unwrap();
        assert_eq!(details["total"], list.len());
        for report in list {
            let (version, id) = (string(&report["domain_version"]), string(&report["report_id"]));
            let detail =
                get("/wgs/report/detail", &[("domain_version", &version), ("report_id", &id)]).data();
            assert_eq!((&detail["report_id"], &detail["title"]), (&report["report_id"], &report["title"]));
        }
    }
    refused(&get("/wgs/report/details", &[("domain", "invalid_domain")]), 41001);
    refused(&get("/wgs/report/detail", &[("domain_version", "pgx_v3"), ("report_id", "R-1")]), 41001);
    refused(&get("/wgs/report/detail", &[("domain_version", "pgx_v2"), ("report_id", "R-1")]), 41001);
    assert!(get("/wgs/dictionaries", &[]).data().as_array().unwrap().len() > 5);
    assert_eq!(get("/wgs/merit-cards", &[]).data().as_array().unwrap().len(), 4);
    for path in ["/wgs/report/collection", "/wgs/dictionaries", "/wgs/merit-cards"] {
        // The id is taken as it is given.
        refused(&sandbox.get(path, &[("biosample_id", &genome.to_lowercase())]), 41303);
        refused(&sandbox.get(path, &[]), 41001);
    }
}
