//! Where an object is: host styles, and names as a URL spells them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::error::{Error, Result, Status};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// All but letters, digits and `-_.~` percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The same, with each `/` kept.
pub(super) fn encoded_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// The address of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    pub name: String,
    pub endpoint: Url,
}

impl Bucket {
    /// `endpoint` as the platform gives it; without a scheme it is https.
    pub(super) fn new(name: &str, endpoint: &str) -> Result<Self> {
        let text = if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") };
        let wrong =
            || Error::new(Status::Protocol, "the platform names no usable address of the object store");
        let mut url = Url::parse(&text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || name.is_empty() {
            return Err(wrong());
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        if !path_style(&url)
            && !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            return Err(wrong());
        }
        Ok(Bucket { name: name.to_owned(), endpoint: url })
    }

    /// The address of an object; a slash in its name is encoded too, so that no name can climb.
    pub(super) fn object(&self, key: &str, query: &[(&'static str, Option<String>)]) -> Result<Url> {
        let origin = self.endpoint.as_str().trim_end_matches('/');
        let (scheme, host) = origin.split_once("://").unwrap_or(("https", origin));
        let place = if path_style(&self.endpoint) {
            format!("{scheme}://{host}/{}/{}", encoded(&self.name), encoded(key))
        } else {
            format!("{scheme}://{}.{host}/{}", self.name, encoded(key))
        };
        let pairs: Vec<_> = query
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={}", encoded(value)),
                None => (*name).to_owned(),
            })
            .collect();
        let text = if pairs.is_empty() { place } else { format!("{place}?{}", pairs.join("&")) };
        Url::parse(&text).map_err(|cause| {
            Error::new(Status::Protocol, "the object has no valid address").with_cause(cause)
        })
    }
}

/// IP addresses and `localhost` cannot carry the bucket in the host name.
fn path_style(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(endpoint: &str, key: &str) -> String {
        Bucket::new("bge-bucket", endpoint).and_then(|bucket| bucket.object(key, &[])).expect(key).to_string()
    }

    #[test]
    fn each_host_has_its_style() {
        for (endpoint, wanted) in [
            ("oss-cn-shenzhen.aliyuncs.com", "https://bge-bucket.oss-cn-shenzhen.aliyuncs.com/d%2Fa.txt"),
            ("http://oss.example:8080/x?y", "http://bge-bucket.oss.example:8080/d%2Fa.txt"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/bge-bucket/d%2Fa.txt"),
            ("http://[::1]:9000", "http://[::1]:9000/bge-bucket/d%2Fa.txt"),
            ("localhost:9000", "https://localhost:9000/bge-bucket/d%2Fa.txt"),
        ] {
            assert_eq!(object(endpoint, "d/a.txt"), wanted, "{endpoint}");
        }
        for endpoint in ["", "ftp://oss.example", "http://"] {
            assert!(Bucket::new("bge-bucket", endpoint).is_err(), "{endpoint}");
        }
        assert!(Bucket::new("b@evil.example/", "oss.example").is_err());
    }

    #[test]
    fn names_are_encoded_as_the_official_client_does() {
        assert_eq!(
            object("http://127.0.0.1", "目录/样本 1+a%20.txt"),
            "http://127.0.0.1/bge-bucket/%E7%9B%AE%E5%BD%95%2F%E6%A0%B7%E6%9C%AC%201%2Ba%2520.txt"
        );
        assert_eq!(object("http://127.0.0.1", "d/../x"), "http://127.0.0.1/bge-bucket/d%2F..%2Fx");
        let query = [("partNumber", Some("3".into())), ("uploadId", Some("A+/".into())), ("uploads", None)];
        let url = Bucket::new("b", "http://127.0.0.1").and_then(|bucket| bucket.object("k", &query));
        assert_eq!(
            url.expect("an address").as_str(),
            "http://127.0.0.1/b/k?partNumber=3&uploadId=A%2B%2F&uploads"
        );
    }
}
