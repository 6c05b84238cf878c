//! PutObject and DeleteObject.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::error::{OssError, OssResult};
use super::headers::{put_header, state_crc};
use super::receive::receive;
use super::request::OssRequest;
use crate::world::store::Store;
use crate::world::store::object::{Object, kept_headers};

pub(super) async fn put(store: &Store, request: &OssRequest, body: &mut Option<Body>) -> OssResult<Response> {
    if request.headers.contains_key("x-oss-copy-source") {
        return Err(OssError::not_implemented("x-oss-copy-source"));
    }
    let forbid_overwrite = forbids_overwrite(&request.headers);
    if forbid_overwrite && store.exists(&request.key) {
        return Err(exists());
    }
    let received = receive(store, request, body).await?;
    let object = Object::whole(received, kept_headers(&request.headers), store.now());
    let mut response = Response::new(Body::empty());
    put_header(response.headers_mut(), "etag", &object.quoted_etag());
    state_crc(store, response.headers_mut(), object.crc64);
    store.insert(&request.key, object, forbid_overwrite).ok_or_else(exists)?;
    Ok(response)
}

pub(super) fn forbids_overwrite(headers: &HeaderMap) -> bool {
    headers.get("x-oss-forbid-overwrite").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

pub(super) fn exists() -> OssError {
    OssError::new(
        StatusCode::CONFLICT,
        "FileAlreadyExists",
        "The object you specified already exists and can not be overwritten.",
    )
    .ec("0026-00000002")
}

/// Deleting what is not there succeeds, too.
pub(super) fn delete(store: &Store, request: &OssRequest) -> Response {
    store.remove(&request.key);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
