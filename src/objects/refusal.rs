//! The object store's error XML, and what its codes ask for.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::{
    error::{Error, Status, StorageRefusal},
    transport::Answer,
};

/// The years that a store's clock may show.
const BELIEVED: std::ops::Range<i32> = 2015..2200;

/// The finer code of "V1 signatures are not taken here".
const V1_RETIRED: &str = "0002-00000080";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Wire {
    code: String,
    message: String,
    request_id: Option<String>,
    server_time: Option<String>,
    #[serde(rename = "EC")]
    ec: Option<String>,
}

/// The error that a refusing answer stands for.
pub(super) fn of(answer: &Answer) -> Error {
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    // An answer to HEAD has no body.
    let in_header = header("x-oss-err").and_then(|text| STANDARD.decode(text).ok());
    let body =
        if answer.body.is_empty() { in_header.as_deref().unwrap_or_default() } else { &answer.body[..] };
    let wire = std::str::from_utf8(body).ok().and_then(|text| quick_xml::de::from_str::<Wire>(text).ok());
    let error = match wire.filter(|wire| !wire.code.is_empty()) {
        Some(wire) => {
            let summary = format!("the object store refused: {}", wire.code);
            let error =
                Error::new(Status::Storage, summary).with_http(answer.status, wire.request_id.as_deref());
            let error = if wire.message.is_empty() { error } else { error.with_cause(&wire.message) };
            error.with_storage(StorageRefusal {
                code: wire.code,
                ec: wire.ec.or_else(|| header("x-oss-ec").map(str::to_owned)),
                server_time: wire.server_time,
            })
        }
        None if (300..400).contains(&answer.status) => {
            Error::new(Status::Protocol, "the server redirects, and only downloads follow")
        }
        None => Error::new(Status::Http, "the server refused, without saying why"),
    };
    answer.explain(error)
}

pub(super) fn is_code(error: &Error, codes: &[&str]) -> bool {
    error.storage().is_some_and(|refusal| codes.contains(&refusal.code.as_str()))
}

/// New credentials would help.
pub(super) fn wants_credentials(error: &Error) -> bool {
    is_code(error, &["SecurityTokenExpired", "InvalidAccessKeyId", "AccessKeyIdAndSecurityTokenNotMatch"])
}

/// A presigned URL that was good once.
pub(super) fn is_expired(error: &Error) -> bool {
    wants_credentials(error) || (is_code(error, &["AccessDenied"]) && error.message().contains("expired"))
}

pub(super) fn wants_v4(error: &Error) -> bool {
    error.http_status() == 403
        && error.storage().is_some_and(|refusal| refusal.ec.as_deref() == Some(V1_RETIRED))
}

/// The store's time, when it refused because the clocks differ. A time before this library or long after it is no
/// store's clock, and believed by nobody.
pub(super) fn clock(error: &Error) -> Option<SystemTime> {
    let refusal = error.storage().filter(|refusal| refusal.code == "RequestTimeTooSkewed")?;
    let server_time = OffsetDateTime::parse(refusal.server_time.as_deref()?, &Rfc3339).ok()?;
    let server_time = server_time.to_offset(UtcOffset::UTC);
    BELIEVED.contains(&server_time.year()).then(|| SystemTime::from(server_time))
}

pub(super) fn is_lost_upload(error: &Error) -> bool {
    is_code(error, &["NoSuchUpload"])
}

/// The parts that were kept do not fit the store's.
pub(super) fn is_unfit(error: &Error) -> bool {
    is_code(error, &["InvalidPart", "InvalidPartOrder", "EntityTooSmall"])
}

pub(super) fn is_denied(error: &Error) -> bool {
    is_code(error, &["AccessDenied"])
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use bytes::Bytes;
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("x-oss-request-id", HeaderValue::from_static("5C3D9175B6FC201293AD4890"));
        Answer::new(status, headers, Bytes::copy_from_slice(body.as_bytes()))
    }

    const SKEWED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>RequestTimeTooSkewed</Code>\
        <Message>The difference &amp; so on.</Message><RequestId>ID1</RequestId><HostId>h</HostId>\
        <MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds><RequestTime>x</RequestTime>\
        <ServerTime>2025-06-12T08:00:00.000Z</ServerTime><EC>0002-00000504</EC></Error>";

    #[test]
    fn the_document_is_told_with_its_parts() {
        let error = of(&answer(403, SKEWED));
        assert_eq!((error.status(), error.http_status()), (Status::Storage, 403));
        let refusal = error.storage().expect("a refusal");
        assert_eq!(
            (refusal.code.as_str(), refusal.ec.as_deref()),
            ("RequestTimeTooSkewed", Some("0002-00000504"))
        );
        assert_eq!(error.request_id(), Some("5C3D9175B6FC201293AD4890"));
        assert!(error.message().contains("The difference & so on."), "{error}");
        assert_eq!(clock(&error), Some(UNIX_EPOCH + Duration::from_secs(1_749_715_200)));
    }

    #[test]
    fn an_answer_to_head_tells_it_in_a_header() {
        let mut head = answer(404, "");
        let xml = STANDARD.encode("<Error><Code>NoSuchKey</Code></Error>");
        head.headers.insert("x-oss-err", HeaderValue::from_str(&xml).expect("base64"));
        assert!(is_code(&of(&head), &["NoSuchKey"]));
    }

    #[test]
    fn what_is_no_error_document_is_an_http_error() {
        for body in ["", "<html>502</html>", "<Error></Error>", "not xml"] {
            let error = of(&answer(502, body));
            assert_eq!((error.status(), error.http_status()), (Status::Http, 502), "{body}");
        }
        assert_eq!(of(&answer(307, "")).status(), Status::Protocol);
    }
}
