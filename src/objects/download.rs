//! A download to a file: ranges side by side where the server has them, one stream where it has not; verified, then
//! renamed.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::json;

use super::{
    download_state::{DownloadState, Facts},
    meter::{Gauge, Meter},
    origin::{Opened, Origin},
    part_file::PartFile,
    receive::{self, Written},
};
use crate::{
    context::Cancel,
    error::{Error, Result, Status},
    transport::{Repeat, Retry},
};

/// What the first request asks for, and the shortest piece of a larger object.
const PIECE: u64 = 8 * 1024 * 1024;
const LONGEST_PIECE: u64 = 64 * 1024 * 1024;

/// How often an object that changed in the meantime is begun anew.
const RESTARTS: u32 = 3;

/// A download that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub size: u64,
    pub crc64: u64,
    pub verified: bool,
}

/// Why a download does not go on.
enum Stop {
    /// The object is another one now.
    Changed(Error),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.http_status() == 412 { Stop::Changed(error) } else { Stop::Failed(error) }
    }
}

fn changed() -> Stop {
    Stop::Changed(
        Error::new(Status::Integrity, "the object changed while it was being downloaded")
            .with_retryable(true),
    )
}

/// Downloads to `target`; its result as JSON.
pub(super) async fn download(origin: &Origin, target: PathBuf, connections: usize) -> Result<String> {
    let path = target.display().to_string();
    let part = on_disk(move || PartFile::open(&target)).await?;
    let received = fetch(origin, &part, connections).await?;
    on_disk(move || part.finish(received.size)).await?;
    Ok(json!({
        "path": path,
        "size": received.size,
        "crc64": received.crc64.to_string(),
        "verified": received.verified,
    })
    .to_string())
}

async fn fetch(origin: &Origin, part: &Arc<PartFile>, connections: usize) -> Result<Received> {
    let (mut restarts, mut is_second) = (0, false);
    loop {
        let download = Download { origin, part, connections: connections.max(1) };
        let error = match download.run().await {
            Ok(received) => return Ok(received),
            Err(Stop::Changed(_)) if restarts < RESTARTS => {
                restarts += 1;
                None
            }
            // Nobody knows which of the bytes are wrong.
            Err(Stop::Failed(error)) if error.status() == Status::Integrity && !is_second => {
                is_second = true;
                (origin.context.max_retries == Some(0)).then_some(error)
            }
            Err(Stop::Changed(error) | Stop::Failed(error)) => Some(error),
        };
        let is_over = error.as_ref().is_none_or(|error| error.status() == Status::Integrity);
        if is_over {
            let part = part.clone();
            on_disk(move || part.clear()).await?;
        }
        if let Some(error) = error {
            return Err(error);
        }
    }
}

/// Work on files, away from the thread that carries the connections.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|cause| {
        Err(Error::new(Status::Internal, "the disk's thread broke off").with_cause(cause))
    })
}

/// One go at the whole object.
struct Download<'a> {
    origin: &'a Origin,
    part: &'a Arc<PartFile>,
    connections: usize,
}

