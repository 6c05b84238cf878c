//! The store over HTTP, request by request.

mod access;
mod multiparts;
mod objects;
mod switches;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::request::OssRequest;
use super::{presign_get, router, sign};
use crate::world::clock;
use crate::world::store::credentials::StsCredentials;
use crate::world::store::{Store, StoreConfig};

const BUCKET: &str = "bge-bucket";
const HOUR: Duration = Duration::from_secs(3600);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The content of an XML element, markup and all.
    fn element(&self, name: &str) -> String {
        element(&self.text(), name)
    }

    /// HTTP status and error code.
    fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.element("Code"))
    }
}

fn element(xml: &str, name: &str) -> String {
    let after = xml.split_once(&format!("<{name}>")).map_or("", |(_, after)| after);
    after.split_once(&format!("</{name}>")).map_or("", |(inside, _)| inside).to_owned()
}

/// A store, credentials for `dest/`, and requests signed with them.
struct Fixture {
    store: Arc<Store>,
    router: Router,
    keys: StsCredentials,
}

impl Fixture {
    fn new() -> Self {
        Self::with_folder(None)
    }

    fn with_folder(data_dir: Option<std::path::PathBuf>) -> Self {
        let config =
            StoreConfig { data_dir, bucket: BUCKET.to_owned(), region: "cn-shenzhen".to_owned(), seed: 1 };
        let store = Store::new(config).unwrap();
        Fixture { router: router(Arc::clone(&store)), keys: store.issue_sts("dest", HOUR), store }
    }

    fn set(&self, options: Value) {
        self.store.set_options(&options).unwrap();
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        assert_eq!(answer.header("x-oss-request-id").len(), 24);
        assert_eq!(answer.header("server"), "AliyunOSS");
        answer
    }

    /// Sends a request signed by V1 now; `target` follows the bucket.
    async fn call(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(v1(&self.keys, method, target, headers, body, SystemTime::now())).await
    }

    async fn put(&self, name: &str, body: &[u8]) -> Answer {
        let answer = self.call("PUT", &format!("dest/{name}"), &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    async fn get(&self, name: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("GET", &format!("dest/{name}"), headers, b"").await
    }

    /// A GET of a presigned URL, which carries no Authorization.
    async fn get_url(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

fn unsigned(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/{BUCKET}/{target}"))
        .header("host", "127.0.0.1:8080")
        .header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_vec())).unwrap()
}

fn put_value(request: &mut Request<Body>, name: &'static str, value: &str) {
    request.headers_mut().insert(name, value.parse().unwrap());
}

fn as_signed(request: &Request<Body>) -> OssRequest {
    let mut copy = Request::builder().method(request.method()).uri(request.uri()).body(()).unwrap();
    *copy.headers_mut() = request.headers().clone();
    OssRequest::parse(copy.into_parts().0, BUCKET).unwrap()
}

fn v1(
    keys: &StsCredentials,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    at: SystemTime,
) -> Request<Body> {
    let mut request = unsigned(method, target, headers, body);
    let date = clock::http(at);
    put_value(&mut request, "date", &date);
    put_value(&mut request, "x-oss-security-token", &keys.security_token);
    let text = sign::v1_string_to_sign(&as_signed(&request), &date);
    let signature = sign::v1_signature(&keys.access_key_secret, &text);
    put_value(&mut request, "authorization", &format!("OSS {}:{signature}", keys.access_key_id));
    request
}

fn v4(keys: &StsCredentials, method: &str, target: &str, body: &[u8], at: SystemTime) -> Request<Body> {
    let mut request = unsigned(method, target, &[], body);
    let date: String = clock::xml(at).replace(['-', ':'], "").replace(".000", "");
    put_value(&mut request, "x-oss-date", &date);
    put_value(&mut request, "x-oss-content-sha256", "UNSIGNED-PAYLOAD");
    put_value(&mut request, "x-oss-security-token", &keys.security_token);
    let canonical = sign::v4_canonical_request(&as_signed(&request), &[]);
    let text = sign::v4_string_to_sign(&canonical, &date, "cn-shenzhen");
    let day = &date[..8];
    let signature = sign::v4_signature(&keys.access_key_secret, day, "cn-shenzhen", &text);
    let scope = format!("{}/{day}/cn-shenzhen/oss/aliyun_v4_request", keys.access_key_id);
    let value = format!("OSS4-HMAC-SHA256 Credential={scope}, Signature={signature}");
    put_value(&mut request, "authorization", &value);
    request
}

/// Bytes that do not repeat in step with any buffer.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(i) % 251 + i % 5) as u8).collect()
}
