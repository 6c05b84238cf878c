//! Making record batches of pages of abundances: MB of JSON per second, on one thread.

#![allow(clippy::print_stdout, reason = "it is a program, not the library")]

use std::time::Instant;

/// A page of 500 rows as the platform writes them.
fn page() -> String {
    let row = |number: u32| {
        format!(
            concat!(
                r#"{{"platform_labels": ["BGISEQ-500"], "background": {{"reference_cohort": "Chinese Adult", "#,
                r#""background": {{"75%": 1.379645, "50%": 0.12617, "100%": 60.03881, "25%": 0.00413, "0%": 0, "5%": 0, "#,
                r#""95%": 10.7985825}}, "freq": 0.912877697841727, "rank_ratio": ">=73%", "mean": 2.18322365707434}}, "#,
                r#""sample_info": {{"biosample_id": "E-F19149953317", "sample_time": "2017-07-01", "#,
                r#""biosample_site": "feces"}}, "observation": {{"unit": "percent", "type": "relative abundance", "#,
                r#""value": {:e}}}, "taxonomy": {{"taxon_name": "s__Bacteroides_thetaiotaomicron", "#,
                r#""coding": {{"system": "https://open.bge.genomics.cn"}}, "taxon_id": "BT{}", "lineage": "#,
                r#""k__Bacteria|p__Bacteroidetes|c__Bacteroidia|o__Bacteroidales|f__Bacteroidaceae|g__Bacteroides|"#,
                r#"s__Bacteroides_fragilis", "rank": "species"}}}}"#
            ),
            1.0 / f64::from(number + 3),
            number
        )
    };
    let rows: Vec<String> = (0..500).map(row).collect();
    format!(r#"{{"count":500,"next_page":2,"result":[{}]}}"#, rows.join(", "))
}

fn main() {
    let page = page();
    let mut seconds: Vec<f64> = (0..301)
        .map(|_| {
            let started = Instant::now();
            let mut rows = bge::PageRows::read("get_taxon_abundance", &page).expect("rows");
            assert_eq!(std::hint::black_box(rows.next_batch()).expect("a batch").num_rows(), 500);
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!(
        "record batches of a page of {:.0} kB: {:.0} MB/s of JSON (aim: at least 300), {:.2} million rows/s",
        page.len() as f64 / 1e3,
        page.len() as f64 / 1e6 / seconds[150],
        500.0 / 1e6 / seconds[150]
    );
}
