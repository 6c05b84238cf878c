//! Signatures, dates, tokens, destinations and presigned URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn shifted(seconds: i64) -> SystemTime {
    clock::shift(SystemTime::now(), seconds)
}

#[tokio::test]
async fn both_signatures_open_the_destination() {
    let at = Fixture::new();
    assert_eq!(at.call("PUT", "dest/a", &[("x-oss-meta-a", "b")], b"1").await.status, 200);
    let put = at.send(v4(&at.keys, "PUT", "dest/%E7%9B%AE%20b?x=1&y", b"2", SystemTime::now())).await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert!(at.store.exists("dest/目 b"));
}

#[tokio::test]
async fn a_wrong_secret_is_told_what_should_have_been_signed() {
    let mut at = Fixture::new();
    at.keys.access_key_secret.push('x');
    let answer = at.call("PUT", "dest/a%20b", &[], b"1").await;
    assert_eq!(answer.refusal(), (403, "SignatureDoesNotMatch".to_owned()));
    let string = answer.element("StringToSign");
    assert!(string.starts_with("PUT\n\n\n") && string.ends_with("/bge-bucket/dest/a b"), "{string}");
    assert!(answer.element("StringToSignBytes").starts_with("50 55 54 0A 0A 0A "));
    assert_eq!(answer.element("EC"), "0002-00000040");
    assert_eq!(answer.header("x-oss-ec"), "0002-00000040");
    assert_eq!(answer.element("RequestId"), answer.header("x-oss-request-id"));
    assert_eq!(answer.element("HostId"), "127.0.0.1");
    assert!(!answer.element("SignatureProvided").is_empty());

    let answer = at.send(v4(&at.keys, "PUT", "dest/a", b"1", SystemTime::now())).await;
    assert_eq!(answer.refusal(), (403, "SignatureDoesNotMatch".to_owned()));
    assert!(answer.element("CanonicalRequest").starts_with("PUT\n/bge-bucket/dest/a\n\n"));
    assert!(!at.store.exists("dest/a"));
}

