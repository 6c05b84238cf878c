//! Headers of answers.

use http::{HeaderMap, HeaderValue};

use crate::world::store::Store;

/// Sets a header; a value that no header can carry is left out.
pub(super) fn put_header(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

/// States a CRC-64 as the store's options allow.
pub(super) fn state_crc(store: &Store, headers: &mut HeaderMap, crc64: Option<u64>) {
    let options = store.options();
    if let Some(crc) = crc64.filter(|_| !options.no_crc) {
        let stated = crc.wrapping_add(u64::from(options.wrong_crc));
        put_header(headers, "x-oss-hash-crc64ecma", &stated.to_string());
    }
}
