//! The verbs of a multipart upload: begin, send a part, list, complete, abort.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{Method, header::CONTENT_LENGTH};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::task::JoinHandle;

use super::{
    content::{Content, body},
    crc64::combine,
    grant::Claim,
    meter::Gauge,
    refusal,
    store::{Ask, Name, Store, content_type, etag, sent, stated_crc, verified},
    upload_options::MOST_PARTS,
};
use crate::{
    error::{Error, Result, Status},
    transport::{Answer, Body},
};

/// How long a failed upload waits for its abort.
const PATIENCE: Duration = Duration::from_secs(5);

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub size: u64,
    pub crc64: u64,
    /// As it stands in the header, with its quotes.
    pub etag: String,
}

/// The parts by their numbers, from 1.
pub(super) type Parts = BTreeMap<u64, Part>;

/// The checksum of all parts one after the other.
pub(super) fn sum(parts: &Parts) -> u64 {
    parts.values().fold(0, |sum, part| combine(sum, part.crc64, part.size))
}

/// A multipart upload that has begun. Dropped, it is aborted in the background, unless it is kept.
pub(super) struct Multipart {
    store: Store,
    name: Name,
    claim: Arc<Claim>,
    pub key: String,
    pub upload_id: String,
    is_kept: AtomicBool,
}

impl Multipart {
    /// Begins one; `meta` are the object's headers beside its type.
    pub(super) async fn begin(
        store: &Store,
        claim: &Arc<Claim>,
        meta: Vec<(String, String)>,
    ) -> Result<Self> {
        #[derive(Deserialize)]
        struct Begun {
            #[serde(rename = "UploadId")]
            upload_id: String,
        }
        let ask =
            Ask::new(Method::POST).with_bare("uploads").beginning(content_type(claim.filename())).meta(meta);
        let read = |answer: &Answer, key: &str| {
            let begun: Begun = xml(answer)?;
            if begun.upload_id.is_empty() {
                return Err(no_document());
            }
            Ok((key.to_owned(), begun.upload_id))
        };
        let (key, upload_id) = store.ask(&Name::Below(claim.clone()), &ask, read).await?;
        Ok(Multipart::known(store, claim, key, upload_id))
    }

    /// One that began earlier.
    pub(super) fn known(store: &Store, claim: &Arc<Claim>, key: String, upload_id: String) -> Self {
        let (claim, store) = (claim.clone(), store.clone());
        let name = Name::Whole { key: key.clone(), claim: claim.clone() };
        Multipart { store, name, claim, key, upload_id, is_kept: AtomicBool::new(false) }
    }

    /// Sends a stretch of `content` as a part, until the store has it.
    pub(super) async fn part(
        &self,
        number: u64,
        content: &Arc<dyn Content>,
        range: Range<u64>,
        gauge: Arc<Gauge>,
    ) -> Result<Part> {
        let size = range.end - range.start;
        let (stream, sum) = body(content, range, gauge);
        let ask = Ask::new(Method::PUT)
            .with("partNumber", number)
            .with("uploadId", &self.upload_id)
            .body(Body::Stream(stream));
        let read = |answer: &Answer, _: &str| {
            let crc64 = sent(sum.get())?;
            let etag = etag(answer)?;
            verified(stated_crc(&answer.headers)?, crc64)?;
            Ok(Part { size, crc64, etag })
        };
        self.store.ask(&self.name, &ask, read).await
    }

    /// What the store has: number → size, ETag and, where it says it, checksum.
    pub(super) async fn list(&self) -> Result<BTreeMap<u64, Listed>> {
        let mut all = BTreeMap::new();
        let mut marker = 0;
        loop {
            let ask = Ask::new(Method::GET)
                .with("uploadId", &self.upload_id)
                .with("part-number-marker", marker)
                .with("max-parts", 1000);
            let page: ListParts = self.store.ask(&self.name, &ask, |answer, _| xml(answer)).await?;
            all.extend(page.parts.into_iter().map(|part| (part.number, part)));
            if all.len() as u64 > MOST_PARTS {
                return Err(Error::new(Status::Protocol, "the list of parts has no end"));
            }
            let next = page.next.unwrap_or_default();
            if !page.is_truncated {
                return Ok(all);
            }
            if next <= marker {
                return Err(Error::new(Status::Protocol, "the list of parts goes in a circle"));
            }
            marker = next;
        }
    }

