//! The pieces of one version of an object, fetched side by side or in order, each from where it broke off, and noted as they
//! are written.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::{
    crypt::Keystream,
    download_state::{DownloadState, Facts, Pieces},
    meter::Meter,
    origin::{Opened, Origin, is_changed, is_wrong_range},
    part_file::PartFile,
    receive::{Body, Written},
};
use crate::{
    context::{Cancel, blocking},
    error::{Error, Result, Status},
    transport::{Repeat, Retry},
};

/// What the first request asks for, and the shortest piece of a larger object.
pub(super) const PIECE: u64 = 8 * 1024 * 1024;
/// How often a range is asked for again that was answered by another one.
pub(super) const WRONG_RANGES: u32 = 3;

/// A download that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub size: u64,
    pub crc64: u64,
    pub verified: bool,
    pub encrypted: bool,
}

/// Why a download does not go on.
pub(super) enum Stop {
    /// The object is another one now.
    Changed(Error),
    /// The server gives wrong ranges, again and again.
    Ranges(Error),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if is_changed(&error) { Stop::Changed(error) } else { Stop::Failed(error) }
    }
}

/// An answer that is not of the version that is known. What an earlier call left in the `resumed` part stays unless it is
/// proved to be of another one.
pub(super) fn unlike(error: Error, resumed: Option<&Arc<PartFile>>) -> Stop {
    match resumed.filter(|_| error.status() != Status::Integrity) {
        Some(part) => {
            let part = part.path().display();
            let hint = format!(
                "does the network want a login first, or a proxy? What came earlier stays; if the object is another \
                 one now, remove {part}"
            );
            Stop::Failed(error.with_hint(hint))
        }
        None => Stop::Changed(error),
    }
}

pub(super) fn verify(size: u64, crc64: u64, stated: Option<u64>) -> Result<Received> {
    match stated {
        Some(stated) if stated != crc64 => Err(Error::new(
            Status::Integrity,
            format!("the bytes that arrived are not the object's: CRC-64 {crc64}, not {stated}"),
        )
        .with_retryable(true)),
        _ => Ok(Received { size, crc64, verified: stated.is_some(), encrypted: false }),
    }
}

/// The pieces of one version of an object.
pub(super) struct Run<'a> {
    pub origin: &'a Origin,
    pub part: &'a Arc<PartFile>,
    pub facts: &'a Facts,
    /// It goes on with what an earlier call left.
    pub is_resumed: bool,
    pub keystream: Option<Arc<Keystream>>,
    pub state: Mutex<DownloadState>,
    pub pieces: Mutex<Pieces>,
    pub meter: Arc<Meter>,
}

/// What several connections side by side know of each other.
pub(super) struct Side {
    /// The others stop, but note what they have.
    pub stop: Cancel,
    pub ended: Mutex<Option<Ended>>,
}

/// The first reason why they do not go on side by side.
pub(super) enum Ended {
    Stopped(Stop),
    /// The server gave all of it where a piece was asked for: one connection is enough.
    Whole(Box<Opened>),
}

/// The attempts at one piece: they begin anew with each byte that comes.
struct Attempts<'a> {
    origin: &'a Origin,
    retry: Retry<'a>,
    wrong: u32,
    at: u64,
}

impl<'a> Attempts<'a> {
    fn new(origin: &'a Origin, at: u64) -> Self {
        let retry = Retry::new(&origin.context, origin.transport().log(), Repeat::Passing);
        Attempts { origin, retry, wrong: 0, at }
    }

    /// Waits before the next one, or says why there is none.
    async fn again(&mut self, error: Error, at: u64) -> std::result::Result<(), Stop> {
        if at > self.at {
            *self = Attempts::new(self.origin, at);
        }
        if is_wrong_range(&error) {
            self.wrong += 1;
            if self.wrong > WRONG_RANGES {
                return Err(Stop::Ranges(error));
            }
            return Ok(self.origin.context.sleep(Duration::from_millis(100) * self.wrong).await?);
        }
        Ok(self.retry.again(error).await?)
    }
}

