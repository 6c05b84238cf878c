//! Objects as streams: a reader that verifies at its end, a writer that commits only when it is told to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, count, crc64, eventually, objects, open_uploads, stored},
    handles::{Reader, Transfers, Writer},
    support::{Sandbox, c::Api},
};

fn uploaded(api: &Api, content: &[u8]) -> String {
    let done = api.upload("a.bin", content, json!({})).expect("an upload");
    done["object_name"].as_str().expect("a name").to_owned()
}

fn get(kind: Value) -> Value {
    let mut fault = json!({"method": "GET", "side": "store"});
    fault.as_object_mut().expect("members").extend(kind.as_object().expect("members").clone());
    fault
}

#[test]
fn a_reader_goes_on_where_it_broke() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(1, 5 * MIB + 11);
    let object = uploaded(&api, &content);
    for fault in [
        get(json!({"count": 0, "kind": "drip", "bytes": 4_000_000, "interval_ms": 1})),
        get(json!({"kind": "reset"})),
        get(json!({"kind": "reset_body", "bytes": 3 * MIB})),
        get(json!({"count": 4, "kind": "truncate", "bytes": MIB})),
        get(json!({"count": 2, "kind": "status", "status": 503})),
    ] {
        sandbox.fault(fault.clone());
        sandbox.clear_log();
        let reader = api.reader(&object, json!({"$": {"max_retries": 2}})).expect("a reader");
        assert_eq!(sandbox.log().len(), 0, "opening sends nothing");
        let (read, failure) = reader.rest(100_000);
        assert!(failure.is_none(), "{fault}: {failure:?}");
        assert!(read == content, "{fault}");
        assert_eq!(reader.read(10).expect("still the end"), b"");
        sandbox.clear_faults();
    }
    for options in [json!({"no_range": true}), json!({"no_length": true}), json!({"no_crc": true})] {
        let mut store = options.clone();
        store["reset"] = true.into();
        sandbox.set(json!({"store": store}));
        sandbox.fault(get(json!({"kind": "reset_body", "bytes": 2 * MIB})));
        let (read, failure) = api.reader(&object, json!({})).expect("a reader").rest(77_777);
        match failure {
            None => assert!(read == content, "{options}"),
            // Without a length nobody knows where to go on.
            Some(failure) => {
                assert_eq!((failure.status, options.get("no_length").is_some()), (BGE_ERR_TRANSPORT, true));
                assert!(content.starts_with(&read), "{options}");
            }
        }
    }
}

#[test]
fn a_reader_of_a_part_gives_that_part() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(2, MIB + 11);
    let object = uploaded(&api, &content);
    let size = content.len();
    for store in [json!({}), json!({"no_range": true})] {
        let mut options = store.clone();
        options["reset"] = true.into();
        sandbox.set(json!({ "store": options }));
        for (args, from, to) in [
            (json!({"offset": 0}), 0, size),
            (json!({"offset": 1000}), 1000, size),
            (json!({"offset": size - 1}), size - 1, size),
            (json!({"offset": 10, "length": 20}), 10, 30),
            (json!({"length": 300_000}), 0, 300_000),
            (json!({"offset": size - 5, "length": 100}), size - 5, size),
            (json!({"offset": size}), size, size),
            (json!({"offset": size + 7, "length": 3}), size, size),
            (json!({"offset": 3, "length": 0}), 3, 3),
        ] {
            let (read, failure) = api.reader(&object, args.clone()).expect("a reader").rest(100_000);
            assert!(failure.is_none(), "{args} {store}: {failure:?}");
            assert!(read == content[from..to], "{args} {store}: {} bytes", read.len());
        }
    }
    sandbox.set(json!({"store": {"reset": true}}));
    for kind in [json!({"kind": "reset_body", "bytes": 100_000}), json!({"kind": "truncate", "bytes": 5})] {
        sandbox.fault(get(kind.clone()));
        let args = json!({"offset": 777, "length": 600_000});
        let (read, failure) = api.reader(&object, args).expect("a reader").rest(50_000);
        assert!(failure.is_none() && read == content[777..600_777], "{kind}: {failure:?}");
    }
    for args in [json!({"offset": -1}), json!({"offset": "1"}), json!({"length": 1.5})] {
        assert_eq!(
            api.reader(&object, args.clone()).err().map(|f| f.status),
            Some(BGE_ERR_ARGUMENT),
            "{args}"
        );
    }
}

