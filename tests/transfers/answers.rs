//! Answers that are lawful and seldom, or plainly wrong: ranges that are shorter than asked for, lengths that are not told,
//! versions that take turns, sizes and times that cannot be.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes, count, eventually, stored},
    handles::Transfers,
    support::{Folder, Sandbox, c::Api, server::Server},
};

/// An answer of the server below: status line and headers, and the body.
type Answer = (String, Vec<u8>);

/// A server on loopback that answers its n-th request (from 0), which may ask for a range, as it is told; it gives its
/// address and the number of requests so far.
fn serve(
    answer: impl Fn(usize, Option<(usize, usize)>) -> Answer + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/a.bin", listener.local_addr().expect("an address"));
    let (answer, seen) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let counted = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (answer, counted, mut stream) =
                (answer.clone(), counted.clone(), stream.expect("a connection"));
            std::thread::spawn(move || {
                let mut range = None;
                let reading = stream.try_clone().expect("a connection");
                for line in BufReader::new(reading).lines() {
                    let line = line.unwrap_or_default().to_lowercase();
                    if let Some(asked) = line.strip_prefix("range: bytes=") {
                        let (first, last) = asked.split_once('-').expect("a range");
                        range = Some((
                            first.parse().expect("a number"),
                            last.parse::<usize>().map_or(usize::MAX, |last| last + 1),
                        ));
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let (head, body) = answer(counted.fetch_add(1, Ordering::SeqCst), range);
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            });
        }
    });
    (url, seen)
}

fn ranged(content: &[u8], etag: &str, (start, end): (usize, usize)) -> Answer {
    let end = end.min(content.len());
    let total = content.len();
    let head =
        format!("206 Partial Content\r\nETag: {etag}\r\nContent-Range: bytes {start}-{}/{total}", end - 1);
    (head, content[start..end].to_vec())
}

fn whole(content: &[u8], etag: &str) -> Answer {
    (format!("200 OK\r\nETag: {etag}"), content.to_vec())
}

fn client() -> Api {
    Api::new("token", &json!({"endpoint": "http://127.0.0.1:1", "max_retries": 2}).to_string())
        .expect("a client")
}

fn only(folder: &Folder, name: &str) -> bool {
    let names = fs::read_dir(folder.path("")).expect("the folder");
    names.map(|entry| entry.expect("an entry").file_name()).eq([std::ffi::OsString::from(name)])
}

#[test]
fn all_of_it_where_a_range_was_asked_for() {
    let content = bytes(1, 30 * MIB + 7);
    let folder = Folder::new("answers");
    for from in [0, 1, 2, 3] {
        let served = content.clone();
        let (url, _) = serve(move |number, range| match range {
            Some(range) if number < from => ranged(&served, "\"1\"", range),
            _ => whole(&served, "\"1\""),
        });
        for connections in [1, 4] {
            let args =
                json!({"url": url, "path": folder.path("a.bin"), "multipart_num_threads": connections});
            client().call("download_file", args).expect("a download");
            assert!(fs::read(folder.path("a.bin")).expect("the file") == content, "{from} {connections}");
            assert!(only(&folder, "a.bin"));
        }
    }
}

#[test]
fn a_part_that_calls_itself_the_whole_is_not_taken_for_it() {
    let content = bytes(11, 20 * MIB + 5);
    let folder = Folder::new("answers");
    let plainly = |(head, body): Answer| (head.replace("206 Partial Content", "200 OK"), body);
    // Each range with the wrong status; the whole that also says which bytes it has; a part of what nobody asked for.
    for (kind, works) in [("ranges", true), ("whole", true), ("stray", false)] {
        let served = content.clone();
        let (url, _) = serve(move |_, range| match (kind, range) {
            ("ranges", Some(range)) => plainly(ranged(&served, "\"1\"", range)),
            ("stray", _) => plainly(ranged(&served, "\"1\"", (5, 9 * MIB))),
            _ => plainly(ranged(&served, "\"1\"", (0, served.len()))),
        });
        for connections in [1, 4] {
            let args =
                json!({"url": url, "path": folder.path("a.bin"), "multipart_num_threads": connections});
            let outcome = client().call("download_file", args);
            if works {
                outcome.unwrap_or_else(|failure| panic!("{kind} {connections}: {failure:?}"));
                assert!(fs::read(folder.path("a.bin")).expect("the file") == content, "{kind} {connections}");
                fs::remove_file(folder.path("a.bin")).expect("it was there");
            } else {
                assert_eq!(outcome.expect_err(kind).status, BGE_ERR_PROTOCOL, "{kind} {connections}");
                assert!(fs::metadata(folder.path("a.bin")).is_err(), "{kind} {connections}");
            }
        }
    }
}

