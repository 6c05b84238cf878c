//! The key service: data keys for objects that are encrypted before they are sent, and their wrapped form opened again.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use sha1::Sha1;
use time::OffsetDateTime;
use url::Url;
use zeroize::{Zeroize, Zeroizing};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Objects, address::encoded, grant::Grant, sign::Key, slot::Slot};
use crate::{
    context::Context,
    error::{Error, Result, Status, StorageRefusal},
    redact::Redactor,
    transport::{Answer, Body, Repeat, Request, Retry, Target},
};

const VERSION: &str = "2016-01-20";

/// How often one request gets other credentials, another nonce, or another time.
const REMEDIES: u32 = 5;

/// The key service as one call sees it.
pub(super) struct KeyService<'a> {
    objects: &'a Objects,
    context: &'a Context,
    /// The upload token's credentials, where the caller gave none.
    slot: Arc<Slot>,
}

/// Who asks, where, and what no message may show.
struct Caller {
    key: Key,
    endpoint: Url,
    redactor: Arc<Redactor>,
    grant: Option<Arc<Grant>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    #[serde(default)]
    ciphertext_blob: String,
    #[serde(default)]
    plaintext: String,
}

impl<'a> KeyService<'a> {
    pub(super) fn new(objects: &'a Objects, context: &'a Context, slot: Arc<Slot>) -> Self {
        KeyService { objects, context, slot }
    }

    /// A new data key: in the clear, as base64 text, and wrapped.
    pub(super) async fn data_key(&self, cmk_id: &str) -> Result<(Zeroizing<String>, String)> {
        let own = [("KeyId", cmk_id), ("KeySpec", "AES_256"), ("NumberOfBytes", "32")];
        let (plain, blob) = self.ask("GenerateDataKey", &own).await?;
        if plain.is_empty() || blob.is_empty() {
            return Err(incomplete());
        }
        Ok((plain, blob))
    }

    /// Wraps a short text.
    pub(super) async fn encrypt(&self, cmk_id: &str, plaintext: &str) -> Result<String> {
        let (_, blob) = self.ask("Encrypt", &[("KeyId", cmk_id), ("Plaintext", plaintext)]).await?;
        if blob.is_empty() { Err(incomplete()) } else { Ok(blob) }
    }

    /// Unwraps what the service wrapped.
    pub(super) async fn decrypt(&self, blob: &str) -> Result<Zeroizing<String>> {
        let (plain, _) = self.ask("Decrypt", &[("CiphertextBlob", blob)]).await?;
        if plain.is_empty() { Err(incomplete()) } else { Ok(plain) }
    }

    /// Sends a request until it is answered with success or may not be sent again.
    async fn ask(&self, action: &'static str, own: &[(&str, &str)]) -> Result<(Zeroizing<String>, String)> {
        let transport = &self.objects.transport;
        let mut retry = Retry::new(self.context, transport.log(), Repeat::Passing);
        let mut caller = self.caller(None).await?;
        let (mut remedies, mut clock) = (0, None);
        loop {
            let now = clock.map_or_else(SystemTime::now, Clock::now);
            let request = request(&caller, action, own, now)?;
            let error = match transport.send(self.context, &request).await {
                Ok(answer) if (200..300).contains(&answer.status) => match read(answer) {
                    Ok(read) => return Ok(read),
                    Err(error) => error,
                },
                Ok(answer) => {
                    let error = refused(&answer, action);
                    if code(&error) == "InvalidTimeStamp.Expired" && clock.is_none() {
                        clock = Clock::of(&answer.headers);
                        if clock.is_some() {
                            continue;
                        }
                    }
                    error
                }
                Err(error) => error,
            };
            let error = error.redacted(&caller.redactor);
            remedies += 1;
            if remedies <= REMEDIES {
                if is_stale(&error)
                    && let Some(grant) = caller.grant.take()
                {
                    caller = self.caller(Some(&grant)).await?;
                    continue;
                }
                if code(&error) == "SignatureNonceUsed" {
                    continue;
                }
                if code(&error).starts_with("Throttling") {
                    self.context.sleep(Duration::from_millis(200) * (1 << remedies)).await?;
                    continue;
                }
            }
            retry.again(error).await?;
            caller = self.caller(None).await?;
        }
    }

