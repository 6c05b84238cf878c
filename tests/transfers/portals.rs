//! Somebody on the way answers in the server's place, with a page or without a word about what it is of.

use std::{
    fs,
    net::TcpStream,
    sync::{Arc, Mutex},
};

use bge::ffi::version::*;
use serde_json::{Value, json};

use crate::{
    content::{MIB, bytes},
    handles::Transfers,
    support::{
        Folder,
        c::Api,
        count,
        server::{Seen, Server},
    },
};

const PAGE: &[u8] = b"\n<!DOCTYPE html>\n<html><body>Please sign in.</body></html>";

/// What stands between the client and the server now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Open,
    /// The connection ends after so many bytes of the object.
    CutAt(usize),
    /// Whoever asks for anything gets this in its place.
    Page(&'static str, &'static [u8]),
    /// The object is another one now, and the server knows no conditions.
    Changed,
}

fn write(stream: &mut TcpStream, head: &str, body: &[u8]) -> bool {
    use std::io::Write;
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).is_ok()
}

fn serve(content: Vec<u8>, changed: Vec<u8>) -> (Server, Arc<Mutex<Way>>) {
    let way = Arc::new(Mutex::new(Way::Open));
    let now = way.clone();
    let answer = move |seen: &Seen, stream: &mut TcpStream| {
        let way = *now.lock().expect("not poisoned");
        let (content, etag) = if way == Way::Changed { (&changed, "\"2\"") } else { (&content, "\"1\"") };
        if let Way::Page(headers, body) = way {
            return write(stream, &format!("200 OK\r\n{headers}"), body);
        }
        let range = seen.header("range").map(|range| range.trim_start_matches("bytes=").to_owned());
        let (first, last) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
        let start: usize = first.parse().expect("a number");
        let end = last.parse::<usize>().map_or(content.len(), |last| content.len().min(last + 1));
        let head = match range {
            Some(_) => {
                format!("206 X\r\nETag: {etag}\r\nContent-Range: bytes {start}-{}/{}", end - 1, content.len())
            }
            None => format!("200 OK\r\nETag: {etag}"),
        };
        match way {
            Way::CutAt(place) if end > place => {
                use std::io::Write;
                let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", end - start);
                let body = &content[start..place.max(start)];
                let _ = stream.write_all(&[head.as_bytes(), body].concat());
                false
            }
            _ => write(stream, &head, &content[start..end]),
        }
    };
    (Server::start(answer), way)
}

