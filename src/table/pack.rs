//! Pages on disk, as the raw JSON that they came as, in files that only grow: many samples to a file.
//!
//! A pack begins with its form and the digest of whose pages it holds. Records follow: a head of 48 bytes (mark, kind, the
//! request's key, bytes stored, bytes when inflated, CRC-32 of what is stored), then that many bytes, deflated. A page is
//! one record; when all pages of a request are there, a record of their places follows, and only then do they count. A pack
//! that was closed in order ends with an index of those; of one that was not, the heads are read instead. Whatever is torn,
//! changed or of another form is as good as not there.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use flate2::{Compress, Compression, FlushCompress, Status, read::DeflateDecoder};

use crate::{disk::private, sys::process_id};

/// The first line of every pack.
const FORM: &[u8] = b"bge-pages-2\n";
const DIGEST: usize = 40;
const MARK: [u8; 4] = *b"bgeP";
const HEAD: usize = 48;
/// The last bytes of a pack that was closed in order: where its index is, and this.
const CLOSED: &[u8; 8] = b"bge-indx";
/// No page is longer, and no index.
const LONGEST: u64 = 1 << 30;

/// By what the pages of one request are known again.
pub(super) type Key = [u8; 16];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page = 1,
    End = 2,
    Index = 3,
}

/// A record that may be added to any pack.
pub(super) struct Record(Vec<u8>);

impl Record {
    pub(super) fn page(key: &Key, json: &str) -> io::Result<Self> {
        Self::new(Kind::Page, key, json.as_bytes())
    }

    fn new(kind: Kind, key: &Key, content: &[u8]) -> io::Result<Self> {
        let mut bytes = vec![0; HEAD];
        deflate(content, &mut bytes)?;
        let stored = (bytes.len() - HEAD) as u64;
        let sum = crc32fast::hash(&bytes[HEAD..]);
        let mut head = Vec::with_capacity(HEAD);
        head.extend(MARK);
        head.extend((kind as u32).to_le_bytes());
        head.extend(key);
        head.extend(stored.to_le_bytes());
        head.extend((content.len() as u64).to_le_bytes());
        head.extend(sum.to_le_bytes());
        head.extend(crc32fast::hash(&head).to_le_bytes());
        bytes[..HEAD].copy_from_slice(&head);
        Ok(Record(bytes))
    }
}

thread_local! {
    /// A third of a megabyte, which a small page would pay for each time.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

fn deflate(content: &[u8], bytes: &mut Vec<u8>) -> io::Result<()> {
    DEFLATE.with_borrow_mut(|packing| {
        packing.reset();
        loop {
            bytes.reserve(content.len() / 4 + 64);
            let rest = content.get(packing.total_in() as usize..).unwrap_or_default();
            match packing.compress_vec(rest, bytes, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) => {}
                Err(cause) => return Err(io::Error::other(cause)),
            }
        }
    })
}

/// A record's head, as far as it is right.
struct Head {
    kind: u32,
    key: Key,
    stored: u64,
    plain: u64,
    sum: u32,
}

impl Head {
    fn read(file: &File, at: u64) -> io::Result<Self> {
        let mut head = [0; HEAD];
        file.read_exact_at(&mut head, at)?;
        let number = |from: usize| u64::from_le_bytes(std::array::from_fn(|index| head[from + index]));
        let word = |from: usize| u32::from_le_bytes(std::array::from_fn(|index| head[from + index]));
        if head[..4] != MARK || word(44) != crc32fast::hash(&head[..44]) {
            return Err(broken());
        }
        let key = std::array::from_fn(|index| head[8 + index]);
        let head = Head { kind: word(4), key, stored: number(24), plain: number(32), sum: word(40) };
        if head.stored > LONGEST || head.plain > LONGEST { Err(broken()) } else { Ok(head) }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a pack of pages")
}

/// A pack that is read.
#[derive(Clone)]
pub(super) struct Pack(Arc<File>);

impl Pack {
    /// What stands at `at`; nothing is believed that its sums do not vouch for.
    fn record(&self, kind: Kind, key: &Key, at: u64) -> io::Result<Vec<u8>> {
        let (head, stored) = self.stored(kind, key, at)?;
        let mut content = Vec::new();
        // Grows with what is really there: a head may promise anything.
        DeflateDecoder::new(stored.as_slice()).take(head.plain + 1).read_to_end(&mut content)?;
        if content.len() as u64 == head.plain { Ok(content) } else { Err(broken()) }
    }

    fn stored(&self, kind: Kind, key: &Key, at: u64) -> io::Result<(Head, Vec<u8>)> {
        let head = Head::read(&self.0, at)?;
        let left = self.0.metadata()?.len().saturating_sub(at + HEAD as u64);
        if head.kind != kind as u32 || head.key != *key || head.stored > left {
            return Err(broken());
        }
        let mut stored = vec![0; usize::try_from(head.stored).map_err(|_| broken())?];
        self.0.read_exact_at(&mut stored, at + HEAD as u64)?;
        if crc32fast::hash(&stored) == head.sum { Ok((head, stored)) } else { Err(broken()) }
    }

