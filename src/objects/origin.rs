//! Where a download comes from: a presigned URL, asked for anew when it has expired, or a URL that the caller gave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Objects,
    crypt::{Envelope, is_encrypted},
    download_state::{Facts, Validator},
    kms::KeyService,
    refusal,
    sign::hex,
    store::stated_crc,
    upload_options::Region,
};
use crate::{
    context::Context,
    error::{Error, Result, Status},
    platform::args::Args,
    redact::Redactor,
    sys::PerProcess,
    transport::{Request, Streamed, Target, Transport},
};

/// How often one request gets another URL.
const RENEWALS: u32 = 6;

/// Where the bytes come from.
pub(super) struct Origin {
    objects: Objects,
    pub context: Context,
    /// The object's name, or the URL without its query: by this a state on the disk is known again.
    pub object: String,
    /// A digest of the caller's URL with all that is in it.
    digest: Option<String>,
    /// The arguments of `get_download_url`; without them the URL is the caller's.
    asking: Option<Args>,
    address: Arc<Place>,
}

/// Held while the address is asked for, so that one request is in flight.
type Place = tokio::sync::Mutex<Option<Arc<Address>>>;

struct Address {
    url: Url,
    redactor: Redactor,
    /// Shortly before its end, where that is known.
    good_until: Option<Instant>,
}

impl Address {
    fn is_good(&self) -> bool {
        self.good_until.is_none_or(|end| Instant::now() < end)
    }
}

/// Seconds that a presigned address is good for unless others were asked for.
const LIFE: u64 = 600;

/// An address is given up this long before its end, or a fifth of its life if that is less.
const LEEWAY: Duration = Duration::from_secs(30);

/// Addresses that readers of the same object share.
#[derive(Clone)]
pub(super) struct Addresses(Arc<PerProcess<Mutex<Places>>>);

/// By whom and with what they were asked for.
type Places = HashMap<String, Arc<Place>>;

/// More are not remembered.
const MOST_ADDRESSES: usize = 256;

impl Addresses {
    pub(super) fn new() -> Self {
        Addresses(Arc::new(PerProcess::new(Mutex::default)))
    }

    fn place(&self, name: String) -> Arc<Place> {
        let mut places = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if places.len() >= MOST_ADDRESSES && !places.contains_key(&name) {
            places.clear();
        }
        places.entry(name).or_default().clone()
    }
}

/// A body that is to come, and what it is of.
pub(super) struct Opened {
    pub streamed: Streamed,
    /// The place of its first byte.
    pub start: u64,
    /// Where it ends, not included: a range may be shorter than was asked for.
    pub end: Option<u64>,
    /// Of the whole object; a range need not say it.
    pub size: Option<u64>,
    pub validator: Option<Validator>,
    pub crc64: Option<u64>,
    /// 206 and not 200.
    pub is_range: bool,
}

impl Opened {
    pub(super) fn facts(&self) -> Option<Facts> {
        let validator = self.validator.clone()?;
        let (size, crc64) = (self.size?, self.crc64);
        Some(Facts { size, validator, crc64, envelope: None, is_encrypted: false, address: None })
    }

    /// How it is encrypted, if it is.
    pub(super) fn envelope(&self) -> Result<Option<Envelope>> {
        Envelope::read(&self.streamed.headers)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        is_encrypted(&self.streamed.headers)
    }

    /// Whether it is of the version that is known: nothing that it says speaks against it.
    pub(super) fn check(&self, facts: &Facts) -> Result<()> {
        let validator = self.validator.as_ref();
        let is_it = validator == Some(&facts.validator)
            && self.size.is_none_or(|size| size == facts.size)
            && self.end.is_none_or(|end| end <= facts.size)
            && (self.crc64.is_none() || facts.crc64.is_none() || self.crc64 == facts.crc64);
        if is_it {
            return Ok(());
        }
        let what = match validator {
            Some(now) if *now != facts.validator => {
                format!("the object changed meanwhile: it has {now} now, and had {}", facts.validator)
            }
            Some(_) => "the object changed meanwhile: its length or checksum is another one now".to_owned(),
            // Nothing says that it is another one: somebody else may have answered.
            None => {
                let what = format!(
                    "the answer does not say of which version it is: the object had {}",
                    facts.validator
                );
                let hint = "does the network want a login first, or a proxy?";
                return Err(Error::new(Status::Protocol, what)
                    .with_hint(hint)
                    .with_http(self.streamed.status, None));
            }
        };
        Err(Error::new(Status::Integrity, what).with_retryable(true))
    }
}

