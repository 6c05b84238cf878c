//! A stream of bytes becomes an object: at most two parts in memory, nothing under the name before `finish`.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{
    Objects,
    content::Content,
    crypt::{Envelope, Keystream},
    grant::Claim,
    meter::Meter,
    multipart::{Multipart, Part, Parts, sum},
    put::{Uploaded, put},
    row,
    store::Store,
    upload_options::{LARGEST_PART, MOST_PARTS, SWITCHES, UploadOptions, check_filename, check_some},
};
use crate::{
    context::{Cancel, Context, Sender},
    error::{Error, Result, Status},
    platform::args::Args,
    sys::process_id,
};

const PART_SIZE: u64 = 8 * 1024 * 1024;

/// After so many parts the next ones are twice as large: so 10,000 suffice.
const PARTS_OF_A_SIZE: u64 = 1000;

/// An object that is being written. Belongs to the process that opened it. Dropped unfinished, nothing of it appears.
pub struct Writer {
    /// Taken out only to be dropped, or not, with the writer.
    inner: Mutex<Option<Inner>>,
    cancel: Cancel,
    maker: u32,
}

struct Inner {
    objects: Objects,
    store: Store,
    claim: Arc<Claim>,
    first_part_size: u64,
    cmk_id: Option<String>,
    /// Of an object that is encrypted, from its first part on.
    keystream: Option<Keystream>,
    /// Bytes of the parts before the one that grows.
    before: u64,
    is_claimed: bool,
    /// The part that grows.
    buffer: Vec<u8>,
    /// Begun when there is more than one part.
    upload: Option<Arc<Multipart>>,
    /// The part before it, on its way.
    sending: Option<Sending>,
    parts: Parts,
    state: WriterState,
}

struct Sending {
    number: u64,
    task: JoinHandle<Result<Part>>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum WriterState {
    Open,
    /// What failed once is not finished.
    Failed(Error),
    /// Finished or aborted.
    Closed,
}

impl Writer {
    pub(super) fn open(objects: &Objects, filename: &str, args_json: &str) -> Result<Self> {
        let args = Args::parse(args_json)?;
        let switches = args.switches(&SWITCHES)?;
        check_some(row("upload")?, &args, &["part_size", "cmk_id", "region_id", "internal"])?;
        check_filename("filename", filename)?;
        let options = UploadOptions::read(&args)?;
        // The deadline is that of each call; a cancel leaves what an abort still has to send.
        let context =
            objects.transport.context(Sender::Streaming).switched(&switches).of_handle(Cancel::default());
        let inner = Inner {
            objects: objects.clone(),
            store: Store::new(objects, context, &options),
            claim: Claim::new(filename),
            first_part_size: part_size_of(&options),
            cmk_id: options.cmk_id,
            keystream: None,
            before: 0,
            is_claimed: false,
            buffer: Vec::new(),
            upload: None,
            sending: None,
            parts: Parts::new(),
            state: WriterState::Open,
        };
        Ok(Writer { inner: Mutex::new(Some(inner)), cancel: Cancel::default(), maker: process_id() })
    }

    fn lock(&self) -> Result<MutexGuard<'_, Option<Inner>>> {
        if self.maker != process_id() {
            return Err(Error::closed("the writer belongs to the process that opened it"));
        }
        self.inner.try_lock().map_err(|_| Error::argument("writer", "is used by another thread"))
    }

    /// Adds bytes. They are sent when a part is full.
    pub fn write(&self, data: &[u8]) -> Result<()> {
        let mut inner = self.lock()?;
        let inner = still_open(&mut inner)?;
        let (objects, tag) = (inner.objects.clone(), inner.store.context.tag.clone());
        let outcome = inner.failed().and_then(|()| self.cancel.check()).and_then(|()| {
            if inner.has_room(data) {
                inner.buffer.extend_from_slice(data);
                return Ok(());
            }
            let context = inner.call();
            objects.transport.wait(self.cancel.unless(context.bounded(inner.write(data))))
        });
        inner.remember(&outcome);
        outcome.map_err(|error| objects.access.explain("writer_write", tag.as_deref(), error))
    }

