//! One request to the object store, signed anew for each attempt, until it is answered or may not be sent again.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue},
};
use tokio::sync::Semaphore;

use super::{
    Objects,
    grant::{Claim, Grant},
    kms::KeyService,
    refusal,
    sign::{Signed, sign},
    slot::Slot,
    upload_options::UploadOptions,
};
use crate::{
    context::Context,
    error::{Error, Result, Status},
    options::OssSignature,
    transport::{Answer, Body, Repeat, Request, Retry, Target, Transport},
};

/// How often one request gets other credentials.
const RENEWALS: u32 = 6;

const CRC64: &str = "x-oss-hash-crc64ecma";
const CLIENT_ID: HeaderName = HeaderName::from_static("x-oss-meta-bge-open-client-id");

/// An object's name.
#[derive(Clone)]
pub(super) enum Name {
    /// Below the destination of the grant that it was claimed under.
    Below(Arc<Claim>),
    /// Whole, as an upload began it.
    Whole { key: String, claim: Arc<Claim> },
}

impl Name {
    fn claim(&self) -> &Claim {
        match self {
            Name::Below(claim) | Name::Whole { claim, .. } => claim,
        }
    }
}

/// A request to the store.
pub(super) struct Ask {
    pub method: Method,
    pub query: Vec<(&'static str, Option<String>)>,
    /// The content's type, for requests that begin an object.
    pub content_type: Option<&'static str>,
    /// Of an object that begins: its headers beside its type.
    pub meta: Vec<(String, String)>,
    pub body: Body,
}

impl Ask {
    pub(super) fn new(method: Method) -> Self {
        Ask { method, query: Vec::new(), content_type: None, meta: Vec::new(), body: Body::Empty }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, Some(value.to_string())));
        self
    }

    pub(super) fn with_bare(mut self, name: &'static str) -> Self {
        self.query.push((name, None));
        self
    }

    pub(super) fn beginning(mut self, content_type: &'static str) -> Self {
        self.content_type = Some(content_type);
        self
    }

    pub(super) fn meta(mut self, meta: Vec<(String, String)>) -> Self {
        self.meta = meta;
        self
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}

/// The store as one call sees it.
#[derive(Clone)]
pub(super) struct Store {
    objects: Objects,
    pub slot: Arc<Slot>,
    pub context: Context,
    /// Connections at once, for all files of the call.
    pub pool: Arc<Semaphore>,
}

impl Store {
    pub(super) fn new(objects: &Objects, context: Context, options: &UploadOptions) -> Self {
        Store {
            objects: objects.clone(),
            slot: objects.grants.slot(&options.region),
            context,
            pool: Arc::new(Semaphore::new(options.connections)),
        }
    }