#[test]
fn a_reader_tells_at_its_end_what_was_wrong() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(2, 3 * MIB);
    let object = uploaded(&api, &content);
    sandbox.fault(get(json!({"kind": "corrupt"})));
    let reader = api.reader(&object, json!({})).expect("a reader");
    let (read, failure) = reader.rest(100_000);
    assert_eq!(read.len(), content.len());
    assert_eq!(failure.map(|failure| failure.status), Some(BGE_ERR_INTEGRITY));
    assert_eq!(reader.read(10).expect_err("still").status, BGE_ERR_INTEGRITY);

    // The object changes while it is read.
    sandbox.fault(get(json!({"kind": "reset_body", "bytes": MIB})));
    let reader = api.reader(&object, json!({})).expect("a reader");
    let first = reader.read(1000).expect("bytes");
    api.upload("a.bin", &bytes(3, 3 * MIB), json!({})).expect("another object");
    let (rest, failure) = reader.rest(100_000);
    assert_eq!(failure.map(|failure| failure.status), Some(BGE_ERR_INTEGRITY));
    let all = [first, rest].concat();
    assert!(all == content[..all.len()], "bytes of two versions");

    let failure = api.reader("no/such/object", json!({})).expect("a reader").read(1).expect_err("no object");
    assert_eq!((failure.status, &failure.json["storage_code"]), (BGE_ERR_STORAGE, &json!("NoSuchKey")));
    for args in [json!({"regoin": "x"}), json!({"region": 1}), json!({"path": "x"})] {
        assert_eq!(api.reader(&object, args).err().map(|f| f.status), Some(BGE_ERR_ARGUMENT));
    }
}

#[test]
fn a_read_that_waits_is_cancelled_from_another_thread() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let object = uploaded(&api, &bytes(4, MIB));
    sandbox.fault(get(json!({"kind": "delay_body", "bytes": 1000, "ms": 60_000})));
    let reader: Arc<Reader> = Arc::new(api.reader(&object, json!({})).expect("a reader"));
    assert!(!reader.read(5000).expect("the first bytes").is_empty());
    let other = reader.clone();
    let waiting = std::thread::spawn(move || {
        let (_, failure) = other.rest(5000);
        (failure.expect("cancelled").status, Instant::now())
    });
    std::thread::sleep(Duration::from_millis(200));
    let cancelled = Instant::now();
    reader.cancel();
    let (status, ended) = waiting.join().expect("no panic");
    assert_eq!(status, BGE_ERR_CANCELLED);
    assert!(ended.duration_since(cancelled) < Duration::from_secs(5), "it hung");
    assert_eq!(reader.read(1).expect_err("still").status, BGE_ERR_CANCELLED);
}

#[test]
fn a_deadline_bounds_each_read() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(5, MIB);
    let object = uploaded(&api, &content);
    sandbox.fault(get(json!({"kind": "delay_body", "bytes": 100_000, "ms": 1500})));
    let reader = api.reader(&object, json!({"$": {"deadline": 1}})).expect("a reader");
    let (mut all, failure) = reader.rest(100_000);
    assert_eq!(failure.map(|failure| failure.status), Some(BGE_ERR_TIMEOUT));
    let (rest, failure) = reader.rest(100_000);
    assert!(failure.is_none(), "{failure:?}");
    all.extend(rest);
    assert!(all == content);
}

#[test]
fn a_writer_commits_what_was_written() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for (size, parts) in [(0, 1), (1, 1), (102_400, 1), (102_401, 2), (1_000_000, 10)] {
        let content = bytes(size as u64, size);
        let name = format!("{size}.bin");
        sandbox.clear_log();
        let writer = api.writer(&name, json!({"part_size": 102_400})).expect("a writer");
        assert_eq!(sandbox.log().len(), 0, "opening sends nothing");
        for piece in content.chunks(33_333) {
            writer.write(piece).expect("room");
            writer.write(b"").expect("nothing");
        }
        assert_eq!(
            objects(&sandbox).iter().filter(|object| object.ends_with(&format!("/{name}"))).count(),
            0
        );
        let done = writer.finish().expect("an object");
        assert_eq!((&done["size"], &done["parts"]), (&json!(size), &json!(parts)));
        assert_eq!((&done["crc64"], &done["verified"]), (&json!(crc64(&content)), &json!(true)));
        assert_eq!(stored(&sandbox, done["object_name"].as_str().expect("a name")), Some(content));
        assert_eq!(writer.write(b"x").expect_err("closed").status, BGE_ERR_CLOSED);
        assert_eq!(writer.finish().expect_err("closed").status, BGE_ERR_CLOSED);
        assert_eq!(writer.abort().expect_err("closed").status, BGE_ERR_CLOSED);
    }
    assert_eq!(open_uploads(&sandbox), 0);
}

