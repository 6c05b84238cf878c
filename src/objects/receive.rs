//! A body into its place in a file: one piece is written, and its checksum computed, while the next one arrives.

use std::sync::Arc;

use bytes::Bytes;

use super::{crc64::Running, crypt::Keystream, download_state::Stretch, part_file::PartFile};
use crate::{
    context::Cancel,
    error::{Error, Result, Status},
    transport::Streamed,
};

/// A stretch that has been written.
pub(super) struct Written {
    pub start: u64,
    pub at: u64,
    /// Of the bytes as they came.
    pub crc: Running,
    /// Where they are decrypted on the way: of the bytes as they were written.
    plain: Option<(Arc<Keystream>, Running)>,
}

impl Written {
    pub(super) fn new(start: u64, keystream: Option<&Arc<Keystream>>) -> Self {
        let plain = keystream.map(|keystream| (keystream.clone(), Running::new()));
        Written { start, at: start, crc: Running::new(), plain }
    }

    pub(super) fn stretch(&self) -> Stretch {
        let plain = self.plain.as_ref().map(|(_, crc)| crc.sum());
        Stretch { end: self.at, crc64: self.crc.sum(), plain }
    }

    /// Writes on another thread.
    async fn write(&mut self, part: &Arc<PartFile>, bytes: Bytes) -> Result<()> {
        let length = bytes.len() as u64;
        let (file, at) = (part.clone(), self.at);
        let (mut crc, mut plain) = (self.crc.clone(), self.plain.clone());
        let writing = tokio::task::spawn_blocking(move || {
            crc.write(&bytes);
            match &mut plain {
                None => file.write_at(&bytes, at)?,
                Some((keystream, crc)) => {
                    let mut decrypted = Vec::from(bytes);
                    keystream.apply(at, &mut decrypted);
                    crc.write(&decrypted);
                    file.write_at(&decrypted, at)?;
                }
            }
            Ok((crc, plain))
        });
        let done = writing
            .await
            .map_err(|cause| Error::new(Status::Internal, "the disk's thread broke off").with_cause(cause))?;
        (self.crc, self.plain) = done.map_err(|cause| part.unwritable(&cause))?;
        self.at += length;
        Ok(())
    }
}

/// Bytes that come in order.
pub(super) struct Body {
    streamed: Streamed,
    /// The place of the next byte.
    at: u64,
    /// Where it ends, if that is known.
    end: Option<u64>,
    /// What came together with bytes that were wanted.
    left: Bytes,
}

impl Body {
    pub(super) fn new(streamed: Streamed, at: u64, end: Option<u64>) -> Self {
        Body { streamed, at, end, left: Bytes::new() }
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn end(&self) -> Option<u64> {
        self.end
    }

    /// Nobody takes from it for a while: its connection counts for nobody meanwhile.
    pub(super) fn rest(&mut self) {
        self.streamed.rest();
    }

    /// It is taken from again.
    pub(super) async fn resume(&mut self) -> Result<()> {
        self.streamed.resume().await
    }

    /// Whether nothing more is to come.
    pub(super) fn is_over(&self) -> bool {
        self.end == Some(self.at)
    }

    /// The next bytes, none after `until`; `None` at the end.
    pub(super) async fn next(&mut self, until: u64) -> Result<Option<Bytes>> {
        if self.at >= until {
            return Ok(None);
        }
        if self.left.is_empty() {
            let Some(chunk) = self.streamed.chunk().await? else {
                return match self.end {
                    Some(end) if self.at < end => Err(broken_off()),
                    _ => Ok(None),
                };
            };
            if self.end.is_some_and(|end| chunk.len() as u64 > end - self.at) {
                return Err(more_than_promised());
            }
            self.left = chunk;
        }
        let room = usize::try_from(until - self.at).unwrap_or(usize::MAX);
        let bytes = self.left.split_to(self.left.len().min(room));
        self.at += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Lets bytes pass by.
    pub(super) async fn skip_to(&mut self, place: u64) -> Result<()> {
        while self.at < place {
            if self.next(place).await?.is_none() {
                return Err(broken_off());
            }
        }
        Ok(())
    }

    /// Takes what comes, as far as `until`, or to the end where no end is known, or until it is stopped. The bytes that
    /// have come are written even when it fails; no write is left behind that could meet a later one.
    pub(super) async fn write_to(
        &mut self,
        part: &Arc<PartFile>,
        written: &mut Written,
        until: u64,
        stop: Option<&Cancel>,
        reached: impl Fn(u64),
    ) -> Result<()> {
        let mut waiting: Option<Bytes> = None;
        loop {
            let writes = async {
                match waiting.take() {
                    Some(bytes) => written.write(part, bytes).await,
                    None => Ok(()),
                }
            };
            let arrives = async {
                match stop {
                    Some(stop) => stop.unless(self.next(until)).await,
                    None => self.next(until).await,
                }
            };
            let (arrived, outcome) = tokio::join!(arrives, writes);
            outcome?;
            reached(written.at);
            match arrived? {
                Some(bytes) => waiting = Some(bytes),
                None if self.end.is_some() && self.at < until => return Err(broken_off()),
                None => return Ok(()),
            }
        }
    }

    /// It has no byte left. Also lets the connection be used again.
    pub(super) async fn finish(&mut self) -> Result<()> {
        match self.streamed.chunk().await {
            Ok(Some(bytes)) if !bytes.is_empty() => Err(more_than_promised()),
            _ => Ok(()),
        }
    }
}

fn more_than_promised() -> Error {
    Error::new(Status::Protocol, "the server sends more bytes than it promised")
}

fn broken_off() -> Error {
    Error::new(Status::Transport, "the connection ended before the whole answer was there")
}