/// The server gave a range, but another one than it was asked for.
pub(super) fn is_wrong_range(error: &Error) -> bool {
    error.status() == Status::Protocol && error.http_status() == 206
}

/// Either the object is another one now, or it has become shorter.
pub(super) fn is_changed(error: &Error) -> bool {
    matches!(error.http_status(), 412 | 416)
}

impl Origin {
    /// An object of the platform's store; `args` holds `object_name`, `region` and `expiration_time`.
    pub(super) fn object(objects: &Objects, context: Context, object: &str, args: Args) -> Self {
        let (objects, object) = (objects.clone(), object.to_owned());
        Origin { objects, context, object, digest: None, asking: Some(args), address: Arc::default() }
    }

    /// The same, with an address that all who ask alike share.
    pub(super) fn shared(objects: &Objects, context: Context, object: &str, args: Args) -> Self {
        let asked: Vec<String> =
            args.names().map(|name| format!("{name}={}", args.get(name).unwrap_or_default())).collect();
        let place = objects.addresses.place(format!("{} {}", objects.access.account(), asked.join(" ")));
        Origin { address: place, ..Origin::object(objects, context, object, args) }
    }

    /// Any http or https address.
    pub(super) fn url(objects: &Objects, context: Context, url: &str) -> Result<Self> {
        let wrong = || Error::argument("url", "must be an http or https address");
        let url = Url::parse(url).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong());
        }
        let mut bare = url.clone();
        bare.set_fragment(None);
        let digest = Some(hex(&Sha256::digest(bare.as_str())));
        bare.set_query(None);
        let _ = (bare.set_username(""), bare.set_password(None));
        let address = Arc::new(Place::new(Some(Arc::new(Address::new(url, None)))));
        Ok(Origin { objects: objects.clone(), context, object: bare.into(), digest, asking: None, address })
    }

    /// A digest of the caller's URL with its query, user and password; `None` for an object of the platform's store.
    pub(super) fn address_digest(&self) -> Option<String> {
        self.digest.clone()
    }

    async fn address(&self, refused: Option<&Arc<Address>>) -> Result<Arc<Address>> {
        let mut current = self.address.lock().await;
        if let Some(address) = &*current
            && refused.is_none_or(|refused| !Arc::ptr_eq(address, refused))
            && address.is_good()
        {
            return Ok(address.clone());
        }
        let Some(args) = &self.asking else { return Err(Error::closed("the URL has expired")) };
        let asked = Instant::now();
        let json = self.objects.access.presigned_address(&self.context, args).await?;
        #[derive(Deserialize)]
        struct Presigned {
            url: String,
        }
        let url =
            serde_json::from_str::<Presigned>(&json).ok().and_then(|answer| Url::parse(&answer.url).ok());
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            Error::new(Status::Protocol, "the answer of get_download_url holds no http or https address")
        })?;
        let life = args.get("expiration_time").and_then(|text| text.parse().ok()).unwrap_or(LIFE);
        let life = Duration::from_secs(life);
        let address = Arc::new(Address::new(url, asked.checked_add(life - LEEWAY.min(life / 5))));
        *current = Some(address.clone());
        Ok(address)
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.objects.transport
    }

    /// The key service, with the credentials of uploads unless the caller has others.
    pub(super) fn keys(&self) -> KeyService<'_> {
        KeyService::new(&self.objects, &self.context, self.objects.grants.slot(&Region::default()))
    }

    /// One attempt at the bytes from `start` up to but without `end` (`u64::MAX`: to the last), of this version of the
    /// object.
    pub(super) async fn open(
        &self,
        range: Option<(u64, u64)>,
        version: Option<&Validator>,
    ) -> Result<Opened> {
        let mut address = self.address(None).await?;
        let mut renewals = 0;
        loop {
            let error = match self.open_at(&address, range, version).await {
                Ok(opened) => return Ok(opened),
                Err(error) => error.redacted(&address.redactor),
            };
            if self.asking.is_none() || !refusal::is_expired(&error) || renewals >= RENEWALS {
                return Err(error);
            }
            renewals += 1;
            address = self.address(Some(&address)).await?;
        }
    }

    async fn open_at(
        &self,
        address: &Address,
        range: Option<(u64, u64)>,
        version: Option<&Validator>,
    ) -> Result<Opened> {
        let mut request = Request::new(reqwest::Method::GET, Target::Url(address.url.clone()))
            .with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some((start, end)) = range {
            let last = if end == u64::MAX { String::new() } else { end.saturating_sub(1).to_string() };
            request = request.with_header(RANGE, header(&format!("bytes={start}-{last}"))?);
        }
        request = match version {
            Some(Validator::Etag(etag)) => request.with_header(IF_MATCH, header(etag)?),
            Some(Validator::LastModified(date)) => request.with_header(IF_UNMODIFIED_SINCE, header(date)?),
            None => request,
        };
        let streamed = self.objects.transport.open(&self.context, &request).await?;
        if !matches!(streamed.status, 200 | 206) {
            return Err(match streamed.status {
                201..=299 => Error::new(Status::Protocol, "the answer holds no content")
                    .with_http(streamed.status, None),
                _ => refusal::of(&streamed.collect().await?),
            });
        }
        let mut opened = read(streamed, range)?;
        if self.is_page_instead(&mut opened, version).await? {
            let whose = if self.asking.is_some() { "object store's" } else { "object" };
            return Err(Error::new(Status::Protocol, format!("the answer is a web page, not the {whose}"))
                .with_hint("does the network want a login first, or a proxy?")
                .with_http(200, None));
        }
        Ok(opened)
    }

    /// Whether somebody on the way answered with a page. The store's own answers have its header; of other servers, which may
    /// serve pages and call anything one, only a body that is a page is believed to be none of the object: in the place
    /// of another version, or without one where the name is no page's.
    async fn is_page_instead(&self, opened: &mut Opened, version: Option<&Validator>) -> Result<bool> {
        let headers = &opened.streamed.headers;
        if !headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
            return Ok(false);
        }
        if self.asking.is_some() {
            return Ok(!headers.contains_key("x-oss-request-id"));
        }
        let is_odd = match version {
            Some(version) => {
                opened.validator.as_ref() != Some(version) && !is_name_of_page(&self.object, false)
            }
            None => opened.validator.is_none() && !is_name_of_page(&self.object, true),
        };
        Ok(is_odd && !opened.is_range && is_page(opened.streamed.peek().await?))
    }
}