    /// The page at `at`.
    pub(super) fn page(&self, key: &Key, at: u64) -> io::Result<String> {
        String::from_utf8(self.record(Kind::Page, key, at)?).map_err(|_| broken())
    }

    /// The places of a request's pages, by the record at `at`, when every one of them is whole.
    pub(super) fn pages(&self, key: &Key, at: u64) -> io::Result<Vec<u64>> {
        let places = places(&self.record(Kind::End, key, at)?)?;
        places.iter().try_for_each(|at| self.stored(Kind::Page, key, *at).map(drop))?;
        Ok(places)
    }

    /// Opens a pack of this owner's.
    pub(super) fn open(path: &Path, digest: &str) -> io::Result<Option<Self>> {
        let Some(file) = private::open_own(path)? else { return Ok(None) };
        let mut form = vec![0; FORM.len() + DIGEST];
        file.read_exact_at(&mut form, 0)?;
        if !form.starts_with(FORM) || &form[FORM.len()..] != digest.as_bytes() {
            return Ok(None);
        }
        Ok(Some(Pack(Arc::new(file))))
    }

    /// Where the requests that are all there end.
    pub(super) fn ends(&self) -> HashMap<Key, u64> {
        self.index().unwrap_or_else(|_| self.scan())
    }

    fn index(&self) -> io::Result<HashMap<Key, u64>> {
        let mut tail = [0; 16];
        let end = self.0.metadata()?.len().checked_sub(16).ok_or_else(broken)?;
        self.0.read_exact_at(&mut tail, end)?;
        let (at, closed) = tail.split_at(8);
        if closed != CLOSED {
            return Err(broken());
        }
        let at = u64::from_le_bytes(at.try_into().map_err(|_| broken())?);
        let index = self.record(Kind::Index, &Key::default(), at)?;
        if index.len() % 24 != 0 {
            return Err(broken());
        }
        let entry = |entry: &[u8]| {
            let (key, at) = entry.split_at(16);
            let key = key.try_into().map_err(|_| broken())?;
            Ok((key, u64::from_le_bytes(at.try_into().map_err(|_| broken())?)))
        };
        index.chunks_exact(24).map(entry).collect()
    }

    /// The same from the heads, as far as they are right.
    fn scan(&self) -> HashMap<Key, u64> {
        let (mut ends, mut at) = (HashMap::new(), (FORM.len() + DIGEST) as u64);
        let length = self.0.metadata().map_or(0, |about| about.len());
        while let Ok(head) = Head::read(&self.0, at) {
            let next = at + HEAD as u64 + head.stored;
            if next > length {
                break;
            }
            if head.kind == Kind::End as u32 {
                ends.insert(head.key, at);
            }
            at = next;
        }
        ends
    }
}

fn places(content: &[u8]) -> io::Result<Vec<u64>> {
    if !content.len().is_multiple_of(8) {
        return Err(broken());
    }
    let place = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).map_err(|_| broken());
    content.chunks_exact(8).map(place).collect()
}

/// A pack that grows. It belongs to the process that began it.
pub(super) struct PackWriter {
    pack: Pack,
    end: u64,
    ends: Vec<(Key, u64)>,
    /// Whether anybody will open it later.
    is_named: bool,
    maker: u32,
}

impl PackWriter {
    /// A new pack under a name.
    pub(super) fn create(path: &Path, digest: &str) -> io::Result<Self> {
        Self::begin(private::create_new(path)?, digest, true)
    }