    /// Puts the object together; gives its ETag and whether its checksum was stated, and right.
    pub(super) async fn complete(&self, parts: &Parts) -> Result<(String, bool)> {
        let mut document = String::from("<CompleteMultipartUpload>");
        for (number, part) in parts {
            let etag = part.etag.replace('&', "&amp;").replace('<', "&lt;");
            document.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
        }
        document.push_str("</CompleteMultipartUpload>");
        let ask =
            Ask::new(Method::POST).with("uploadId", &self.upload_id).body(Body::Bytes(Bytes::from(document)));
        let read = |answer: &Answer, _: &str| {
            #[derive(Deserialize)]
            struct Completed {
                #[serde(rename = "ETag")]
                etag: String,
            }
            let completed: Completed = xml(answer)?;
            Ok((completed.etag, stated_crc(&answer.headers)?))
        };
        let (etag, stated) = match self.store.ask(&self.name, &ask, read).await {
            Ok(completed) => completed,
            Err(error) => match self.settle(parts, &error).await {
                Some(etag) => {
                    self.claim.keep();
                    return Ok((etag, true));
                }
                None => return Err(error),
            },
        };
        self.claim.keep();
        Ok((etag, verified(stated, sum(parts))?))
    }

    /// An answer may get lost after the object is there: then the object's size and checksum decide.
    pub(super) async fn settle(&self, parts: &Parts, error: &Error) -> Option<String> {
        // An answer that was lost, or was none of the store's; or one that began before the work had failed.
        let unsure = error.is_passing()
            || refusal::is_lost_upload(error)
            || error.status() == Status::Protocol
            || error.http_status() == 200;
        if !unsure {
            return None;
        }
        let (size, crc64) = (parts.values().map(|part| part.size).sum::<u64>(), sum(parts));
        let read = |answer: &Answer, _: &str| {
            let length =
                answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
            let is_it = length == Some(size) && stated_crc(&answer.headers)? == Some(crc64);
            is_it.then(|| etag(answer)).transpose()
        };
        let mut store = self.store.impatient();
        store.context.deadline =
            [store.context.deadline, self.store.context.deadline].into_iter().flatten().min();
        store.ask(&self.name, &Ask::new(Method::HEAD), read).await.ok().flatten()
    }

    /// It is complete, or to be resumed: it is not aborted.
    pub(super) fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }

    /// Gives it up on the store, too.
    pub(super) async fn abort(&self) -> Result<()> {
        abort(&self.store, &self.name, &self.upload_id).await?;
        self.keep();
        Ok(())
    }

    /// The same with little patience: what failed already may not be reached now either.
    pub(super) async fn give_up(&self) {
        self.keep();
        let left =
            self.store.context.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(aborting) = self.abort_in_background() {
            let _ = tokio::time::timeout(left.unwrap_or(PATIENCE).min(PATIENCE), aborting).await;
        }
    }

    fn abort_in_background(&self) -> Option<JoinHandle<()>> {
        let (store, name, upload_id) = (self.store.impatient(), self.name.clone(), self.upload_id.clone());
        let aborting = async move {
            let _ = abort(&store, &name, &upload_id).await;
        };
        self.store.transport().spawn(aborting).ok()
    }
}

async fn abort(store: &Store, name: &Name, upload_id: &str) -> Result<()> {
    let ask = Ask::new(Method::DELETE).with("uploadId", upload_id);
    match store.ask(name, &ask, |_, _| Ok(())).await {
        Err(error) if refusal::is_lost_upload(&error) => Ok(()),
        outcome => outcome,
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        if !self.is_kept.load(Ordering::Relaxed) {
            self.abort_in_background();
        }
    }
}