    async fn caller(&self, refused: Option<&Arc<Grant>>) -> Result<Caller> {
        let options = self.objects.transport.options();
        let named = options.kms_endpoint.clone();
        if let Some(own) = &options.kms_credentials {
            let mut redactor = Redactor::default();
            redactor.hide(own.secret.reveal());
            if let Some(token) = &own.token {
                redactor.hide(token.reveal());
            }
            let region = match named.as_ref().and_then(region_of) {
                Some(region) => region,
                None => self.grant(None).await?.key.region.clone(),
            };
            let key =
                Key { id: own.id.clone(), secret: own.secret.clone(), token: own.token.clone(), region };
            let endpoint = endpoint(named, &key.region)?;
            return Ok(Caller { key, endpoint, redactor: Arc::new(redactor), grant: None });
        }
        let grant = self.grant(refused).await?;
        let endpoint = endpoint(named, &grant.key.region)?;
        let (key, redactor) = (grant.key.clone(), grant.redactor.clone());
        Ok(Caller { key, endpoint, redactor, grant: Some(grant) })
    }

    async fn grant(&self, refused: Option<&Arc<Grant>>) -> Result<Arc<Grant>> {
        let access = &*self.objects.access;
        match refused {
            Some(refused) => self.slot.renewed(access, self.context, refused).await,
            None => self.slot.grant(access, self.context).await,
        }
    }
}

fn endpoint(named: Option<Url>, region: &str) -> Result<Url> {
    let usual = || Url::parse(&format!("https://kms.{region}.aliyuncs.com/"));
    named.map_or_else(usual, Ok).map_err(|_| {
        Error::new(Status::Protocol, "the platform names no region whose key service could be asked")
            .with_hint("option kms_endpoint names one")
    })
}

/// The region in `kms.cn-shenzhen.aliyuncs.com`.
fn region_of(endpoint: &Url) -> Option<String> {
    let host = endpoint.host_str()?.strip_suffix(".aliyuncs.com")?;
    host.strip_prefix("kms")?.split_once('.').map(|(_, region)| region.to_owned())
}

/// What the service's clock is ahead of ours.
#[derive(Clone, Copy)]
struct Clock {
    ours: SystemTime,
    theirs: SystemTime,
}

impl Clock {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
        Some(Clock { ours: SystemTime::now(), theirs })
    }

    fn now(self) -> SystemTime {
        let passed = self.ours.elapsed().unwrap_or_default();
        self.theirs.checked_add(passed).unwrap_or(self.theirs)
    }
}

fn request(caller: &Caller, action: &str, own: &[(&str, &str)], now: SystemTime) -> Result<Request> {
    let nonce = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let mut pairs = parameters(&caller.key, action, own, &nonce, &timestamp(now));
    let signature = signature(caller.key.secret.reveal(), &pairs);
    pairs.push(("Signature".to_owned(), signature));
    let body = canonical(&pairs);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    Ok(Request::new(Method::POST, Target::Url(caller.endpoint.clone()))
        .with_header(CONTENT_TYPE, form)
        .with_body(Body::Bytes(Bytes::from(body))))
}