    /// Sends the rest and puts the object in its place; gives what an upload gives.
    pub fn finish(&self) -> Result<String> {
        let mut inner = self.lock()?;
        let inner = still_open(&mut inner)?;
        let (objects, context) = (inner.objects.clone(), inner.call());
        let tag = context.tag.clone();
        let outcome = inner
            .failed()
            .and_then(|()| objects.transport.wait(self.cancel.unless(context.bounded(inner.finish()))));
        inner.remember(&outcome);
        if outcome.is_ok() {
            inner.state = WriterState::Closed;
        }
        outcome
            .map_err(|error| objects.access.explain("writer_finish", tag.as_deref(), error))
            .map(|uploaded| uploaded.to_json())
    }

    /// Discards what was written, on the store too.
    pub fn abort(&self) -> Result<()> {
        let mut inner = self.lock()?;
        let inner = still_open(&mut inner)?;
        let (objects, context) = (inner.objects.clone(), inner.call());
        inner.state = WriterState::Closed;
        inner.buffer = Vec::new();
        let outcome = objects.transport.wait(context.bounded(inner.abort()));
        outcome.map_err(|error| objects.access.explain("writer_abort", context.tag.as_deref(), error))
    }

    /// Ends a call that waits, and all later ones but `abort`. From any thread.
    pub fn cancel(&self) {
        if self.maker == process_id() {
            self.cancel.set();
        }
    }
}

fn still_open(inner: &mut Option<Inner>) -> Result<&mut Inner> {
    match inner {
        Some(inner) if !matches!(inner.state, WriterState::Closed) => Ok(inner),
        _ => Err(Error::closed("the writer is finished or aborted")),
    }
}

impl Inner {
    /// The conditions of one call.
    fn call(&self) -> Context {
        self.store.context.call(self.objects.transport.under_way())
    }

    fn failed(&self) -> Result<()> {
        match &self.state {
            WriterState::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn remember<T>(&mut self, outcome: &Result<T>) {
        if let Err(error) = outcome {
            self.state = WriterState::Failed(error.clone());
            self.sending = None;
        }
    }

    /// The number of the part that grows.
    fn number(&self) -> u64 {
        self.parts.len() as u64 + u64::from(self.sending.is_some()) + 1
    }

    fn part_size(&self) -> u64 {
        part_size(self.first_part_size, self.number())
    }

    fn room(&self) -> usize {
        usize::try_from(self.part_size()).unwrap_or(usize::MAX).saturating_sub(self.buffer.len())
    }

    /// Whether nothing needs to be sent now.
    fn has_room(&self, data: &[u8]) -> bool {
        data.is_empty() || (self.is_claimed && data.len() <= self.room())
    }

    async fn claim(&mut self) -> Result<()> {
        if !self.is_claimed {
            self.store.claim(std::slice::from_ref(&self.claim)).await?;
            self.is_claimed = true;
        }
        Ok(())
    }

    async fn write(&mut self, mut data: &[u8]) -> Result<()> {
        self.claim().await?;
        while !data.is_empty() {
            // A full part waits for a byte that follows it: the last part, if it is the only one, is no part.
            if self.room() == 0 {
                self.send().await?;
            }
            let (now, later) = data.split_at(data.len().min(self.room()));
            self.buffer.extend_from_slice(now);
            data = later;
        }
        Ok(())
    }

    /// Sends the part that has grown, once the one before it has arrived.
    async fn send(&mut self) -> Result<()> {
        self.arrive().await?;
        let number = self.number();
        if number > MOST_PARTS {
            return Err(Error::new(Status::Storage, "the object has no room for another part"));
        }
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let mut meta = Vec::new();
                if let Some(cmk_id) = &self.cmk_id {
                    // The hash of the whole is not known yet.
                    let (envelope, keystream) = Envelope::seal(&self.store.keys(), cmk_id).await?;
                    meta = envelope.headers(Some((None, self.first_part_size)));
                    self.keystream = Some(keystream);
                }
                let upload = Arc::new(Multipart::begin(&self.store, &self.claim, meta).await?);
                self.upload = Some(upload.clone());
                upload
            }
        };
        let mut bytes = std::mem::take(&mut self.buffer);
        if let Some(keystream) = &self.keystream {
            keystream.apply(self.before, &mut bytes);
        }
        self.before += bytes.len() as u64;
        let bytes = Bytes::from(bytes);
        let gauge = Meter::new(self.store.context.progress.clone(), 0).gauge();
        let sending = async move {
            let size = bytes.len() as u64;
            let content: Arc<dyn Content> = Arc::new(bytes);
            upload.part(number, &content, 0..size, gauge).await
        };
        let task = self.objects.transport.spawn(sending)?;
        self.sending = Some(Sending { number, task });
        Ok(())
    }