#[test]
fn short_ranges_and_lengths_that_are_not_told() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("answers");
    let content = bytes(2, 20 * MIB + 3);
    let done = api.upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    for fault in [
        json!({"kind": "content_range", "total": "*", "count": 0}),
        json!({"kind": "content_range", "total": "*", "skip": 1}),
        json!({"kind": "short_range", "count": 0, "bytes": 3 * MIB}),
        json!({"kind": "short_range", "skip": 1}),
        json!({"kind": "content_range", "shift": 5, "skip": 1}),
        json!({"kind": "content_range", "value": "bytes 5-1/2", "skip": 2}),
        json!({"kind": "content_range", "shift": 5}),
        // Always another range: then without.
        json!({"kind": "content_range", "shift": 5, "count": 0}),
    ] {
        let mut planned = json!({"method": "GET", "side": "store"});
        planned.as_object_mut().expect("members").extend(fault.as_object().expect("members").clone());
        for connections in [1, 4] {
            sandbox.fault(planned.clone());
            let args = json!({"multipart_num_threads": connections});
            let done = api.download(object, &folder.path("a.bin"), args);
            let done = done.unwrap_or_else(|failure| panic!("{fault} {connections}: {failure:?}"));
            assert!(fs::read(folder.path("a.bin")).expect("the file") == content, "{fault}");
            assert_eq!(done["verified"], true);
            sandbox.clear_faults();
        }
    }
    assert!(only(&folder, "a.bin"));
}

#[test]
fn two_mirrors_in_turn_give_one_answer_or_say_why_not() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    let folder = Folder::new("answers");
    let content = bytes(3, 20 * MIB);
    let done = api.upload("a.bin", &content, json!({})).expect("an upload");
    let object = done["object_name"].as_str().expect("a name");
    sandbox.set(json!({"store": {"alternate_etags": true}}));
    for connections in [1, 4] {
        let args = json!({"multipart_num_threads": connections});
        api.download(object, &folder.path("a.bin"), args).expect("in one piece");
        assert!(fs::read(folder.path("a.bin")).expect("the file") == content);
    }
    assert!(only(&folder, "a.bin"));
}

#[test]
fn an_object_that_became_shorter_is_begun_anew() {
    let (before, after) = (bytes(4, 20 * MIB), bytes(5, 9 * MIB));
    let folder = Folder::new("answers");
    let now = after.clone();
    let (url, _) = serve(move |number, range| match (number, range) {
        (0, Some(range)) => ranged(&before, "\"1\"", range),
        (1..=3, _) => {
            (format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{}", now.len()), Vec::new())
        }
        (_, Some(range)) => ranged(&now, "\"2\"", range),
        (_, None) => whole(&now, "\"2\""),
    });
    client().download_file(&url, &folder.path("a.bin"), json!({})).expect("the shorter one");
    assert!(fs::read(folder.path("a.bin")).expect("the file") == after);
}

/// Addresses that differ in their query only, and files that differ in nothing but their content.
#[test]
fn what_one_address_gave_is_not_gone_on_with_at_another() {
    let folder = Folder::new("answers");
    let contents = [bytes(6, 10 * MIB), bytes(7, 10 * MIB)];
    let served = contents.clone();
    let server = Server::start(move |request, stream| {
        let content = &served[usize::from(request.target.contains("id=2"))];
        let date = "Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT";
        let start = request.header("range").map_or(0, |range| {
            let first = range.trim_start_matches("bytes=").split('-').next().unwrap_or_default();
            first.parse().expect("a number")
        });
        let (status, more) = match start {
            0 => ("200 OK", String::new()),
            _ => (
                "206 Partial Content",
                format!("Content-Range: bytes {start}-{}/{}\r\n", content.len() - 1, content.len()),
            ),
        };
        let end = if request.target.contains("id=1") { 9 * MIB } else { content.len() };
        let head =
            format!("HTTP/1.1 {status}\r\n{date}\r\n{more}Content-Length: {}\r\n\r\n", content.len() - start);
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&content[start..end]));
        false
    });
    let path = folder.path("a.bin");
    let args = json!({"multipart_num_threads": 1, "$": {"max_retries": 0}});
    let url = |id: u32| format!("{}/export?id={id}", server.endpoint());
    client().download_file(&url(1), &path, args.clone()).expect_err("it breaks off");
    client().download_file(&url(2), &path, args).expect("the other one");
    assert!(fs::read(&path).expect("the file") == contents[1]);
}

