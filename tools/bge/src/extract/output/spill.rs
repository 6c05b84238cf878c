//! What is more than memory should hold, put aside on disk: in the order of arrival, or of keys.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{extract::place, failure::Failure};

/// So many bytes of entries are sorted in memory at a time.
const RUN: usize = 64 << 20;
/// What a run reads ahead, when they are merged.
const AHEAD: usize = 1 << 18;

/// Entries that are read once, in the order in which they came.
pub struct Spool(BufWriter<File>);

impl Spool {
    pub fn new(target: &Path) -> Result<Self, Failure> {
        Ok(Spool(BufWriter::with_capacity(1 << 16, place::scratch(target)?)))
    }

    pub fn push(&mut self, entry: &[u8]) -> io::Result<()> {
        self.0.write_all(&length(entry)?)?;
        self.0.write_all(entry)
    }

    /// All entries, from the first one.
    pub fn read(self) -> io::Result<Spooled> {
        let mut file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        let end = file.stream_position()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Spooled(BufReader::with_capacity(1 << 16, file).take(end)))
    }
}

/// The entries of a spool.
pub struct Spooled(io::Take<BufReader<File>>);

impl Spooled {
    /// Reads the next entry; false when there is none.
    pub fn next(&mut self, entry: &mut Vec<u8>) -> io::Result<bool> {
        entry.clear();
        if self.0.limit() == 0 {
            return Ok(false);
        }
        let mut head = [0; 4];
        self.0.read_exact(&mut head)?;
        entry.resize(u32::from_le_bytes(head) as usize, 0);
        self.0.read_exact(entry)?;
        Ok(true)
    }
}

fn length(entry: &[u8]) -> io::Result<[u8; 4]> {
    u32::try_from(entry.len()).map(u32::to_le_bytes).map_err(io::Error::other)
}

/// Entries that begin with a key of a fixed length, to be read in the keys' order; those of one key in the order in which
/// they came. Memory holds one run of them, or a piece of each run.
pub struct Sorter {
    target: PathBuf,
    key: usize,
    most: usize,
    bytes: Vec<u8>,
    /// Where each entry is in `bytes`.
    entries: Vec<(usize, usize)>,
    file: Option<File>,
    /// Where each run is in `file`.
    runs: Vec<(u64, u64)>,
}

impl Sorter {
    pub fn new(target: &Path, key: usize) -> Self {
        Sorter {
            target: target.to_owned(),
            key,
            most: RUN,
            bytes: Vec::new(),
            entries: Vec::new(),
            file: None,
            runs: Vec::new(),
        }
    }

    pub fn push(&mut self, entry: &[u8]) -> Result<(), Failure> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(entry);
        self.entries.push((from, self.bytes.len()));
        let held = self.bytes.len() + self.entries.len() * size_of::<(usize, usize)>();
        if held < self.most { Ok(()) } else { self.spill() }
    }

    fn sort(&mut self) {
        let (bytes, key) = (&self.bytes, self.key);
        let key = |&(from, to): &(usize, usize)| bytes.get(from..to.min(from + key)).unwrap_or_default();
        self.entries.sort_by(|one, other| key(one).cmp(key(other)));
    }

    /// Puts the run on disk.
    fn spill(&mut self) -> Result<(), Failure> {
        self.sort();
        let file = match self.file.take() {
            Some(file) => file,
            None => place::scratch(&self.target)?,
        };
        let written = (|| {
            let mut writer = BufWriter::with_capacity(1 << 16, &file);
            let from = writer.stream_position()?;
            for (start, end) in &self.entries {
                let entry = self.bytes.get(*start..*end).unwrap_or_default();
                writer.write_all(&length(entry)?)?;
                writer.write_all(entry)?;
            }
            Ok((from, writer.stream_position()?))
        })();
        self.runs.push(written.map_err(|cause| place::unwritten(&self.target, &cause))?);
        self.file = Some(file);
        self.bytes.clear();
        self.entries.clear();
        Ok(())
    }

    /// All entries, by their keys.
    pub fn read(mut self) -> Result<Sorted, Failure> {
        let mut sorted = Sorted { key: self.key, runs: Vec::new(), heads: BinaryHeap::new() };
        if self.runs.is_empty() {
            self.sort();
            sorted.runs.push(Run::Held { bytes: self.bytes, entries: self.entries.into_iter() });
        } else {
            self.spill()?;
            let unread = |cause| Failure::io("what was put aside cannot be read", &cause);
            for (from, to) in self.runs {
                let file = self.file.as_ref().map(File::try_clone).transpose().map_err(unread)?;
                let Some(file) = file else { continue };
                let piece = Piece { file, at: from, end: to };
                sorted.runs.push(Run::Kept(BufReader::with_capacity(AHEAD, piece)));
            }
        }
        Ok(sorted)
    }
}

