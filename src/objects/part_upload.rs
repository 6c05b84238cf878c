//! An upload in parts: in parallel, each repeated alone, and resumed where a state allows it.

use std::{ops::Range, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    content::{Content, checksum},
    crypt::Sealed,
    grant::Claim,
    meter::{Gauge, Meter},
    multipart::{Listed, Multipart, Part, Parts, sum},
    put::Uploaded,
    refusal,
    store::Store,
    upload_options::UploadOptions,
    upload_state::{UploadRecord, UploadState},
};
use crate::error::{Error, Result, Status};

/// How often an upload whose id has vanished is begun anew.
const RESTARTS: u32 = 2;

/// Uploads `content` in parts.
pub(super) async fn upload(
    store: &Store,
    options: &UploadOptions,
    claim: &Arc<Claim>,
    content: &Arc<dyn Content>,
    state: Option<&UploadState>,
    gauge: &Arc<Gauge>,
) -> Result<Uploaded> {
    let size = content.length();
    let mut restarts = 0;
    let mut earlier = state.and_then(UploadState::earlier);
    loop {
        let meter = Meter::within(gauge);
        let is_resumed = earlier.is_some();
        let attempt = match earlier.take() {
            Some(earlier) => {
                PartUpload::resume(store, claim, content, state, &earlier, options.cmk_id.is_some()).await
            }
            None => PartUpload::begin(store, options, claim, content, state).await.map(Some),
        };
        let key = attempt
            .as_ref()
            .ok()
            .and_then(|attempt| attempt.as_ref().map(|attempt| attempt.upload.key.clone()));
        let error = match attempt {
            Ok(Some(attempt)) => match attempt.run(options.connections, &meter).await {
                Ok(uploaded) => {
                    gauge.reach(size);
                    return Ok(uploaded);
                }
                Err(error) => error,
            },
            // Nothing of the earlier one is left.
            Ok(None) => continue,
            Err(error) => error,
        };
        // Renewed credentials may be good for another destination only.
        let is_moved = match key.filter(|_| refusal::is_denied(&error)) {
            Some(key) => !store.grant(claim).await?.holds(&key),
            None => false,
        };
        let is_lost =
            is_moved || refusal::is_lost_upload(&error) || (is_resumed && refusal::is_unfit(&error));
        if !is_lost || restarts == RESTARTS {
            return Err(error);
        }
        restarts += 1;
        if let Some(state) = state {
            state.remove().await;
        }
    }
}

/// One attempt at an upload.
struct PartUpload<'a> {
    /// As it is stored.
    content: Arc<dyn Content>,
    is_encrypted: bool,
    state: Option<&'a UploadState>,
    part_size: u64,
    upload: Multipart,
    parts: Parts,
}

impl<'a> PartUpload<'a> {
    async fn begin(
        store: &Store,
        options: &UploadOptions,
        claim: &Arc<Claim>,
        content: &Arc<dyn Content>,
        mut state: Option<&'a UploadState>,
    ) -> Result<Self> {
        let size = content.length();
        let part_size = options.part_size(size);
        let sealed = match &options.cmk_id {
            Some(cmk_id) => Some(Sealed::new(&store.keys(), cmk_id, content).await?),
            None => None,
        };
        let envelope = sealed.as_ref().map(|sealed| sealed.envelope.clone());
        let meta = envelope.as_ref().map(|envelope| envelope.headers(Some((Some(size), part_size))));
        let upload = Multipart::begin(store, claim, meta.unwrap_or_default()).await?;
        if let Some(writing) = state {
            let bucket = &store.grant(claim).await?.bucket;
            let record = UploadRecord {
                size,
                bucket: bucket.name.clone(),
                endpoint: bucket.endpoint.to_string(),
                key: upload.key.clone(),
                upload_id: upload.upload_id.clone(),
                part_size,
                envelope,
                parts: Parts::new(),
            };
            if writing.begin(record).await {
                upload.keep();
            } else {
                state = None;
            }
        }
        let (is_encrypted, content) =
            (sealed.is_some(), sealed.map_or(content.clone(), |sealed| sealed.content));
        Ok(PartUpload { content, is_encrypted, state, part_size, upload, parts: Parts::new() })
    }

