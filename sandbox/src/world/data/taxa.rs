//! The taxonomy that abundance profiles are about, and the profiles: heavy-tailed, adding up to 100 percent.

use std::fmt::Write;

use rand::RngExt;
use rand_distr::{Distribution, Normal};
use serde_json::json;

use super::numbers::push_number;
use super::seed::{generator, significant};

/// NCBI taxon id, and the lineage down to the species; gut bacteria that a profile of stool is expected to have.
const SPECIES: [(u32, &str, &str); 46] = [
    (
        818,
        "Bacteroidetes|Bacteroidia|Bacteroidales|Bacteroidaceae|Bacteroides",
        "Bacteroides_thetaiotaomicron",
    ),
    (817, "Bacteroidetes|Bacteroidia|Bacteroidales|Bacteroidaceae|Bacteroides", "Bacteroides_fragilis"),
    (820, "Bacteroidetes|Bacteroidia|Bacteroidales|Bacteroidaceae|Bacteroides", "Bacteroides_uniformis"),
    (821, "Bacteroidetes|Bacteroidia|Bacteroidales|Bacteroidaceae|Bacteroides", "Bacteroides_vulgatus"),
    (28_116, "Bacteroidetes|Bacteroidia|Bacteroidales|Bacteroidaceae|Bacteroides", "Bacteroides_ovatus"),
    (47_678, "Bacteroidetes|Bacteroidia|Bacteroidales|Bacteroidaceae|Bacteroides", "Bacteroides_caccae"),
    (
        823,
        "Bacteroidetes|Bacteroidia|Bacteroidales|Porphyromonadaceae|Parabacteroides",
        "Parabacteroides_distasonis",
    ),
    (165_179, "Bacteroidetes|Bacteroidia|Bacteroidales|Prevotellaceae|Prevotella", "Prevotella_copri"),
    (28_117, "Bacteroidetes|Bacteroidia|Bacteroidales|Rikenellaceae|Alistipes", "Alistipes_putredinis"),
    (328_814, "Bacteroidetes|Bacteroidia|Bacteroidales|Rikenellaceae|Alistipes", "Alistipes_shahii"),
    (
        28_118,
        "Bacteroidetes|Bacteroidia|Bacteroidales|Odoribacteraceae|Odoribacter",
        "Odoribacter_splanchnicus",
    ),
    (
        487_174,
        "Bacteroidetes|Bacteroidia|Bacteroidales|Barnesiellaceae|Barnesiella",
        "Barnesiella_intestinihominis",
    ),
    (
        853,
        "Firmicutes|Clostridia|Clostridiales|Ruminococcaceae|Faecalibacterium",
        "Faecalibacterium_prausnitzii",
    ),
    (40_518, "Firmicutes|Clostridia|Clostridiales|Ruminococcaceae|Ruminococcus", "Ruminococcus_bromii"),
    (39_491, "Firmicutes|Clostridia|Clostridiales|Eubacteriaceae|Eubacterium", "Eubacterium_rectale"),
    (39_485, "Firmicutes|Clostridia|Clostridiales|Eubacteriaceae|Eubacterium", "Eubacterium_eligens"),
    (166_486, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Roseburia", "Roseburia_intestinalis"),
    (301_301, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Roseburia", "Roseburia_hominis"),
    (33_038, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Blautia", "Ruminococcus_gnavus"),
    (33_039, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Blautia", "Ruminococcus_torques"),
    (40_520, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Blautia", "Ruminococcus_obeum"),
    (88_431, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Dorea", "Dorea_longicatena"),
    (410_072, "Firmicutes|Clostridia|Clostridiales|Lachnospiraceae|Coprococcus", "Coprococcus_comes"),
    (
        1_496,
        "Firmicutes|Clostridia|Clostridiales|Peptostreptococcaceae|Clostridioides",
        "Clostridium_difficile",
    ),
    (1_502, "Firmicutes|Clostridia|Clostridiales|Clostridiaceae|Clostridium", "Clostridium_perfringens"),
    (1_304, "Firmicutes|Bacilli|Lactobacillales|Streptococcaceae|Streptococcus", "Streptococcus_salivarius"),
    (
        1_308,
        "Firmicutes|Bacilli|Lactobacillales|Streptococcaceae|Streptococcus",
        "Streptococcus_thermophilus",
    ),
    (1_351, "Firmicutes|Bacilli|Lactobacillales|Enterococcaceae|Enterococcus", "Enterococcus_faecalis"),
    (1_579, "Firmicutes|Bacilli|Lactobacillales|Lactobacillaceae|Lactobacillus", "Lactobacillus_acidophilus"),
    (47_715, "Firmicutes|Bacilli|Lactobacillales|Lactobacillaceae|Lactobacillus", "Lactobacillus_rhamnosus"),
    (437_897, "Firmicutes|Negativicutes|Selenomonadales|Veillonellaceae|Megamonas", "Megamonas_funiformis"),
    (218_538, "Firmicutes|Negativicutes|Selenomonadales|Veillonellaceae|Dialister", "Dialister_invisus"),
    (29_466, "Firmicutes|Negativicutes|Selenomonadales|Veillonellaceae|Veillonella", "Veillonella_parvula"),
    (
        216_816,
        "Actinobacteria|Actinobacteria|Bifidobacteriales|Bifidobacteriaceae|Bifidobacterium",
        "Bifidobacterium_longum",
    ),
    (
        1_680,
        "Actinobacteria|Actinobacteria|Bifidobacteriales|Bifidobacteriaceae|Bifidobacterium",
        "Bifidobacterium_adolescentis",
    ),
    (
        1_681,
        "Actinobacteria|Actinobacteria|Bifidobacteriales|Bifidobacteriaceae|Bifidobacterium",
        "Bifidobacterium_bifidum",
    ),
    (
        1_685,
        "Actinobacteria|Actinobacteria|Bifidobacteriales|Bifidobacteriaceae|Bifidobacterium",
        "Bifidobacterium_breve",
    ),
    (
        74_426,
        "Actinobacteria|Actinobacteria|Coriobacteriales|Coriobacteriaceae|Collinsella",
        "Collinsella_aerofaciens",
    ),
    (
        84_112,
        "Actinobacteria|Actinobacteria|Coriobacteriales|Coriobacteriaceae|Eggerthella",
        "Eggerthella_lenta",
    ),
    (
        562,
        "Proteobacteria|Gammaproteobacteria|Enterobacteriales|Enterobacteriaceae|Escherichia",
        "Escherichia_coli",
    ),
    (
        573,
        "Proteobacteria|Gammaproteobacteria|Enterobacteriales|Enterobacteriaceae|Klebsiella",
        "Klebsiella_pneumoniae",
    ),
    (
        729,
        "Proteobacteria|Gammaproteobacteria|Pasteurellales|Pasteurellaceae|Haemophilus",
        "Haemophilus_parainfluenzae",
    ),
    (
        40_545,
        "Proteobacteria|Betaproteobacteria|Burkholderiales|Sutterellaceae|Sutterella",
        "Sutterella_wadsworthensis",
    ),
    (
        35_833,
        "Proteobacteria|Deltaproteobacteria|Desulfovibrionales|Desulfovibrionaceae|Bilophila",
        "Bilophila_wadsworthia",
    ),
    (
        851,
        "Fusobacteria|Fusobacteriia|Fusobacteriales|Fusobacteriaceae|Fusobacterium",
        "Fusobacterium_nucleatum",
    ),
    (
        239_935,
        "Verrucomicrobia|Verrucomicrobiae|Verrucomicrobiales|Verrucomicrobiaceae|Akkermansia",
        "Akkermansia_muciniphila",
    ),
];

/// One taxon, with the parts of its row that are the same in every sample ready as JSON text.
#[derive(Debug)]
pub struct Taxon {
    pub id: String,
    /// Natural logarithm of how common it is.
    level: f64,
    background: String,
    taxonomy: String,
}

/// The taxa of this sandbox, in the order of the rows.
#[derive(Debug)]
pub struct Taxonomy {
    seed: u64,
    pub taxa: Vec<Taxon>,
}

impl Taxonomy {
    pub fn new(seed: u64, count: usize) -> Taxonomy {
        let mut rng = generator(seed, &["taxonomy"]);
        let tail = Normal::new(0.0, 3.2).ok();
        let taxa = (0..count)
            .map(|number| {
                let (id, rank, name, lineage) = describe(number);
                let wide = tail.map_or(0.0, |normal| normal.sample(&mut rng));
                // Those with a name of their own are the common ones.
                let level = if number <= SPECIES.len() { wide / 2.0 } else { wide - 6.0 };
                Taxon {
                    background: background(level, &mut rng),
                    taxonomy: json!({
                        "taxon_name": name,
                        "coding": {"system": "https://open.bge.genomics.cn"},
                        "taxon_id": id,
                        "lineage": lineage,
                        "rank": rank,
                    })
                    .to_string(),
                    id,
                    level,
                }
            })
            .collect();
        Taxonomy { seed, taxa }
    }

    /// The abundance of each taxon in one sample, in percent.
    pub fn profile(&self, biosample_id: &str) -> Vec<f64> {
        let mut rng = generator(self.seed, &["taxon abundance", biosample_id]);
        let noise = Normal::new(0.0, 1.1).ok();
        let mut values: Vec<f64> = self
            .taxa
            .iter()
            .map(|taxon| (taxon.level + noise.map_or(0.0, |normal| normal.sample(&mut rng))).exp())
            .collect();
        let total: f64 = values.iter().sum();
        for value in &mut values {
            *value = *value / total * 100.0;
        }
        values
    }

    /// Adds a row to JSON text.
    pub fn push_row(&self, out: &mut String, at: usize, value: f64, sample_info: &str) {
        let Some(taxon) = self.taxa.get(at) else { return };
        // Every tenth value is as long as a double can be, the others as an instrument would report them.
        let value = if at % 10 == 9 { value } else { significant(value, 6) };
        out.push_str(r#"{"platform_labels": ["BGISEQ-500"], "background": "#);
        out.push_str(&taxon.background);
        out.push_str(r#", "sample_info": "#);
        out.push_str(sample_info);
        out.push_str(r#", "observation": {"unit": "percent", "type": "relative abundance", "value": "#);
        push_number(out, value);
        out.push_str(r#"}, "taxonomy": "#);
        out.push_str(&taxon.taxonomy);
        out.push('}');
    }
}

/// Id, rank, name and lineage of taxon `number`.
fn describe(number: usize) -> (String, &'static str, String, String) {
    if number == 0 {
        let lineage = "k__Bacteria|p__Bacteroidetes|c__Bacteroidia|o__Bacteroidales|f__Bacteroidaceae";
        return ("txid815".into(), "family", "f__Bacteroidaceae".into(), lineage.into());
    }
    if let Some((ncbi, above, name)) = SPECIES.get(number - 1) {
        let id = if number == 1 { "BT1".into() } else { format!("txid{ncbi}") };
        return (id, "species", format!("s__{name}"), lineage(above, name));
    }
    let (_, above, _) = SPECIES[number % SPECIES.len()];
    let genus = above.rsplit('|').next().unwrap_or_default();
    let name = format!("{genus}_sp_BGI_{number}");
    (format!("BT{number}"), "species", format!("s__{name}"), lineage(above, &name))
}

fn lineage(above: &str, species: &str) -> String {
    let mut lineage = String::from("k__Bacteria");
    for (rank, name) in ["p", "c", "o", "f", "g"].into_iter().zip(above.split('|')) {
        let _ = write!(lineage, "|{rank}__{name}");
    }
    let _ = write!(lineage, "|s__{species}");
    lineage
}

fn background(level: f64, rng: &mut impl rand::Rng) -> String {
    let median = level.exp() / 20.0;
    let quantile = |factor: f64| significant((median * factor).min(99.0), 7);
    let freq = (0.5 + level / 12.0).clamp(0.004, 1.0);
    json!({
        "reference_cohort": "Chinese Adult",
        "background": {
            "75%": quantile(4.5),
            "50%": quantile(1.0),
            "100%": quantile(160.0),
            "25%": quantile(0.04),
            "0%": 0,
            "5%": 0,
            "95%": quantile(31.0),
        },
        "freq": significant(freq, 15),
        "rank_ratio": format!(">={}%", rng.random_range(1..100)),
        "mean": quantile(6.2),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_the_promised_ones_are_there() {
        let taxonomy = Taxonomy::new(1, 20_000);
        let ids: HashSet<_> = taxonomy.taxa.iter().map(|taxon| taxon.id.as_str()).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.contains("txid815") && ids.contains("BT1") && !ids.contains("txid1323"));
        assert!(ids.iter().all(|id| id.starts_with("txid") || id.starts_with("BT")));
    }

    #[test]
    fn a_profile_adds_up_to_100_percent_with_a_heavy_tail() {
        let taxonomy = Taxonomy::new(1, 5_000);
        let mut profile = taxonomy.profile("E-F1");
        assert!((profile.iter().sum::<f64>() - 100.0).abs() < 1e-6);
        assert_eq!(profile, taxonomy.profile("E-F1"));
        assert_ne!(profile, taxonomy.profile("E-F2"));
        profile.sort_by(f64::total_cmp);
        let top: f64 = profile.iter().rev().take(50).sum();
        assert!(top > 50.0, "the 50 most abundant of 5,000 taxa make up {top} percent");
        assert!(profile[0] < 1e-5);
    }

    #[test]
    fn a_row_is_what_the_document_shows() {
        let taxonomy = Taxonomy::new(1, 10);
        let mut row = String::new();
        taxonomy.push_row(&mut row, 1, 1.31182, r#"{"biosample_id": "E-F1"}"#);
        let row: serde_json::Value = serde_json::from_str(&row).unwrap();
        assert_eq!(row["taxonomy"]["taxon_id"], "BT1");
        assert_eq!(row["taxonomy"]["taxon_name"], "s__Bacteroides_thetaiotaomicron");
        assert_eq!(row["observation"]["value"], 1.31182);
        assert_eq!(row["sample_info"]["biosample_id"], "E-F1");
    }
}