impl Download<'_> {
    async fn run(&self) -> std::result::Result<Received, Stop> {
        if let Some(ledger) = self.resumable().await? {
            let mut pieces = VecDeque::from(ledger.missing(self.longest(ledger.facts.size)));
            if pieces.is_empty() {
                // All is there, if the object is still the same.
                pieces.push_back((0, 0));
            }
            return self.pieces(ledger, pieces, None).await;
        }
        let part = self.part.clone();
        on_disk(move || part.clear()).await?;
        let opened = self.first().await?;
        let Some(facts) = opened.facts() else { return self.stream(opened).await };
        let ledger = DownloadState::new(&self.origin.object, facts);
        let size = ledger.facts.size;
        let pieces = if opened.is_range {
            let first = PIECE.min(size);
            let mut pieces = vec![(0, first)];
            let mut rest = ledger.clone();
            rest.note(0, first, 0);
            pieces.extend(rest.missing(self.longest(size)));
            pieces
        } else {
            vec![(0, size)]
        };
        self.pieces(ledger, pieces.into(), Some(opened)).await
    }

    fn longest(&self, size: u64) -> u64 {
        match self.connections {
            1 => u64::MAX,
            connections => (size / (8 * connections as u64)).clamp(PIECE, LONGEST_PIECE),
        }
    }

    /// What an earlier download of this object left, as far as it still stands on the disk.
    async fn resumable(&self) -> Result<Option<DownloadState>> {
        let (part, object) = (self.part.clone(), self.origin.object.clone());
        on_disk(move || {
            let Some(mut ledger) = part.read_state().and_then(|json| DownloadState::read(&json, &object))
            else {
                return Ok(None);
            };
            for (start, end, crc) in ledger.stretches() {
                if !part.checksum(start, end).is_ok_and(|now| now == crc) {
                    ledger.forget(start);
                }
            }
            Ok((!ledger.is_empty()).then_some(ledger))
        })
        .await
    }

    /// The first answer tells length, version and whether ranges are understood.
    async fn first(&self) -> Result<Opened> {
        let mut retry = Retry::new(&self.origin.context, self.origin.transport().log(), Repeat::Passing);
        let mut range = (self.connections > 1).then_some((0, PIECE));
        loop {
            match self.origin.open(range, None).await {
                // Without a version, ranges cannot be told to be of one object.
                Ok(opened) if opened.is_range && opened.validator.is_none() => range = None,
                Ok(opened) => return Ok(opened),
                // An empty object has no first byte.
                Err(error) if error.http_status() == 416 && range.is_some() => range = None,
                Err(error) => retry.again(error).await?,
            }
        }
    }

    /// All pieces, some at a time; `opened` is the answer for the first of them.
    async fn pieces(
        &self,
        ledger: DownloadState,
        pieces: VecDeque<(u64, u64)>,
        opened: Option<Opened>,
    ) -> std::result::Result<Received, Stop> {
        let meter = Meter::new(self.origin.context.progress.clone(), ledger.facts.size);
        meter.gauge().reach(ledger.done());
        let workers = self.connections.min(pieces.len());
        let facts = ledger.facts.clone();
        let run = Run {
            origin: self.origin,
            part: self.part,
            facts: &facts,
            ledger: Arc::new(Mutex::new(ledger)),
            pieces: Mutex::new(pieces),
            meter,
            failed: Mutex::new(None),
            stop: Cancel::default(),
        };
        let mut opened = opened;
        let work: Vec<_> = (0..workers).map(|_| run.work(opened.take())).collect();
        join_all(work).await;
        if let Some(stop) = lock(&run.failed).take() {
            return Err(stop);
        }
        let sum = run.ledger().sum();
        let Some(crc64) = sum else {
            return Err(Error::new(Status::Internal, "the pieces do not make the object").into());
        };
        Ok(verify(facts.size, crc64, facts.crc64)?)
    }

    /// From beginning to end, from a server that tells too little for anything else.
    async fn stream(&self, opened: Opened) -> std::result::Result<Received, Stop> {
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
                Ok(mut now) => {
                    let mut written = Written::new(0);
                    let limits = (u64::MAX, now.size);
                    let told = |at| gauge.reach(at);
                    let body = &mut now.streamed;
                    match receive::pour(body, self.part, &mut written, Bytes::new(), limits, told).await {
                        Ok(()) => return Ok(verify(written.at, written.crc.sum(), now.crc64)?),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            retry.again(error).await?;
        }
    }
}

pub(super) fn verify(size: u64, crc64: u64, stated: Option<u64>) -> Result<Received> {
    match stated {
        Some(stated) if stated != crc64 => Err(Error::new(
            Status::Integrity,
            format!("the bytes that arrived are not the object's: CRC-64 {crc64}, not {stated}"),
        )
        .with_retryable(true)),
        _ => Ok(Received { size, crc64, verified: stated.is_some() }),
    }
}

/// The pieces of one version of an object.
struct Run<'a> {
    origin: &'a Origin,
    part: &'a Arc<PartFile>,
    facts: &'a Facts,
    ledger: Arc<Mutex<DownloadState>>,
    pieces: Mutex<VecDeque<(u64, u64)>>,
    meter: Arc<Meter>,
    /// The first failure; the other connections stop, but note what they have.
    failed: Mutex<Option<Stop>>,
    stop: Cancel,
}