    /// Waits for the part on its way.
    async fn arrive(&mut self) -> Result<()> {
        if let Some(sending) = &mut self.sending {
            let part = (&mut sending.task).await.unwrap_or_else(|cause| {
                Err(Error::new(Status::Internal, "a part's task broke off").with_cause(cause))
            });
            let number = sending.number;
            self.sending = None;
            self.parts.insert(number, part?);
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<Uploaded> {
        self.claim().await?;
        if self.upload.is_none() {
            let content: Arc<dyn Content> = Arc::new(Bytes::from(std::mem::take(&mut self.buffer)));
            let gauge = Meter::new(self.store.context.progress.clone(), content.length()).gauge();
            return put(&self.store, self.cmk_id.as_deref(), &self.claim, &content, &gauge).await;
        }
        if !self.buffer.is_empty() {
            self.send().await?;
        }
        self.arrive().await?;
        let Some(upload) = &self.upload else { return Err(Error::closed("the writer is closed")) };
        let (etag, verified) = upload.complete(&self.parts).await?;
        upload.keep();
        Ok(Uploaded {
            object_name: upload.key.clone(),
            size: self.parts.values().map(|part| part.size).sum(),
            crc64: sum(&self.parts),
            etag,
            parts: self.parts.len(),
            verified,
            encrypted: self.keystream.is_some(),
        })
    }

    async fn abort(&mut self) -> Result<()> {
        if let Some(mut sending) = self.sending.take() {
            sending.task.abort();
            let _ = (&mut sending.task).await;
        }
        match self.upload.take() {
            Some(upload) => upload.abort().await,
            None => Ok(()),
        }
    }
}

/// Whole blocks of the cipher, where there is one.
fn part_size_of(options: &UploadOptions) -> u64 {
    let size = options.part_size.unwrap_or(PART_SIZE);
    if options.cmk_id.is_some() { size.next_multiple_of(16) } else { size }
}

fn part_size(first: u64, number: u64) -> u64 {
    let doublings = u32::try_from((number - 1) / PARTS_OF_A_SIZE).unwrap_or(u32::MAX).min(32);
    first.saturating_mul(1 << doublings).min(LARGEST_PART)
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.maker != process_id() {
            // Its upload, connection and locks are the parent's.
            std::mem::forget(std::mem::replace(&mut self.inner, Mutex::new(None)));
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_suffice() {
        assert_eq!(part_size(PART_SIZE, 1000), PART_SIZE);
        assert_eq!(part_size(PART_SIZE, 1001), 2 * PART_SIZE);
        let all: u64 = (1..=MOST_PARTS).map(|number| part_size(PART_SIZE, number)).sum();
        assert!(all > 5 << 40, "{all}");
        assert_eq!(part_size(LARGEST_PART, MOST_PARTS), LARGEST_PART);
    }
}
