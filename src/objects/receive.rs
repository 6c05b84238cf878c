//! A body into its place in a file: one piece is written, and its checksum computed, while the next one arrives.

use std::sync::Arc;

use bytes::Bytes;

use super::{crc64::Running, part_file::PartFile};
use crate::{
    error::{Error, Result, Status},
    transport::Streamed,
};

/// A stretch that has been written.
pub(super) struct Written {
    pub start: u64,
    pub at: u64,
    pub crc: Running,
}

impl Written {
    pub(super) fn new(start: u64) -> Self {
        Written { start, at: start, crc: Running::new() }
    }

    /// Writes on another thread.
    async fn write(&mut self, part: &Arc<PartFile>, bytes: Bytes) -> Result<()> {
        let length = bytes.len() as u64;
        let (file, at, mut crc) = (part.clone(), self.at, self.crc.clone());
        let writing = tokio::task::spawn_blocking(move || {
            file.write_at(&bytes, at)?;
            crc.write(&bytes);
            Ok(crc)
        });
        let done = writing
            .await
            .map_err(|cause| Error::new(Status::Internal, "the disk's thread broke off").with_cause(cause))?;
        self.crc = done.map_err(|cause| part.unwritable(&cause))?;
        self.at += length;
        Ok(())
    }
}

/// Takes `first` and then what comes, until there is enough or, where the length is known, all of it. The bytes that
/// have come are written even when it fails.
pub(super) async fn pour(
    streamed: &mut Streamed,
    part: &Arc<PartFile>,
    written: &mut Written,
    first: Bytes,
    (enough, end): (u64, Option<u64>),
    reached: impl Fn(u64),
) -> Result<()> {
    let mut coming = written.at + first.len() as u64;
    let mut waiting = Some(first).filter(|first| !first.is_empty());
    loop {
        let wanted = coming < enough && end.is_none_or(|end| coming < end);
        let arrives = async { if wanted { streamed.chunk().await } else { Ok(None) } };
        let writes = async {
            match waiting.take() {
                Some(bytes) => written.write(part, bytes).await,
                None => Ok(()),
            }
        };
        let (arrived, outcome) = tokio::join!(arrives, writes);
        outcome?;
        reached(written.at);
        match arrived? {
            Some(bytes) => {
                coming += bytes.len() as u64;
                if end.is_some_and(|end| coming > end) {
                    return Err(more_than_promised());
                }
                waiting = Some(bytes);
            }
            None if !wanted || end.is_none_or(|end| end == coming) => return Ok(()),
            None => return Err(broken_off()),
        }
    }
}

/// The body has no byte left. Also lets the connection be used again.
pub(super) async fn at_end(streamed: &mut Streamed) -> Result<()> {
    match streamed.chunk().await {
        Ok(Some(bytes)) if !bytes.is_empty() => Err(more_than_promised()),
        _ => Ok(()),
    }
}

/// Lets bytes pass by; what comes after them in the same chunk is given back.
pub(super) async fn skip(streamed: &mut Streamed, mut bytes: u64) -> Result<Bytes> {
    while bytes > 0 {
        let Some(mut chunk) = streamed.chunk().await? else {
            return Err(broken_off());
        };
        if chunk.len() as u64 > bytes {
            return Ok(chunk.split_off(bytes as usize));
        }
        bytes -= chunk.len() as u64;
    }
    Ok(Bytes::new())
}

fn more_than_promised() -> Error {
    Error::new(Status::Protocol, "the server sends more bytes than it promised")
}

fn broken_off() -> Error {
    Error::new(Status::Transport, "the connection ended before the whole answer was there")
}
