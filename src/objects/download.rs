//! A download to a file: ranges side by side where the server has them, one stream where it has not; verified, then
//! renamed. What was there before goes away only when it is proved wrong, or when an answer begins to replace it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;
use serde_json::json;

use super::{
    crypt::{Envelope, Hash, Keystream},
    download_state::{DownloadState, Facts, Pieces},
    meter::Meter,
    origin::{Opened, Origin, is_changed, is_wrong_range},
    part_file::PartFile,
    pieces::{Ended, PIECE, Received, Run, Side, Stop, WRONG_RANGES, lock, unlike, verify},
    receive::{Body, Written},
};
use crate::{
    context::{Cancel, blocking},
    disk::owner::Owner,
    error::{Error, Result, Status},
    transport::{Repeat, Retry},
};

const LONGEST_PIECE: u64 = 64 * 1024 * 1024;

/// How often an object that changed in the meantime is begun anew.
const RESTARTS: u32 = 3;

/// How an attempt at the object begins.
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
    let part = blocking(move || PartFile::open(&target, owner, &transport)).await?;
    let received = fetch(origin, &part, connections, decrypts).await?;
    blocking(move || part.finish(received.size)).await?;
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
        blocking(move || wrong.clear()).await?;
        if is_second || origin.context.max_retries == Some(0) {
            return Err(error);
        }
        is_second = true;
        strategy = if strategy == Strategy::Plain { Strategy::Plain } else { Strategy::Anew };
    }
}

/// One attempt at the whole object.
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
            let address = self.origin.address_digest();
            let is_known = move |state: &DownloadState| state.facts.is_known_at(address.as_deref());
            let earlier =
                blocking(move || Ok(part.earlier().filter(is_known).inspect(|_| part.resume()))).await?;
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
                return Err(other_key());
            }
        }
        let facts = opened.facts().filter(|_| strategy != Strategy::Plain);
        let address = self.origin.address_digest();
        let facts = facts.map(|facts| Facts { envelope: envelope.clone(), is_encrypted, address, ..facts });
        let (part, size, noted) = (self.part.clone(), opened.size, facts.clone());
        blocking(move || {
            part.begin(noted.as_ref().filter(|facts| facts.size > PIECE))?;
            size.map_or(Ok(()), |size| part.check_room(size))
        })
        .await?;
        let received = match facts {
            Some(facts) => self.pieces(DownloadState::new(facts), keystream, Some(opened)).await?,
            None => self.stream(opened, (is_encrypted, envelope.as_ref()), keystream).await?,
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

    /// The hash of the plaintext, where it is given: a checksum of the store proves nothing of what was encrypted.
    async fn check(
        &self,
        received: Received,
        envelope: Option<Envelope>,
    ) -> std::result::Result<Received, Stop> {
        let Some(envelope) = envelope.filter(|envelope| envelope.sha256.is_some()) else {
            return Ok(received);
        };
        let part = self.part.clone();
        blocking(move || {
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
        blocking(move || part.check_room(size)).await?;
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

    /// The first answer says length, version and whether ranges are understood.
    async fn first(&self) -> Result<Opened> {
        let mut retry = Retry::new(&self.origin.context, self.origin.transport().log(), Repeat::Passing);
        let (mut range, mut wrong) = ((self.connections > 1).then_some((0, PIECE)), 0);
        loop {
            match self.origin.open(range, None).await {
                // Without a version, nobody knows whether two ranges are of one object; without a length they cannot be planned.
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

    /// From beginning to end, from a server that says too little for anything else.
    async fn stream(
        &self,
        opened: Opened,
        (is_encrypted, envelope): (bool, Option<&Envelope>),
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
                    // Without a version nothing else says that it is another object by now.
                    let is_other_key = self.decrypts && now.envelope()?.as_ref() != envelope;
                    if is_other_key || now.is_encrypted() != is_encrypted {
                        return Err(other_key());
                    }
                    let mut written = Written::new(0, keystream.as_ref());
                    let (until, crc64) = (now.size.unwrap_or(u64::MAX), now.crc64);
                    let progress = |at| gauge.reach(at);
                    let mut body = Body::new(now.streamed, 0, now.size);
                    match body.write_to(self.part, &mut written, until, None, progress).await {
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

/// What was decrypted with the key of one object would be none of the other.
fn other_key() -> Stop {
    let what = "the object changed meanwhile: it has another key now";
    Stop::Changed(Error::new(Status::Integrity, what).with_retryable(true))
}
