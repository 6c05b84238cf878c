//! An object as a stream of bytes: taken up again where it broke off, verified at its end.

use std::{fmt, ops::Range, sync::Mutex};

use bytes::Bytes;

use super::{
    Objects,
    crc64::Running,
    download::verify,
    download_state::Facts,
    origin::{Opened, Origin},
    receive, row,
    upload_options::{SWITCHES, check_some, whole},
    url_args,
};
use crate::{
    context::{Cancel, Sender, Switches},
    error::{Error, Result, Status},
    platform::args::Args,
    sys::process_id,
    transport::{Repeat, Retry},
};

/// A stream of an object's bytes. Belongs to the process that opened it.
pub struct Reader {
    /// Taken out only to be dropped, or not, with the reader.
    inner: Mutex<Option<Inner>>,
    cancel: Cancel,
    maker: u32,
}

struct Inner {
    objects: Objects,
    switches: Switches,
    origin: Origin,
    opened: Option<Opened>,
    /// What the first answer said.
    facts: Option<Facts>,
    /// Of the object; with the range that was asked for, what the reader's end is worked out from.
    size: Option<u64>,
    /// Only of a whole object: no checksum is stated of a range.
    crc64: Option<u64>,
    range: Range<u64>,
    at: u64,
    sum: Running,
    /// Bytes that have come and were not asked for yet.
    left: Bytes,
    /// The end, or the reason why nothing more comes.
    end: Option<Result<()>>,
}

impl Reader {
    pub(super) fn open(objects: &Objects, object_name: &str, args_json: &str) -> Result<Self> {
        let args = Args::parse(args_json)?;
        let switches = args.switches(&SWITCHES)?;
        check_some(row("download")?, &args, &["region", "expiration_time", "offset", "length"])?;
        let from = whole(&args, "offset")?.unwrap_or(0);
        let range = from..whole(&args, "length")?.map_or(u64::MAX, |length| from.saturating_add(length));
        let asking = url_args(&args, object_name)?;
        let mut context = objects.transport.context(Sender::Streaming).switched(&switches);
        // The deadline is that of each read.
        context.deadline = None;
        let inner = Inner {
            objects: objects.clone(),
            switches,
            origin: Origin::object(objects, context, object_name, asking),
            opened: None,
            facts: None,
            size: None,
            crc64: None,
            at: range.start,
            range,
            sum: Running::new(),
            left: Bytes::new(),
            end: None,
        };
        Ok(Reader { inner: Mutex::new(Some(inner)), cancel: Cancel::default(), maker: process_id() })
    }

    /// Fills the beginning of `buffer`, which must not be empty; 0 is the end, and comes only when length and checksum
    /// are right.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Err(Error::argument("buffer", "must have room for a byte"));
        }
        let bytes = self.next(buffer.len())?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// The next bytes, at most so many; none at the end.
    pub(crate) fn next(&self, most: usize) -> Result<Bytes> {
        if self.maker != process_id() {
            return Err(Error::closed("the reader belongs to the process that opened it"));
        }
        let mut inner =
            self.inner.try_lock().map_err(|_| Error::argument("r", "is read by another thread"))?;
        let Some(inner) = &mut *inner else { return Err(Error::closed("the reader is closed")) };
        self.cancel.check()?;
        let objects = inner.objects.clone();
        let outcome = if inner.left.is_empty() {
            let deadline = objects.transport.context(Sender::Streaming).switched(&inner.switches).deadline;
            objects.transport.wait(async { self.cancel.or(deadline, inner.fill()).await })
        } else {
            Ok(())
        };
        outcome.map_err(|error| objects.access.explain("reader_read", error))?;
        Ok(inner.left.split_to(inner.left.len().min(most)))
    }

    /// Ends a read that waits, and all later ones. From any thread.
    pub fn cancel(&self) {
        if self.maker == process_id() {
            self.cancel.set();
        }
    }
}

impl Inner {
    /// Waits for more bytes; none are left at the end.
    async fn fill(&mut self) -> Result<()> {
        let context = self.origin.context.clone();
        let transport = self.objects.transport.clone();
        let mut retry = Retry::new(&context, transport.log(), Repeat::Passing);
        loop {
            if let Some(end) = &self.end {
                return end.clone();
            }
            let error = match self.step().await {
                Ok(true) => return Ok(()),
                Ok(false) => continue,
                Err(error) => error,
            };
            self.opened = None;
            // Bytes that were handed over cannot be taken back: without a version to go on with, this is the end.
            if self.end.is_none() && self.at > self.range.start && self.facts.is_none() {
                self.end = Some(Err(error.clone()));
            }
            if let Some(end) = &self.end {
                return end.clone();
            }
            retry.again(error).await?;
        }
    }

