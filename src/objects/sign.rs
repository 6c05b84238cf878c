//! Signatures of the object store: V1 (HMAC-SHA1) and V4 (HMAC-SHA256), both in the header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::address::{encoded, encoded_path};
use crate::{
    error::{Error, Result, Status},
    options::OssSignature,
    redact::Secret,
};

/// The query parameters that V1 signs, of those that this library sends.
const SUBRESOURCES: [&str; 3] = ["partNumber", "uploadId", "uploads"];

const CONTENT_MD5: &str = "content-md5";
const X_OSS_DATE: HeaderName = HeaderName::from_static("x-oss-date");
const X_OSS_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-oss-content-sha256");
const X_OSS_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-oss-security-token");

/// Who signs.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub id: Secret,
    pub secret: Secret,
    pub token: Option<Secret>,
    /// Without `oss-`, such as `cn-shenzhen`.
    pub region: String,
}

/// What is signed, beside the headers.
pub(super) struct Signed<'a> {
    pub method: &'a str,
    pub bucket: &'a str,
    pub key: &'a str,
    /// A parameter without a value is a bare name.
    pub query: &'a [(&'static str, Option<String>)],
}

/// Adds date, token and signature to `headers`; whatever else is to be sent must be there already.
pub(super) fn sign(
    version: OssSignature,
    key: &Key,
    request: &Signed<'_>,
    headers: &mut HeaderMap,
    now: SystemTime,
) -> Result<()> {
    let now = presentable(now);
    if let Some(token) = &key.token {
        headers.insert(X_OSS_SECURITY_TOKEN, secret_value(token.reveal())?);
    }
    let authorization = match version {
        OssSignature::V1 => {
            let date = httpdate::fmt_http_date(now);
            headers.insert(DATE, value(&date)?);
            format!("OSS {}:{}", key.id.reveal(), v1(key.secret.reveal(), request, headers, &date))
        }
        OssSignature::V4 => {
            let at = OffsetDateTime::from(now);
            let (hour, minute, second) = at.to_hms();
            let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
            let at = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
            headers.insert(X_OSS_DATE, value(&at)?);
            headers.insert(X_OSS_CONTENT_SHA256, HeaderValue::from_static("UNSIGNED-PAYLOAD"));
            v4(key, request, headers, &at)
        }
    };
    headers.insert(AUTHORIZATION, secret_value(&authorization)?);
    Ok(())
}

/// A clock may show anything; dates of the wire go from 1970 to 9999.
fn presentable(now: SystemTime) -> SystemTime {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    now.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST)
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(Status::Protocol, "the store's credentials cannot stand in a header"))
}

fn secret_value(text: &str) -> Result<HeaderValue> {
    let mut value = value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn v1(secret: &str, request: &Signed<'_>, headers: &HeaderMap, date: &str) -> String {
    let mut text = String::new();
    let lines = [request.method, header(headers, CONTENT_MD5), header(headers, CONTENT_TYPE.as_str()), date];
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    for (name, value) in sorted(headers, |name| name.starts_with("x-oss-")) {
        text.push_str(&format!("{name}:{value}\n"));
    }
    text.push_str(&format!("/{}/{}", request.bucket, request.key));
    let mut counted: Vec<_> = request.query.iter().filter(|(name, _)| SUBRESOURCES.contains(name)).collect();
    counted.sort();
    for (place, (name, value)) in counted.into_iter().enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value {
            text.push_str(&format!("={value}"));
        }
    }
    STANDARD.encode(mac::<Hmac<Sha1>>(secret.as_bytes(), &text))
}

fn v4(key: &Key, request: &Signed<'_>, headers: &HeaderMap, at: &str) -> String {
    let mut query: Vec<_> = request
        .query
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{}={}", encoded(name), encoded(value)),
            None => encoded(name),
        })
        .collect();
    query.sort();
    let signed =
        |name: &str| name.starts_with("x-oss-") || name == CONTENT_MD5 || name == CONTENT_TYPE.as_str();
    let lines: String =
        sorted(headers, signed).into_iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n/{}/{}\n{}\n{lines}\n\nUNSIGNED-PAYLOAD",
        request.method,
        encoded(request.bucket),
        encoded_path(request.key),
        query.join("&"),
    );
    let date = at.get(..8).unwrap_or_default();
    let scope = format!("{date}/{}/oss/aliyun_v4_request", key.region);
    let text = format!("OSS4-HMAC-SHA256\n{at}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut chain = format!("aliyun_v4{}", key.secret.reveal()).into_bytes();
    for step in [date, key.region.as_str(), "oss", "aliyun_v4_request"] {
        chain = mac::<Hmac<Sha256>>(&chain, step);
    }
    let signature = hex(&mac::<Hmac<Sha256>>(&chain, &text));
    format!("OSS4-HMAC-SHA256 Credential={}/{scope}, Signature={signature}", key.id.reveal())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").trim()
}

fn sorted(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> Vec<(&str, &str)> {
    let mut lines: Vec<_> = headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| wanted(name))
        .map(|name| (name, header(headers, name)))
        .collect();
    lines.sort_unstable();
    lines
}

