//! Signatures V1 (HMAC-SHA1) and V4 (HMAC-SHA256): the text that is signed, and the signing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use http::HeaderMap;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::request::OssRequest;
use crate::wire::signing::{encode, encode_path, hmac};

/// Query parameters that name a part of the resource in V1; every `x-oss-*` does too.
const SUB_RESOURCES: &[&str] = &[
    "acl",
    "append",
    "bucketInfo",
    "callback",
    "callback-var",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "img",
    "inventory",
    "inventoryId",
    "lifecycle",
    "live",
    "location",
    "logging",
    "objectInfo",
    "objectMeta",
    "partNumber",
    "policy",
    "position",
    "qos",
    "qosInfo",
    "referer",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "worm",
    "wormExtend",
    "wormId",
];

/// The V1 string to sign. `date` is the Date line: a date, or the expiry of a presigned URL.
pub(super) fn v1_string_to_sign(request: &OssRequest, date: &str) -> Vec<u8> {
    let mut text = request.method.as_str().as_bytes().to_vec();
    text.push(b'\n');
    for name in ["content-md5", "content-type"] {
        text.extend_from_slice(&header_value(&request.headers, name));
        text.push(b'\n');
    }
    text.extend_from_slice(date.as_bytes());
    text.push(b'\n');
    push_headers(&mut text, &request.headers, |name| name.starts_with("x-oss-"));
    text.extend_from_slice(v1_resource(request).as_bytes());
    text
}

fn v1_resource(request: &OssRequest) -> String {
    let mut resource = format!("/{}/{}", request.bucket, request.key);
    let mut named: Vec<_> = request
        .query
        .iter()
        .filter(|(name, _)| SUB_RESOURCES.contains(&name.as_str()) || name.starts_with("x-oss-"))
        .collect();
    named.sort();
    for (i, (name, value)) in named.into_iter().enumerate() {
        resource.push(if i == 0 { '?' } else { '&' });
        resource.push_str(name);
        if !value.is_empty() {
            resource.push('=');
            resource.push_str(value);
        }
    }
    resource
}

/// Base64 of HMAC-SHA1.
pub(super) fn v1_signature(secret: &str, string_to_sign: &[u8]) -> String {
    STANDARD.encode(hmac::<Hmac<Sha1>>(secret.as_bytes(), string_to_sign))
}

/// The V4 canonical request. `additional` are the names of the further headers that are signed.
pub(super) fn v4_canonical_request(request: &OssRequest, additional: &[String]) -> Vec<u8> {
    let path = format!("/{}/{}", request.bucket, request.key);
    let mut query: Vec<_> = request
        .query
        .iter()
        .filter(|(name, _)| name != "x-oss-signature")
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    query.sort();
    let query: Vec<_> = query
        .into_iter()
        .map(|(name, value)| match value.is_empty() {
            true => name,
            false => format!("{name}={value}"),
        })
        .collect();
    let mut text = format!("{}\n{}\n{}\n", request.method, encode_path(&path), query.join("&")).into_bytes();
    push_headers(&mut text, &request.headers, |name| {
        name.starts_with("x-oss-")
            || name == "content-type"
            || name == "content-md5"
            || additional.iter().any(|further| further == name)
    });
    let payload = header_value(&request.headers, "x-oss-content-sha256");
    text.push(b'\n');
    text.extend_from_slice(additional.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(match payload.is_empty() {
        true => b"UNSIGNED-PAYLOAD",
        false => &payload,
    });
    text
}

/// `moment` is `yyyymmddThhmmssZ`, whose first eight characters are the scope's date.
pub(super) fn v4_string_to_sign(canonical: &[u8], moment: &str, region: &str) -> String {
    let day = moment.get(..8).unwrap_or(moment);
    format!(
        "OSS4-HMAC-SHA256\n{moment}\n{day}/{region}/oss/aliyun_v4_request\n{}",
        hex::encode(Sha256::digest(canonical))
    )
}

/// Hex of HMAC-SHA256 under the key derived from secret, day and region.
pub(super) fn v4_signature(secret: &str, day: &str, region: &str, string_to_sign: &str) -> String {
    let mut key = format!("aliyun_v4{secret}").into_bytes();
    for step in [day, region, "oss", "aliyun_v4_request"] {
        key = hmac::<Hmac<Sha256>>(&key, step.as_bytes());
    }
    hex::encode(hmac::<Hmac<Sha256>>(&key, string_to_sign.as_bytes()))
}

/// Appends `name:value\n` for every chosen header, sorted by name.
fn push_headers(text: &mut Vec<u8>, headers: &HeaderMap, chosen: impl Fn(&str) -> bool) {
    let mut names: Vec<_> = headers.keys().map(|name| name.as_str()).filter(|name| chosen(name)).collect();
    names.sort_unstable();
    for name in names {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(&header_value(headers, name));
        text.push(b'\n');
    }
}

/// A header's bytes, trimmed; repeated ones joined by a comma, absent ones empty.
fn header_value(headers: &HeaderMap, name: &str) -> Vec<u8> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii()).collect();
    values.join(&b","[..])
}

#[cfg(test)]
#[path = "sign_vectors.rs"]
mod vectors;