impl<'a> Run<'a> {
    /// One connection's share of the pieces; `first` is under way already.
    pub async fn work(&self, side: &Side, mut first: Option<((u64, u64), Opened)>) {
        loop {
            let (piece, opened) = match first.take() {
                Some((piece, opened)) => (Some(piece), Some(opened)),
                None => (lock(&self.pieces).next(), None),
            };
            let Some((start, end)) = piece else { return };
            if let Err(ended) = self.piece(side, (start, end), opened).await {
                lock(&side.ended).get_or_insert(ended);
                side.stop.set();
                return;
            }
        }
    }

    /// One piece, from where it broke off each time.
    async fn piece(
        &self,
        side: &Side,
        (start, end): (u64, u64),
        mut opened: Option<Opened>,
    ) -> std::result::Result<(), Ended> {
        let (mut at, mut attempts) = (start, Attempts::new(self.origin, start));
        while at < end {
            let once = async {
                let opened = match opened.take() {
                    Some(opened) => opened,
                    None => self.open(at, end).await?,
                };
                if !opened.is_range {
                    return Ok(Some(opened));
                }
                let end = opened.end.unwrap_or(end).min(end);
                let mut body = Body::new(opened.streamed, at, opened.end);
                self.fill(&mut body, &mut at, end, Some(side)).await?;
                body.finish().await?;
                Ok::<_, Stop>(None)
            };
            let error = match once.await {
                Ok(None) => continue,
                Ok(Some(whole)) => return Err(Ended::Whole(Box::new(whole))),
                Err(Stop::Failed(error)) => error,
                Err(stop) => return Err(Ended::Stopped(stop)),
            };
            let waiting = async { Ok(attempts.again(error, at).await) };
            match side.stop.unless(waiting).await {
                Ok(Ok(())) => {}
                Ok(Err(stop)) => return Err(Ended::Stopped(stop)),
                Err(stopped) => return Err(Ended::Stopped(Stop::Failed(stopped))),
            }
        }
        Ok(())
    }

    /// All that is missing, in order, on one connection.
    pub async fn through(&self, mut opened: Option<Opened>) -> std::result::Result<(), Stop> {
        let mut attempts = Attempts::new(self.origin, lock(&self.state).done());
        loop {
            let gaps = lock(&self.state).gaps();
            let Some((start, end)) = gaps.front().copied() else { return Ok(()) };
            let once = async {
                let opened = match opened.take() {
                    Some(opened) => opened,
                    None => self.open(start, end).await?,
                };
                let ends = opened.end.or(Some(self.facts.size));
                let mut body = Body::new(opened.streamed, opened.start, ends);
                // A whole body has them all: what is there already passes by.
                let wanted = if opened.is_range { 1 } else { gaps.len() };
                for (mut start, end) in gaps.into_iter().take(wanted) {
                    body.skip_to(start).await?;
                    let end = body.end().unwrap_or(end).min(end);
                    self.fill(&mut body, &mut start, end, None).await?;
                }
                if body.is_over() {
                    body.finish().await?;
                }
                Ok::<_, Stop>(())
            };
            match once.await {
                Ok(()) => {}
                Err(Stop::Failed(error)) => {
                    let done = lock(&self.state).done();
                    attempts.again(error, done).await?;
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    /// The rest of a piece, of the same version.
    async fn open(&self, at: u64, end: u64) -> std::result::Result<Opened, Stop> {
        let opened = self.origin.open(Some((at, end)), Some(&self.facts.validator)).await?;
        opened.check(self.facts).map_err(|error| unlike(error, self.is_resumed.then_some(self.part)))?;
        Ok(opened)
    }

    /// Writes what comes to its place, and notes it.
    async fn fill(&self, body: &mut Body, at: &mut u64, end: u64, side: Option<&Side>) -> Result<()> {
        let (gauge, start) = (self.meter.gauge(), *at);
        while *at < end {
            let mut written = Written::new(*at, self.keystream.as_ref());
            let until = end.min(at.saturating_add(PIECE));
            let (stop, reached) = (side.map(|side| &side.stop), |now| gauge.reach(now - start));
            let outcome = body.write_to(self.part, &mut written, until, stop, reached).await;
            *at = written.at;
            self.note(written).await;
            outcome?;
        }
        Ok(())
    }

    async fn note(&self, written: Written) {
        if written.at == written.start {
            return;
        }
        let (start, stretch) = (written.start, written.stretch());
        lock(&self.state).note(start, stretch.clone());
        let part = self.part.clone();
        let _ = blocking(move || {
            part.note(start, &stretch);
            Ok(())
        })
        .await;
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