#[test]
fn what_is_not_finished_never_appears() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let written = |sandbox: &Sandbox| {
        let writer = api.writer("a.bin", json!({"part_size": 102_400})).expect("a writer");
        writer.write(&bytes(6, 500_000)).expect("room");
        eventually("parts are on the store", || open_uploads(sandbox) == 1);
        writer
    };
    let writer: Writer = written(&sandbox);
    writer.abort().expect("an abort");
    assert_eq!(open_uploads(&sandbox), 0);
    assert_eq!(writer.write(b"x").expect_err("closed").status, BGE_ERR_CLOSED);

    drop(written(&sandbox));
    eventually("the store forgets it", || open_uploads(&sandbox) == 0);

    let writer = written(&sandbox);
    writer.cancel();
    assert_eq!(writer.write(b"x").expect_err("cancelled").status, BGE_ERR_CANCELLED);
    assert_eq!(writer.finish().expect_err("cancelled").status, BGE_ERR_CANCELLED);
    writer.abort().expect("an abort after a cancel");
    assert_eq!(open_uploads(&sandbox), 0);

    // An abort that cannot be done says so.
    let writer = written(&sandbox);
    sandbox.fault(json!({"method": "DELETE", "side": "store", "kind": "status", "status": 403}));
    assert_eq!(writer.abort().expect_err("refused").status, BGE_ERR_STORAGE);
    assert_eq!(objects(&sandbox).len(), 0);
}

#[test]
fn a_write_that_waits_is_cancelled_from_another_thread() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.fault(json!({"query": "*partNumber=*", "count": 0, "kind": "hang"}));
    let writer: Arc<Writer> = Arc::new(api.writer("a.bin", json!({"part_size": 102_400})).expect("a writer"));
    let other = writer.clone();
    let waiting = std::thread::spawn(move || other.write(&bytes(7, 500_000)));
    eventually("a part is on its way", || count(&sandbox.log(), "PUT", "partNumber=1") == 1);
    writer.cancel();
    assert_eq!(waiting.join().expect("no panic").expect_err("cancelled").status, BGE_ERR_CANCELLED);
    drop(writer);
    eventually("the store forgets it", || open_uploads(&sandbox) == 0);
}

#[test]
fn a_part_that_failed_fails_the_object() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(8, 500_000);
    sandbox.fault(json!({"query": "*partNumber=2*", "kind": "reset", "request_bytes": 40_000}));
    let writer = api.writer("a.bin", json!({"part_size": 102_400})).expect("a writer");
    writer.write(&content).expect("room");
    let done = writer.finish().expect("the part is repeated");
    assert_eq!(done["crc64"], crc64(&content));

    sandbox.fault(json!({"query": "*partNumber=2*", "count": 0, "kind": "status", "status": 500}));
    let args = json!({"part_size": 102_400, "$": {"max_retries": 1}});
    let writer = api.writer("b.bin", args).expect("a writer");
    let failed = writer.write(&content).and_then(|()| writer.finish().map(|_| ()));
    assert_eq!(failed.expect_err("a part fails").status, BGE_ERR_STORAGE);
    assert_eq!(writer.finish().expect_err("still").status, BGE_ERR_STORAGE);
    drop(writer);
    eventually("the store forgets it", || open_uploads(&sandbox) == 0);
    assert!(objects(&sandbox).iter().all(|name| !name.ends_with("b.bin")));
    for args in [json!({"part_sise": 1}), json!({"cmk_id": 1}), json!({"checkpoint_dir": "x"})] {
        assert_eq!(api.writer("a", args).err().map(|failure| failure.status), Some(BGE_ERR_ARGUMENT));
    }
}

#[test]
fn in_a_forked_child_streams_are_closed_and_freeing_harms_nothing() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let content = bytes(9, 3 * MIB);
    let object = uploaded(&api, &content);
    let reader = api.reader(&object, json!({})).expect("a reader");
    let mut all = reader.read(1000).expect("bytes");
    let writer = api.writer("b.bin", json!({"part_size": 102_400})).expect("a writer");
    writer.write(&content[..300_000]).expect("room");

    // SAFETY: the child calls only the library, which promises to bear it, and `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let closed = |status: Option<i32>| status == Some(BGE_ERR_CLOSED);
        let good = closed(reader.read(1).err().map(|failure| failure.status))
            && closed(writer.write(b"x").err().map(|failure| failure.status))
            && closed(writer.finish().err().map(|failure| failure.status))
            && closed(writer.abort().err().map(|failure| failure.status));
        reader.cancel();
        writer.cancel();
        drop((reader, writer));
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(if good { 0 } else { 1 }) };
    }
    let mut status = -1;
    // SAFETY: `status` is writable.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);

    writer.write(&content[300_000..]).expect("room");
    assert_eq!(writer.finish().expect("an object")["crc64"], crc64(&content));
    let (rest, failure) = reader.rest(100_000);
    assert!(failure.is_none(), "{failure:?}");
    all.extend(rest);
    assert!(all == content);
}
