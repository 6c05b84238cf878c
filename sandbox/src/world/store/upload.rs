//! A multipart upload that is still open, and its parts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use md5::{Digest, Md5};

use super::blob::Blob;
use super::crc64;
use super::digest::cheap_digest;
use super::object::{Object, etag_of};

pub struct Upload {
    pub key: String,
    pub headers: HeaderMap,
    pub initiated: SystemTime,
    pub forbid_overwrite: bool,
    pub parts: BTreeMap<u32, Part>,
}

pub struct Part {
    pub blob: Arc<Blob>,
    pub digest: [u8; 16],
    pub crc64: u64,
    /// Whether the CRC-64 was stated to the client, and so counts for the whole.
    pub crc64_stated: bool,
    pub modified: SystemTime,
}

impl Part {
    pub fn etag(&self) -> String {
        etag_of(&self.digest)
    }

    pub fn json(&self, number: u32) -> serde_json::Value {
        serde_json::json!({
            "part_number": number,
            "size": self.blob.size(),
            "etag": self.etag(),
            "crc64": self.crc64.to_string(),
        })
    }
}

/// The object that parts make, in this order.
pub fn join(parts: &[&Part], headers: HeaderMap, no_md5: bool, modified: SystemTime) -> Object {
    Object {
        pieces: parts.iter().map(|part| Arc::clone(&part.blob)).collect(),
        size: parts.iter().map(|part| part.blob.size()).sum(),
        crc64: whole_crc(parts),
        etag: whole_etag(parts, no_md5),
        headers,
        modified,
        kind: "Multipart",
    }
}

fn whole_crc(parts: &[&Part]) -> Option<u64> {
    parts
        .iter()
        .all(|part| part.crc64_stated)
        .then(|| parts.iter().fold(0, |crc, part| crc64::combine(crc, part.crc64, part.blob.size())))
}

/// Made of the parts' MD5s, and marked with their number: it is not the MD5 of the content.
fn whole_etag(parts: &[&Part], no_md5: bool) -> String {
    let digest: [u8; 16] = match no_md5 {
        true => {
            let mixed = parts.iter().fold(0u64, |mixed, part| mixed.rotate_left(5) ^ part.crc64);
            cheap_digest(mixed, parts.len() as u64)
        }
        false => {
            let mut md5 = Md5::new();
            for part in parts {
                md5.update(part.digest);
            }
            md5.finalize().into()
        }
    };
    format!("{}-{}", etag_of(&digest), parts.len())
}
