//! A request of the platform side, decoded: path segments, query, form, files, JSON.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header::CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use percent_encoding::{percent_decode, percent_decode_str};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Bodies and fields longer than this are represented by their size and SHA-256.
pub const KEPT_BODY: usize = 64 * 1024;
/// A form or a JSON text may not be larger.
const LARGEST_BODY: usize = 32 * 1024 * 1024;
/// Of an uploaded file no more than this is kept for the handlers; size and hash are of the whole file.
const KEPT_FILE: usize = 64 * 1024 * 1024;

/// A file of a multipart form.
#[derive(Debug)]
pub struct UploadedFile {
    pub name: String,
    pub filename: String,
    pub content_type: Option<String>,
    pub size: u64,
    pub sha256: String,
    content: Mutex<Option<Bytes>>,
}

impl UploadedFile {
    /// The file's bytes; `None` when it was too large to keep, or the request has been dealt with.
    pub fn content(&self) -> Option<Bytes> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug, Default)]
pub struct Decoded {
    pub method: Method,
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    pub files: Vec<UploadedFile>,
    pub json: Option<Value>,
    pub body_size: u64,
    body_sha256: Option<String>,
    body_text: Option<String>,
    /// Why the body could not be understood.
    pub malformed: Option<String>,
}

/// The segments of a raw path, each percent-decoded by itself: an encoded `/` does not separate.
pub fn segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

impl Decoded {
    /// Reads the whole request. An error means that the connection broke off.
    pub async fn read(parts: &Parts, path: &str, body: Body, hash: bool) -> Result<Decoded, axum::Error> {
        let mut decoded = Decoded {
            method: parts.method.clone(),
            segments: segments(path),
            query: decode_pairs(parts.uri.query().unwrap_or_default()),
            ..Decoded::default()
        };
        if !is_utf8(parts.uri.query().unwrap_or_default().as_bytes()) {
            decoded.malformed = Some("the query is not UTF-8".into());
        }
        let content_type = content_type(&parts.headers);
        if let Ok(boundary) = multer::parse_boundary(&content_type) {
            decoded.read_multipart(body, boundary).await?;
        } else {
            decoded.read_text(body, &content_type, hash).await?;
        }
        Ok(decoded)
    }

    async fn read_text(&mut self, mut body: Body, content_type: &str, hash: bool) -> Result<(), axum::Error> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                self.body_size += data.len() as u64;
                if bytes.len() + data.len() <= LARGEST_BODY {
                    bytes.extend_from_slice(&data);
                } else {
                    self.malformed = Some(format!("the body has more than {LARGEST_BODY} bytes"));
                }
            }
        }
        if self.body_size == 0 {
            return Ok(());
        }
        if hash {
            self.body_sha256 = Some(hex::encode(Sha256::digest(&bytes)));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if content_type.starts_with("application/x-www-form-urlencoded") {
            self.form = decode_pairs(&text);
            if !is_utf8(&bytes) {
                self.malformed = Some("the form is not UTF-8".into());
            }
        } else {
            // The official client sends JSON without saying so: what parses is JSON.
            self.json = serde_json::from_slice(&bytes).ok();
        }
        if hash && text.len() <= KEPT_BODY {
            self.body_text = Some(text);
        }
        Ok(())
    }

    async fn read_multipart(&mut self, body: Body, boundary: String) -> Result<(), axum::Error> {
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        let stream = body.into_data_stream().map(move |chunk| {
            if let Ok(chunk) = &chunk {
                counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
            chunk
        });
        let mut parts = multer::Multipart::new(stream, boundary);
        let result = self.read_parts(&mut parts).await;
        self.body_size = received.load(Ordering::Relaxed);
        match result {
            Ok(()) => Ok(()),
            Err(multer::Error::StreamReadFailed(error)) => Err(axum::Error::new(error)),
            Err(error) => {
                self.malformed = Some(error.to_string());
                Ok(())
            }
        }
    }

    async fn read_parts(&mut self, parts: &mut multer::Multipart<'_>) -> multer::Result<()> {
        while let Some(mut field) = parts.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            let Some(filename) = field.file_name().map(str::to_owned) else {
                match String::from_utf8(field.bytes().await?.to_vec()) {
                    Ok(text) => self.form.push((name, text)),
                    Err(_) => self.malformed = Some(format!("the field {name} is not UTF-8")),
                }
                continue;
            };
            let content_type = field.content_type().map(ToString::to_string);
            let (mut size, mut hash, mut content) = (0u64, Sha256::new(), Some(BytesMut::new()));
            while let Some(chunk) = field.chunk().await? {
                size += chunk.len() as u64;
                hash.update(&chunk);
                if size > KEPT_FILE as u64 {
                    content = None;
                } else if let Some(content) = &mut content {
                    content.extend_from_slice(&chunk);
                }
            }
            self.files.push(UploadedFile {
                name,
                filename,
                content_type,
                size,
                sha256: hex::encode(hash.finalize()),
                content: Mutex::new(content.map(BytesMut::freeze)),
            });
        }
        Ok(())
    }

    /// Adds the decoded parts to an entry of the request log.
    pub fn describe(&self, entry: &mut Value) {
        let form: Vec<_> = self
            .form
            .iter()
            .map(|(name, value)| {
                if value.len() <= KEPT_BODY {
                    (name.clone(), value.clone())
                } else {
                    (
                        name.clone(),
                        format!("({} bytes, SHA-256 {})", value.len(), hex::encode(Sha256::digest(value))),
                    )
                }
            })
            .collect();
        entry["form"] = to_object(&form);
        entry["form_pairs"] = json!(form);
        entry["files"] = self
            .files
            .iter()
            .map(|file| {
                json!({
                    "name": file.name,
                    "filename": file.filename,
                    "content_type": file.content_type,
                    "size": file.size,
                    "sha256": file.sha256,
                })
            })
            .collect();
        if let Some(value) = &self.json
            && self.body_size <= KEPT_BODY as u64
        {
            entry["json"] = value.clone();
        }
        if let Some(sha256) = &self.body_sha256 {
            entry["body_sha256"] = json!(sha256);
        }
        if let Some(text) = &self.body_text {
            entry["body"] = json!(text);
        }
        if let Some(why) = &self.malformed {
            entry["malformed"] = json!(why);
        }
    }

    /// Roughly how much memory the decoded request takes in the log.
    pub fn cost(&self) -> usize {
        let form: usize = self.form.iter().map(|(name, value)| name.len() + value.len()).sum();
        form + self.body_text.as_ref().map_or(0, String::len)
            + if self.json.is_some() { self.body_size as usize * 4 } else { 0 }
    }

    /// Lets go of the contents of files, which only the handlers need.
    pub fn forget_files(&self) {
        for file in &self.files {
            *file.content.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

/// Query or form text, decoded, in order.
pub fn decode_pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Pairs as an object; a name that occurs more than once has an array.
pub fn to_object(pairs: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs {
        match object.get_mut(name) {
            None => {
                object.insert(name.clone(), json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(object)
}

/// Whether a query or a form is what the platform reads, once it is decoded.
fn is_utf8(encoded: &[u8]) -> bool {
    percent_decode(encoded).decode_utf8().is_ok()
}

fn content_type(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slash_stays_within_its_segment() {
        assert_eq!(segments("/samples/..%2Fprofile"), ["samples", "../profile"]);
        assert_eq!(segments("/task/%E6%A0%B7%20a"), ["task", "样 a"]);
        assert_eq!(segments("/"), [""]);
    }
}
