//! Who sent a request, and may they: signature, date, token, destination.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};

use super::error::{OssError, OssResult};
use super::request::OssRequest;
use super::sign;
use crate::world::clock;
use crate::world::store::Store;
use crate::world::store::credentials::Credential;

const MAX_SKEW: Duration = Duration::from_secs(900);
const MAX_V4_PRESIGN: u64 = 7 * 24 * 3600;

/// Checks everything about the sender of a request for one object.
pub(super) fn authorise(store: &Store, request: &OssRequest) -> OssResult<()> {
    let header = request.header("authorization");
    let credential = if request.has("Signature") || request.has("x-oss-signature-version") {
        if header.is_some() {
            return Err(OssError::bad_request(
                "InvalidArgument",
                "Only one auth mechanism is allowed: a signature in the query or an Authorization header.",
            ));
        }
        match request.has("x-oss-signature-version") {
            true => presigned_v4(store, request)?,
            false => presigned_v1(store, request)?,
        }
    } else {
        match header.and_then(|value| value.split_once(' ')) {
            Some(("OSS", rest)) => header_v1(store, request, rest)?,
            Some(("OSS4-HMAC-SHA256", rest)) => header_v4(store, request, rest)?,
            _ if header.is_none() => {
                return Err(OssError::denied(
                    "You have no right to access this object because of bucket acl.",
                )
                .ec("0003-00000001"));
            }
            _ => return Err(malformed()),
        }
    };
    if credential.is_presigned() && !matches!(request.method, Method::GET | Method::HEAD)
        || !credential.allows(&request.key)
    {
        return Err(OssError::denied("You have no right to access this object."));
    }
    Ok(())
}

fn header_v1(store: &Store, request: &OssRequest, rest: &str) -> OssResult<Arc<Credential>> {
    if store.options().refuse_v1 {
        return Err(OssError::denied(
            "The V1 signature is no longer supported. Please use the V4 signature.",
        )
        .ec("0002-00000080"));
    }
    let (id, signature) = rest.split_once(':').ok_or_else(malformed)?;
    let date = request.header("x-oss-date").or_else(|| request.header("date")).unwrap_or("");
    check_date(store, clock::parse_http(date))?;
    let token = request.header("x-oss-security-token");
    let credential = known(store, id, token)?;
    let text = sign::v1_string_to_sign(request, date);
    let expected = sign::v1_signature(&credential.secret, &text);
    same(&expected, signature, id, &text, None)?;
    live(store, credential, None)
}

