//! Readers anywhere in an object: what they cost, and that what they give is the object's.

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{KIB, MIB, bytes, count, header},
    handles::Transfers,
    support::{self, Sandbox, c::Api},
};

fn uploaded(api: &Api, name: &str, content: &[u8]) -> String {
    let done = api.upload(name, content, json!({})).expect("an upload");
    done["object_name"].as_str().expect("a name").to_owned()
}

/// The ranges that the store was asked for, as first byte and length.
fn ranges(sandbox: &Sandbox) -> Vec<(usize, usize)> {
    let log = sandbox.take_log();
    let gets = log.iter().filter(|entry| entry["side"] == "store" && entry["method"] == "GET");
    gets.map(|get| {
        let range = header(get, "range").expect("a range").trim_start_matches("bytes=").to_owned();
        let (first, last) = range.split_once('-').expect("a range");
        let (first, last): (usize, usize) = (first.parse().expect("it"), last.parse().expect("it"));
        (first, last + 1 - first)
    })
    .collect()
}

#[test]
fn any_place_in_any_order() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(1, 3 * MIB + 77);
    let object = uploaded(&api, "a.bin", &content);
    let size = content.len();
    for store in
        [json!({}), json!({"standard_ranges": true}), json!({"no_range": true}), json!({"no_crc": true})]
    {
        let mut options = store.clone();
        options["reset"] = true.into();
        sandbox.set(json!({ "store": options }));
        for (args, from, to) in [
            (json!({}), 0, size),
            (json!({"offset": 1_000_003}), 1_000_003, size),
            (json!({"offset": 5, "length": 700_000}), 5, 700_005),
        ] {
            let wanted = &content[from..to];
            let reader = api.reader(&object, args.clone()).expect("a reader");
            if fastrand::bool() {
                assert_eq!(reader.size().expect("a size"), wanted.len() as u64, "{args} {store}");
            }
            let mut at = 0;
            for _ in 0..60 {
                let (place, most) = (fastrand::usize(..wanted.len() + 10), fastrand::usize(1..200_000));
                let end = (place + most).min(wanted.len());
                let expected = wanted.get(place..end).unwrap_or_default();
                match fastrand::u8(..3) {
                    0 => {
                        let read = reader.read_at(place as u64, most).expect("bytes");
                        assert!(read == expected, "{args} {store}: {place} {most}");
                    }
                    1 => {
                        reader.seek(place as u64).expect("a place");
                        at = place;
                    }
                    _ => {
                        let read = reader.read(most).expect("bytes");
                        let there = wanted.get(at..).unwrap_or_default();
                        assert!(there.starts_with(&read), "{args} {store}: {at}");
                        assert_eq!(read.is_empty(), there.is_empty());
                        at += read.len();
                    }
                }
            }
            assert_eq!(reader.size().expect("a size"), wanted.len() as u64);
            reader.seek(0).expect("the beginning");
            let (all, failure) = reader.rest(77_777);
            assert!(failure.is_none() && all == wanted, "{args} {store}: {failure:?}");
        }
    }
    for args in [json!({}), json!({"offset": 10})] {
        let empty = uploaded(&api, "empty.bin", b"");
        let reader = api.reader(&empty, args).expect("a reader");
        assert_eq!((reader.size().expect("it"), reader.read(1).expect("it").len()), (0, 0));
        assert_eq!(reader.read_at(3, 5).expect("nothing"), b"");
    }
}

#[test]
fn what_is_asked_for_is_what_is_wanted() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(2, 40 * MIB + 100);
    let object = uploaded(&api, "a.bin", &content);
    sandbox.clear_log();
    // As a program that looks at one gene: the header, the end, a place in the middle.
    let reader = api.reader(&object, json!({})).expect("a reader");
    let first = reader.read(60_000).expect("bytes");
    assert!(!first.is_empty() && content.starts_with(&first));
    assert_eq!(reader.size().expect("a size"), content.len() as u64);
    reader.seek(content.len() as u64 - 28).expect("a place");
    let mut end = Vec::new();
    while end.len() < 28 {
        end.extend(reader.read(28).expect("bytes"));
    }
    assert_eq!(end, content[content.len() - 28..]);
    reader.seek(20 * MIB as u64).expect("a place");
    let mut middle = Vec::new();
    while middle.len() < 100_000 {
        middle.extend(reader.read(100_000 - middle.len()).expect("bytes"));
    }
    assert!(middle == content[20 * MIB..][..100_000]);
    let asked = ranges(&sandbox);
    assert_eq!(asked, [(0, 256 * KIB), (content.len() - 28, 28), (20 * MIB, 192 * KIB)]);

    // Whole, in order: each byte once, in longer and longer blocks, none past the end.
    let reader = api.reader(&object, json!({})).expect("a reader");
    let (all, failure) = reader.rest(1 << 20);
    assert!(failure.is_none() && all == content);
    let asked = ranges(&sandbox);
    assert_eq!(asked.iter().map(|(_, length)| length).sum::<usize>(), content.len());
    assert!(asked.len() < 14 && asked.iter().any(|(_, length)| *length == 8 * MIB), "{asked:?}");
    assert!(asked.iter().all(|(first, length)| first + length <= content.len()));
}

