//! An append-only record: what was done is added at the end, and nothing before it is ever written again.
//!
//! One line for each record: its CRC-32 in eight hexadecimal digits, a space, the record as JSON. The first line says
//! whose the journal is. A line that is not whole, as a crash may leave one, ends what is believed; it is cut off before
//! the next record is added.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    lock::{self, Held},
    owner::Owner,
    private,
};

/// No journal is longer; a crafted one cannot make us read more.
const LONGEST: u64 = 64 << 20;
/// No record is longer.
const LONGEST_LINE: u64 = 64 << 10;

/// A journal that records are added to.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Held,
}

impl Journal {
    /// Opens the journal at `path` for this owner, or begins one; gives the records that are there. One of another
    /// owner, or of another form, is begun anew. An error of the kind `WouldBlock`: somebody else writes it.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path, owner: &Owner) -> io::Result<(Self, Vec<T>)> {
        let busy = || io::Error::new(io::ErrorKind::WouldBlock, "somebody else is writing it");
        let file = lock::hold(path)?.ok_or_else(busy)?;
        let mut journal = Journal { path: path.to_owned(), file };
        let (records, good) = read(journal.file.file(), owner)?;
        journal.file.file().set_len(good)?;
        journal.file.file().seek(SeekFrom::End(0))?;
        if good == 0 {
            journal.append(owner)?;
        }
        Ok((journal, records))
    }

    /// Adds a record. Only its own bytes are written.
    pub(crate) fn append(&mut self, record: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(record)?;
        let line = format!("{:08x} {json}\n", crc32(json.as_bytes()));
        if line.len() as u64 > LONGEST_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the record is too long"));
        }
        self.file.file().write_all(line.as_bytes())
    }

    /// Begins anew, for the same owner.
    pub(crate) fn clear(&mut self, owner: &Owner) -> io::Result<()> {
        self.file.file().set_len(0)?;
        self.file.file().rewind()?;
        self.append(owner)
    }

    /// What it recorded is over.
    pub(crate) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The journal's records without opening it for writing, whoever it belongs to. `None` where there is none.
pub(crate) fn peek<T: DeserializeOwned>(path: &Path) -> io::Result<Option<(Owner, Vec<T>)>> {
    let Some(bytes) = private::read_own(path, LONGEST)? else { return Ok(None) };
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let owner = lines.next().and_then(parse::<Owner>);
    Ok(owner.map(|owner| (owner, lines.map_while(parse).collect())))
}

/// The records that are whole, and how many bytes hold them.
fn read<T: DeserializeOwned>(file: &File, owner: &Owner) -> io::Result<(Vec<T>, u64)> {
    let mut lines = BufReader::new(file.take(LONGEST));
    let (mut records, mut good, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
        if good == 0 {
            if parse::<Owner>(&line).as_ref() != Some(owner) {
                return Ok((Vec::new(), 0));
            }
        } else {
            let Some(record) = parse(&line) else { return Ok((records, good)) };
            records.push(record);
        }
        good += length;
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, json) = line.split_once(' ')?;
    let is_good = sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == crc32(json.as_bytes());
    if is_good { serde_json::from_str(json).ok() } else { None }
}

fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::scratch::Scratch;

    fn owner(account: &str) -> Owner {
        Owner { address: "https://a/".into(), account: account.into(), call: "c".into(), arguments: vec![] }
    }

    fn open(path: &Path, account: &str) -> (Journal, Vec<u64>) {
        Journal::open(path, &owner(account)).expect("a journal")
    }

    #[test]
    fn records_come_back_in_their_order() {
        let folder = Scratch::new();
        let path = folder.path("j");
        let (mut journal, records) = open(&path, "me");
        assert!(records.is_empty());
        (0..1000u64).for_each(|n| journal.append(&n).expect("added"));
        assert_eq!(
            Journal::open::<u64>(&path, &owner("me")).expect_err("in use").kind(),
            io::ErrorKind::WouldBlock
        );
        drop(journal);
        assert_eq!(open(&path, "me").1, Vec::from_iter(0..1000));
        assert_eq!(peek::<u64>(&path).expect("read").expect("there").0, owner("me"));
        assert!(open(&path, "somebody else").1.is_empty());
        assert!(open(&path, "me").1.is_empty(), "the other one began it anew");
    }

    #[test]
    fn a_torn_or_changed_line_ends_what_is_believed() {
        let folder = Scratch::new();
        let path = folder.path("j");
        let (mut journal, _) = open(&path, "me");
        [7, 8, 9].iter().for_each(|n: &u64| journal.append(n).expect("added"));
        drop(journal);
        let whole = fs::read(&path).expect("a file");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("written");
            let (mut journal, records) = open(&path, "me");
            assert!([7u64, 8, 9].starts_with(&records) && records.len() < 3, "{length}: {records:?}");
            journal.append(&10u64).expect("added");
            drop(journal);
            assert_eq!(open(&path, "me").1, [&records[..], &[10]].concat(), "{length}");
        }
        let mut changed = whole.clone();
        let at = whole.len() - 3;
        changed[at] ^= 1;
        fs::write(&path, changed).expect("written");
        assert_eq!(open(&path, "me").1, [7, 8]);
    }

    #[test]
    fn one_that_was_removed_meanwhile_is_not_taken_for_the_one_that_is_there() {
        use std::{
            os::unix::fs::MetadataExt,
            sync::atomic::{AtomicBool, Ordering},
        };
        let folder = Scratch::new();
        let path = folder.path("j");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        if let Ok((journal, _)) = Journal::open::<u64>(&path, &owner("me")) {
                            journal.remove();
                        }
                    }
                });
            }
            let opened = (0..20_000).filter_map(|_| Journal::open::<u64>(&path, &owner("me")).ok());
            let lost = opened.filter(|(journal, _)| {
                let named = fs::metadata(&path).map(|there| there.ino()).ok();
                journal.file.file().metadata().map(|here| here.ino()).ok() != named
            });
            let lost = lost.count();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(lost, 0, "journals without a name");
        });
    }
}
