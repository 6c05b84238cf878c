//! Random faults under a printed seed: the copy equals the source, or the call says that it failed. Never anything else.

use std::fs;

use serde_json::{Value, json};

use crate::{
    content::{KIB, MIB, bytes, crc64, stored},
    handles::Transfers,
    support::{Folder, Sandbox, count},
};

/// One fault, such as the network and the store really have.
fn fault(random: &mut fastrand::Rng) -> Value {
    let kinds = [
        json!({"kind": "reset"}),
        json!({"kind": "reset", "request_bytes": random.u64(..200_000)}),
        json!({"kind": "reset", "after_work": true}),
        json!({"kind": "reset_body", "bytes": random.u64(..9_000_000)}),
        json!({"kind": "truncate", "bytes": random.u64(..9_000_000)}),
        json!({"kind": "corrupt"}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "status", "status": 503, "after_work": true}),
        json!({"kind": "expired_sts"}),
        json!({"kind": "status", "status": 404, "xml": {"code": "NoSuchUpload"}}),
        json!({"kind": "status", "status": 403, "xml": {"code": "AccessDenied", "message": "Request has expired."}}),
        json!({"kind": "delay_headers", "ms": random.u64(..40)}),
        json!({"kind": "delay_body", "ms": random.u64(..40)}),
        json!({"kind": "close", "reset": random.bool()}),
        json!({"kind": "html"}),
    ];
    let mut fault = kinds[random.usize(..kinds.len())].clone();
    // Now and then on the platform's side, mostly on the store's.
    let side = if random.u8(..8) == 0 && fault["kind"] != "expired_sts" { "platform" } else { "store" };
    fault["side"] = side.into();
    fault["skip"] = random.u64(..12).into();
    fault["count"] = random.u64(1..4).into();
    fault
}

/// Switches of the store that a run may have.
fn switches(random: &mut fastrand::Rng) -> Value {
    let mut switches = json!({"reset": true});
    for name in ["no_crc", "no_part_crc", "no_range", "no_length", "deny_list_parts"] {
        if random.u8(..8) == 0 {
            switches[name] = true.into();
        }
    }
    if random.u8(..6) == 0 {
        switches["sts_uses"] = random.u64(3..9).into();
        switches["presign_uses"] = random.u64(3..9).into();
    }
    if random.u8(..8) == 0 {
        switches["complete_then_fail"] = 1.into();
    }
    switches
}

#[test]
fn random_schedules() {
    let runs = match std::env::var("BGE_TEST_SCHEDULES") {
        Ok(given) => given.parse().expect("BGE_TEST_SCHEDULES is a number"),
        Err(_) => count(30, 500),
    };
    let seed = match std::env::var("BGE_TEST_SEED") {
        Ok(given) => given.parse().expect("BGE_TEST_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("BGE_TEST_SEED={seed}");
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::new("schedules");
    let (mut good, mut failed) = (0, 0);
    for run in 0..runs as u64 {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(run));
        let size = match random.u8(..4) {
            0 => random.usize(..2000),
            1 => random.usize(..300 * KIB),
            2 => random.usize(..2 * MIB),
            _ => random.usize(8 * MIB..20 * MIB),
        };
        let content = bytes(random.u64(..), size);
        let source = folder.file("source.bin", &content);
        sandbox.set(json!({"store": switches(&mut random)}));
        let faults: Vec<Value> = (0..random.usize(1..6)).map(|_| fault(&mut random)).collect();
        sandbox.fault(json!(faults));
        let what = format!(
            "BGE_TEST_SEED={} BGE_TEST_SCHEDULES=1: {size} bytes, {faults:?}",
            seed.wrapping_add(run)
        );

        // A call that hangs is ended by its deadline, which no fault comes near.
        let api = sandbox.api(json!({"timeout": 5, "deadline": 90, "max_retries": random.u32(..5)}));
        let mut args = json!({"multipart_threshold": 150_000, "part_size": random.u64(102_400..400_000).max(size as u64 / 20)});
        if random.bool() {
            args["checkpoint_dir"] = folder.path("checkpoints").into();
        }
        let mut uploaded = None;
        for _ in 0..2 {
            match api.upload_file(&source, args.clone()) {
                Ok(done) => {
                    uploaded = Some(done);
                    break;
                }
                Err(failure) => {
                    failed += 1;
                    assert_ne!(failure.json["name"], "BGE_ERR_INTERNAL", "{what}: {failure:?}");
                    assert!(!failure.message.contains("deadline"), "{what}: {failure:?}");
                }
            }
        }
        let object = match uploaded {
            Some(done) => {
                good += 1;
                sandbox.clear_faults();
                sandbox.set(json!({"store": {"presign_uses": null}}));
                let object = done["object_name"].as_str().expect("a name").to_owned();
                assert!(stored(&sandbox, &object).as_deref() == Some(&content[..]), "{what}: another object");
                assert_eq!(done["crc64"], crc64(&content), "{what}");
                object
            }
            None => {
                sandbox.clear_faults();
                sandbox.set(json!({"store": {"reset": true}}));
                let done = api.upload("again.bin", &content, json!({})).expect("without faults");
                done["object_name"].as_str().expect("a name").to_owned()
            }
        };

        sandbox.set(json!({"store": switches(&mut random)}));
        let faults: Vec<Value> = (0..random.usize(1..6)).map(|_| fault(&mut random)).collect();
        sandbox.fault(json!(faults));
        let what = format!("BGE_TEST_SEED={} BGE_TEST_SCHEDULES=1: down, {faults:?}", seed.wrapping_add(run));
        let target = folder.path("target.bin");
        for _ in 0..2 {
            match api.download(&object, &target, json!({"multipart_num_threads": random.u8(1..6)})) {
                Ok(done) => {
                    good += 1;
                    let same = fs::read(&target).expect("the file") == content;
                    // What nobody vouched for may be wrong, and says so.
                    assert!(same || done["verified"] == false, "{what}: other bytes");
                    fs::remove_file(&target).expect("the file");
                    break;
                }
                Err(failure) => {
                    failed += 1;
                    assert_ne!(failure.json["name"], "BGE_ERR_INTERNAL", "{what}: {failure:?}");
                    assert!(!failure.message.contains("deadline"), "{what}: {failure:?}");
                    assert!(!fs::exists(&target).expect("the folder"), "{what}: half-written");
                }
            }
        }
        let _ = (
            fs::remove_file(format!("{target}.bge-part")),
            fs::remove_file(format!("{target}.bge-part.state")),
        );
        sandbox.clear_faults();
        sandbox.set(json!({"store": {"reset": true, "lose_uploads": true}}));
    }
    println!("{good} transfers were right, {failed} failed and said so");
    // The faults must be such that both happen.
    assert!(good > 0 && (failed > 0 || runs < 20), "{good} {failed}");
}