#[derive(Deserialize)]
struct ListParts {
    #[serde(rename = "IsTruncated", default)]
    is_truncated: bool,
    #[serde(rename = "NextPartNumberMarker")]
    next: Option<u64>,
    #[serde(rename = "Part", default)]
    parts: Vec<Listed>,
}

/// A part as ListParts shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(rename = "PartNumber")]
    number: u64,
    #[serde(rename = "Size")]
    pub size: u64,
    #[serde(rename = "ETag")]
    pub etag: String,
    #[serde(rename = "HashCrc64ecma")]
    pub crc64: Option<u64>,
}

impl Listed {
    /// As if the store had shown what was noted when it took the part.
    pub(super) fn from_note(number: u64, part: &Part) -> Self {
        Listed { number, size: part.size, etag: part.etag.clone(), crc64: Some(part.crc64) }
    }
}

/// The document of a successful answer; an error may come as one, too.
fn xml<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    let refused = refusal::of(answer);
    if refused.storage().is_some() {
        return Err(refused);
    }
    let text = std::str::from_utf8(&answer.body).ok();
    text.and_then(|text| quick_xml::de::from_str(text).ok()).ok_or_else(no_document)
}

fn no_document() -> Error {
    Error::new(Status::Protocol, "the answer is not the object store's XML")
        .with_hint("does the network want a login first, or a proxy?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_listed_with_what_the_store_tells() {
        let text = "<?xml version=\"1.0\"?><ListPartsResult><Bucket>b</Bucket><Key>k</Key><UploadId>U</UploadId>\
            <PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>2</NextPartNumberMarker>\
            <MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated>\
            <Part><PartNumber>1</PartNumber><LastModified>x</LastModified><ETag>&quot;3F&quot;</ETag>\
            <HashCrc64ecma>11051210869376104954</HashCrc64ecma><Size>9</Size></Part>\
            <Part><PartNumber>2</PartNumber><ETag>\"4F\"</ETag><Size>3</Size></Part></ListPartsResult>";
        let page: ListParts = quick_xml::de::from_str(text).expect("a list");
        assert!(!page.is_truncated);
        let listed: Vec<_> =
            page.parts.iter().map(|part| (part.number, part.size, part.etag.as_str(), part.crc64)).collect();
        assert_eq!(listed, [(1, 9, "\"3F\"", Some(11051210869376104954)), (2, 3, "\"4F\"", None)]);
        let none: ListParts = quick_xml::de::from_str("<ListPartsResult></ListPartsResult>").expect("a list");
        assert!(none.parts.is_empty());
    }

    #[test]
    fn an_error_in_a_successful_answer_is_the_stores() {
        let answer = |body: &'static str| {
            Answer::new(200, reqwest::header::HeaderMap::new(), Bytes::from_static(body.as_bytes()))
        };
        let refused = answer(
            "<Error><Code>InternalError</Code><Message>try again</Message><RequestId>R</RequestId></Error>",
        );
        let error = xml::<ListParts>(&refused).err().expect("a refusal");
        assert_eq!(error.status(), Status::Storage);
        assert_eq!(error.storage().map(|refusal| refusal.code.as_str()), Some("InternalError"));
        let page = answer("<html>sign in</html>");
        assert_eq!(xml::<BTreeMap<String, u8>>(&page).expect_err("no document").status(), Status::Protocol);
    }

    #[test]
    fn parts_make_the_sum_of_the_whole() {
        let part = |size, crc64| Part { size, crc64, etag: String::new() };
        let parts = Parts::from([(2, part(4, 10278880121275185425)), (1, part(5, 6748440630437108969))]);
        assert_eq!(sum(&parts), 11051210869376104954);
        assert_eq!(sum(&Parts::new()), 0);
    }
}