#[tokio::test]
async fn what_was_signed_must_be_what_was_sent() {
    let at = Fixture::new();
    for change in [("content-type", "text/html"), ("x-oss-meta-a", "c"), ("date", "")] {
        let mut request = v1(&at.keys, "PUT", "dest/a", &[("x-oss-meta-a", "b")], b"", SystemTime::now());
        let date = clock::http(shifted(1));
        put_value(&mut request, change.0, if change.1.is_empty() { &date } else { change.1 });
        assert_eq!(at.send(request).await.refusal().1, "SignatureDoesNotMatch", "{change:?}");
    }
    let mut request = v1(&at.keys, "PUT", "dest/a", &[], b"", SystemTime::now());
    *request.uri_mut() = "/bge-bucket/dest/b".parse().unwrap();
    assert_eq!(at.send(request).await.refusal().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn clocks_may_differ_by_fifteen_minutes() {
    let at = Fixture::new();
    for seconds in [-890, 890] {
        let request = v1(&at.keys, "PUT", "dest/a", &[], b"", shifted(seconds));
        assert_eq!(at.send(request).await.status, 200);
    }
    for seconds in [-1000, 1000] {
        let stated = shifted(seconds);
        for request in
            [v1(&at.keys, "PUT", "dest/a", &[], b"", stated), v4(&at.keys, "PUT", "dest/a", b"", stated)]
        {
            let answer = at.send(request).await;
            assert_eq!(answer.refusal(), (403, "RequestTimeTooSkewed".to_owned()));
            assert_eq!(answer.element("MaxAllowedSkewMilliseconds"), "900000");
            assert_eq!(answer.element("RequestTime"), clock::xml(stated));
            assert!(answer.element("ServerTime").starts_with("20"));
        }
    }
}

#[tokio::test]
async fn x_oss_date_stands_in_for_date() {
    let at = Fixture::new();
    let mut request = unsigned("PUT", "dest/a", &[], b"1");
    let now = clock::http(SystemTime::now());
    put_value(&mut request, "date", &clock::http(shifted(-86400)));
    put_value(&mut request, "x-oss-date", &now);
    put_value(&mut request, "x-oss-security-token", &at.keys.security_token);
    let text = sign::v1_string_to_sign(&as_signed(&request), &now);
    let signature = sign::v1_signature(&at.keys.access_key_secret, &text);
    put_value(&mut request, "authorization", &format!("OSS {}:{signature}", at.keys.access_key_id));
    assert_eq!(at.send(request).await.status, 200);
}

#[tokio::test]
async fn requests_that_say_nothing_useful_about_their_sender() {
    let at = Fixture::new();
    let answer = at.send(unsigned("GET", "dest/a", &[], b"")).await;
    assert_eq!(answer.refusal(), (403, "AccessDenied".to_owned()));
    let answer = at.send(unsigned("GET", "dest/a", &[("authorization", "Bearer token")], b"")).await;
    assert_eq!(answer.refusal(), (400, "InvalidArgument".to_owned()));
    let id = format!("OSS {}:abc", at.keys.access_key_id);
    let token = ("x-oss-security-token", at.keys.security_token.as_str());
    let answer = at.send(unsigned("GET", "dest/a", &[("authorization", &id), token], b"")).await;
    assert_eq!(answer.refusal(), (403, "AccessDenied".to_owned()));
    assert_eq!(answer.element("Message"), "OSS authentication requires a valid Date.");
}

#[tokio::test]
async fn key_and_token_must_be_a_living_pair() {
    let at = Fixture::new();
    let other = at.store.issue_sts("dest", HOUR);
    let code = async |id: &str, token: &str| {
        let keys = StsCredentials {
            access_key_id: id.to_owned(),
            security_token: token.to_owned(),
            ..at.keys.clone()
        };
        at.send(v1(&keys, "PUT", "dest/a", &[], b"", SystemTime::now())).await.refusal()
    };
    let (id, token) = (&at.keys.access_key_id, &at.keys.security_token);
    assert_eq!(code("STS.unknown", token).await, (403, "InvalidAccessKeyId".to_owned()));
    assert_eq!(code(id, "CAISinvented").await, (403, "InvalidSecurityToken".to_owned()));
    let mixed = code(id, &other.security_token).await;
    assert_eq!(mixed, (403, "AccessKeyIdAndSecurityTokenNotMatch".to_owned()));
    let mut request = v1(&at.keys, "PUT", "dest/a", &[], b"", SystemTime::now());
    request.headers_mut().remove("x-oss-security-token");
    assert_eq!(at.send(request).await.refusal(), (403, "InvalidAccessKeyId".to_owned()));
}

#[tokio::test]
async fn expired_credentials_say_so_and_new_ones_work() {
    let mut at = Fixture::new();
    let expired = (403, "SecurityTokenExpired".to_owned());
    let short = at.store.issue_sts("dest", Duration::ZERO);
    let answer = at.send(v1(&short, "PUT", "dest/a", &[], b"", SystemTime::now())).await;
    assert_eq!(answer.refusal(), expired);
    assert_eq!(answer.element("EC"), "0002-00000007");

    at.put("a", b"1").await;
    at.store.expire_all_sts();
    assert_eq!(at.get("a", &[]).await.refusal(), expired);
    at.keys = at.store.issue_sts("dest", HOUR);
    assert_eq!(at.get("a", &[]).await.body, b"1");
    let bystander = at.store.issue_sts("dest", HOUR);
    assert!(at.store.expire_sts(&at.keys.access_key_id) && !at.store.expire_sts("STS.unknown"));
    assert_eq!(at.get("a", &[]).await.refusal(), expired);
    at.keys = bystander;
    assert_eq!(at.get("a", &[]).await.status, 200);
}

#[tokio::test]
async fn credentials_end_at_their_destination() {
    let at = Fixture::new();
    at.store.put_internal("other/a", b"secret".to_vec());
    for (method, target) in [
        ("PUT", "other/a"),
        ("GET", "other/a"),
        ("HEAD", "other/a"),
        ("DELETE", "other/a"),
        ("PUT", "dest/sub/a"),
        ("PUT", "dest%2Fsub%2Fa"),
        ("PUT", "destination"),
        ("PUT", "dest/"),
        ("GET", ""),
        ("POST", "dest/sub/a?uploads"),
    ] {
        let answer = at.call(method, target, &[], b"").await;
        assert_eq!(answer.status, 403, "{method} {target}");
        if method != "HEAD" {
            assert_eq!(answer.element("Code"), "AccessDenied", "{method} {target}");
        }
    }
    assert!(at.store.exists("other/a"));
    assert_eq!(at.call("PUT", "dest%2Fa%2E", &[], b"").await.status, 200);
    assert!(at.store.exists("dest/a."));
}

#[tokio::test]
async fn other_buckets_do_not_exist() {
    let at = Fixture::new();
    let mut request = unsigned("GET", "x", &[], b"");
    *request.uri_mut() = "/elsewhere/dest/a".parse().unwrap();
    assert_eq!(at.send(request).await.refusal(), (404, "NoSuchBucket".to_owned()));
}

#[tokio::test]
async fn errors_of_head_travel_in_a_header() {
    let at = Fixture::new();
    let answer = at.call("HEAD", "dest/none", &[], b"").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (404, 0));
    let xml = String::from_utf8(STANDARD.decode(answer.header("x-oss-err")).unwrap()).unwrap();
    assert_eq!(element(&xml, "Code"), "NoSuchKey");
    assert_eq!(element(&xml, "Key"), "dest/none");
    assert_eq!(element(&xml, "RequestId"), answer.header("x-oss-request-id"));
}

#[tokio::test]
async fn a_presigned_url_reads_its_object_and_nothing_else() {
    let at = Fixture::new();
    at.store.put_internal("ods/目录/样本 1.txt", b"0123456789".to_vec());
    at.store.put_internal("ods/b", b"b".to_vec());
    let (url, expires) = presign_get(&at.store, "ods/目录/样本 1.txt", 600);
    assert!(url.starts_with("/bge-bucket/ods%2F%E7%9B%AE%E5%BD%95%2F%E6%A0%B7%E6%9C%AC%201.txt?"), "{url}");
    assert!((clock::unix(SystemTime::now()) + 599..).contains(&(expires as i64)));
    assert_eq!(at.get_url(&url, &[]).await.body, b"0123456789");
    let etag = "\"781E5E245D69B566979B86E28D23F2C7\"";
    let part = at.get_url(&url, &[("range", "bytes=2-4"), ("if-match", etag)]).await;
    assert_eq!((part.status.as_u16(), part.body.as_slice()), (206, &b"234"[..]));

    let head = Request::head(&url).body(Body::empty()).unwrap();
    assert_eq!(at.send(head).await.status, 403);
    for broken in [
        url.replace("%E6%A0%B7", "%E6%A0%B8"),
        url.replacen("Expires=", "Expires=1", 1),
        format!("{url}&response-content-type=text%2Fhtml"),
        url.replace("ods%2F%E7%9B%AE%E5%BD%95%2F%E6%A0%B7%E6%9C%AC%201.txt", "ods%2Fb"),
    ] {
        let answer = at.get_url(&broken, &[]).await;
        assert_eq!(answer.refusal(), (403, "SignatureDoesNotMatch".to_owned()), "{broken}");
    }
    let signed_header = [("x-oss-range-behavior", "standard")];
    assert_eq!(at.get_url(&url, &signed_header).await.refusal().1, "SignatureDoesNotMatch");
    let bearer = [("authorization", "Bearer token")];
    assert_eq!(at.get_url(&url, &bearer).await.refusal(), (400, "InvalidArgument".to_owned()));
    let (missing, _) = presign_get(&at.store, "ods/none", 600);
    assert_eq!(at.get_url(&missing, &[]).await.refusal(), (404, "NoSuchKey".to_owned()));
}

#[tokio::test]
async fn presigned_urls_expire() {
    let at = Fixture::new();
    at.store.put_internal("ods/a", b"a".to_vec());
    let is_expired = |answer: &Answer| {
        assert_eq!(answer.refusal(), (403, "AccessDenied".to_owned()));
        assert_eq!(answer.element("Message"), "Request has expired.");
        assert!(answer.element("Expires").ends_with(".000Z"));
        assert!(answer.element("ServerTime").ends_with(".000Z"));
    };
    is_expired(&at.get_url(&presign_get(&at.store, "ods/a", 0).0, &[]).await);

    let (url, _) = presign_get(&at.store, "ods/a", 600);
    at.store.expire_all_sts();
    assert_eq!(at.get_url(&url, &[]).await.status, 200);
    at.store.expire_presigned();
    is_expired(&at.get_url(&url, &[]).await);
    assert_eq!(at.get_url(&presign_get(&at.store, "ods/a", 600).0, &[]).await.status, 200);

    at.set(serde_json::json!({"presign_uses": 2}));
    let (url, _) = presign_get(&at.store, "ods/a", 600);
    assert_eq!(at.get_url(&url, &[]).await.status, 200);
    assert_eq!(at.get_url(&url, &[]).await.status, 200);
    is_expired(&at.get_url(&url, &[]).await);
    assert_eq!(at.get_url(&presign_get(&at.store, "ods/a", 600).0, &[]).await.status, 200);
}

#[tokio::test]
async fn v4_presigned_urls_are_understood() {
    let at = Fixture::new();
    at.put("a", b"abc").await;
    let presign = |date: &str, lifetime: &str| {
        let day = &date[..8];
        let url = format!(
            "/{BUCKET}/dest/a?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date={date}&x-oss-expires={lifetime}\
             &x-oss-credential={}%2F{day}%2Fcn-shenzhen%2Foss%2Faliyun_v4_request&x-oss-security-token={}",
            at.keys.access_key_id,
            crate::wire::signing::encode(&at.keys.security_token)
        );
        let request = Request::get(&url).body(Body::empty()).unwrap();
        let canonical = sign::v4_canonical_request(&as_signed(&request), &[]);
        let text = sign::v4_string_to_sign(&canonical, date, "cn-shenzhen");
        let signature = sign::v4_signature(&at.keys.access_key_secret, day, "cn-shenzhen", &text);
        format!("{url}&x-oss-signature={signature}")
    };
    let now = clock::xml(SystemTime::now()).replace(['-', ':'], "").replace(".000", "");
    let url = presign(&now, "600");
    assert_eq!(at.get_url(&url, &[("range", "bytes=1-1")]).await.body, b"b");
    let broken = at.get_url(&url.replace("expires=600", "expires=601"), &[]).await;
    assert_eq!(broken.refusal(), (403, "SignatureDoesNotMatch".to_owned()));
    assert_eq!(at.get_url(&presign(&now, "604801"), &[]).await.refusal().1, "InvalidArgument");
    let past = at.get_url(&presign("20250612T080000Z", "600"), &[]).await;
    assert_eq!(past.element("Message"), "Request has expired.");
    assert_eq!(past.element("Expires"), "2025-06-12T08:10:00.000Z");
}
