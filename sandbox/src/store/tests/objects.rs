//! PutObject, GetObject, HeadObject, DeleteObject.

use serde_json::json;

use super::*;
use crate::world::store::digest::receive_bytes;

#[tokio::test]
async fn what_is_put_can_be_read_back_with_its_checksums() {
    let at = Fixture::new();
    let headers = [("content-type", "text/plain"), ("x-oss-meta-bge-open-client-id", "client-1")];
    let put = at.call("PUT", "dest/a.txt", &headers, b"123456789").await;
    assert_eq!(put.header("etag"), "\"25F9E794323B453885F5181F1B624D0B\"");
    assert_eq!(put.header("x-oss-hash-crc64ecma"), "11051210869376104954");
    let got = at.get("a.txt", &[]).await;
    assert_eq!((got.status.as_u16(), got.body.as_slice()), (200, &b"123456789"[..]));
    assert_eq!(got.header("content-length"), "9");
    assert_eq!(got.header("content-type"), "text/plain");
    assert_eq!(got.header("etag"), "\"25F9E794323B453885F5181F1B624D0B\"");
    assert_eq!(got.header("x-oss-hash-crc64ecma"), "11051210869376104954");
    assert_eq!(got.header("x-oss-meta-bge-open-client-id"), "client-1");
    assert_eq!(got.header("x-oss-object-type"), "Normal");
    assert_eq!(got.header("accept-ranges"), "bytes");
    let head = at.call("HEAD", "dest/a.txt", &[], b"").await;
    assert_eq!((head.header("content-length"), head.body.len()), ("9", 0));
    assert_eq!(head.header("last-modified"), got.header("last-modified"));
    assert_eq!(
        at.store.objects_json(),
        json!([{
            "name": "dest/a.txt",
            "size": 9,
            "etag": "25F9E794323B453885F5181F1B624D0B",
            "crc64": "11051210869376104954",
            "content_type": "text/plain",
            "meta": {"bge-open-client-id": "client-1"},
            "kind": "Normal",
            "last_modified": at.store.objects_json()[0]["last_modified"],
        }])
    );
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let at = Fixture::new();
    let put = at.put("empty", b"").await;
    assert_eq!(put.header("etag"), "\"D41D8CD98F00B204E9800998ECF8427E\"");
    assert_eq!(put.header("x-oss-hash-crc64ecma"), "0");
    let got = at.get("empty", &[]).await;
    assert_eq!((got.header("content-length"), got.body.len()), ("0", 0));
    assert_eq!(got.header("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn large_bodies_go_through_the_disk_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    for at in [Fixture::new(), Fixture::with_folder(Some(folder.path().to_owned()))] {
        let content = pattern(3_500_001);
        let put = at.put("big", &content).await;
        assert_eq!(put.header("x-oss-hash-crc64ecma"), crate::world::store::crc64::of(&content).to_string());
        assert!(at.get("big", &[]).await.body == content);
        let part = at.get("big", &[("range", "bytes=1048570-3000000")]).await;
        assert_eq!(part.header("content-range"), "bytes 1048570-3000000/3500001");
        assert_eq!(part.header("content-length"), "1951431");
        assert!(part.body == content[1_048_570..=3_000_000]);
    }
}

#[tokio::test]
async fn ranges_are_honoured_inside_and_ignored_outside() {
    let at = Fixture::new();
    at.put("a", b"0123456789").await;
    let part = at.get("a", &[("range", "bytes=-3")]).await;
    assert_eq!((part.status.as_u16(), part.header("content-range")), (206, "bytes 7-9/10"));
    assert_eq!(part.body, b"789");
    // The checksum is that of the whole object.
    assert_eq!(
        part.header("x-oss-hash-crc64ecma"),
        crate::world::store::crc64::of(b"0123456789").to_string()
    );
    let outside = at.get("a", &[("range", "bytes=5-20")]).await;
    assert_eq!((outside.status.as_u16(), outside.body.len()), (200, 10));
    let standard = ("x-oss-range-behavior", "standard");
    let clamped = at.get("a", &[("range", "bytes=5-20"), standard]).await;
    assert_eq!((clamped.status.as_u16(), clamped.header("content-range")), (206, "bytes 5-9/10"));
    let past = at.get("a", &[("range", "bytes=10-"), standard]).await;
    assert_eq!(past.refusal(), (416, "InvalidRange".to_owned()));
    assert_eq!(past.element("ActualObjectSize"), "10");
    let head = at.call("HEAD", "dest/a", &[("range", "bytes=2-3")], b"").await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (206, "2"));
}

#[tokio::test]
async fn conditions_guard_against_another_object() {
    let at = Fixture::new();
    let etag = at.put("a", b"one").await.header("etag").to_owned();
    let bare = etag.trim_matches('"').to_lowercase();
    let past = "Thu, 12 Jun 2025 08:00:00 GMT";
    let future = clock::http(clock::shift(SystemTime::now(), 60));
    for (name, value, status) in [
        ("if-match", etag.as_str(), 200),
        ("if-match", bare.as_str(), 200),
        ("if-match", "*", 200),
        ("if-match", "\"00000000000000000000000000000000\"", 412),
        ("if-unmodified-since", past, 412),
        ("if-unmodified-since", future.as_str(), 200),
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "\"0\"", 200),
        ("if-modified-since", past, 200),
        ("if-modified-since", future.as_str(), 304),
    ] {
        let answer = at.get("a", &[(name, value)]).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 412 {
            assert_eq!(answer.element("Code"), "PreconditionFailed");
        }
    }
    at.store.put_internal("dest/a", b"two".to_vec());
    let answer = at.get("a", &[("if-match", &etag), ("range", "bytes=0-0")]).await;
    assert_eq!(answer.refusal(), (412, "PreconditionFailed".to_owned()));
}