    /// One thing after the other; `true` when bytes have come.
    async fn step(&mut self) -> Result<bool> {
        if self.range.is_empty() {
            self.end = Some(Ok(()));
            return Ok(false);
        }
        let Some(opened) = &mut self.opened else {
            if self.at > 0 && self.facts.as_ref().is_some_and(|facts| facts.size == self.at) {
                // Only the end was missing.
                self.end = Some(verify(self.at, self.sum.sum(), self.crc64).map(|_| ()));
                return Ok(false);
            }
            self.opened = Some(self.open().await?);
            return Ok(!self.left.is_empty());
        };
        match opened.streamed.chunk().await? {
            Some(bytes) => {
                self.take(bytes)?;
                Ok(!self.left.is_empty())
            }
            None if self.last().is_some_and(|last| self.at < last) => {
                Err(Error::new(Status::Transport, "the connection ended before the whole answer was there"))
            }
            None => {
                self.end = Some(verify(self.at, self.sum.sum(), self.crc64).map(|_| ()));
                self.opened = None;
                Ok(false)
            }
        }
    }

    /// Where the reader ends, as soon as it is known.
    fn last(&self) -> Option<u64> {
        self.size.map(|size| size.min(self.range.end))
    }

    fn take(&mut self, mut bytes: Bytes) -> Result<()> {
        let room = self.range.end - self.at;
        if bytes.len() as u64 >= room {
            // A server without ranges sends the rest, too.
            bytes.truncate(room as usize);
            self.end = Some(Ok(()));
        }
        let at = self.at + bytes.len() as u64;
        if self.size.is_some_and(|size| at > size) {
            let error = Error::new(Status::Protocol, "the server sends more bytes than it promised");
            self.end = Some(Err(error.clone()));
            return Err(error);
        }
        self.sum.write(&bytes);
        self.at = at;
        self.left = bytes;
        Ok(())
    }

    async fn open(&mut self) -> Result<Opened> {
        match self.facts.clone().filter(|_| self.at > self.range.start) {
            Some(facts) => self.open_again(facts).await,
            None => self.open_first().await,
        }
    }

    async fn open_first(&mut self) -> Result<Opened> {
        let Range { start, end } = self.range;
        let is_whole = self.range == (0..u64::MAX);
        let mut opened = match self.origin.open((!is_whole).then_some((start, end)), None).await {
            Err(error) if error.http_status() == 416 => {
                self.end = Some(Ok(()));
                return Err(error);
            }
            opened => opened?,
        };
        self.facts = opened.facts();
        self.size = opened.size;
        self.crc64 = opened.crc64.filter(|_| is_whole);
        if self.size.is_some_and(|size| start > 0 && size <= start) {
            self.end = Some(Ok(()));
        } else if opened.start < start {
            let first = receive::skip(&mut opened.streamed, start - opened.start).await?;
            if !first.is_empty() {
                self.take(first)?;
            }
        }
        Ok(opened)
    }

    async fn open_again(&mut self, facts: Facts) -> Result<Opened> {
        if Some(self.at) == self.last() {
            // Only the end was missing.
            self.end = Some(verify(self.at, self.sum.sum(), self.crc64).map(|_| ()));
        }
        let range = (self.at.min(facts.size.saturating_sub(1)), facts.size.min(self.range.end));
        let opened = match self.origin.open(Some(range), Some(&facts.validator)).await {
            Err(error) if error.http_status() == 412 => None,
            outcome => Some(outcome?),
        };
        match opened {
            Some(mut opened) if opened.check(&facts).is_ok() => {
                let first = receive::skip(&mut opened.streamed, self.at - opened.start).await?;
                if !first.is_empty() {
                    self.take(first)?;
                }
                Ok(opened)
            }
            _ => {
                let what = "the object changed while it was being read";
                let error = Error::new(Status::Integrity, what).with_retryable(true);
                self.end = Some(Err(error.clone()));
                Err(error)
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.maker != process_id() {
            // Its connection and its locks are the parent's.
            std::mem::forget(std::mem::replace(&mut self.inner, Mutex::new(None)));
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