#[test]
fn readers_of_an_object_share_one_address_until_it_ends() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(3, 5 * MIB);
    let object = uploaded(&api, "a.bin", &content);
    sandbox.clear_log();
    for _ in 0..5 {
        let (all, failure) = api.reader(&object, json!({})).expect("a reader").rest(1 << 20);
        assert!(failure.is_none() && all == content);
    }
    assert_eq!(count(&sandbox.take_log(), "POST", "/oss/sign_url"), 1);
    // One that ends in the middle is asked for anew.
    sandbox.expire("presigned");
    sandbox.set(json!({"store": {"presign_uses": 2}}));
    let (all, failure) = api.reader(&object, json!({})).expect("a reader").rest(100_000);
    assert!(failure.is_none() && all == content, "{failure:?}");
    assert!(count(&sandbox.take_log(), "POST", "/oss/sign_url") >= 2);
}

#[test]
fn many_threads_read_one_reader() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(4, 6 * MIB + 5);
    let object = uploaded(&api, "a.bin", &content);
    let reader = api.reader(&object, json!({})).expect("a reader");
    let (content, reader) = (&content, &reader);
    std::thread::scope(|scope| {
        for seed in 0..8 {
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..25 {
                    let (place, most) = (random.usize(..content.len()), random.usize(1..400_000));
                    let end = (place + most).min(content.len());
                    let read = reader.read_at(place as u64, most).expect("bytes");
                    assert!(read == content[place..end], "{place} {most}");
                }
            });
        }
        let (all, failure) = reader.rest(333_333);
        assert!(failure.is_none() && all == *content);
    });
}

#[test]
fn an_object_that_is_replaced_is_an_error() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let object = uploaded(&api, "a.bin", &bytes(5, 5 * MIB));
    for anywhere in [false, true] {
        uploaded(&api, "a.bin", &bytes(5, 5 * MIB));
        let reader = api.reader(&object, json!({})).expect("a reader");
        reader.read(1000).expect("bytes");
        uploaded(&api, "a.bin", &bytes(6, 5 * MIB));
        let failure = match anywhere {
            true => reader.read_at(3 * MIB as u64, 10).expect_err("replaced"),
            false => reader.rest(100_000).1.expect("replaced"),
        };
        assert_eq!(failure.status, BGE_ERR_INTEGRITY, "{failure:?}");
        assert_eq!(reader.read_at(4 * MIB as u64, 10).expect_err("still").status, BGE_ERR_INTEGRITY);
    }
}

#[test]
fn encrypted_objects_are_read_as_they_were_written() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"kms_endpoint": sandbox.text("/kms/endpoint")}));
    let content = bytes(7, 3 * MIB + 3);
    let key = json!({"cmk_id": sandbox.text("/kms/key_id")});
    let done = api.upload("a.bin", &content, key.clone()).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    let reader = api.reader(object, json!({})).expect("a reader");
    let (all, failure) = reader.rest(99_999);
    assert!(failure.is_none() && all == content, "{failure:?}");
    for place in [0, 1, 15, 16, 17, 1_000_003, content.len() - 1] {
        let end = (place + 5_000).min(content.len());
        assert!(reader.read_at(place as u64, 5_000).expect("bytes") == content[place..end], "{place}");
        reader.seek(place as u64).expect("a place");
        let read = reader.read(5_000).expect("bytes");
        assert!(!read.is_empty() && content[place..].starts_with(&read));
    }
    assert_eq!(reader.size().expect("a size"), content.len() as u64);
    let part = api.reader(object, json!({"offset": 7, "length": 1_000_000})).expect("a reader");
    let (all, failure) = part.rest(10_000);
    assert!(failure.is_none() && all == content[7..1_000_007]);
    let (kept, failure) = api.reader(object, json!({"decrypt": false})).expect("a reader").rest(100_000);
    assert!(failure.is_none() && kept.len() == content.len() && kept != content);

    // A flipped bit is found at the end, whatever the store's checksum says.
    sandbox.set(json!({"store": {"no_crc": true}}));
    sandbox.fault(json!({"method": "GET", "side": "store", "skip": 1, "kind": "corrupt"}));
    let failure = api.reader(object, json!({})).expect("a reader").rest(100_000).1.expect("flipped");
    assert_eq!(failure.status, BGE_ERR_INTEGRITY, "{failure:?}");
    sandbox.key(sandbox.text("/kms/key_id"), "disabled");
    let refused = api.reader(object, json!({})).expect("a reader").read(10).expect_err("no right");
    assert_eq!(
        (refused.status, &refused.json["storage_code"]),
        (BGE_ERR_STORAGE, &json!("Rejected.Disabled"))
    );
}

