//! What is uploaded: a file or bytes in memory, read in pieces as they are sent, the checksum computed on the way.

use std::{
    fs::{self, File},
    io::{self, Read},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures_util::stream;
use tokio::task::JoinHandle;

use super::{crc64::Running, meter::Gauge};
use crate::{
    error::{Error, Result},
    transport::{ByteStream, CHUNK, StreamBody, local},
};

/// Something to upload. Read on threads of its own; may refuse to be read at any time.
pub(crate) trait Content: Send + Sync {
    /// In bytes.
    fn length(&self) -> u64;

    /// Fills `piece` from this offset on.
    fn read_at(&self, piece: &mut [u8], offset: u64) -> io::Result<()>;

    /// Whether it still is what it was when the upload began.
    fn check_unchanged(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Content for Bytes {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, piece: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let found = from.checked_add(piece.len()).and_then(|to| self.get(from..to));
        piece.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// By what an open file shows that it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub size: u64,
    /// Seconds and nanoseconds.
    mtime: (i64, i64),
}

impl Identity {
    fn of(metadata: &fs::Metadata) -> Self {
        Identity { size: metadata.len(), mtime: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// An open regular file.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    pub path: PathBuf,
    pub identity: Identity,
}

impl OpenFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let wrong = |cause: &io::Error| Error::io(format!("{} cannot be read", path.display()), cause);
        // Opening a pipe or a device might block or do something.
        if !fs::metadata(path).map_err(|cause| wrong(&cause))?.is_file() {
            return Err(wrong(&io::Error::other("it is no regular file")));
        }
        let file = File::open(path).map_err(|cause| wrong(&cause))?;
        let metadata = file.metadata().map_err(|cause| wrong(&cause))?;
        let path = std::path::absolute(path).map_err(|cause| wrong(&cause))?;
        Ok(OpenFile { file, path, identity: Identity::of(&metadata) })
    }
}

impl Content for OpenFile {
    fn length(&self) -> u64 {
        self.identity.size
    }

    fn read_at(&self, piece: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(piece, offset)
    }

    fn check_unchanged(&self) -> io::Result<()> {
        if Identity::of(&self.file.metadata()?) == self.identity {
            Ok(())
        } else {
            Err(io::Error::other(format!("{} changed while it was being uploaded", self.path.display())))
        }
    }
}

/// A file of no size that has content, as in `/proc` and on some network file systems: no more of it is held in memory.
const MOST_UNMEASURED: u64 = 64 << 20;

/// A file whose size says nothing, and what was in it.
struct Unmeasured {
    file: OpenFile,
    bytes: Bytes,
}

impl Content for Unmeasured {
    fn length(&self) -> u64 {
        self.bytes.length()
    }

    fn read_at(&self, piece: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes.read_at(piece, offset)
    }

    fn check_unchanged(&self) -> io::Result<()> {
        self.file.check_unchanged()
    }
}

/// What is in an open file. Where its size says nothing, all of it is read now; a file that somebody begins to write
/// just then shows a size afterwards.
pub(super) fn content_of(file: OpenFile) -> Result<Arc<dyn Content>> {
    if file.length() > 0 {
        return Ok(Arc::new(file));
    }
    let wrong = |cause: &io::Error| Error::io(format!("{} cannot be read", file.path.display()), cause);
    let mut bytes = Vec::new();
    (&file.file).take(MOST_UNMEASURED + 1).read_to_end(&mut bytes).map_err(|cause| wrong(&cause))?;
    if bytes.is_empty() {
        return Ok(Arc::new(file));
    }
    if bytes.len() as u64 > MOST_UNMEASURED {
        let what = format!("its size is said to be 0, and it holds more than {MOST_UNMEASURED} bytes");
        return Err(
            wrong(&io::Error::other(what)).with_hint("copy it, or write it with a writer, piece by piece")
        );
    }
    file.check_unchanged().map_err(|cause| wrong(&cause))?;
    Ok(Arc::new(Unmeasured { file, bytes: Bytes::from(bytes) }))
}

/// The checksum of what an attempt has read; known when it has read everything.
#[derive(Clone, Default)]
pub(super) struct Sum(Arc<Mutex<Option<u64>>>);

impl Sum {
    fn cell(&self) -> MutexGuard<'_, Option<u64>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn get(&self) -> Option<u64> {
        *self.cell()
    }
}

/// A stretch of `content` as the body of a request, and its checksum once an attempt has sent it all.
pub(super) fn body(content: &Arc<dyn Content>, range: Range<u64>, gauge: Arc<Gauge>) -> (StreamBody, Sum) {
    let sum = Sum::default();
    let (content, computed) = (content.clone(), sum.clone());
    let length = range.end - range.start;
    let open = move || -> ByteStream {
        *computed.cell() = None;
        let first =
            Reading { content: content.clone(), at: range.start, end: range.end, crc: Running::new() };
        let state = (first.start(), computed.clone(), gauge.clone(), range.start);
        Box::pin(stream::try_unfold(state, |(reading, computed, gauge, start)| async move {
            let Some(reading) = reading else { return Ok(None) };
            let (piece, next) = reading.await.map_err(io::Error::other)?.map_err(local)?;
            gauge.reach(next.at - start);
            if next.at == next.end {
                *computed.cell() = Some(next.crc.sum());
            }
            // The next piece is read while this one is sent.
            Ok(Some((piece, (next.start(), computed, gauge, start))))
        }))
    };
    let empty = length == 0;
    if empty {
        *sum.cell() = Some(0);
    }
    let open: Arc<dyn Fn() -> ByteStream + Send + Sync> =
        if empty { Arc::new(|| Box::pin(stream::empty())) } else { Arc::new(open) };
    (StreamBody { length, open }, sum)
}

/// The checksum of a stretch, without sending it.
pub(super) async fn checksum(content: &Arc<dyn Content>, range: Range<u64>) -> Result<u64> {
    let content = content.clone();
    let reading = tokio::task::spawn_blocking(move || -> io::Result<u64> {
        let mut crc = Running::new();
        let mut piece = buffers::take();
        let mut at = range.start;
        while at < range.end {
            let size = (range.end - at).min(CHUNK as u64) as usize;
            let part = piece.first(size);
            content.read_at(part, at)?;
            crc.write(part);
            at += size as u64;
        }
        Ok(crc.sum())
    });
    let read =
        reading.await.map_err(|_| Error::new(crate::Status::Internal, "the file could not be read"))?;
    read.map_err(|cause| Error::io("the file could not be read to its end", &cause))
}

struct Reading {
    content: Arc<dyn Content>,
    at: u64,
    end: u64,
    crc: Running,
}

impl Reading {
    /// Reads the next piece on another thread; `None` at the end.
    fn start(mut self) -> Option<JoinHandle<io::Result<(Bytes, Reading)>>> {
        let size = (self.end - self.at).min(CHUNK as u64) as usize;
        if size == 0 {
            return None;
        }
        Some(tokio::task::spawn_blocking(move || {
            let mut piece = buffers::take();
            let part = piece.first(size);
            self.content.read_at(part, self.at)?;
            self.crc.write(part);
            self.at += size as u64;
            if self.at == self.end {
                // Before the last byte is sent, so that nothing of a changed file appears.
                self.content.check_unchanged()?;
            }
            Ok((piece.freeze(size), self))
        }))
    }
}

/// Buffers of one piece each, used again: a fresh one would cost more than the reading.
mod buffers {
    use std::sync::Mutex;

    use bytes::Bytes;

    use crate::transport::CHUNK;

    /// Idle buffers kept, of 256 KiB each.
    const KEPT: usize = 16;

    static IDLE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

    pub(super) struct Buffer {
        bytes: Box<[u8]>,
        used: usize,
    }

    pub(super) fn take() -> Buffer {
        let idle = IDLE.try_lock().ok().and_then(|mut idle| idle.pop());
        Buffer { bytes: idle.unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice()), used: 0 }
    }

    impl Buffer {
        pub(super) fn first(&mut self, size: usize) -> &mut [u8] {
            let size = size.min(self.bytes.len());
            &mut self.bytes[..size]
        }

        pub(super) fn freeze(mut self, size: usize) -> Bytes {
            self.used = size.min(self.bytes.len());
            Bytes::from_owner(self)
        }
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.bytes[..self.used]
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            // A lock that another thread holds, or held when the process was forked, is not waited for.
            if let Ok(mut idle) = IDLE.try_lock()
                && idle.len() < KEPT
            {
                idle.push(std::mem::take(&mut self.bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::{super::meter::Meter, *};
    use crate::context::Progress;

    #[tokio::test]
    async fn a_stretch_is_sent_whole_each_time_it_is_opened() {
        let bytes: Vec<u8> = (0..700_001u32).map(|i| (i ^ (i >> 8)) as u8).collect();
        let content: Arc<dyn Content> = Arc::new(Bytes::from(bytes.clone()));
        let progress = Arc::new(Progress::default());
        let (body, sum) = body(&content, 10..700_000, Meter::new(progress.clone(), 699_990).gauge());
        let mut wanted = Running::new();
        wanted.write(&bytes[10..700_000]);
        for _ in 0..2 {
            let mut stream = (body.open)();
            assert_eq!(sum.get(), None);
            let mut sent = Vec::new();
            while let Some(piece) = stream.try_next().await.expect("a piece") {
                sent.extend_from_slice(&piece);
            }
            assert!(sent == bytes[10..700_000]);
            assert_eq!(sum.get(), Some(wanted.sum()));
        }
        assert_eq!(progress.get(), (699_990, 699_990));
        assert_eq!(checksum(&content, 10..700_000).await.expect("a checksum"), wanted.sum());
    }

    #[test]
    fn a_size_of_nothing_is_not_believed() {
        let opened = |path: &str| content_of(OpenFile::open(Path::new(path)).expect(path)).expect(path);
        let held = fs::read("/proc/version").expect("a file of Linux");
        let content = opened("/proc/version");
        assert_eq!(
            (fs::metadata("/proc/version").expect("it").len(), content.length()),
            (0, held.len() as u64)
        );
        let mut read = vec![0; held.len()];
        content.read_at(&mut read, 0).expect("all of it");
        assert_eq!(read, held);
    }

    #[test]
    fn a_file_that_somebody_begins_to_write_is_not_taken_for_one_without_a_size() {
        let path = std::env::temp_dir().join(format!("bge-{}-begun", std::process::id()));
        fs::write(&path, "").expect("a file");
        let file = OpenFile::open(&path).expect("a file");
        fs::write(&path, "the beginning").expect("its beginning");
        let done = content_of(file);
        fs::remove_file(&path).expect("it");
        let error = done.err().expect("a file that changed");
        assert_eq!(error.status(), crate::Status::Io);
        assert!(error.message().contains("changed while"), "{error}");
    }

    #[test]
    fn only_regular_files_are_opened() {
        let error = OpenFile::open(Path::new("/dev/null")).expect_err("a device");
        assert_eq!(error.status(), crate::Status::Io);
        assert!(error.message().contains("/dev/null"), "{error}");
        assert_eq!(
            OpenFile::open(Path::new("/no/such/file")).expect_err("nothing").status(),
            crate::Status::Io
        );
    }
}