fn client() -> Api {
    Api::new("token", r#"{"endpoint": "http://127.0.0.1:1", "max_retries": 0}"#).expect("a client")
}

fn once() -> Value {
    json!({"multipart_num_threads": 1})
}

#[test]
fn what_came_earlier_stays() {
    let content = bytes(1, 20 * MIB);
    let (server, way) = serve(content.clone(), bytes(2, 18 * MIB));
    let set = |now: Way| *way.lock().expect("not poisoned") = now;
    let folder = Folder::new("portals");
    let (url, path) = (format!("{}/data/a.bam", server.endpoint()), folder.path("a.bam"));
    let part = format!("{path}.bge-part");
    set(Way::CutAt(17 * MIB));
    client().download_file(&url, &path, once()).expect_err("interrupted");
    let before = fs::read(&part).expect("the part");
    assert!(before.len() >= 16 * MIB);
    for (headers, body) in [
        ("Content-Type: text/html; charset=utf-8", PAGE),
        ("Content-Type: text/html\r\nETag: \"portal\"", PAGE),
        ("Content-Type: text/html\r\nLast-Modified: Thu, 12 Jun 2025 08:00:00 GMT", PAGE),
        ("Content-Type: text/plain", b"please sign in"),
        ("Content-Type: application/octet-stream", b""),
    ] {
        set(Way::Page(headers, body));
        for connections in [1, 4] {
            let args = json!({"multipart_num_threads": connections});
            let failure = client().download_file(&url, &path, args).expect_err(headers);
            assert_eq!(failure.status, BGE_ERR_PROTOCOL, "{headers}: {}", failure.message);
            let told = if headers.contains("html") { "web page" } else { "which version" };
            assert!(failure.message.contains(told), "{headers}: {}", failure.message);
            assert!(failure.hint.is_some_and(|hint| hint.contains("login")), "{headers}");
            assert!(fs::read(&part).expect("the part") == before, "{headers}");
        }
    }
    set(Way::Open);
    server.seen().clear();
    client().download_file(&url, &path, once()).expect("the rest");
    assert!(fs::read(&path).expect("the file") == content);
    let range = server.seen()[0].header("range").map(str::to_owned);
    assert!(range.as_deref().is_some_and(|range| !range.starts_with("bytes=0-")), "{range:?}");
}

#[test]
fn what_is_proved_to_be_another_version_is_begun_anew() {
    let (content, changed) = (bytes(3, 20 * MIB), bytes(4, 18 * MIB));
    let (server, way) = serve(content, changed.clone());
    let set = |now: Way| *way.lock().expect("not poisoned") = now;
    let folder = Folder::new("portals");
    let (url, path) = (format!("{}/data/a.bam", server.endpoint()), folder.path("a.bam"));
    set(Way::CutAt(17 * MIB));
    client().download_file(&url, &path, once()).expect_err("interrupted");
    set(Way::Changed);
    client().download_file(&url, &path, once()).expect("the new one");
    assert!(fs::read(&path).expect("the file") == changed);
}

#[test]
fn a_page_is_saved_where_it_may_be_the_object() {
    let (server, way) = serve(Vec::new(), Vec::new());
    let folder = Folder::new("portals");
    let html = "Content-Type: text/html";
    let bam = b"BAM\x01<html>";
    for (name, headers, body, is_saved) in [
        ("a.bam", html, PAGE, false),
        ("a.vcf.gz", html, PAGE, false),
        ("report.html", html, PAGE, true),
        ("download", html, PAGE, true),
        // Servers call anything a page; one that names the version means it.
        ("b.bam", html, &bam[..], true),
        ("c.bam", "Content-Type: text/html\r\nETag: \"1\"", PAGE, true),
        ("d.txt", "Content-Type: text/plain", PAGE, true),
    ] {
        *way.lock().expect("not poisoned") = Way::Page(headers, body);
        let url = format!("{}/{name}", server.endpoint());
        let outcome = client().download_file(&url, &folder.path(name), once());
        if is_saved {
            outcome.expect(name);
            assert_eq!(fs::read(folder.path(name)).expect(name), body, "{name}");
        } else {
            let failure = outcome.expect_err(name);
            assert_eq!(failure.status, BGE_ERR_PROTOCOL, "{name}: {}", failure.message);
            assert!(failure.message.contains("web page"), "{name}: {}", failure.message);
            assert!(!fs::exists(folder.path(name)).expect("the folder"), "{name}");
        }
    }
}

/// Networks come and go in the middle of a download: nobody's page is ever saved in the object's place, and what came stays
/// of use.
#[test]
fn a_download_through_a_network_that_changes_all_the_time() {
    let content = bytes(5, 40 * MIB);
    let (server, way) = serve(content.clone(), Vec::new());
    let folder = Folder::new("portals");
    let url = format!("{}/data/a.bam", server.endpoint());
    for round in 0..count(3, 60) {
        let path = folder.path(&format!("{round}.bam"));
        let begun = std::time::Instant::now();
        loop {
            // Where nothing is known of the object yet, a page that names a version may be it.
            let is_known = fs::exists(format!("{path}.bge-part.state")).expect("the folder");
            let now = match fastrand::u8(0..4) {
                0 => Way::Page("Content-Type: text/html", PAGE),
                1 if is_known => Way::Page("Content-Type: text/html\r\nETag: \"portal\"", PAGE),
                // It gets further each time: less is left to be cut.
                2 => Way::CutAt(fastrand::usize(9 * MIB..39 * MIB)),
                _ => Way::Open,
            };
            *way.lock().expect("not poisoned") = now;
            let connections = fastrand::usize(1..5);
            match client().download_file(&url, &path, json!({"multipart_num_threads": connections})) {
                Ok(_) => break,
                Err(failure) => {
                    let may_be = [BGE_ERR_PROTOCOL, BGE_ERR_TRANSPORT];
                    assert!(may_be.contains(&failure.status), "{now:?}: {failure:?}");
                    assert!(!fs::exists(&path).expect("the folder"), "{now:?}");
                }
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{now:?}");
        }
        assert!(fs::read(&path).expect("the file") == content, "{round}");
        fs::remove_file(&path).expect("the file");
        assert_eq!(fs::read_dir(folder.path("")).expect("the folder").count(), 0, "{round}");
    }
}
