//! Sending an object's bytes, read from its pieces as the connection takes them.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::world::lock::lock;
use crate::world::store::blob::{Blob, Stored};

/// Bytes read at once: much more would leave the processor's cache between read and send.
const CHUNK: usize = 256 << 10;
/// Idle buffers that are kept.
const MAX_IDLE: usize = 64;

/// Read buffers that are used again once the connection has taken their bytes.
static IDLE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

struct Lent {
    buffer: Vec<u8>,
    used: usize,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.used]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = lock(&IDLE);
        if idle.len() < MAX_IDLE {
            idle.push(std::mem::take(&mut self.buffer));
        }
    }
}

/// A body of a known size, sent with or without stating it.
pub(super) struct Content {
    /// Pieces and what is still to be sent of each.
    pieces: VecDeque<(Arc<Blob>, Range<u64>)>,
    remaining: u64,
    state_size: bool,
}

impl Content {
    pub(super) fn new(pieces: &[Arc<Blob>], range: Range<u64>, state_size: bool) -> Self {
        let mut start = 0;
        let mut chosen = VecDeque::new();
        for piece in pieces {
            let end = start + piece.size();
            let within = range.start.max(start)..range.end.min(end);
            if within.start < within.end {
                chosen.push_back((Arc::clone(piece), within.start - start..within.end - start));
            }
            start = end;
        }
        Content { pieces: chosen, remaining: range.end - range.start, state_size }
    }

    /// The next bytes, which also moves on.
    fn next_chunk(&mut self) -> Option<std::io::Result<Bytes>> {
        let (piece, range) = self.pieces.front_mut()?;
        let chunk = match &**piece {
            Blob::Memory(bytes) => {
                let chunk = bytes.slice(range.start as usize..range.end as usize);
                range.start = range.end;
                chunk
            }
            Blob::Stored(stored) => {
                let end = range.end.min(range.start + CHUNK as u64);
                let step = range.start..end;
                range.start = end;
                match read(stored, step) {
                    Ok(chunk) => chunk,
                    Err(error) => return Some(Err(error)),
                }
            }
        };
        if range.is_empty() {
            self.pieces.pop_front();
        }
        self.remaining -= chunk.len() as u64;
        Some(Ok(chunk))
    }
}

fn read(stored: &Stored, range: Range<u64>) -> std::io::Result<Bytes> {
    let idle = lock(&IDLE).pop();
    let mut lent =
        Lent { buffer: idle.unwrap_or_else(|| vec![0; CHUNK]), used: (range.end - range.start) as usize };
    stored.read_exact_at(&mut lent.buffer[..lent.used], range.start)?;
    Ok(Bytes::from_owner(lent))
}

impl Body for Content {
    type Data = Bytes;
    type Error = std::io::Error;

    // The bytes were written moments ago and are in the page cache: reading them here costs less
    // than handing them from thread to thread.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(self.next_chunk().map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        match self.state_size {
            true => SizeHint::with_exact(self.remaining),
            false => SizeHint::default(),
        }
    }
}