/// Whether a name's end says that it is a page; `otherwise` where it says nothing.
fn is_name_of_page(object: &str, otherwise: bool) -> bool {
    let last = object.rsplit('/').next().unwrap_or_default();
    let Some((_, end)) = last.rsplit_once('.').filter(|_| object.matches('/').count() > 2) else {
        return otherwise;
    };
    let pages = ["html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "cgi", "do"];
    pages.contains(&end.to_ascii_lowercase().as_str())
}

/// Whether bytes begin a web page.
fn is_page(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins =
        |with: &str| bytes.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    ["<!doctype html", "<html", "<head", "<body", "<script", "<meta", "<title", "<!--"]
        .into_iter()
        .any(begins)
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::new(Status::Protocol, "the server's ETag is no header"))
}

fn read(streamed: Streamed, asked: Option<(u64, u64)>) -> Result<Opened> {
    let headers = &streamed.headers;
    let crc64 = stated_crc(headers)?;
    let validator = validator(headers);
    let stated = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).and_then(content_range);
    // Some say 200, and yet that it is a part.
    let is_part =
        stated.is_some_and(|(start, end, total)| start > 0 || total.is_none_or(|total| end < total));
    if streamed.status == 200 && !is_part {
        let size = streamed.length();
        return Ok(Opened { start: 0, end: size, size, validator, crc64, is_range: false, streamed });
    }
    let wrong = |what: &str| Error::new(Status::Protocol, what).with_http(206, None);
    // It may be shorter than was asked for, and need not say the length of the whole.
    let fits = |(start, end, _): &(u64, u64, Option<u64>)| {
        asked.is_some_and(|asked| *start == asked.0 && *end <= asked.1)
    };
    let Some((start, end, size)) = stated.filter(fits) else {
        return Err(wrong("the server gives another range than was asked for"));
    };
    if streamed.length().is_some_and(|length| length != end - start) {
        return Err(wrong("the range is not as long as the server says"));
    }
    Ok(Opened { start, end: Some(end), size, validator, crc64, is_range: true, streamed })
}

