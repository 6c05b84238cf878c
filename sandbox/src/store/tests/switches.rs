//! Behaviour that tests switch on.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn either_signature_can_be_refused() {
    let at = Fixture::new();
    at.store.put_internal("dest/a", b"1".to_vec());
    let second = async || at.send(v4(&at.keys, "GET", "dest/a", b"", SystemTime::now())).await;
    at.set(json!({"refuse_v1": true}));
    let refused = at.get("a", &[]).await;
    assert_eq!((refused.status.as_u16(), refused.element("EC")), (403, "0002-00000080".to_owned()));
    assert_eq!(second().await.status, 200);
    assert_eq!(at.get_url(&presign_get(&at.store, "dest/a", 60).0, &[]).await.status, 200);
    at.set(json!({"refuse_v1": false, "refuse_v4": true}));
    assert_eq!(at.get("a", &[]).await.status, 200);
    assert_eq!(second().await.refusal(), (403, "AccessDenied".to_owned()));
}

#[tokio::test]
async fn checksums_can_be_missing_or_wrong() {
    let at = Fixture::new();
    let crc = "x-oss-hash-crc64ecma";
    at.set(json!({"no_crc": true}));
    assert_eq!(at.put("a", b"123456789").await.header(crc), "");
    assert_eq!(at.get("a", &[]).await.header(crc), "");
    at.set(json!({"reset": true, "wrong_crc": true}));
    assert_eq!(at.get("a", &[]).await.header(crc), "11051210869376104955");
    at.set(json!({"reset": true, "no_part_crc": true}));
    let id = at.call("POST", "dest/b?uploads", &[], b"").await.element("UploadId");
    let part = at.call("PUT", &format!("dest/b?partNumber=1&uploadId={id}"), &[], b"x").await;
    assert_eq!(part.header(crc), "");
    at.set(json!({"reset": true}));
    let all = [("x-oss-complete-all", "yes")];
    let done = at.call("POST", &format!("dest/b?uploadId={id}"), &all, b"").await;
    assert_eq!((done.status.as_u16(), done.header(crc)), (200, ""));
    assert_eq!(at.get("b", &[]).await.header(crc), "");
    assert_eq!(at.put("c", b"123456789").await.header(crc), "11051210869376104954");
}

#[tokio::test]
async fn ranges_and_lengths_can_be_missing() {
    let at = Fixture::new();
    at.put("a", b"0123456789").await;
    at.set(json!({"no_range": true, "no_length": true}));
    let whole = at.get("a", &[("range", "bytes=0-0")]).await;
    assert_eq!((whole.status.as_u16(), whole.body.as_slice()), (200, &b"0123456789"[..]));
    assert!(!whole.headers.contains_key("accept-ranges") && !whole.headers.contains_key("content-length"));
}

#[tokio::test]
async fn a_skewed_clock_shows_everywhere_and_expires_nothing() {
    let at = Fixture::new();
    let (url, _) = presign_get(&at.store, "dest/a", 60);
    at.set(json!({"clock_skew": 7200}));
    let ahead = clock::shift(SystemTime::now(), 7200);
    let answer = at.send(v1(&at.keys, "PUT", "dest/a", &[], b"1", SystemTime::now())).await;
    assert_eq!(answer.refusal(), (403, "RequestTimeTooSkewed".to_owned()));
    let stated = clock::parse_http(answer.header("date")).unwrap();
    assert!((0..60).contains(&(clock::unix(stated) - clock::unix(ahead))));
    assert_eq!(answer.element("ServerTime"), clock::xml(stated));
    assert_eq!(at.send(v1(&at.keys, "PUT", "dest/a", &[], b"1", ahead)).await.status, 200);
    assert_eq!(at.get_url(&url, &[]).await.element("Message"), "Request has expired.");
    let fresh = at.store.issue_sts("dest", HOUR);
    assert!(fresh.expires_at > clock::shift(SystemTime::now(), 7200 + 3500));
    assert_eq!(at.get_url(&presign_get(&at.store, "dest/a", 60).0, &[]).await.status, 200);
}

#[tokio::test]
async fn credentials_can_be_good_for_a_number_of_requests() {
    let at = Fixture::new();
    at.set(json!({"sts_uses": 2}));
    at.put("a", b"1").await;
    at.put("b", b"1").await;
    assert_eq!(at.get("a", &[]).await.refusal(), (403, "SecurityTokenExpired".to_owned()));
    let fresh = at.store.issue_sts("dest", HOUR);
    let answer = at.send(v1(&fresh, "GET", "dest/a", &[], b"", SystemTime::now())).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn uploads_can_be_lost_hidden_or_completed_behind_an_error() {
    let at = Fixture::new();
    let initiate = async || at.call("POST", "dest/a?uploads", &[], b"").await.element("UploadId");
    let id = initiate().await;
    at.set(json!({"deny_list_parts": true}));
    let target = format!("dest/a?uploadId={id}");
    assert_eq!(at.call("GET", &target, &[], b"").await.refusal(), (403, "AccessDenied".to_owned()));
    at.set(json!({"lose_uploads": true, "deny_list_parts": false}));
    assert_eq!(at.call("GET", &target, &[], b"").await.refusal(), (404, "NoSuchUpload".to_owned()));

    at.set(json!({"complete_then_fail": 1}));
    let all = [("x-oss-complete-all", "yes")];
    for (status, again) in [(500, 404), (200, 404)] {
        let id = initiate().await;
        at.call("PUT", &format!("dest/a?partNumber=1&uploadId={id}"), &[], b"x").await;
        let target = format!("dest/a?uploadId={id}");
        assert_eq!(at.call("POST", &target, &all, b"").await.status, status);
        assert!(at.store.exists("dest/a"));
        assert_eq!(at.call("POST", &target, &all, b"").await.status, again);
    }
}

#[tokio::test]
async fn etags_without_md5_still_tell_contents_apart() {
    let at = Fixture::new();
    at.set(json!({"no_md5": true}));
    let etag = async |body: &[u8]| at.put("a", body).await.header("etag").to_owned();
    let (one, two) = (etag(b"hello").await, etag(b"hellp").await);
    assert_ne!(one, "\"5D41402ABC4B2A76B9719D911017C592\"");
    assert_ne!(one, two);
    assert_eq!(one, etag(b"hello").await);
    assert_eq!(one.len(), 34);
}

#[tokio::test]
async fn unknown_switches_are_refused() {
    let at = Fixture::new();
    let error = at.store.set_options(&json!({"no_crcs": true})).unwrap_err();
    assert!(error.contains("no_crcs"), "{error}");
    at.set(json!({"sts_uses": 3}));
    assert_eq!(at.store.options_json()["sts_uses"], 3);
}

/// A refusal must reach a client that is still busy sending.
#[tokio::test]
async fn a_refusal_arrives_before_the_body_has_been_sent() {
    let at = Fixture::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = at.router.clone();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let head =
        format!("PUT /{BUCKET}/dest/a HTTP/1.1\r\nHost: {address}\r\nContent-Length: 20000000\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    connection.write_all(&vec![0; 20_000_000]).await.unwrap();
    // The connection is good for another request.
    let next = format!("GET /{BUCKET}/dest/a HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(next.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert_eq!(rest.matches("HTTP/1.1 403").count(), 1, "{rest}");
    assert_eq!(rest.matches("<Code>AccessDenied</Code>").count(), 2, "{rest}");
    server.abort();
}