fn mac<M: Mac + KeyInit>(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const PUBLISHED: (&str, &str) = ("44CF9590006BF252F707", "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV");
    const STS: (&str, &str) = ("STS.testid", "testsecret");
    const DATE: &str = "Thu, 12 Jun 2025 08:00:00 GMT";

    fn authorization(
        version: OssSignature,
        (id, secret): (&str, &str),
        request: Signed<'_>,
        headers: &[(&'static str, &str)],
        date: &str,
    ) -> String {
        let token = (id == STS.0).then(|| Secret::new("CAISTOKEN+/=="));
        let key =
            Key { id: Secret::new(id), secret: Secret::new(secret), token, region: "cn-shenzhen".into() };
        let mut all = HeaderMap::new();
        for (name, text) in headers {
            all.insert(HeaderName::from_static(name), value(text).expect("a header"));
        }
        let now = httpdate::parse_http_date(date).expect("a date");
        sign(version, &key, &request, &mut all, now).expect("a signature");
        header(&all, "authorization").to_owned()
    }

    fn put<'a>(key: &'a str, query: &'a [(&'static str, Option<String>)]) -> Signed<'a> {
        Signed { method: "PUT", bucket: "bge-bucket", key, query }
    }

    fn part() -> [(&'static str, Option<String>); 2] {
        [("partNumber", Some("3".into())), ("uploadId", Some("0004B9895DBBB6EC98E36".into()))]
    }

    #[test]
    fn the_published_example() {
        let request = Signed { method: "PUT", bucket: "oss-example", key: "nelson", query: &[] };
        let headers = [
            ("content-md5", "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM="),
            ("content-type", "text/html"),
            ("x-oss-magic", "abracadabra"),
            ("x-oss-meta-author", "foo@bar.com"),
        ];
        let date = "Thu, 17 Nov 2005 18:49:58 GMT";
        assert_eq!(
            authorization(OssSignature::V1, PUBLISHED, request, &headers, date),
            "OSS 44CF9590006BF252F707:26NBxoKdsyly4EDv6inkoDft/yA="
        );
    }

    #[test]
    fn puts_with_metadata_token_and_chinese_names() {
        let meta = ("x-oss-meta-bge-open-client-id", "client-1");
        let sent = [("content-type", "text/plain"), meta];
        assert_eq!(
            authorization(OssSignature::V1, STS, put("dest/sample.txt", &[]), &sent, DATE),
            "OSS STS.testid:txZfMLoGqpo1ig4zgYiDkRFeE6k="
        );
        let name = "目录/样本 1+a%20.txt";
        assert_eq!(
            authorization(
                OssSignature::V1,
                PUBLISHED,
                put(name, &[]),
                &[("content-type", "text/plain")],
                DATE
            ),
            "OSS 44CF9590006BF252F707:558krfsuM3q1LNuHbc+V2oACIFQ="
        );
        let uploads = [("uploads", None)];
        let initiate = Signed { method: "POST", bucket: "bge-bucket", key: "dest/big.bin", query: &uploads };
        assert_eq!(
            authorization(
                OssSignature::V1,
                STS,
                initiate,
                &[("content-type", "application/octet-stream"), meta],
                DATE
            ),
            "OSS STS.testid:VpmjEmqsdA/XMJFQ0UduMpfRZOE="
        );
    }

    #[test]
    fn parts_under_both_versions() {
        assert_eq!(
            authorization(OssSignature::V1, STS, put("dest/big.bin", &part()), &[], DATE),
            "OSS STS.testid:Wm0sJylcdXnpOTp2rP7QvpRRlkY="
        );
        assert_eq!(
            authorization(OssSignature::V4, STS, put("目录/big.bin", &part()), &[], DATE),
            "OSS4-HMAC-SHA256 Credential=STS.testid/20250612/cn-shenzhen/oss/aliyun_v4_request, \
             Signature=1374dc13a3fbca675b3cddc98c04bb30084ea52f5d5c3e7cab63de29efff8528"
        );
    }

    #[test]
    fn what_does_not_count_is_not_signed_by_v1() {
        let mut query = part().to_vec();
        query.push(("max-parts", Some("1000".into())));
        assert_eq!(
            authorization(OssSignature::V1, STS, put("dest/big.bin", &query), &[], DATE),
            "OSS STS.testid:Wm0sJylcdXnpOTp2rP7QvpRRlkY="
        );
    }

    #[test]
    fn neither_key_nor_token_shows_in_a_debug_print() {
        let key = Key {
            id: Secret::new("an-id"),
            secret: Secret::new("canary"),
            token: Some(Secret::new("canary")),
            region: String::new(),
        };
        let mut headers = HeaderMap::new();
        sign(OssSignature::V1, &key, &put("k", &[]), &mut headers, UNIX_EPOCH + Duration::from_secs(1))
            .expect("a signature");
        let debug = format!("{key:?} {headers:?}");
        assert!(!debug.contains("canary") && !debug.contains("an-id"), "{debug}");
    }
}
