//! A download to a file: ranges side by side where the server has them, one stream where it has not; verified, then
//! renamed. What was there before goes away only when it is proved wrong, or when an answer begins to replace it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;

use super::{
    crypt::{Envelope, Hash, Keystream},
    download_state::{DownloadState, Facts, Pieces},
    local::on_disk,
    meter::Meter,
    origin::{Opened, Origin, is_changed, is_wrong_range},
    part_file::PartFile,
    receive::{Body, Written},
};
use crate::{
    context::Cancel,
    disk::owner::Owner,
    error::{Error, Result, Status},
    transport::{Repeat, Retry},
};

/// What the first request asks for, and the shortest piece of a larger object.
const PIECE: u64 = 8 * 1024 * 1024;
const LONGEST_PIECE: u64 = 64 * 1024 * 1024;

/// How often an object that changed in the meantime is begun anew.
const RESTARTS: u32 = 3;

/// How often a range is asked for again that was answered by another one.
const WRONG_RANGES: u32 = 3;

/// A download that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub size: u64,
    pub crc64: u64,
    pub verified: bool,
    pub encrypted: bool,
}

/// Why a download does not go on.
enum Stop {
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

/// How a go at the object begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// With what is on the disk.
    Resume,
    /// From nothing.
    Anew,
    /// From nothing and in one piece: one answer is of one version, whatever the server says of others.
    Plain,
}

/// Downloads to `target`; its result as JSON. `owner` is by whom and of what.
pub(super) async fn download(
    origin: &Origin,
    target: PathBuf,
    owner: Owner,
    (connections, decrypts): (usize, bool),
) -> Result<String> {
    let path = target.display().to_string();
    let transport = origin.transport().clone();
    let part = on_disk(move || PartFile::open(&target, owner, &transport)).await?;
    let received = fetch(origin, &part, connections, decrypts).await?;
    on_disk(move || part.finish(received.size)).await?;
    let mut result = json!({
        "path": path,
        "size": received.size,
        "crc64": received.crc64.to_string(),
        "verified": received.verified,
    });
    if received.encrypted {
        result["encrypted"] = true.into();
    }
    Ok(result.to_string())
}

async fn fetch(
    origin: &Origin,
    part: &Arc<PartFile>,
    connections: usize,
    decrypts: bool,
) -> Result<Received> {
    let (mut restarts, mut is_second, mut strategy) = (0, false, Strategy::Resume);
    loop {
        let download = Download { origin, part, connections: connections.max(1), decrypts };
        let error = match download.run(strategy).await {
            Ok(received) => return Ok(received),
            Err(Stop::Changed(_)) if restarts < RESTARTS && strategy != Strategy::Plain => {
                restarts += 1;
                strategy = Strategy::Anew;
                continue;
            }
            Err(Stop::Changed(_) | Stop::Ranges(_)) if strategy != Strategy::Plain => {
                strategy = Strategy::Plain;
                continue;
            }
            Err(Stop::Changed(error) | Stop::Ranges(error) | Stop::Failed(error)) => error,
        };
        if error.status() != Status::Integrity {
            return Err(error);
        }
        // Nobody knows which of the bytes are wrong.
        let wrong = part.clone();
        on_disk(move || wrong.clear()).await?;
        if is_second || origin.context.max_retries == Some(0) {
            return Err(error);
        }
        is_second = true;
        strategy = if strategy == Strategy::Plain { Strategy::Plain } else { Strategy::Anew };
    }
}

/// One go at the whole object.
struct Download<'a> {
    origin: &'a Origin,
    part: &'a Arc<PartFile>,
    connections: usize,
    /// Whether what is encrypted is decrypted.
    decrypts: bool,
}

