//! PutObject and DeleteObject.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::error::{OssError, OssResult};
use super::object::{Object, etag_of, kept_headers};
use super::receive::{Received, receive};
use super::request::OssRequest;
use super::{Store, put_header};

pub(super) async fn put(store: &Store, request: &OssRequest, body: &mut Option<Body>) -> OssResult<Response> {
    if request.headers.contains_key("x-oss-copy-source") {
        return Err(OssError::not_implemented("x-oss-copy-source"));
    }
    let forbid_overwrite = forbids_overwrite(&request.headers);
    if forbid_overwrite && store.exists(&request.key) {
        return Err(exists());
    }
    let received = receive(store, request, body).await?;
    let object = whole(store, received, kept_headers(&request.headers));
    let mut response = Response::new(Body::empty());
    put_header(response.headers_mut(), "etag", &object.quoted_etag());
    store.state_crc(response.headers_mut(), object.crc64);
    store.insert(&request.key, object, forbid_overwrite)?;
    Ok(response)
}

/// An object that arrived in one piece.
pub(super) fn whole(store: &Store, received: Received, mut headers: HeaderMap) -> Object {
    default_type(&mut headers);
    Object {
        size: received.blob.size(),
        etag: etag_of(&received.digest),
        crc64: Some(received.crc64),
        pieces: vec![received.blob],
        headers,
        modified: store.now(),
        kind: "Normal",
    }
}

pub(super) fn default_type(headers: &mut HeaderMap) {
    if !headers.contains_key("content-type") {
        put_header(headers, "content-type", "application/octet-stream");
    }
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

impl Store {
    /// Keeps an object under its name, which must be free when overwriting is forbidden.
    pub(super) fn insert(&self, key: &str, object: Object, forbid_overwrite: bool) -> OssResult<()> {
        let mut objects = super::lock(&self.objects);
        if forbid_overwrite && objects.contains_key(key) {
            return Err(exists());
        }
        objects.insert(key.to_owned(), Arc::new(object));
        Ok(())
    }
}