impl Run<'_> {
    fn ledger(&self) -> MutexGuard<'_, DownloadState> {
        lock(&self.ledger)
    }

    fn next(&self) -> Option<(u64, u64)> {
        lock(&self.pieces).pop_front()
    }

    /// One connection's share.
    async fn work(&self, mut opened: Option<Opened>) {
        while let Some((start, end)) = self.next() {
            if let Err(stop) = self.piece(start, end, opened.take()).await {
                lock(&self.failed).get_or_insert(stop);
                self.stop.set();
                return;
            }
        }
    }

    /// One piece, from where it broke off each time; it gives up after so many failures without a new byte.
    async fn piece(&self, start: u64, end: u64, mut opened: Option<Opened>) -> std::result::Result<(), Stop> {
        let gauge = self.meter.gauge();
        let new_retry = || Retry::new(&self.origin.context, self.origin.transport().log(), Repeat::Passing);
        let (mut retry, mut at) = (new_retry(), start);
        loop {
            let again = match opened.take() {
                Some(opened) => Ok(opened),
                None => match self.stop.or(None, async { Ok(self.open(at, end).await) }).await {
                    Ok(opened) => opened,
                    Err(stopped) => Err(Stop::Failed(stopped)),
                },
            };
            let error = match again {
                Ok(opened) => {
                    let before = at;
                    match self.take(opened, start, &mut at, end, &gauge).await {
                        Ok(()) => return Ok(()),
                        Err(error) => {
                            if at > before {
                                retry = new_retry();
                            }
                            error
                        }
                    }
                }
                Err(Stop::Failed(error)) => error,
                Err(stop) => return Err(stop),
            };
            self.stop.or(None, retry.again(error)).await?;
        }
    }

    /// The rest of a piece, of the same version.
    async fn open(&self, at: u64, end: u64) -> std::result::Result<Opened, Stop> {
        // Only a look, when nothing is missing.
        let range = if at == end { (0, 1) } else { (at, end) };
        let opened = self.origin.open(Some(range), Some(&self.facts.validator)).await?;
        match opened.facts() {
            Some(facts) if facts == *self.facts => Ok(opened),
            _ => Err(changed()),
        }
    }

    /// Writes what comes to its place, and notes it.
    async fn take(
        &self,
        mut opened: Opened,
        start: u64,
        at: &mut u64,
        end: u64,
        gauge: &Gauge,
    ) -> Result<()> {
        if *at == end {
            return Ok(());
        }
        // A server that ignores ranges gives all from the beginning: what is there already passes by.
        let mut first = receive::skip(&mut opened.streamed, *at - opened.start).await?;
        // Of a whole body only this piece is wanted.
        let is_last = opened.is_range || end == self.facts.size;
        first.truncate(usize::try_from(end - *at).unwrap_or(usize::MAX));
        let hard = if is_last { end } else { self.facts.size };
        loop {
            let mut written = Written::new(*at);
            let enough = end.min(at.saturating_add(PIECE));
            let told = |now: u64| gauge.reach(now.min(end) - start);
            let from = std::mem::take(&mut first);
            let limits = (enough, Some(hard));
            let pouring = receive::pour(&mut opened.streamed, self.part, &mut written, from, limits, told);
            let outcome = self.stop.or(None, pouring).await;
            *at = written.at;
            self.note(written).await?;
            outcome?;
            if *at >= end {
                break;
            }
        }
        if is_last { receive::at_end(&mut opened.streamed).await } else { Ok(()) }
    }

    async fn note(&self, written: Written) -> Result<()> {
        self.ledger().note(written.start, written.at, written.crc.sum());
        // A small object is faster fetched again than resumed.
        if self.facts.size <= PIECE || written.at == written.start {
            return Ok(());
        }
        let (part, ledger) = (self.part.clone(), self.ledger.clone());
        on_disk(move || part.write_state(|| lock(&ledger).to_json())).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