    /// Goes on with what the store says that it has. `None` when the upload is lost, the store is another one now, or
    /// the file is: then the old upload is given up there.
    async fn resume(
        store: &Store,
        claim: &Arc<Claim>,
        content: &Arc<dyn Content>,
        state: Option<&'a UploadState>,
        earlier: &UploadRecord,
        is_encrypted: bool,
    ) -> Result<Option<Self>> {
        let grant = store.grant(claim).await?;
        if earlier.bucket != grant.bucket.name || earlier.endpoint != grant.bucket.endpoint.as_str() {
            return Ok(None);
        }
        let upload = Multipart::known(store, claim, earlier.key.clone(), earlier.upload_id.clone());
        upload.keep();
        // A name elsewhere is none of this upload's, whatever the record says.
        if earlier.size != content.length()
            || grant.key_of(claim.filename()) != earlier.key
            || earlier.envelope.is_some() != is_encrypted
        {
            upload.give_up().await;
            return Ok(None);
        }
        // The very same key and counter, or what the store has would be of no use.
        let content = match &earlier.envelope {
            Some(envelope) => Sealed::again(&store.keys(), envelope.clone(), content).await?.content,
            None => content.clone(),
        };
        let (part_size, parts) = (earlier.part_size, Parts::new());
        let mut attempt = PartUpload { content, is_encrypted, state, part_size, upload, parts };
        let listed = match attempt.upload.list().await {
            Ok(listed) => listed,
            // Without the right to list, what was confirmed is believed.
            Err(error) if refusal::is_denied(&error) => {
                let listed = |(number, part): (&u64, &Part)| (*number, Listed::from_note(*number, part));
                earlier.parts.iter().map(listed).collect()
            }
            Err(error) if refusal::is_lost_upload(&error) => {
                // The last call may have ended after the object was there.
                attempt.parts = earlier.parts.clone();
                return Ok((attempt.parts.len() as u64 == attempt.count()).then_some(attempt));
            }
            Err(error) => return Err(error),
        };
        for (number, listed) in listed {
            match attempt.known(number, &listed, earlier.parts.get(&number)).await? {
                Known::Good(part) => {
                    attempt.parts.insert(number, part);
                }
                // A part that cannot be compared would be encrypted again, maybe with other bytes under the same key.
                Known::Nothing if !is_encrypted => {}
                Known::Nothing | Known::OtherContent => {
                    attempt.upload.give_up().await;
                    return Ok(None);
                }
            }
        }
        Ok(Some(attempt))
    }

    /// A part that the store has, compared with the file: neither time nor name says whether that is still the same.
    async fn known(&self, number: u64, listed: &Listed, noted: Option<&Part>) -> Result<Known> {
        let Some(range) = self.range(number).filter(|range| len(range) == listed.size) else {
            return Ok(Known::Nothing);
        };
        let noted = noted.filter(|noted| noted.etag == listed.etag).map(|noted| noted.crc64);
        let Some(stated) = listed.crc64.or(noted) else { return Ok(Known::Nothing) };
        let crc64 = checksum(&self.content, range).await?;
        if crc64 != stated {
            return Ok(Known::OtherContent);
        }
        Ok(Known::Good(Part { size: listed.size, crc64, etag: listed.etag.clone() }))
    }

    fn count(&self) -> u64 {
        self.content.length().div_ceil(self.part_size)
    }

    fn range(&self, number: u64) -> Option<Range<u64>> {
        let start = number.checked_sub(1)?.checked_mul(self.part_size)?;
        let end = start.saturating_add(self.part_size).min(self.content.length());
        (start < end).then_some(start..end)
    }

    async fn run(mut self, connections: usize, meter: &Arc<Meter>) -> Result<Uploaded> {
        match self.send(connections, meter).await {
            Ok(uploaded) => {
                self.upload.keep();
                if let Some(state) = self.state {
                    state.remove().await;
                }
                Ok(uploaded)
            }
            Err(error) => {
                let is_spoilt = matches!(error.status(), Status::Integrity | Status::Io);
                match self.state {
                    Some(_) if !is_spoilt => {}
                    _ => {
                        if let Some(state) = self.state {
                            state.remove().await;
                        }
                        self.upload.give_up().await;
                    }
                }
                Err(error)
            }
        }
    }

    async fn send(&mut self, connections: usize, meter: &Arc<Meter>) -> Result<Uploaded> {
        for part in self.parts.values() {
            meter.gauge().reach(part.size);
        }
        let missing: Vec<u64> =
            (1..=self.count()).filter(|number| !self.parts.contains_key(number)).collect();
        let this = &*self;
        let mut sending = stream::iter(missing)
            .map(|number| async move {
                let range = this.range(number).ok_or_else(|| Error::new(Status::Internal, "no such part"))?;
                let part = this.upload.part(number, &this.content, range, meter.gauge()).await?;
                if let Some(state) = this.state {
                    state.note(number, &part).await;
                }
                Ok::<_, Error>((number, part))
            })
            .buffer_unordered(connections);
        let mut sent = Vec::new();
        while let Some(part) = sending.try_next().await? {
            sent.push(part);
        }
        drop(sending);
        self.parts.extend(sent);
        let unchanged = self.content.check_unchanged();
        unchanged.map_err(|cause| Error::io("the file could not be read to its end", &cause))?;
        let (etag, verified) = self.upload.complete(&self.parts).await?;
        Ok(Uploaded {
            object_name: self.upload.key.clone(),
            size: self.content.length(),
            crc64: sum(&self.parts),
            etag,
            parts: self.parts.len(),
            verified,
            encrypted: self.is_encrypted,
        })
    }
}

/// What is known of a part on the store.
enum Known {
    Good(Part),
    /// Too little: it is sent again.
    Nothing,
    /// It is not what the file holds now.
    OtherContent,
}

fn len(range: &Range<u64>) -> u64 {
    range.end - range.start
}
