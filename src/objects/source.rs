//! One version of an object, read anywhere: stretches of it as they come, and the last ones kept.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Instant,
};

use bytes::Bytes;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

use super::{
    Objects,
    crypt::{Envelope, Keystream},
    download_state::Facts,
    origin::{Opened, Origin, is_changed, is_wrong_range},
    receive::Body,
};
use crate::{
    error::{Error, Result, Status},
    transport::{Repeat, Retry},
};

/// Bytes that are kept when they have been read.
const KEPT: usize = 8 * 1024 * 1024;

/// How often a range is asked for again that was answered by another one.
const WRONG_RANGES: u32 = 3;

/// What the first answer said.
pub(super) struct Known {
    /// Without them nothing can be taken up again.
    facts: Option<Facts>,
    pub size: Option<u64>,
    pub crc64: Option<u64>,
    /// Of an object that is decrypted.
    pub keystream: Option<Keystream>,
    pub envelope: Option<Envelope>,
    /// Whether the server gives ranges, and of a version that it names.
    pub has_ranges: bool,
}

/// An object that stretches are fetched of.
pub(super) struct Source {
    pub objects: Objects,
    pub origin: Origin,
    decrypts: bool,
    known: OnceLock<Known>,
    /// Held by the one that asks first.
    first: tokio::sync::Mutex<()>,
    /// From a server without ranges: what is under way, from beginning to end.
    whole: tokio::sync::Mutex<Option<Body>>,
    kept: Mutex<Kept>,
    /// Where an object ended whose length was not known.
    ended: OnceLock<u64>,
    /// Why nothing more can come: the object is another one now, or that cannot be found out.
    broken: OnceLock<Error>,
}

/// A stretch that is on its way.
pub(super) struct Fetch {
    /// The place of the next bytes that come.
    pub at: u64,
    pub end: u64,
    coming: UnboundedReceiver<Coming>,
    /// When it failed, once that is known.
    failed: Option<Instant>,
    task: JoinHandle<()>,
}

/// Bytes, or why there are no more, and since when.
type Coming = std::result::Result<Bytes, (Error, Instant)>;

