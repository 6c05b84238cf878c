//! From an HTTP request to the operation it asks for, and back.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body::Body as _;

use super::error::{OssError, OssResult};
use super::headers::put_header;
use super::request::{OssRequest, host};
use super::{auth, download, multipart, receive, upload};
use crate::world::clock;
use crate::world::store::Store;

/// Query parameters that turn a request into an operation that this store does not have.
const UNKNOWN_OPERATIONS: [&str; 12] = [
    "acl",
    "append",
    "asyncFetch",
    "callback",
    "cors",
    "delete",
    "meta",
    "restore",
    "symlink",
    "tagging",
    "versions",
    "x-oss-process",
];

/// Serves the store; every path is `/bucket/key`, so it needs a listener of its own.
pub fn router(store: Arc<Store>) -> Router {
    Router::new().fallback(handle).with_state(store)
}

async fn handle(State(store): State<Arc<Store>>, request: Request<Body>) -> Response {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let id = store.new_id("request", 24);
    let host = host(&parts);
    let head = parts.method == Method::HEAD;
    // A client that waits for leave to send its body has nothing under way.
    let sending = !parts.headers.contains_key("expect");
    let mut body = Some(body);
    let mut response = match dispatch(&store, parts, &mut body).await {
        Ok(response) => response,
        Err(error) => error.response(&id, &host, head),
    };
    if let Some(unread) = body.filter(|body| sending && !body.is_end_stream()) {
        receive::drain(unread);
    }
    let headers = response.headers_mut();
    put_header(headers, "server", "AliyunOSS");
    put_header(headers, "date", &clock::http(store.now()));
    put_header(headers, "x-oss-request-id", &id);
    let took = begun.elapsed().as_millis().to_string();
    put_header(headers, "x-oss-server-time", &took);
    response
}

async fn dispatch(store: &Store, parts: Parts, body: &mut Option<Body>) -> OssResult<Response> {
    let request = OssRequest::parse(parts, store.bucket())?;
    if request.bucket != store.bucket() {
        return Err(OssError::new(
            StatusCode::NOT_FOUND,
            "NoSuchBucket",
            "The specified bucket does not exist.",
        )
        .ec("0015-00000101")
        .with("BucketName", request.bucket.as_str()));
    }
    auth::authorise(store, &request)?;
    let unknown = UNKNOWN_OPERATIONS.iter().find(|operation| request.has(operation));
    if let Some(operation) = unknown {
        return Err(OssError::not_implemented(operation));
    }
    let of_upload = request.has("uploadId");
    match request.method {
        Method::PUT if of_upload || request.has("partNumber") => {
            multipart::upload_part(store, &request, body).await
        }
        Method::PUT => upload::put(store, &request, body).await,
        Method::POST if request.has("uploads") => multipart::initiate(store, &request),
        Method::POST if of_upload => multipart::complete(store, &request, body).await,
        Method::GET if of_upload => multipart::list_parts(store, &request),
        Method::GET | Method::HEAD => download::get(store, &request),
        Method::DELETE if of_upload => multipart::abort(store, &request),
        Method::DELETE => Ok(upload::delete(store, &request)),
        _ => Err(OssError::method_not_allowed(request.method.as_str())),
    }
}
