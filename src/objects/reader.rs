//! An object read as a file is: in order, with blocks ahead, or anywhere. What is read whole and in order is verified.

use std::{
    collections::VecDeque,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use super::{
    Objects,
    crc64::Running,
    crypt::Hash,
    decrypts,
    origin::Origin,
    pieces::verify,
    row,
    source::{Fetch, Source},
    upload_options::{SWITCHES, check_some, whole},
    url_args,
};
use crate::{
    context::{Cancel, Sender},
    error::{Error, Result, Status},
    platform::args::Args,
    sys::process_id,
};

/// What is asked for first.
const FIRST_BLOCK: u64 = 256 * 1024;
/// And after a jump: with the first block, a look at one place of a large file costs less than half a megabyte.
const AFTER_JUMP: u64 = 192 * 1024;
/// Reading on doubles it up to this.
const LONGEST_BLOCK: u64 = 8 * 1024 * 1024;
/// From so many blocks in order on, others are fetched ahead.
const BLOCKS_BEFORE_AHEAD: u32 = 2;
const AHEAD: usize = 2;

/// An object that is read, in order or anywhere. Belongs to the process that opened it.
pub struct Reader {
    /// Taken out only to be dropped, or not, with the reader.
    source: Option<Arc<Source>>,
    position: Mutex<Option<Position>>,
    /// Where reads without a position of their own left off.
    apart: Mutex<Jumps>,
    /// The part of the object that the reader is of.
    range: Range<u64>,
    cancel: Cancel,
    maker: u32,
}

/// Reading in order.
struct Position {
    at: u64,
    /// What is on its way, in order.
    coming: VecDeque<Fetch>,
    jumps: Jumps,
    /// Of the bytes as they are stored, from the beginning of the object up to `summed`.
    sum: Running,
    hash: Hash,
    summed: u64,
}

/// How far reading goes on where it was, block by block.
#[derive(Default)]
struct Jumps {
    end: u64,
    blocks: u32,
    /// The size of the first block since the last jump.
    first: u64,
}

impl Jumps {
    /// The end of the next block from this place on.
    fn block(&mut self, at: u64) -> u64 {
        if at == self.end && at > 0 {
            self.blocks = self.blocks.saturating_add(1);
        } else {
            self.blocks = 0;
            self.first = if at == 0 { FIRST_BLOCK } else { AFTER_JUMP };
        }
        let size = self.first.checked_shl(self.blocks.min(10)).unwrap_or(LONGEST_BLOCK).min(LONGEST_BLOCK);
        self.end = at.saturating_add(size);
        self.end
    }
}

impl Reader {
    pub(super) fn open(objects: &Objects, object_name: &str, args_json: &str) -> Result<Self> {
        let args = Args::parse(args_json)?;
        let switches = args.switches(&SWITCHES)?;
        check_some(row("download")?, &args, &["region", "expiration_time", "offset", "length", "decrypt"])?;
        let from = whole(&args, "offset")?.unwrap_or(0);
        let range = from..whole(&args, "length")?.map_or(u64::MAX, |length| from.saturating_add(length));
        let asking = url_args(&args, object_name)?;
        let cancel = Cancel::default();
        // The deadline is that of each read.
        let context =
            objects.transport.context(Sender::Streaming).switched(&switches).of_handle(cancel.clone());
        let origin = Origin::shared(objects, context, object_name, asking);
        let position = Position {
            at: range.start,
            coming: VecDeque::new(),
            jumps: Jumps::default(),
            sum: Running::new(),
            hash: Hash::default(),
            summed: 0,
        };
        Ok(Reader {
            source: Some(Arc::new(Source::new(objects.clone(), origin, decrypts(&args)))),
            position: Mutex::new(Some(position)),
            apart: Mutex::default(),
            range,
            cancel,
            maker: process_id(),
        })
    }

    fn source(&self) -> Result<&Arc<Source>> {
        let source = self.source.as_ref().filter(|_| self.maker == process_id());
        source.ok_or_else(|| Error::closed("the reader belongs to the process that opened it"))
    }

    fn position(&self) -> Result<MutexGuard<'_, Option<Position>>> {
        self.position.try_lock().map_err(|_| Error::argument("r", "is read by another thread"))
    }

    /// Carries work out as one call: under its deadline, the reader's cancel and the client's.
    fn bounded<T>(&self, call: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let source = self.source()?;
        let objects = &source.objects;
        let context = source.origin.context.call(objects.transport.under_way());
        let outcome = objects.transport.wait(self.cancel.unless(context.bounded(work)));
        outcome.map_err(|error| objects.access.explain(call, context.tag.as_deref(), error))
    }

    /// Fills the beginning of `buffer`, which must not be empty; 0 is the end, and comes after all was read in order only
    /// when length and checksum are right.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Err(Error::argument("buffer", "must have room for a byte"));
        }
        let source = self.source()?;
        let mut position = self.position()?;
        let Some(position) = &mut *position else { return Err(Error::closed("the reader is closed")) };
        self.cancel.check()?;
        if let Some(count) = position.take(source, &self.range, buffer) {
            return Ok(count);
        }
        let begun = Instant::now();
        self.bounded("reader_read", async {
            loop {
                if position.at >= self.limit(source) {
                    return position.end(source);
                }
                position.fill(source, &self.range, begun).await?;
                if let Some(count) = position.take(source, &self.range, buffer) {
                    return Ok(count);
                }
            }
        })
    }

    /// The number of bytes: of the object, or of the part of it that the reader is of.
    pub fn size(&self) -> Result<u64> {
        let source = self.source()?;
        let mut position = self.position()?;
        let Some(position) = &mut *position else { return Err(Error::closed("the reader is closed")) };
        self.cancel.check()?;
        if source.known().is_none() {
            let begun = Instant::now();
            self.bounded("reader_size", async {
                let at = position.at;
                position.at = self.range.start;
                let filled = if self.range.is_empty() {
                    let mut look = source.fetch(0, 1)?;
                    look.next().await.map(|_| ())
                } else {
                    position.fill(source, &self.range, begun).await
                };
                position.at = at;
                filled
            })?;
        }
        let size = source.size().ok_or_else(|| {
            Error::new(Status::Protocol, "the server does not say how long the object is")
                .with_call("reader_size")
        })?;
        Ok(size.min(self.range.end).saturating_sub(self.range.start))
    }

    /// Goes to a place, counted from where the reader begins. Nothing is sent; beyond the end the next read gives nothing.
    pub fn seek(&self, offset: u64) -> Result<()> {
        self.source()?;
        let mut position = self.position()?;
        let Some(position) = &mut *position else { return Err(Error::closed("the reader is closed")) };
        position.at = self.range.start.saturating_add(offset);
        Ok(())
    }

    /// Fills `buffer` from a place, counted from where the reader begins, whatever else is read meanwhile; fewer bytes
    /// than it has room for come only at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let source = self.source()?;
        self.cancel.check()?;
        let start = self.range.start.saturating_add(offset);
        self.bounded("reader_read_at", async {
            let mut done = 0;
            while done < buffer.len() {
                let at = start.saturating_add(done as u64);
                if at >= self.limit(source) {
                    break;
                }
                let rest = &mut buffer[done..];
                let kept = source.kept().from(at);
                if let Some(bytes) = kept {
                    done += self.copy(source, at, &bytes, rest);
                    continue;
                }
                let wanted = at.saturating_add((rest.len() as u64).min(LONGEST_BLOCK));
                let block = self.apart.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).block(at);
                let mut fetch = source.fetch(at, block.max(wanted).min(self.limit(source)))?;
                let before = done;
                while done < buffer.len() {
                    let at = fetch.at;
                    let Some(bytes) = fetch.next().await? else { break };
                    source.kept().keep(at, bytes.clone());
                    done += self.copy(source, at, &bytes, &mut buffer[done..]);
                }
                if done == before {
                    break;
                }
                // What was asked for beyond it is read to its end: it may be wanted next.
                while let Some(bytes) = fetch.next().await? {
                    source.kept().keep(fetch.at - bytes.len() as u64, bytes);
                }
            }
            Ok(done)
        })
    }

    /// Where the reader ends, as far as that is known.
    fn limit(&self, source: &Source) -> u64 {
        self.range.end.min(source.size().unwrap_or(u64::MAX))
    }

    /// Stored bytes as they are handed over.
    fn copy(&self, source: &Source, at: u64, bytes: &[u8], buffer: &mut [u8]) -> usize {
        let room = usize::try_from(self.range.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = bytes.len().min(buffer.len()).min(room);
        let (from, to) = (&bytes[..count], &mut buffer[..count]);
        to.copy_from_slice(from);
        if let Some(keystream) = source.known().and_then(|known| known.keystream.as_ref()) {
            keystream.apply(at, to);
        }
        count
    }

    /// Ends a read that waits, and all later ones. From any thread.
    pub fn cancel(&self) {
        if self.maker == process_id() {
            self.cancel.set();
        }
    }
}