impl Fetch {
    /// The next bytes; `None` when all have come, or the object is at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        match self.coming.recv().await {
            Some(Ok(bytes)) => {
                self.at += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Some(Err((error, at))) => {
                self.failed = Some(at);
                Err(error)
            }
            None => Ok(None),
        }
    }

    /// Whether it failed before then: what was in its way may be so no more.
    pub(super) fn failed_before(&self, then: Instant) -> bool {
        self.failed.is_some_and(|at| at < then)
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The answer to a stretch.
enum Answered {
    /// From here on in order, perhaps shorter than asked for.
    Range(Body),
    /// All of the object, which has no ranges.
    Whole(Body),
    /// It ends before.
    Nothing,
    /// What the object is, is known now: the stretch is to be asked for.
    Again,
}

impl Source {
    pub(super) fn new(objects: Objects, origin: Origin, decrypts: bool) -> Self {
        Source {
            objects,
            origin,
            decrypts,
            known: OnceLock::new(),
            first: tokio::sync::Mutex::new(()),
            whole: tokio::sync::Mutex::new(None),
            kept: Mutex::default(),
            ended: OnceLock::new(),
            broken: OnceLock::new(),
        }
    }

    pub(super) fn known(&self) -> Option<&Known> {
        self.known.get()
    }

    /// The object's length, as far as it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.known().and_then(|known| known.size).or_else(|| self.ended.get().copied())
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Begins to fetch a stretch.
    pub(super) fn fetch(self: &Arc<Self>, at: u64, end: u64) -> Result<Fetch> {
        let (given, coming) = unbounded_channel();
        let this = self.clone();
        let fetching = async move {
            let outcome = match this.broken.get() {
                Some(error) => Err(error.clone()),
                None => this.give(at, end, &given).await,
            };
            if let Err(error) = outcome {
                let _ = given.send(Err((error, Instant::now())));
            }
        };
        let task = self.objects.transport.spawn(fetching)?;
        Ok(Fetch { at, end, coming, failed: None, task })
    }

    /// Gives the bytes of a stretch, taken up again where it breaks.
    async fn give(&self, mut at: u64, end: u64, given: &UnboundedSender<Coming>) -> Result<()> {
        let context = &self.origin.context;
        let new_retry = || Retry::new(context, self.objects.transport.log(), Repeat::Passing);
        let (mut retry, mut wrong) = (new_retry(), 0);
        loop {
            let end = end.min(self.size().unwrap_or(u64::MAX));
            if at >= end {
                return Ok(());
            }
            let before = at;
            let error = match self.part(&mut at, end, given).await {
                Ok(true) => return Ok(()),
                // A range that was shorter than asked for: the rest is asked for.
                Ok(false) => continue,
                Err(error) => error,
            };
            if at > before {
                (retry, wrong) = (new_retry(), 0);
            }
            if self.known().is_some() && (is_changed(&error) || error.status() == Status::Integrity) {
                return Err(self.broken.get_or_init(|| changed().with_cause(error)).clone());
            }
            if is_wrong_range(&error) && wrong < WRONG_RANGES {
                wrong += 1;
                continue;
            }
            let can_go_on = at == 0 || self.known().is_none_or(|known| known.facts.is_some());
            if !can_go_on {
                // Bytes that were handed over cannot be taken back, and nobody knows where to go on.
                return Err(self.broken.get_or_init(|| error).clone());
            }
            retry.again(error).await?;
        }
    }

    /// One answer's share; `true` when nothing is left to do.
    async fn part(&self, at: &mut u64, end: u64, given: &UnboundedSender<Coming>) -> Result<bool> {
        if self.known().is_some_and(|known| !known.has_ranges) {
            return self.out_of_whole(at, end, given).await;
        }
        match self.open(*at, end).await? {
            Answered::Nothing => Ok(true),
            Answered::Again => Ok(false),
            Answered::Range(mut body) => {
                let stop = body.end().unwrap_or(end).min(end);
                self.pass(&mut body, at, stop, given).await?;
                if *at == end {
                    body.finish().await?;
                }
                Ok(*at == end)
            }
            Answered::Whole(mut body) => {
                body.rest();
                *self.whole.lock().await = Some(body);
                Ok(false)
            }
        }
    }

    async fn pass(
        &self,
        body: &mut Body,
        at: &mut u64,
        end: u64,
        given: &UnboundedSender<Coming>,
    ) -> Result<()> {
        while let Some(bytes) = body.next(end).await? {
            *at += bytes.len() as u64;
            if !bytes.is_empty() && given.send(Ok(bytes)).is_err() {
                return Err(Error::cancelled());
            }
        }
        Ok(())
    }

    /// From the one answer that has all: what lies before passes by.
    async fn out_of_whole(&self, at: &mut u64, end: u64, given: &UnboundedSender<Coming>) -> Result<bool> {
        let mut whole = self.whole.lock().await;
        let mut body = match whole.take().filter(|body| body.at() <= *at) {
            Some(mut body) => {
                body.resume().await?;
                body
            }
            None => {
                let known = self.known().ok_or_else(|| Error::new(Status::Internal, "nothing is known"))?;
                self.plain(known).await?
            }
        };
        let outcome = async {
            body.skip_to(*at).await?;
            self.pass(&mut body, at, end, given).await
        };
        outcome.await?;
        if *at < end && body.end().is_none() {
            let _ = self.ended.set(*at);
        } else if !body.is_over() {
            // A reader that nobody reads from must not keep others waiting.
            body.rest();
            *whole = Some(body);
        }
        Ok(true)
    }

    /// Asks for a stretch. The first answer says what the object is.
    async fn open(&self, at: u64, end: u64) -> Result<Answered> {
        let turn = if self.known().is_none() { Some(self.first.lock().await) } else { None };
        let Some(known) = self.known() else {
            let answered = self.open_first(at, end).await;
            drop(turn);
            return answered;
        };
        drop(turn);
        let end = end.min(known.size.unwrap_or(u64::MAX));
        if at >= end {
            return Ok(Answered::Nothing);
        }
        if !known.has_ranges {
            return Ok(Answered::Whole(self.plain(known).await?));
        }
        let version = known.facts.as_ref().map(|facts| &facts.validator);
        let opened = self.origin.open(Some((at, end)), version).await?;
        if let Some(facts) = &known.facts {
            opened.check(facts)?;
        }
        let mut body = Body::new(opened.streamed, opened.start, opened.end);
        // A server that ignores a range now: what lies before passes by.
        body.skip_to(at).await?;
        Ok(Answered::Range(body))
    }

    async fn plain(&self, known: &Known) -> Result<Body> {
        let opened = self.origin.open(None, None).await?;
        if let Some(facts) = &known.facts {
            opened.check(facts)?;
        }
        let (start, end) = (opened.start, opened.end);
        Ok(Body::new(opened.streamed, start, end))
    }

    async fn open_first(&self, at: u64, end: u64) -> Result<Answered> {
        let opened = match self.origin.open(Some((at, end)), None).await {
            // It has no such byte, or none at all.
            Err(error) if error.http_status() == 416 => {
                let opened = self.origin.open(None, None).await?;
                let has_ranges = opened.validator.is_some() && opened.size.is_some();
                self.learn(opened, has_ranges).await?;
                return Ok(Answered::Nothing);
            }
            opened => opened?,
        };
        let is_named = opened.validator.is_some() && opened.size.is_some();
        if opened.is_range {
            let Some(opened) = self.learn(opened, is_named).await? else { return Ok(Answered::Again) };
            return Ok(match is_named {
                true => Answered::Range(Body::new(opened.streamed, opened.start, opened.end)),
                false => Answered::Again,
            });
        }
        let size = opened.size;
        if at == 0 {
            // Either it ends within the stretch, or the server gives no ranges.
            let is_short = size.is_some_and(|size| size <= end);
            let Some(opened) = self.learn(opened, is_named && is_short).await? else {
                return Ok(Answered::Again);
            };
            let body = Body::new(opened.streamed, 0, opened.end);
            return Ok(if is_short { Answered::Range(body) } else { Answered::Whole(body) });
        }
        // A store gives all of an object where a range ends past its end: within it, it gives the range.
        let (Some(size), Some(validator)) = (size, opened.validator.clone()) else {
            let Some(opened) = self.learn(opened, false).await? else { return Ok(Answered::Again) };
            return Ok(Answered::Whole(Body::new(opened.streamed, 0, opened.end)));
        };
        if at >= size {
            self.learn(opened, true).await?;
            return Ok(Answered::Nothing);
        }
        // No connection is in hand while another one is waited for: there may be only one for all.
        drop(opened);
        let again = self.origin.open(Some((at, end.min(size))), Some(&validator)).await?;
        let is_range = again.is_range;
        let Some(again) = self.learn(again, is_range).await? else { return Ok(Answered::Again) };
        let body = Body::new(again.streamed, again.start, again.end);
        Ok(if is_range { Answered::Range(body) } else { Answered::Whole(body) })
    }

    /// Notes what an answer says of the object, and gives it back; not that of an encrypted object, for which the key
    /// service is asked with no connection in hand.
    async fn learn(&self, opened: Opened, has_ranges: bool) -> Result<Option<Opened>> {
        let mut known = Known {
            facts: opened.facts(),
            size: opened.size,
            crc64: opened.crc64,
            keystream: None,
            envelope: if self.decrypts { opened.envelope()? } else { None },
            has_ranges,
        };
        let Some(envelope) = &known.envelope else {
            let _ = self.known.set(known);
            return Ok(Some(opened));
        };
        drop(opened);
        known.keystream = Some(envelope.open(&self.origin.keys()).await?);
        let _ = self.known.set(known);
        Ok(None)
    }
}

fn changed() -> Error {
    Error::new(Status::Integrity, "the object changed while it was being read").with_retryable(true)
}

/// The stretches that came last, up to a number of bytes.
#[derive(Default)]
pub(super) struct Kept {
    by_place: BTreeMap<u64, Bytes>,
    by_age: VecDeque<u64>,
    size: usize,
}

impl Kept {
    /// What is there from this place on, as far as it is in one piece.
    pub(super) fn from(&self, at: u64) -> Option<Bytes> {
        let (start, bytes) = self.by_place.range(..=at).next_back()?;
        let skipped = usize::try_from(at - start).ok()?;
        (skipped < bytes.len()).then(|| bytes.slice(skipped..))
    }

    pub(super) fn keep(&mut self, at: u64, bytes: Bytes) {
        self.size += bytes.len();
        if let Some(before) = self.by_place.insert(at, bytes) {
            self.size -= before.len();
            self.by_age.retain(|place| *place != at);
        }
        self.by_age.push_back(at);
        while self.size > KEPT && self.by_age.len() > 1 {
            let Some(oldest) = self.by_age.pop_front() else { return };
            self.size -= self.by_place.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stretches_are_kept() {
        let mut kept = Kept::default();
        assert_eq!(kept.from(0), None);
        let piece = Bytes::from(vec![7; 1 << 20]);
        for place in 0..10u64 {
            kept.keep(place << 20, piece.clone());
        }
        assert_eq!((kept.from(0), kept.from(2 << 20).map(|bytes| bytes.len())), (None, Some(1 << 20)));
        assert_eq!(kept.from((10 << 20) - 5).map(|bytes| bytes.len()), Some(5));
        assert_eq!(kept.from(10 << 20), None);
        kept.keep(5 << 20, Bytes::from_static(b"abc"));
        assert_eq!(kept.from((5 << 20) + 1).as_deref(), Some(&b"bc"[..]));
        assert!(kept.size <= KEPT);
    }
}
