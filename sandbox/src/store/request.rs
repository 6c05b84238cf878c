//! A request taken apart: bucket, key and query, decoded once for routing and signing alike.

use http::request::Parts;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use super::error::{OssError, OssResult};

/// The longest key, in bytes of UTF-8.
const MAX_KEY: usize = 1023;

pub(super) struct OssRequest {
    pub(super) method: Method,
    pub(super) bucket: String,
    /// Empty when the request is about the bucket itself.
    pub(super) key: String,
    /// Names and values decoded, in the order of the wire; no value and an empty one are alike.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl OssRequest {
    /// `bucket` is the one that virtual-hosted requests may name in their Host.
    pub(super) fn parse(parts: Parts, bucket: &str) -> OssResult<Self> {
        let path = parts.uri.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = if is_virtual_host(&host(&parts), bucket) {
            (bucket, path)
        } else {
            path.split_once('/').unwrap_or((path, ""))
        };
        let query = parts.uri.query().unwrap_or("");
        Ok(OssRequest {
            bucket: decode(bucket)?,
            key: checked_key(decode(key)?)?,
            query: parse_query(query)?,
            method: parts.method,
            headers: parts.headers,
        })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.parameter(name).is_some()
    }

    /// A header's text; `None` when it is absent or not UTF-8.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
    }
}

/// Host without the port, from the target or the header.
pub(super) fn host(parts: &Parts) -> String {
    let named = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(""),
    };
    let port = named.rfind(':').filter(|at| named[at + 1..].bytes().all(|b| b.is_ascii_digit()));
    named[..port.unwrap_or(named.len())].to_owned()
}

fn is_virtual_host(host: &str, bucket: &str) -> bool {
    host.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.'))
}

/// `+` stays a plus: the store's paths and queries are percent-encoded, not form-encoded.
fn decode(text: &str) -> OssResult<String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|decoded| decoded.into_owned())
        .map_err(|_| invalid_name("The specified object is not valid."))
}

fn parse_query(query: &str) -> OssResult<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn checked_key(key: String) -> OssResult<String> {
    if key.len() > MAX_KEY {
        return Err(invalid_name("The length of object name must be less than 1024."));
    }
    if key.starts_with(['/', '\\']) {
        return Err(invalid_name("The specified object is not valid."));
    }
    Ok(key)
}

fn invalid_name(message: &str) -> OssError {
    OssError::bad_request("InvalidObjectName", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(target: &str, host: &str) -> OssResult<OssRequest> {
        let request = http::Request::get(target).header("host", host).body(()).unwrap();
        OssRequest::parse(request.into_parts().0, "bge-bucket")
    }

    #[test]
    fn path_style_keys_are_decoded_whole() {
        let read = parse(
            "/bge-bucket/%E7%9B%AE%E5%BD%95%2F%E6%A0%B7%E6%9C%AC%201%2Ba%2520+.txt?uploads&x=1%2B+2",
            "127.0.0.1:80",
        )
        .unwrap();
        assert_eq!(read.bucket, "bge-bucket");
        assert_eq!(read.key, "目录/样本 1+a%20+.txt");
        assert_eq!(read.parameter("x"), Some("1++2"));
        assert_eq!(read.parameter("uploads"), Some(""));
        assert!(!read.has("y"));
    }

    #[test]
    fn slashes_in_a_key_stay_as_they_are() {
        assert_eq!(parse("/b/a//b/../c/", "[::1]:80").unwrap().key, "a//b/../c/");
        assert_eq!(parse("/b", "localhost").unwrap().key, "");
    }

    #[test]
    fn a_host_may_name_the_bucket() {
        let read = parse("/dest/a", "bge-bucket.store.example:8080").unwrap();
        assert_eq!((read.bucket.as_str(), read.key.as_str()), ("bge-bucket", "dest/a"));
        let read = parse("/dest/a", "bge-bucketstore.example").unwrap();
        assert_eq!((read.bucket.as_str(), read.key.as_str()), ("dest", "a"));
    }

    #[test]
    fn impossible_names_are_refused() {
        let long = format!("/b/{}", "a".repeat(1024));
        for target in ["/b/%2Fa", "/b//a", "/b/%5Ca", "/b/%FF", long.as_str()] {
            let refused = parse(target, "127.0.0.1").err().map(|e| e.code);
            assert_eq!(refused, Some("InvalidObjectName"), "{target}");
        }
        assert!(parse(&format!("/b/{}", "a".repeat(1023)), "127.0.0.1").is_ok());
    }
}