    /// A pack without a name, for what does not fit into memory: it goes away with the process, however that ends.
    pub(super) fn unnamed(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!(".bge-{:016x}.tmp", fastrand::u64(..)));
        let file = private::create_new(&path)?;
        std::fs::remove_file(&path)?;
        Self::begin(file, &"0".repeat(DIGEST), false)
    }

    fn begin(file: File, digest: &str, is_named: bool) -> io::Result<Self> {
        let form = [FORM, digest.as_bytes()].concat();
        file.write_all_at(&form, 0)?;
        let end = form.len() as u64;
        Ok(PackWriter { pack: Pack(Arc::new(file)), end, ends: Vec::new(), is_named, maker: process_id() })
    }

    /// What has been added so far can be read from it.
    pub(super) fn pack(&self) -> Pack {
        self.pack.clone()
    }

    /// Adds a record; its offset.
    pub(super) fn add(&mut self, record: &Record) -> io::Result<u64> {
        if self.maker != process_id() {
            return Err(io::Error::other("the pack belongs to the process that began it"));
        }
        let at = self.end;
        if let Err(cause) = self.pack.0.write_all_at(&record.0, at) {
            // What is torn is cut off again.
            let _ = self.pack.0.set_len(at);
            return Err(cause);
        }
        self.end += record.0.len() as u64;
        Ok(at)
    }

    /// All pages of a request are there.
    pub(super) fn end(&mut self, key: &Key, pages: &[u64]) -> io::Result<()> {
        let places: Vec<u8> = pages.iter().flat_map(|at| at.to_le_bytes()).collect();
        let at = self.add(&Record::new(Kind::End, key, &places)?)?;
        self.ends.push((*key, at));
        Ok(())
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        if !self.is_named || self.maker != process_id() {
            return;
        }
        let index: Vec<u8> =
            self.ends.iter().flat_map(|(key, at)| key.iter().copied().chain(at.to_le_bytes())).collect();
        // Without it the next run reads the heads.
        let at = Record::new(Kind::Index, &Key::default(), &index).and_then(|record| self.add(&record));
        if let Ok(at) = at {
            let tail = [at.to_le_bytes(), *CLOSED].concat();
            if self.pack.0.write_all_at(&tail, self.end).is_err() {
                let _ = self.pack.0.set_len(self.end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::disk::scratch::Scratch;

    const WHO: &str = "0123456789012345678901234567890123456789";
    const PAGES: [&str; 3] = ["{\"a\": \"李\\n\"}\n", "", "[\"b\"]"];

    fn key(number: u8) -> Key {
        [number; 16]
    }

    /// A pack with two requests, and one that is not all there.
    fn fill(path: &Path) -> PackWriter {
        let mut writer = PackWriter::create(path, WHO).expect("a pack");
        for request in [1, 2, 3] {
            let add = |page: &&str| writer.add(&Record::page(&key(request), page).expect("a record"));
            let places: Vec<u64> = PAGES.iter().map(add).collect::<io::Result<_>>().expect("added");
            if request != 2 {
                writer.end(&key(request), &places).expect("ended");
            }
        }
        writer
    }

    fn read(path: &Path, request: u8) -> Option<Vec<String>> {
        let pack = Pack::open(path, WHO).ok().flatten()?;
        let pages = pack.pages(&key(request), *pack.ends().get(&key(request))?).ok()?;
        pages.iter().map(|at| pack.page(&key(request), *at).ok()).collect()
    }

    #[test]
    fn pages_come_back_as_they_were_and_only_when_all_are_there() {
        let folder = Scratch::new();
        let path = folder.path("a");
        for closed in [true, false] {
            let writer = fill(&path);
            let length = fs::metadata(&path).expect("a file").len();
            drop(writer);
            if !closed {
                File::options().write(true).open(&path).expect("a file").set_len(length).expect("cut");
            }
            let ends = Pack::open(&path, WHO).expect("read").expect("a pack").ends();
            assert_eq!(ends.len(), 2, "closed: {closed}");
            assert_eq!(read(&path, 1).as_deref(), Some(&PAGES.map(str::to_owned)[..]));
            assert_eq!(read(&path, 3).as_deref(), Some(&PAGES.map(str::to_owned)[..]));
            assert_eq!(read(&path, 2), None);
            assert!(Pack::open(&path, &WHO.replace('0', "a")).expect("read").is_none(), "somebody else's");
            fs::remove_file(&path).expect("removed");
        }
    }

    #[test]
    fn whatever_is_torn_or_changed_is_not_there() {
        let folder = Scratch::new();
        let path = folder.path("a");
        drop(fill(&path));
        let whole = fs::read(&path).expect("a file");
        let good = PAGES.map(str::to_owned).to_vec();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("written");
            for request in [1, 3] {
                assert!(read(&path, request).is_none_or(|pages| pages == good), "{length} bytes");
            }
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            fs::write(&path, changed).expect("written");
            for request in [1, 3] {
                assert!(read(&path, request).is_none_or(|pages| pages == good), "byte {at}");
            }
        }
    }

    #[test]
    fn a_crafted_length_allocates_nothing() {
        let folder = Scratch::new();
        let path = folder.path("a");
        drop(fill(&path));
        let mut bytes = fs::read(&path).expect("a file");
        let at = FORM.len() + DIGEST;
        for (from, value) in [(24, LONGEST - 1), (24, u64::MAX), (32, LONGEST - 1), (32, u64::MAX)] {
            let mut head = bytes[at..at + HEAD].to_vec();
            head[from..from + 8].copy_from_slice(&value.to_le_bytes());
            let sum = crc32fast::hash(&head[..44]).to_le_bytes();
            head[44..].copy_from_slice(&sum);
            bytes[at..at + HEAD].copy_from_slice(&head);
            fs::write(&path, &bytes).expect("written");
            assert_eq!(read(&path, 1), None);
        }
    }

    #[test]
    fn a_pack_without_a_name_leaves_nothing_behind() {
        let folder = Scratch::new();
        let mut writer = PackWriter::unnamed(&folder.path("")).expect("a pack");
        assert_eq!(fs::read_dir(folder.path("")).expect("a folder").count(), 0);
        let at = writer.add(&Record::page(&key(7), "{}").expect("a record")).expect("added");
        assert_eq!(writer.pack().page(&key(7), at).expect("a page"), "{}");
    }
}
