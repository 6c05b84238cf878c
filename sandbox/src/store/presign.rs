//! The addresses that the platform hands out: V1 signatures in the query.

use http::{HeaderMap, Method};

use super::request::OssRequest;
use super::sign;
use crate::wire::signing::encode;
use crate::world::clock;
use crate::world::store::Store;

/// Path and query of a URL that reads the object for `expires_in` seconds, and the Unix second at which it ends.
pub fn presign_get(store: &Store, object: &str, expires_in: u64) -> (String, u64) {
    let key = store.presigning();
    let seconds = i64::try_from(expires_in).unwrap_or(i64::MAX);
    let end = clock::unix(store.now()).saturating_add(seconds);
    let request = OssRequest {
        method: Method::GET,
        bucket: store.bucket().to_owned(),
        key: object.to_owned(),
        query: vec![("security-token".to_owned(), key.token.clone())],
        headers: HeaderMap::new(),
    };
    let text = sign::v1_string_to_sign(&request, &end.to_string());
    let signature = sign::v1_signature(&key.secret, &text);
    let target = format!(
        "/{}/{}?Expires={end}&Signature={}&OSSAccessKeyId={}&security-token={}",
        encode(store.bucket()),
        encode(object),
        encode(&signature),
        encode(&key.id),
        encode(&key.token)
    );
    (target, u64::try_from(end).unwrap_or(0))
}
