//! Gene profiles: rows of the integrated gene catalogue, or a file of all of them.

use rand::RngExt;
use rand_distr::{Distribution, Normal};
use serde_json::json;

use super::numbers::push_number;
use super::seed::{generator, pick, significant};

/// So many genes of each sample are listed.
pub const GENES: usize = 2_400;

/// Whether `id` names gene `number`.
pub fn is(id: &str, number: usize) -> bool {
    id.strip_prefix("igc_")
        .is_some_and(|digits| digits.parse() == Ok(number) && !digits.starts_with(['0', '+']))
}

/// One row, as JSON text.
pub fn row(seed: u64, biosample_id: &str, number: usize, sample_info: &str) -> String {
    let mut rng = generator(seed, &["gene", &number.to_string()]);
    let gene = json!({
        "igc_gene_id": format!("igc_{number}"),
        "coding": {"system": "http://meta.genomics.cn"},
        "annotation": {
            "kegg_annotation": format!("K{:05}", rng.random_range(1..24_000)),
            "phylum": pick(&mut rng, &["unknown", "Firmicutes", "Bacteroidetes", "Proteobacteria"]),
            "genus": pick(&mut rng, &["unknown", "unknown", "Bacteroides", "Roseburia", "Prevotella"]),
            "gene_completeness": pick(&mut rng, &["Complete", "Complete", "Lack 3'-end", "Lack 5'-end"]),
            "eggnog_annotation": format!("COG{:04}", rng.random_range(1..5_700)),
            "gene_length": 88_230 / number + 102,
        },
        "igc_gene_name": format!("T2D-{}A_GL{:07}", rng.random_range(1..180), rng.random_range(1..250_000)),
    });
    let mut row =
        format!(r#"{{"platform_labels": null, "sample_info": {sample_info}, "observation": {{"value": "#);
    push_number(&mut row, abundance(seed, biosample_id, number));
    row.push_str(
        r#", "software": "IGC_PROFILING(10.1038/nbt.2942/)", "type": "relative abundance", "unit": "percent"}, "igc_gene": "#,
    );
    row.push_str(&gene.to_string());
    row.push('}');
    row
}

fn abundance(seed: u64, biosample_id: &str, number: usize) -> f64 {
    let mut rng = generator(seed, &["gene abundance", biosample_id, &number.to_string()]);
    let exponent: f64 = Normal::new(-8.0, 1.4).map_or(-8.0, |normal| normal.sample(&mut rng));
    significant(10f64.powf(exponent.min(0.0)), 15)
}

/// A file of all genes of a sample: a line for each, with a header.
pub fn table(seed: u64, biosample_id: &str, catalog: &str) -> String {
    let mut text = format!("# Gene Family\t{biosample_id}_Abundance\n");
    for number in 1..=GENES {
        let name =
            if catalog == "IGC_9.9M" { format!("igc_{number}") } else { format!("UniRef90_A{number:06}") };
        text.push_str(&name);
        text.push('\t');
        push_number(&mut text, abundance(seed, biosample_id, number));
        text.push('\n');
    }
    text
}