#[test]
fn a_size_that_cannot_be_is_an_error_and_no_end_of_the_process() {
    let folder = Folder::new("answers");
    for total in ["9223372036854775807", "18446744073709551615", "4503599627370496"] {
        let (url, seen) = serve(move |_, range| {
            let (start, end) = range.unwrap_or((0, 8 * MIB));
            let end = end.min(start + 8 * MIB);
            let head = format!(
                "206 Partial Content\r\nETag: \"1\"\r\nContent-Range: bytes {start}-{}/{total}",
                end - 1
            );
            (head, vec![0; end - start])
        });
        let failure = client().download_file(&url, &folder.path("a.bin"), json!({})).expect_err("no room");
        assert_eq!(failure.status, BGE_ERR_IO, "{failure:?}");
        assert_eq!(seen.load(Ordering::SeqCst), 1, "it is known from the first answer");
    }
    assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0);
}

#[test]
fn a_server_whose_clock_shows_another_century_harms_no_later_call() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    for time in ["1969-12-31T23:59:59.000Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-1"] {
        let body = format!(
            "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message><RequestId>R</RequestId>\
             <ServerTime>{time}</ServerTime></Error>"
        );
        sandbox
            .fault(json!({"method": "PUT", "side": "store", "kind": "status", "status": 403, "body": body}));
        let failure = api.upload("a.txt", b"content", json!({})).expect_err("refused");
        assert_eq!((failure.status, failure.http_status), (BGE_ERR_STORAGE, 403), "{time}: {failure:?}");
        api.upload("b.txt", b"content", json!({})).expect("a later call");
    }
}

#[test]
fn a_name_stays_with_the_grant_that_it_was_claimed_in() {
    let sandbox = Sandbox::start(&[]);
    let api = sandbox.api(json!({}));
    sandbox.set(json!({"fresh_destination": true}));
    let folder = Folder::new("answers");
    folder.file("a.txt", b"the folder's a");
    folder.file("b.txt", b"the folder's b");
    // While the first file is on its way, somebody else uploads another "b.txt".
    sandbox.fault(
        json!({"method": "PUT", "side": "store", "path": "*a.txt", "kind": "delay_headers", "ms": 1500}),
    );
    let args = json!({"path": folder.path(""), "multipart_num_threads": 1});
    let op = api.start("upload_dir", args).expect("an operation");
    eventually("the first file is on its way", || count(&sandbox.log(), "PUT", "a.txt") == 1);
    let other = api.upload("b.txt", b"somebody else's", json!({})).expect("an upload");
    let done: Value = serde_json::from_str(&op.finish().expect("uploads")).expect("JSON");
    let name = |result: &Value| result["object_name"].as_str().expect("a name").to_owned();
    let names = [name(&done[0]), name(&done[1]), name(&other)];
    let destination = |name: &str| name.rsplit_once('/').expect("a destination").0.to_owned();
    assert_eq!(destination(&names[0]), destination(&names[1]), "{names:?}");
    assert_ne!(names[1], names[2]);
    let stored = |name: &str| stored(&sandbox, name).expect("the object");
    assert_eq!(
        (stored(&names[1]), stored(&names[2])),
        (b"the folder's b".to_vec(), b"somebody else's".to_vec())
    );
}