#[test]
fn no_schedule_of_faults_gives_wrong_bytes() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"max_retries": 3}));
    let content = bytes(8, 2 * MIB + 9);
    let object = uploaded(&api, "a.bin", &content);
    let (mut good, mut failed) = (0, 0);
    for round in 0..support::count(12, 100) {
        for _ in 0..fastrand::usize(1..4) {
            let kind: Value = match fastrand::u8(..8) {
                0 => json!({"kind": "reset"}),
                1 => json!({"kind": "reset_body", "bytes": fastrand::usize(..300_000)}),
                2 => json!({"kind": "truncate", "bytes": fastrand::usize(..300_000)}),
                3 => json!({"kind": "status", "status": 503}),
                4 => json!({"kind": "short_range"}),
                5 => json!({"kind": "content_range", "shift": 3}),
                6 => json!({"kind": "content_range", "total": "*"}),
                _ => json!({"kind": "status", "status": 403}),
            };
            let mut fault = json!({"method": "GET", "side": "store", "skip": fastrand::u8(..4), "count": fastrand::u8(1..3)});
            fault.as_object_mut().expect("members").extend(kind.as_object().expect("members").clone());
            sandbox.fault(fault);
        }
        // One of its own: a client that was refused is slower from then on.
        let api = sandbox.api(json!({"max_retries": 3}));
        let reader = api.reader(&object, json!({})).expect("a reader");
        let (all, failure) = reader.rest(50_000);
        match failure {
            None => {
                good += 1;
                assert!(all == content, "{round}");
            }
            Some(failure) => {
                failed += 1;
                assert_ne!(failure.status, BGE_ERR_INTERNAL, "{failure:?}");
                assert!(content.starts_with(&all), "{round}");
            }
        }
        let place = fastrand::usize(..content.len());
        if let Ok(read) = reader.read_at(place as u64, 1000) {
            assert!(read == content[place..(place + 1000).min(content.len())], "{round}");
        }
        sandbox.clear_faults();
    }
    assert!(good > 0, "{good} {failed}");
}

#[test]
fn readers_that_nobody_reads_from_keep_nobody_waiting() {
    let sandbox = Sandbox::start(&[]);
    let content = bytes(21, 24 * MIB);
    let api = sandbox.api(json!({"max_connections": 1}));
    let done = api.upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    // One answer for all of it, which rests half-read between two reads.
    sandbox.set(json!({"store": {"no_range": true}}));
    let readers: Vec<_> = (0..3).map(|_| api.reader(object, json!({})).expect("a reader")).collect();
    let mut read: Vec<Vec<u8>> =
        readers.iter().map(|reader| reader.read(1000).expect("the beginning")).collect();
    api.call("get_user", json!({"$": {"deadline": 10}})).expect("a connection is free");
    for (reader, read) in readers.iter().zip(&mut read) {
        read.extend(reader.read(100_000).expect("more"));
    }
    for (reader, mut read) in readers.iter().zip(read) {
        let (rest, failure) = reader.rest(1_000_000);
        assert!(failure.is_none(), "{failure:?}");
        read.extend(rest);
        assert!(read == content);
    }
}

#[test]
fn the_doctors_round_trip_ends_with_its_deadline() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({"timeout": 60}));
    sandbox.fault(json!({"side": "store", "method": "GET", "kind": "hang", "count": 0}));
    let begun = std::time::Instant::now();
    let told = api.value("doctor", json!({"$": {"deadline": 3}})).expect("findings");
    assert!(begun.elapsed() < std::time::Duration::from_secs(25), "{:?}", begun.elapsed());
    let checks = told["checks"].as_array().expect("an array");
    let found = checks.iter().find(|check| check["name"] == "round_trip").expect("it");
    assert_eq!(found["state"], "failed", "{told}");
    sandbox.clear_faults();
}