impl Position {
    /// What is there already, handed over and summed up.
    fn take(&mut self, source: &Source, range: &Range<u64>, buffer: &mut [u8]) -> Option<usize> {
        let limit = range.end.min(source.size().unwrap_or(u64::MAX));
        if self.at >= limit {
            return None;
        }
        let bytes = source.kept().from(self.at)?;
        let room = usize::try_from(limit - self.at).unwrap_or(usize::MAX);
        let count = bytes.len().min(buffer.len()).min(room);
        let (from, to) = (bytes.get(..count)?, buffer.get_mut(..count)?);
        to.copy_from_slice(from);
        let keystream = source.known().and_then(|known| known.keystream.as_ref());
        if let Some(keystream) = keystream {
            keystream.apply(self.at, to);
        }
        // Only what follows in order counts, whatever was read before.
        let end = self.at + count as u64;
        if (self.at..end).contains(&self.summed) {
            let skipped = usize::try_from(self.summed - self.at).unwrap_or(count);
            self.sum.write(&from[skipped..]);
            if keystream.is_some() {
                self.hash.write(&to[skipped..]);
            }
            self.summed = end;
        }
        self.at = end;
        Some(count)
    }

    /// Waits until there is something at the position, or the object's end is known to come before it. What failed while
    /// nobody was reading is tried again by who does, since `begun`.
    async fn fill(&mut self, source: &Arc<Source>, range: &Range<u64>, begun: Instant) -> Result<()> {
        let limit = || range.end.min(source.size().unwrap_or(u64::MAX));
        loop {
            // What lies before is of no use any more; what lies ahead stays if reading goes on there.
            while self.coming.front().is_some_and(|fetch| fetch.at.max(fetch.end) <= self.at) {
                self.coming.pop_front();
            }
            let is_coming =
                self.coming.front().is_some_and(|fetch| fetch.at <= self.at && self.at < fetch.end);
            if !is_coming {
                self.coming.clear();
                if self.at >= limit() {
                    return Ok(());
                }
                let end = self.jumps.block(self.at).min(range.end);
                self.coming.push_back(source.fetch(self.at, end)?);
            }
            self.go_ahead(source, limit())?;
            let Some(front) = self.coming.front_mut() else { continue };
            let at = front.at;
            match front.next().await {
                Ok(Some(bytes)) => {
                    let is_reached = at + bytes.len() as u64 > self.at;
                    source.kept().keep(at, bytes);
                    if is_reached {
                        return Ok(());
                    }
                }
                Ok(None) => {
                    let is_short = front.at < front.end && front.at < limit();
                    self.coming.pop_front();
                    if is_short && source.size().is_none() {
                        return Err(Error::new(Status::Transport, "the object ended before it should"));
                    }
                    if self.at >= limit() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    let is_old = front.failed_before(begun);
                    self.coming.clear();
                    if !is_old {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Has the next blocks on their way while this one is read.
    fn go_ahead(&mut self, source: &Arc<Source>, limit: u64) -> Result<()> {
        let can = source.known().is_some_and(|known| known.has_ranges && known.size.is_some());
        while can && self.jumps.blocks >= BLOCKS_BEFORE_AHEAD && self.coming.len() <= AHEAD {
            let at = self.jumps.end;
            if at >= limit {
                return Ok(());
            }
            let end = self.jumps.block(at).min(limit);
            self.coming.push_back(source.fetch(at, end)?);
        }
        Ok(())
    }

    /// The end: of an object that was read whole and in order, verified.
    fn end(&self, source: &Source) -> Result<usize> {
        if let Some(known) = source.known()
            && source.size() == Some(self.summed)
        {
            verify(self.summed, self.sum.sum(), known.crc64)?;
            if let Some(envelope) = &known.envelope {
                envelope.check(&self.hash.clone().hex())?;
            }
        }
        Ok(0)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.maker != process_id() {
            // Its connections and locks are the parent's.
            std::mem::forget(std::mem::replace(&mut self.position, Mutex::new(None)));
            std::mem::forget(self.source.take());
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_double_while_reading_goes_on() {
        let mut jumps = Jumps::default();
        let mut at = 0;
        let mut sizes = Vec::new();
        for _ in 0..8 {
            let end = jumps.block(at);
            sizes.push((end - at) >> 10);
            at = end;
        }
        assert_eq!(sizes, [256, 512, 1024, 2048, 4096, 8192, 8192, 8192]);
        assert_eq!(jumps.block(5) - 5, AFTER_JUMP);
        assert_eq!(jumps.block(u64::MAX - 1), u64::MAX);
    }
}