#[tokio::test]
async fn a_reader_keeps_the_object_it_began_with() {
    let at = Fixture::new();
    let (old, new) = (pattern(2_000_000), vec![7; 2_000_000]);
    at.put("a", &old).await;
    let request = v1(&at.keys, "GET", "dest/a", &[], b"", SystemTime::now());
    let response = at.router.clone().oneshot(request).await.unwrap();
    at.put("a", &new).await;
    assert!(response.into_body().collect().await.unwrap().to_bytes() == old);
    assert!(at.get("a", &[]).await.body == new);
}

#[tokio::test]
async fn content_md5_is_checked() {
    let at = Fixture::new();
    let put = async |digest: &str| at.call("PUT", "dest/a", &[("content-md5", digest)], b"hello").await;
    for digest in ["XUFAKrxLKna5cZ2REBfFkA==", "hello", "NWQ0MTQwMmFiYzRiMmE3NmI5NzE5ZDkxMTAxN2M1OTI="] {
        assert_eq!(put(digest).await.refusal(), (400, "InvalidDigest".to_owned()));
    }
    assert!(!at.store.exists("dest/a"));
    assert_eq!(put("XUFAKrxLKna5cZ2REBfFkg==").await.status, 200);
    at.set(json!({"no_md5": true}));
    assert_eq!(put("XUFAKrxLKna5cZ2REBfFkA==").await.refusal().1, "InvalidDigest");
}

#[tokio::test]
async fn lengths_are_required_and_bounded() {
    let at = Fixture::new();
    let mut request = v1(&at.keys, "PUT", "dest/a", &[], b"abc", SystemTime::now());
    request.headers_mut().remove("content-length");
    assert_eq!(at.send(request).await.refusal(), (411, "MissingContentLength".to_owned()));
    for (length, code) in [("5368709121", "EntityTooLarge"), ("4", "IncompleteBody")] {
        let mut request = v1(&at.keys, "PUT", "dest/a", &[], b"abc", SystemTime::now());
        put_value(&mut request, "content-length", length);
        assert_eq!(at.send(request).await.refusal(), (400, code.to_owned()));
    }
    assert!(!at.store.exists("dest/a"));
    let mut request = v1(&at.keys, "PUT", "dest/a", &[], b"abc", SystemTime::now());
    request.headers_mut().remove("content-length");
    put_value(&mut request, "transfer-encoding", "chunked");
    assert_eq!(at.send(request).await.status, 200);
}

#[tokio::test]
async fn overwriting_can_be_forbidden() {
    let at = Fixture::new();
    let forbid = [("x-oss-forbid-overwrite", "true")];
    assert_eq!(at.call("PUT", "dest/a", &forbid, b"1").await.status, 200);
    let second = at.call("PUT", "dest/a", &forbid, b"2").await;
    assert_eq!(second.refusal(), (409, "FileAlreadyExists".to_owned()));
    assert_eq!(at.get("a", &[]).await.body, b"1");
    at.put("a", b"3").await;
    assert_eq!(at.get("a", &[]).await.body, b"3");
}

#[tokio::test]
async fn deleting_succeeds_even_twice() {
    let at = Fixture::new();
    at.put("a", b"1").await;
    for _ in 0..2 {
        assert_eq!(at.call("DELETE", "dest/a", &[], b"").await.status, 204);
    }
    assert_eq!(at.get("a", &[]).await.refusal(), (404, "NoSuchKey".to_owned()));
}

#[tokio::test]
async fn signed_overrides_change_the_answer() {
    let at = Fixture::new();
    at.put("a", b"1").await;
    let answer = at.get("a?response-content-type=text%2Fcsv&response-cache-control=no-store", &[]).await;
    assert_eq!(answer.header("content-type"), "text/csv");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn operations_of_the_real_store_that_are_missing_here_say_so() {
    let at = Fixture::new();
    for (method, target, headers) in [
        ("GET", "dest/a?acl", &[][..]),
        ("POST", "dest/a?append&position=0", &[]),
        ("PUT", "dest/a?tagging", &[]),
        ("PUT", "dest/a", &[("x-oss-copy-source", "/bge-bucket/dest/b")]),
    ] {
        let answer = at.call(method, target, headers, b"").await;
        assert_eq!(answer.refusal(), (501, "NotImplemented".to_owned()), "{method} {target}");
    }
    assert_eq!(at.call("POST", "dest/a", &[], b"").await.refusal().0, 405);
}

#[tokio::test]
async fn objects_may_share_their_pieces() {
    let at = Fixture::new();
    let shared = receive_bytes(pattern(300_000), true);
    for (name, first) in [("dest/a", &b"one, "[..]), ("dest/b", b"another, ")] {
        at.store.put_pieces(name, &[&receive_bytes(first.to_vec(), true), &shared]);
    }
    let whole = [&b"another, "[..], &pattern(300_000)].concat();
    let got = at.get("b", &[]).await;
    assert_eq!(got.body, whole);
    assert_eq!(got.header("x-oss-hash-crc64ecma"), crate::world::store::crc64::of(&whole).to_string());
    assert!(got.header("etag").ends_with("-2\""));
    assert_eq!(at.get("b", &[("range", "bytes=7-10")]).await.body, whole[7..11]);
    assert!(at.store.cut("dest/a", 3).unwrap());
    assert_eq!(at.get("a", &[]).await.body, b"one");
    assert_eq!(at.get("b", &[]).await.body, whole);
    assert_eq!((at.store.size("dest/a"), at.store.size("dest/c")), (Some(3), None));
    assert!(!at.store.cut("dest/a", 4).unwrap() && !at.store.cut("dest/c", 0).unwrap());
}
