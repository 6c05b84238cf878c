//! A stored object: its pieces and what is known about it.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES, HeaderMap,
    HeaderName, HeaderValue,
};
use serde_json::{Value, json};

use super::blob::Blob;
use super::digest::Received;
use crate::world::clock;

/// Headers that a client gives with an object and gets back with it, besides `x-oss-meta-*`.
const KEPT: [HeaderName; 6] =
    [CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES];

pub struct Object {
    /// The content in order: one piece, or one for each part.
    pub pieces: Vec<Arc<Blob>>,
    pub size: u64,
    /// Without quotes: MD5 in upper-case hex, or `…-N` for an object of N parts.
    pub etag: String,
    /// `None` when a part had none.
    pub crc64: Option<u64>,
    pub headers: HeaderMap,
    pub modified: SystemTime,
    /// `Normal` or `Multipart`.
    pub kind: &'static str,
}

impl Object {
    /// An object that arrived in one piece.
    pub fn whole(received: Received, mut headers: HeaderMap, modified: SystemTime) -> Object {
        default_type(&mut headers);
        Object {
            size: received.blob.size(),
            etag: etag_of(&received.digest),
            crc64: Some(received.crc64),
            pieces: vec![received.blob],
            headers,
            modified,
            kind: "Normal",
        }
    }

    /// Its first bytes, of which it has at least so many.
    pub fn first(&self, bytes: u64) -> std::io::Result<Vec<u8>> {
        let mut first = Vec::new();
        for piece in &self.pieces {
            let wanted = piece.size().min(bytes - first.len() as u64);
            first.extend(piece.first(wanted)?);
        }
        Ok(first)
    }

    pub fn quoted_etag(&self) -> String {
        quoted(&self.etag)
    }

    pub fn json(&self, name: &str) -> Value {
        let text = |name: &str| {
            let value = self.headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let meta: serde_json::Map<String, Value> = self
            .headers
            .keys()
            .filter_map(|key| key.as_str().strip_prefix("x-oss-meta-"))
            .map(|key| (key.to_owned(), json!(text(&format!("x-oss-meta-{key}")))))
            .collect();
        json!({
            "name": name,
            "size": self.size,
            "etag": self.etag,
            "crc64": self.crc64.map(|crc| crc.to_string()),
            "content_type": text("content-type"),
            "meta": meta,
            "kind": self.kind,
            "last_modified": clock::xml(self.modified),
        })
    }
}

/// What came without a type gets one.
pub fn default_type(headers: &mut HeaderMap) {
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
}

/// The headers of a request that stay with the object.
pub fn kept_headers(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| KEPT.contains(name) || name.as_str().starts_with("x-oss-meta-"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

pub fn etag_of(digest: &[u8]) -> String {
    hex::encode_upper(digest)
}

pub fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// ETags are compared without quotes and case.
pub fn same_etag(stated: &str, etag: &str) -> bool {
    stated.trim().trim_matches('"').eq_ignore_ascii_case(etag)
}