/// A weak ETag does not tell versions apart byte for byte.
fn validator(headers: &HeaderMap) -> Option<Validator> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::trim);
    match text(ETAG) {
        Some(etag) if !etag.is_empty() && !etag.starts_with("W/") => Some(Validator::Etag(etag.to_owned())),
        _ => text(LAST_MODIFIED).map(|date| Validator::LastModified(date.to_owned())),
    }
}

/// `bytes 0-9/10` as start, end (not included) and, unless it is `*`, total.
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (unit, range) = text.trim().split_once(' ')?;
    let (range, total) = range.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse::<u64>().ok()?),
    };
    let holds = unit.eq_ignore_ascii_case("bytes")
        && first <= last
        && last < u64::MAX
        && total.is_none_or(|total| last < total);
    holds.then(|| (first, last + 1, total))
}

impl Address {
    fn new(url: Url, good_until: Option<Instant>) -> Self {
        let mut redactor = Redactor::default();
        for (_, value) in url.query_pairs() {
            redactor.hide(&value);
        }
        if let Some(password) = url.password() {
            redactor.hide(password);
        }
        Address { url, redactor, good_until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_or_refused() {
        assert_eq!(content_range("bytes 0-9/10"), Some((0, 10, Some(10))));
        assert_eq!(content_range("bytes 5-5/10"), Some((5, 6, Some(10))));
        assert_eq!(content_range("Bytes 0-9/*"), Some((0, 10, None)));
        let last = format!("bytes 0-{}/*", u64::MAX);
        for text in ["bytes 5-4/10", "bytes 0-10/10", "0-9/10", "bytes */10", "", "bytes 0-9/-1", &last] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }

    #[test]
    fn pages_are_known_by_how_they_begin() {
        for page in ["<!DOCTYPE html><p>", "\n <HTML>", "\u{feff}<html lang=\"zh\">", "<script>top.location"]
        {
            assert!(is_page(page.as_bytes()), "{page}");
        }
        for other in [&b"<VCF>"[..], b"\x1f\x8b\x08", b"", b"<?xml version=\"1.0\"?><a/>", b"@SQ\tSN:<html>"]
        {
            assert!(!is_page(other), "{other:?}");
        }
        for (object, wanted) in [
            ("https://h/a/x.bam", false),
            ("https://h/report.HTML", true),
            ("https://h/get.php", true),
            ("https://h.org", true),
            ("https://h/x.y/object", true),
        ] {
            assert_eq!(is_name_of_page(object, true), wanted, "{object}");
        }
    }

    #[test]
    fn a_weak_etag_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("W/\"1\""));
        assert_eq!(validator(&headers), None);
        headers.insert(LAST_MODIFIED, HeaderValue::from_static("Thu, 12 Jun 2025 08:00:00 GMT"));
        assert!(matches!(validator(&headers), Some(Validator::LastModified(_))));
        headers.insert(ETAG, HeaderValue::from_static("\"1\""));
        assert_eq!(validator(&headers), Some(Validator::Etag("\"1\"".into())));
    }
}