fn timestamp(now: SystemTime) -> String {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let at =
        i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = at.to_hms();
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn parameters(
    key: &Key,
    action: &str,
    own: &[(&str, &str)],
    nonce: &str,
    timestamp: &str,
) -> Vec<(String, String)> {
    let common = [
        ("Action", action),
        ("Version", VERSION),
        ("Format", "JSON"),
        ("RegionId", &key.region),
        ("AccessKeyId", key.id.reveal()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureType", ""),
        ("SignatureNonce", nonce),
        ("Timestamp", timestamp),
        ("EncryptionContext", ""),
    ];
    let token = key.token.as_ref().map(|token| ("SecurityToken", token.reveal()));
    let all = common.into_iter().chain(token).chain(own.iter().copied());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `name=value` of all, in the order of their names.
fn canonical(pairs: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = pairs.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let texts: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    texts.join("&")
}

fn signature(secret: &str, pairs: &[(String, String)]) -> String {
    let text = format!("POST&%2F&{}", encoded(&canonical(pairs)));
    let key = Zeroizing::new(format!("{secret}&"));
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What a good answer holds; its bytes, a key among them, are wiped.
fn read(answer: Answer) -> Result<(Zeroizing<String>, String)> {
    let wire = serde_json::from_slice::<Wire>(&answer.body);
    if let Ok(mut body) = answer.body.try_into_mut() {
        body.as_mut().zeroize();
    }
    let wire = wire.map_err(|_| {
        Error::new(Status::Protocol, "the answer is not the key service's")
            .with_hint("does the network want a login first, or a proxy?")
    })?;
    Ok((Zeroizing::new(wire.plaintext), wire.ciphertext_blob))
}

fn incomplete() -> Error {
    Error::new(Status::Protocol, "the key service's answer lacks what was asked for")
}

fn refused(answer: &Answer, action: &str) -> Error {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Refusal {
        code: String,
        message: String,
        request_id: Option<String>,
    }
    let wire = serde_json::from_slice::<Refusal>(&answer.body).unwrap_or_default();
    if wire.code.is_empty() {
        return answer.explain(Error::new(Status::Http, "the key service refused, without saying why"));
    }
    let hint = match wire.code.as_str() {
        "Forbidden.NoPermission" => format!("the credentials lack the right kms:{action} on the key"),
        "Forbidden.KeyNotFound" => "the key service of this region has no such key".to_owned(),
        "Rejected.Disabled" => "the key is disabled: its owner can enable it".to_owned(),
        code if code.starts_with("Forbidden") || code.starts_with("Rejected") => {
            format!("kms:{action} is not allowed with the key now")
        }
        _ => String::new(),
    };
    let summary = format!("the key service refused {action}: {}", wire.code);
    let error = Error::new(Status::Storage, summary)
        .with_http(answer.status, wire.request_id.as_deref())
        .with_cause(&wire.message)
        .with_storage(StorageRefusal { code: wire.code, ec: None, server_time: None });
    let error = if hint.is_empty() { error } else { error.with_hint(hint) };
    answer.explain(error)
}

fn code(error: &Error) -> &str {
    error.storage().map_or("", |refusal| refusal.code.as_str())
}

/// New credentials would help.
fn is_stale(error: &Error) -> bool {
    let code = code(error);
    code.starts_with("InvalidSecurityToken") || code == "InvalidAccessKeyId.NotFound"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    fn signed(action: &str, own: &[(&str, &str)]) -> String {
        let key = Key {
            id: Secret::new("STS.testid"),
            secret: Secret::new("testsecret"),
            token: Some(Secret::new("CAISTOKEN+/==")),
            region: "cn-shenzhen".into(),
        };
        signature("testsecret", &parameters(&key, action, own, "0e3a4b4e-1", "2026-11-25T08:00:00Z"))
    }

    #[test]
    fn the_published_signatures() {
        let key = ("KeyId", "7906979c-8e06-46a2-be2d-68e3ccbc****");
        let own = [key, ("KeySpec", "AES_256"), ("NumberOfBytes", "32")];
        assert_eq!(signed("GenerateDataKey", &own), "q+WawUxnTeIOavFdyH9slplsJLA=");
        let own = [key, ("Plaintext", "8PHy8/T19vcAAAAA/P3+/w==")];
        assert_eq!(signed("Encrypt", &own), "g0+IiHoGpNdskBd/hJkYPiiZf8w=");
        let own = [("CiphertextBlob", "d3JhcHBlZC1pdi1vZi10ZXN0")];
        assert_eq!(signed("Decrypt", &own), "gfWvTp5pKZcFkZUdq5ubPyMhs94=");
    }

    #[test]
    fn times_and_regions() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_593_600);
        assert_eq!(timestamp(at), "2026-11-25T08:00:00Z");
        let region = |url: &str| region_of(&Url::parse(url).expect("an address"));
        assert_eq!(region("https://kms.cn-shenzhen.aliyuncs.com/").as_deref(), Some("cn-shenzhen"));
        assert_eq!(region("https://kms-vpc.cn-hangzhou.aliyuncs.com/").as_deref(), Some("cn-hangzhou"));
        assert_eq!(region("http://127.0.0.1:1/"), None);
    }
}
