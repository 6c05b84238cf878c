//! Taking `data` out of a page of 5 MB, as every call does: MB of JSON per second, beside parsing it whole.

#![allow(clippy::print_stdout, reason = "it is a program, not the library")]

use std::time::Instant;

fn page() -> Vec<u8> {
    let row = r#"{"taxonomy":{"taxon_id":"txid815","taxon_name":"s__Bacteroides_fragilis","rank":"species","lineage":"k__Bacteria|p__Bacteroidetes|g__Bacteroides"},"observation":{"unit":"percent","type":"relative abundance","value":2.18932050758568e-10},"sample_info":{"biosample_id":"E-F19149953317","sample_time":"2017-07-01","biosample_site":"feces"},"说明":"肠道微生物"}"#;
    let rows = vec![row; 5_000_000 / row.len()].join(",");
    format!(r#"{{"code":0,"msg":"成功","data":{{"result":[{rows}],"count":1,"next_page":null}}}}"#)
        .into_bytes()
}

fn median_rate(bytes: usize, mut work: impl FnMut() -> usize) -> f64 {
    let mut seconds: Vec<f64> = (0..41)
        .map(|_| {
            let started = Instant::now();
            assert!(std::hint::black_box(work()) > 0);
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    bytes as f64 / 1e6 / seconds[20]
}

fn main() {
    let page = page();
    let ours = median_rate(page.len(), || {
        let data = bge::data_of_envelope(200, &page).expect("an envelope");
        std::ffi::CString::new(data).expect("no NUL").as_bytes().len()
    });
    let whole = median_rate(page.len(), || {
        let value: serde_json::Value = serde_json::from_slice(&page).expect("JSON");
        value["data"].to_string().len()
    });
    println!(
        "data out of a page of {:.1} MB: {ours:.0} MB/s (aim: at least 500), parsed and printed again {whole:.0} MB/s",
        page.len() as f64 / 1e6
    );
}