    /// The key service, with this upload's credentials unless the caller has others.
    pub(super) fn keys(&self) -> KeyService<'_> {
        KeyService::new(&self.objects, &self.context, self.slot.clone())
    }

    pub(super) fn objects(&self) -> &Objects {
        &self.objects
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.objects.transport
    }

    /// The credentials that this name is written with.
    pub(super) async fn grant(&self, claim: &Claim) -> Result<Arc<Grant>> {
        self.slot.grant_of(&*self.objects.access, &self.context, claim, None).await
    }

    /// Takes these names for new objects.
    pub(super) async fn claim(&self, claims: &[Arc<Claim>]) -> Result<()> {
        self.slot.claim(&*self.objects.access, &self.context, claims).await
    }

    /// Takes a name for an upload that goes on under it.
    pub(super) async fn adopt(&self, claim: &Claim) -> Result<()> {
        self.slot.adopt(&*self.objects.access, &self.context, claim).await
    }

    /// Sends a request until it is answered with success and `read` likes the answer, or may not be sent again.
    pub(super) async fn ask<T>(
        &self,
        name: &Name,
        ask: &Ask,
        read: impl Fn(&Answer, &str) -> Result<T>,
    ) -> Result<T> {
        let _turn = self.pool.acquire().await.map_err(|_| Error::closed("the transfer is over"))?;
        let transport = self.transport();
        let mut retry = Retry::new(&self.context, transport.log(), Repeat::Passing);
        let (mut renewals, mut is_clock_set) = (0, false);
        let claim = name.claim();
        let mut grant = self.grant(claim).await?;
        loop {
            let version = self.slot.signature(transport.options().oss_signature);
            let (request, key) = self.request(&grant, name, ask, version)?;
            let outcome = transport.send(&self.context, &request).await.and_then(|answer| {
                if !(200..300).contains(&answer.status) {
                    return Err(refusal::of(&answer));
                }
                read(&answer, &key).map_err(|error| answer.explain(error))
            });
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error.redacted(&grant.redactor),
            };
            if refusal::wants_credentials(&error) && renewals < RENEWALS {
                renewals += 1;
                let access = &*self.objects.access;
                grant = self.slot.grant_of(access, &self.context, claim, Some(&grant)).await?;
                continue;
            }
            if let Some(server) = refusal::clock(&error).filter(|_| !is_clock_set) {
                is_clock_set = true;
                self.slot.set_clock(server);
                continue;
            }
            if refusal::wants_v4(&error) && version == OssSignature::V1 {
                self.slot.refuse_v1();
                continue;
            }
            retry.again(error).await?;
            grant = self.grant(claim).await?;
        }
    }

    fn request(
        &self,
        grant: &Grant,
        name: &Name,
        ask: &Ask,
        version: OssSignature,
    ) -> Result<(Request, String)> {
        let key = match name {
            Name::Below(claim) => grant.key_of(claim.filename()),
            Name::Whole { key, .. } => key.clone(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(content_type) = ask.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            let client_id = HeaderValue::from_str(&grant.client_id)
                .map_err(|_| Error::new(Status::Protocol, "the client_id cannot stand in a header"))?;
            headers.insert(CLIENT_ID, client_id);
        }
        let unfit = || Error::new(Status::Protocol, "the object's metadata cannot stand in a header");
        for (name, value) in &ask.meta {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| unfit())?);
        }
        let signed =
            Signed { method: ask.method.as_str(), bucket: &grant.bucket.name, key: &key, query: &ask.query };
        sign(version, &grant.key, &signed, &mut headers, self.slot.now())?;
        let url = grant.bucket.object(&key, &ask.query)?;
        let request =
            Request { method: ask.method.clone(), target: Target::Url(url), headers, body: ask.body.clone() };
        Ok((request, key))
    }

    /// The same with little patience, for what only tidies up.
    pub(super) fn impatient(&self) -> Self {
        let mut store = self.clone();
        store.context.max_retries = Some(store.context.max_retries.map_or(1, |most| most.min(1)));
        store.context.timeout = store.context.timeout.min(Duration::from_secs(5));
        store.context.deadline = Some(std::time::Instant::now() + Duration::from_secs(10));
        store.pool = Arc::new(Semaphore::new(1));
        store
    }
}

/// The media type of a file of this name.
pub(super) fn content_type(filename: &str) -> &'static str {
    mime_guess::from_path(filename).first_raw().unwrap_or("application/octet-stream")
}

/// The checksum that the store states, as a number.
pub(super) fn stated_crc(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get(CRC64) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Error::new(Status::Protocol, format!("the object store's {CRC64} is no number")))
}

/// The ETag as it stands in the header; without one it was not the store that answered.
pub(super) fn etag(answer: &Answer) -> Result<String> {
    let etag = answer.headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::trim);
    match etag.filter(|etag| !etag.is_empty()) {
        Some(etag) => Ok(etag.to_owned()),
        None => Err(Error::new(Status::Protocol, "the answer is not the object store's: it has no ETag")
            .with_hint("does the network want a login first, or a proxy?")),
    }
}

/// Whether what the store has is what was sent; `false` when it does not say.
pub(super) fn verified(stated: Option<u64>, sent: u64) -> Result<bool> {
    match stated {
        None => Ok(false),
        Some(stated) if stated == sent => Ok(true),
        Some(stated) => Err(Error::new(
            Status::Integrity,
            format!("the object store has other bytes than were sent: CRC-64 {stated}, not {sent}"),
        )),
    }
}

/// What was sent as the body of a request that succeeded.
pub(super) fn sent(sum: Option<u64>) -> Result<u64> {
    sum.ok_or_else(|| Error::new(Status::Transport, "the object store answered before all was sent"))
}