/// The entries of a sorter.
pub struct Sorted {
    key: usize,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<Head>>,
}

/// The next entry of a run. Of one key the earlier run's comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    key: Vec<u8>,
    run: usize,
    entry: Vec<u8>,
}

enum Run {
    Held { bytes: Vec<u8>, entries: std::vec::IntoIter<(usize, usize)> },
    Kept(BufReader<Piece>),
}

impl Sorted {
    /// The next entry; `None` when there are no more.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let [Run::Held { bytes, entries }] = self.runs.as_mut_slice() {
            let entry = entries.next().and_then(|(from, to)| bytes.get(from..to));
            return Ok(entry.map(<[u8]>::to_vec));
        }
        if self.heads.is_empty() {
            for run in 0..self.runs.len() {
                self.advance(run)?;
            }
        }
        let Some(Reverse(Head { run, entry, .. })) = self.heads.pop() else { return Ok(None) };
        self.advance(run)?;
        if self.heads.is_empty() {
            self.runs.clear();
        }
        Ok(Some(entry))
    }

    fn advance(&mut self, run: usize) -> io::Result<()> {
        let Some(Run::Kept(reader)) = self.runs.get_mut(run) else { return Ok(()) };
        let mut head = [0; 4];
        match reader.read_exact(&mut head) {
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let mut entry = vec![0; u32::from_le_bytes(head) as usize];
        reader.read_exact(&mut entry)?;
        let key = entry.get(..self.key).unwrap_or(&entry).to_vec();
        self.heads.push(Reverse(Head { key, run, entry }));
        Ok(())
    }
}

/// A part of a file. Several are read side by side.
struct Piece {
    file: File,
    at: u64,
    end: u64,
}

impl Read for Piece {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..left).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test ends at what is not as it should be")]
mod tests {
    use super::*;

    #[test]
    fn entries_come_by_their_keys_whether_they_fit_into_memory_or_not() {
        for most in [RUN, 1 << 10, 1] {
            let mut sorter = Sorter::new(Path::new("/dev/null"), 2);
            sorter.most = most;
            let mut wanted = Vec::new();
            for number in 0..3_000_u32 {
                let key = u16::try_from(number * 7 % 311).expect("a small number");
                let entry = [&key.to_be_bytes()[..], format!("entry {number}").as_bytes()].concat();
                wanted.push((key, number, entry.clone()));
                sorter.push(&entry).expect("a place");
            }
            assert_eq!(sorter.runs.len() > 1, most < RUN);
            wanted.sort();
            let mut sorted = sorter.read().expect("what was put aside");
            for (_, _, entry) in wanted {
                assert_eq!(sorted.next().expect("no failure"), Some(entry));
            }
            assert_eq!(sorted.next().expect("no failure"), None);
            assert_eq!(sorted.next().expect("no failure"), None);
        }
    }

    #[test]
    fn a_spool_gives_back_what_it_was_given() {
        let mut spool = Spool::new(Path::new("/dev/null")).expect("a place");
        for number in 0..1_000 {
            spool.push("x".repeat(number).as_bytes()).expect("room");
        }
        let (mut spooled, mut entry) = (spool.read().expect("a file"), Vec::new());
        for number in 0..1_000 {
            assert!(spooled.next(&mut entry).expect("no failure") && entry.len() == number);
        }
        assert!(!spooled.next(&mut entry).expect("no failure"));
    }
}