impl Download<'_> {
    async fn run(&self, strategy: Strategy) -> std::result::Result<Received, Stop> {
        if strategy == Strategy::Resume {
            let part = self.part.clone();
            let earlier = on_disk(move || Ok(part.earlier().inspect(|_| part.resume()))).await?;
            if let Some(state) = earlier {
                return self.resume(state).await;
            }
        }
        let mut opened = self.begin(strategy).await?;
        let is_encrypted = opened.is_encrypted();
        let envelope = if self.decrypts { opened.envelope()? } else { None };
        // Before anything is given up for it: without the right to decrypt it ends here.
        let mut keystream = None;
        if envelope.is_some() {
            // The key service is asked with no connection in hand: there may be only one for all.
            drop(opened);
            keystream = self.keystream(envelope.as_ref()).await?;
            opened = self.begin(strategy).await?;
            if opened.envelope()? != envelope {
                let what = "the object changed meanwhile: it has another key now";
                return Err(Stop::Changed(Error::new(Status::Integrity, what).with_retryable(true)));
            }
        }
        let facts = opened.facts().filter(|_| strategy != Strategy::Plain);
        let facts = facts.map(|facts| Facts { envelope: envelope.clone(), is_encrypted, ..facts });
        let (part, size, noted) = (self.part.clone(), opened.size, facts.clone());
        on_disk(move || {
            part.begin(noted.as_ref().filter(|facts| facts.size > PIECE))?;
            size.map_or(Ok(()), |size| part.check_room(size))
        })
        .await?;
        let received = match facts {
            Some(facts) => self.pieces(DownloadState::new(facts), keystream, Some(opened)).await?,
            None => self.stream(opened, keystream).await?,
        };
        self.check(Received { encrypted: is_encrypted, ..received }, envelope).await
    }

    async fn begin(&self, strategy: Strategy) -> Result<Opened> {
        if strategy == Strategy::Plain { self.plain().await } else { self.first().await }
    }

    async fn keystream(&self, envelope: Option<&Envelope>) -> Result<Option<Arc<Keystream>>> {
        match envelope {
            Some(envelope) => Ok(Some(Arc::new(envelope.open(&self.origin.keys()).await?))),
            None => Ok(None),
        }
    }

    /// The hash of the plaintext, where it is told: a checksum of the store proves nothing of what was encrypted.
    async fn check(
        &self,
        received: Received,
        envelope: Option<Envelope>,
    ) -> std::result::Result<Received, Stop> {
        let Some(envelope) = envelope.filter(|envelope| envelope.sha256.is_some()) else {
            return Ok(received);
        };
        let part = self.part.clone();
        on_disk(move || {
            let mut hash = Hash::default();
            part.read(0, received.size, |piece| hash.write(piece))
                .map_err(|cause| part.unwritable(&cause))?;
            envelope.check(&hash.hex())
        })
        .await?;
        Ok(received)
    }

    /// Goes on with what is there, if the object is still the same.
    async fn resume(&self, state: DownloadState) -> std::result::Result<Received, Stop> {
        if state.gaps().is_empty() {
            // Only a look: nothing is missing.
            let mut retry = Retry::new(&self.origin.context, self.origin.transport().log(), Repeat::Passing);
            loop {
                match self.origin.open(Some((0, 1)), Some(&state.facts.validator)).await {
                    Ok(opened) => {
                        opened.check(&state.facts).map_err(|error| unlike(error, Some(self.part)))?;
                        break;
                    }
                    Err(error) if is_changed(&error) => return Err(Stop::Changed(error)),
                    Err(error) => retry.again(error).await?,
                }
            }
        }
        let (part, size) = (self.part.clone(), state.facts.size);
        on_disk(move || part.check_room(size)).await?;
        let envelope = state.facts.envelope.clone();
        let keystream = self.keystream(envelope.as_ref()).await?;
        let encrypted = state.facts.is_encrypted;
        let received = self.pieces(state, keystream, None).await?;
        self.check(Received { encrypted, ..received }, envelope).await
    }

    fn longest(&self, size: u64) -> u64 {
        match self.connections {
            1 => u64::MAX,
            connections => (size / (8 * connections as u64)).clamp(PIECE, LONGEST_PIECE),
        }
    }

    /// The first answer tells length, version and whether ranges are understood.
    async fn first(&self) -> Result<Opened> {
        let mut retry = Retry::new(&self.origin.context, self.origin.transport().log(), Repeat::Passing);
        let (mut range, mut wrong) = ((self.connections > 1).then_some((0, PIECE)), 0);
        loop {
            match self.origin.open(range, None).await {
                // Without a version, ranges cannot be told to be of one object; without a length, not be planned.
                Ok(opened) if opened.is_range && (opened.validator.is_none() || opened.size.is_none()) => {
                    range = None;
                }
                Ok(opened) => return Ok(opened),
                // An empty object has no first byte.
                Err(error) if error.http_status() == 416 && range.is_some() => range = None,
                Err(error) if is_wrong_range(&error) && range.is_some() => {
                    wrong += 1;
                    if wrong >= WRONG_RANGES {
                        range = None;
                    }
                }
                Err(error) => retry.again(error).await?,
            }
        }
    }

    /// All of it in one answer, of whatever version it is.
    async fn plain(&self) -> Result<Opened> {
        let mut retry = Retry::new(&self.origin.context, self.origin.transport().log(), Repeat::Passing);
        loop {
            match self.origin.open(None, None).await {
                Ok(opened) => return Ok(opened),
                Err(error) => retry.again(error).await?,
            }
        }
    }

    /// All pieces, some at a time; `opened` is the answer for the beginning.
    async fn pieces(
        &self,
        state: DownloadState,
        keystream: Option<Arc<Keystream>>,
        opened: Option<Opened>,
    ) -> std::result::Result<Received, Stop> {
        let meter = Meter::new(self.origin.context.progress.clone(), state.facts.size);
        meter.gauge().reach(state.done());
        let facts = state.facts.clone();
        let mut gaps = state.gaps();
        let longest = self.longest(facts.size);
        let mut first = None;
        let mut whole = None;
        match opened {
            Some(opened) if opened.is_range && self.connections > 1 => {
                let end = opened.end.unwrap_or(0).min(facts.size);
                if let Some(gap) = gaps.front_mut() {
                    gap.0 = end;
                }
                gaps.retain(|(start, end)| start < end);
                first = Some(((0, end), opened));
            }
            other => whole = other,
        }
        let is_resumed = first.is_none() && whole.is_none();
        let pieces = Pieces::new(gaps, longest);
        let workers = pieces.count_to(self.connections) + usize::from(first.is_some());
        let run = Run {
            origin: self.origin,
            part: self.part,
            facts: &facts,
            is_resumed,
            keystream,
            state: Mutex::new(state),
            pieces: Mutex::new(pieces),
            meter,
        };
        if whole.is_none() && workers > 1 {
            let side = Side { stop: Cancel::default(), ended: Mutex::new(None) };
            let work: Vec<_> =
                (0..workers.min(self.connections)).map(|_| run.work(&side, first.take())).collect();
            join_all(work).await;
            match lock(&side.ended).take() {
                None => {}
                Some(Ended::Stopped(stop)) => return Err(stop),
                Some(Ended::Whole(opened)) => whole = Some(*opened),
            }
        } else if let Some((_, opened)) = first {
            whole = Some(opened);
        }
        run.through(whole).await?;
        let sum = lock(&run.state).sum();
        let Some(crc64) = sum else {
            return Err(Error::new(Status::Internal, "the pieces do not make the object").into());
        };
        Ok(verify(facts.size, crc64, facts.crc64)?)
    }

    /// From beginning to end, from a server that tells too little for anything else.
    async fn stream(
        &self,
        opened: Opened,
        keystream: Option<Arc<Keystream>>,
    ) -> std::result::Result<Received, Stop> {
        let context = &self.origin.context;
        let meter = Meter::new(context.progress.clone(), opened.size.unwrap_or(0));
        let gauge = meter.gauge();
        let mut retry = Retry::new(context, self.origin.transport().log(), Repeat::Passing);
        let mut opened = Some(opened);
        loop {
            let again = async {
                match opened.take() {
                    Some(opened) => Ok(opened),
                    None => self.origin.open(None, None).await,
                }
            };
            let error = match again.await {
                Ok(now) => {
                    let mut written = Written::new(0, keystream.as_ref());
                    let (until, crc64) = (now.size.unwrap_or(u64::MAX), now.crc64);
                    let progress = |at| gauge.reach(at);
                    let mut body = Body::new(now.streamed, 0, now.size);
                    match body.pour(self.part, &mut written, until, progress).await {
                        Ok(()) => return Ok(verify(written.at, written.crc.sum(), crc64)?),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            retry.again(error).await?;
        }
    }
}

/// An answer that is not of the version that is known. What an earlier call left in the `resumed` part stays unless it is
/// proved to be of another one.
fn unlike(error: Error, resumed: Option<&Arc<PartFile>>) -> Stop {
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
struct Run<'a> {
    origin: &'a Origin,
    part: &'a Arc<PartFile>,
    facts: &'a Facts,
    /// It goes on with what an earlier call left.
    is_resumed: bool,
    keystream: Option<Arc<Keystream>>,
    state: Mutex<DownloadState>,
    pieces: Mutex<Pieces>,
    meter: Arc<Meter>,
}

/// What several connections side by side know of each other.
struct Side {
    /// The others stop, but note what they have.
    stop: Cancel,
    ended: Mutex<Option<Ended>>,
}

/// The first reason why they do not go on side by side.
enum Ended {
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
    async fn work(&self, side: &Side, mut first: Option<((u64, u64), Opened)>) {
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
    async fn through(&self, mut opened: Option<Opened>) -> std::result::Result<(), Stop> {
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
            let pouring = body.pour(self.part, &mut written, until, |now| gauge.reach(now - start));
            let outcome = match side {
                Some(side) => side.stop.unless(pouring).await,
                None => pouring.await,
            };
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
        let _ = on_disk(move || {
            part.note(start, &stretch);
            Ok(())
        })
        .await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
