//! Functional profiles: terms of nine catalogues, and how abundant each is.

use rand::RngExt;
use rand_distr::{Distribution, Normal};
use serde_json::json;

use super::numbers::push_number;
use super::seed::{generator, significant, uuid};

pub const CATALOGS: [&str; 9] =
    ["go", "ko", "eggnog", "pfam", "kegg-pwy", "kegg-mdl", "level4ec", "metacyc-rxn", "metacyc-pwy"];

/// How many terms of each catalogue a profile has, at most.
const TERMS: usize = 420;

/// The ids of a catalogue's terms, in the order of the rows.
pub fn ids(seed: u64, catalog: &str) -> Vec<String> {
    let mut rng = generator(seed, &["functions", catalog]);
    let mut ids: Vec<String> = (0..TERMS)
        .map(|_| match catalog {
            "go" => format!("GO:{:07}", rng.random_range(1_000..2_001_000)),
            "ko" => format!("K{:05}", rng.random_range(1..24_000)),
            "eggnog" => format!("COG{:04}", rng.random_range(1..5_700)),
            "pfam" => format!("PF{:05}", rng.random_range(1..20_000)),
            "kegg-pwy" => format!("ko{:05}", rng.random_range(10..5_400)),
            "kegg-mdl" => format!("M{:05}", rng.random_range(1..900)),
            "level4ec" => format!(
                "{}.{}.{}.{}",
                rng.random_range(1..8),
                rng.random_range(1..15),
                rng.random_range(1..25),
                rng.random_range(1..180)
            ),
            "metacyc-rxn" => format!("RXN-{}", rng.random_range(1_000..20_000)),
            _ => format!("PWY-{}", rng.random_range(1_000..8_000)),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// One row, as JSON text.
pub fn row(seed: u64, biosample_id: &str, catalog: &str, id: &str, sample_info: &str) -> String {
    let mut rng = generator(seed, &["function", biosample_id, catalog, id]);
    let exponent: f64 = Normal::new(-3.2, 1.6).map_or(-3.2, |normal| normal.sample(&mut rng));
    let value = significant(10f64.powf(exponent.min(1.0)), 6);
    let element = uuid(&mut generator(seed, &["function element", catalog, id]));
    let coding = json!({"system": format!("{catalog}_HUMAnN2_0.11"), "id": id});
    let mut row = format!(
        r#"{{"sample_info": {sample_info}, "platform_labels": [], "data_element_id": "{element}", "coding": {coding}, "observation": {{"unit": "percent", "type": "relative abundance", "value": "#
    );
    push_number(&mut row, value);
    row.push_str("}}");
    row
}
