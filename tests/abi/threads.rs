//! One client, many threads.

use std::sync::Arc;

use serde_json::json;

use crate::support::Sandbox;

#[test]
fn eight_threads_share_one_client() {
    let sandbox = Sandbox::start(&[]);
    sandbox.set(json!({"log": "off"}));
    let api = Arc::new(sandbox.api(json!({"max_connections": 4})));
    let sample = sandbox.text("/biosample_id").to_owned();
    let threads: Vec<_> = (0..8)
        .map(|thread: usize| {
            let (api, sample) = (api.clone(), sample.clone());
            std::thread::spawn(move || {
                for call in 0..500 {
                    let rsid = format!("rs{}", 1 + thread * 500 + call);
                    let args = json!({"biosample_id": sample, "rsids": rsid});
                    for variant in
                        api.value("get_variants", args).expect("variants").as_array().expect("a list")
                    {
                        assert_eq!(variant["alternate_id"][0], rsid, "an answer of another thread's");
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    let accepted = sandbox.state()["connections"]["platform"]["accepted"].as_u64().expect("a number");
    assert!(accepted <= 20, "max_connections is 4, and {accepted} were made");
}