fn header_v4(store: &Store, request: &OssRequest, rest: &str) -> OssResult<Arc<Credential>> {
    let field = |name: &str| {
        rest.split(',')
            .filter_map(|field| field.trim().split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    };
    let credential = field("Credential").ok_or_else(malformed)?;
    let signature = field("Signature").ok_or_else(malformed)?;
    if request.header("x-oss-content-sha256") != Some("UNSIGNED-PAYLOAD") {
        return Err(OssError::argument(
            "x-oss-content-sha256",
            request.header("x-oss-content-sha256").unwrap_or(""),
            "The x-oss-content-sha256 header must be UNSIGNED-PAYLOAD.",
        ));
    }
    let date = request.header("x-oss-date").unwrap_or("");
    check_date(store, clock::parse_v4(date))?;
    let additional = field("AdditionalHeaders").unwrap_or("");
    let token = request.header("x-oss-security-token");
    v4(store, request, credential, signature, date, additional, token, None)
}

fn presigned_v4(store: &Store, request: &OssRequest) -> OssResult<Arc<Credential>> {
    let wanted = |name| {
        request
            .parameter(name)
            .ok_or_else(|| OssError::argument(name, "", "The query lacks a part of the signature."))
    };
    let date = wanted("x-oss-date")?;
    let lifetime = wanted("x-oss-expires")?;
    let signed = clock::parse_v4(date).ok_or_else(undated)?;
    let seconds = lifetime
        .parse::<u64>()
        .ok()
        .filter(|seconds| (1..=MAX_V4_PRESIGN).contains(seconds))
        .ok_or_else(|| {
            OssError::argument("x-oss-expires", lifetime, "The expires must be between 1 and 604800 seconds.")
        })?;
    let end = signed + Duration::from_secs(seconds);
    check_end(store, end)?;
    v4(
        store,
        request,
        wanted("x-oss-credential")?,
        wanted("x-oss-signature")?,
        date,
        request.parameter("x-oss-additional-headers").unwrap_or(""),
        request.parameter("x-oss-security-token"),
        Some(end),
    )
}

#[allow(clippy::too_many_arguments)] // The pieces of one signature, wherever they were written.
fn v4(
    store: &Store,
    request: &OssRequest,
    scope: &str,
    signature: &str,
    date: &str,
    additional: &str,
    token: Option<&str>,
    end: Option<SystemTime>,
) -> OssResult<Arc<Credential>> {
    if store.options().refuse_v4 {
        return Err(OssError::denied("The V4 signature is not supported by this store."));
    }
    let (id, scope) = scope.split_once('/').ok_or_else(malformed)?;
    let day = date.get(..8).unwrap_or(date);
    if scope.split('/').next() != Some(day) {
        return Err(malformed());
    }
    let credential = known(store, id, token)?;
    let mut additional: Vec<_> =
        additional.split(';').filter(|name| !name.is_empty()).map(str::to_lowercase).collect();
    additional.sort();
    let canonical = sign::v4_canonical_request(request, &additional);
    let text = sign::v4_string_to_sign(&canonical, date, store.region());
    let expected = sign::v4_signature(&credential.secret, day, store.region(), &text);
    same(&expected, signature, id, text.as_bytes(), Some(&canonical))?;
    live(store, credential, end)
}

fn presigned_v1(store: &Store, request: &OssRequest) -> OssResult<Arc<Credential>> {
    let wanted = |name| {
        request.parameter(name).ok_or_else(|| {
            OssError::denied(
                "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters.",
            )
        })
    };
    let id = wanted("OSSAccessKeyId")?;
    let expires = wanted("Expires")?;
    let signature = wanted("Signature")?;
    let end = expires
        .parse::<i64>()
        .map(|seconds| clock::shift(SystemTime::UNIX_EPOCH, seconds))
        .map_err(|_| OssError::denied("Invalid date (should be seconds since epoch)."))?;
    check_end(store, end)?;
    let credential = known(store, id, request.parameter("security-token"))?;
    let text = sign::v1_string_to_sign(request, expires);
    let expected = sign::v1_signature(&credential.secret, &text);
    same(&expected, signature, id, &text, None)?;
    live(store, credential, Some(end))
}

/// The credential of a key id, if `token` is the one issued with it.
fn known(store: &Store, id: &str, token: Option<&str>) -> OssResult<Arc<Credential>> {
    let refused = |code, message: &str| OssError::new(StatusCode::FORBIDDEN, code, message);
    let unknown = || {
        refused("InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
            .ec("0002-00000902")
            .with("OSSAccessKeyId", id)
    };
    let all = store.credentials();
    let credential = all.find(id).ok_or_else(unknown)?;
    match token {
        Some(token) if token == credential.token => Ok(credential),
        Some(token) if all.knows_token(token) => Err(refused(
            "AccessKeyIdAndSecurityTokenNotMatch",
            "The OSS access key id and security token you provided does not match.",
        )
        .ec("0002-00000004")),
        Some(_) => Err(refused("InvalidSecurityToken", "The security token you provided is invalid.")
            .ec("0002-00000006")),
        // A temporary key is no key at all without its token.
        None => Err(unknown()),
    }
}

/// Refuses credentials that have expired; `end` is the stated end of a presigned URL.
fn live(store: &Store, credential: Arc<Credential>, end: Option<SystemTime>) -> OssResult<Arc<Credential>> {
    let options = store.options();
    let allowed = match credential.is_presigned() {
        true => options.presign_uses,
        false => options.sts_uses,
    };
    if !credential.expired_at_use(allowed) {
        return Ok(credential);
    }
    match end.filter(|_| credential.is_presigned()) {
        Some(end) => Err(url_expired(store, end)),
        None => Err(OssError::new(
            StatusCode::FORBIDDEN,
            "SecurityTokenExpired",
            "The security token you provided has expired.",
        )
        .ec("0002-00000007")),
    }
}

fn check_date(store: &Store, stated: Option<SystemTime>) -> OssResult<()> {
    let stated = stated.ok_or_else(undated)?;
    let now = store.now();
    let skew = now.duration_since(stated).unwrap_or_else(|ahead| ahead.duration());
    if skew <= MAX_SKEW {
        return Ok(());
    }
    Err(OssError::new(
        StatusCode::FORBIDDEN,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    )
    .ec("0002-00000504")
    .with("MaxAllowedSkewMilliseconds", MAX_SKEW.as_millis().to_string())
    .with("RequestTime", clock::xml(stated))
    .with("ServerTime", clock::xml(now)))
}

fn check_end(store: &Store, end: SystemTime) -> OssResult<()> {
    match end > store.now() {
        true => Ok(()),
        false => Err(url_expired(store, end)),
    }
}

fn url_expired(store: &Store, end: SystemTime) -> OssError {
    OssError::denied("Request has expired.")
        .ec("0002-00000069")
        .with("Expires", clock::xml(end))
        .with("ServerTime", clock::xml(store.now()))
}

fn undated() -> OssError {
    OssError::denied("OSS authentication requires a valid Date.")
}

fn malformed() -> OssError {
    OssError::bad_request("InvalidArgument", "Authorization header is invalid.")
}

fn same(expected: &str, provided: &str, id: &str, text: &[u8], canonical: Option<&[u8]>) -> OssResult<()> {
    if expected == provided {
        return Ok(());
    }
    let mut error = OssError::new(
        StatusCode::FORBIDDEN,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    )
    .ec("0002-00000040")
    .with("OSSAccessKeyId", id)
    .with("SignatureProvided", provided)
    .with("StringToSign", String::from_utf8_lossy(text))
    .with("StringToSignBytes", spelled(text));
    if let Some(canonical) = canonical {
        error = error
            .with("CanonicalRequest", String::from_utf8_lossy(canonical))
            .with("CanonicalRequestBytes", spelled(canonical));
    }
    Err(error)
}

fn spelled(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(" ")
}
