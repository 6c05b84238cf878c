//! The pages of finished samples on disk, as the raw JSON that they came as: a run that was ended takes them up again.
//!
//! One gzip file for each sample and request; in it, for each page, its length in bytes as a line of digits, the page,
//! a line's end; then `end` and the number of pages. A file appears under its name only when it is whole.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result, Status},
    platform::{args::Args, endpoint::Endpoint},
    sys::process_id,
};

/// An unfinished file that nobody has written to for so long is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(3600);
const UNFINISHED: &str = "part";

/// Where the pages of one request are kept. What they are depends on the platform's address, the call and all of its
/// arguments.
pub(super) fn place(folder: &Path, address: &str, endpoint: &Endpoint, args: &Args, sample: &str) -> PathBuf {
    let mut names: Vec<&str> = args.names().collect();
    names.sort_unstable();
    let mut hash = Sha256::new();
    for part in [address, endpoint.name] {
        hash.update(part);
        hash.update([0]);
    }
    for name in names {
        hash.update(name);
        hash.update([b'=']);
        hash.update(args.get(name).unwrap_or_default());
        hash.update([0]);
    }
    let key: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let shown: String = sample.chars().filter(plain).take(60).collect();
    folder.join(format!("{}.{shown}.{key}.gz", endpoint.name))
}

/// Makes the folder, and takes away what ended runs left unfinished in it.
pub(super) fn prepare(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let unusable = |cause: &io::Error| {
        Error::io(format!("the checkpoint folder cannot be used: {}", folder.display()), cause)
    };
    builder.create(folder).map_err(|cause| unusable(&cause))?;
    for entry in fs::read_dir(folder).map_err(|cause| unusable(&cause))?.flatten() {
        let path = entry.path();
        let old = entry
            .metadata()
            .and_then(|about| about.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
        if old && path.extension().is_some_and(|extension| extension == UNFINISHED) {
            // Somebody else may have been faster.
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

/// The pages of a finished sample.
pub(super) struct CachedPages(BufReader<GzDecoder<BufReader<File>>>);

impl CachedPages {
    /// The pages under this name, if they are there and whole.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let mut all = Self::begin(path).ok()?;
        let mut pages = 0;
        loop {
            match all.length().ok()? {
                Line::Page(length) => {
                    let mut page = (&mut all.0).take(length);
                    if io::copy(&mut page, &mut io::sink()).ok()? != length {
                        return None;
                    }
                    all.line_end().ok()?;
                    pages += 1;
                }
                Line::End(number) if number == pages => break,
                Line::End(_) => return None,
            }
        }
        // The checksum stands behind the last byte.
        let rest = io::copy(&mut all.0, &mut io::sink()).ok()?;
        if rest == 0 { Self::begin(path).ok() } else { None }
    }

    fn begin(path: &Path) -> io::Result<Self> {
        Ok(CachedPages(BufReader::new(GzDecoder::new(BufReader::new(File::open(path)?)))))
    }

    /// The next page; `None` at the end.
    pub(super) fn page(&mut self) -> Result<Option<String>> {
        self.read().map_err(|cause| {
            Error::new(Status::Integrity, "a checkpoint changed while it was read").with_cause(cause)
        })
    }

    fn read(&mut self) -> io::Result<Option<String>> {
        let Line::Page(length) = self.length()? else { return Ok(None) };
        let mut page = String::new();
        (&mut self.0).take(length).read_to_string(&mut page)?;
        self.line_end()?;
        if page.len() as u64 == length { Ok(Some(page)) } else { Err(broken()) }
    }

    fn length(&mut self) -> io::Result<Line> {
        let mut line = String::new();
        (&mut self.0).take(40).read_line(&mut line)?;
        let line = line.strip_suffix('\n').ok_or_else(broken)?;
        let (end, digits) = match line.strip_prefix("end ") {
            Some(digits) => (true, digits),
            None => (false, line),
        };
        let number = digits.parse().map_err(|_| broken())?;
        Ok(if end { Line::End(number) } else { Line::Page(number) })
    }

    fn line_end(&mut self) -> io::Result<()> {
        let mut end = [0];
        self.0.read_exact(&mut end)?;
        if end == *b"\n" { Ok(()) } else { Err(broken()) }
    }
}

enum Line {
    Page(u64),
    End(u64),
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not the pages of a sample")
}

/// The pages of a sample that is being fetched.
pub(super) struct PageCacheWriter {
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<GzEncoder<BufWriter<File>>>,
    pages: u64,
    maker: u32,
}

impl PageCacheWriter {
    pub(super) fn begin(path: PathBuf) -> Result<Self> {
        let unique = format!("{}-{:08x}.{UNFINISHED}", process_id(), fastrand::u32(..));
        let unfinished = path.with_extension(unique);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&unfinished).map_err(|cause| unwritten(&unfinished, &cause))?;
        let file = Some(GzEncoder::new(BufWriter::new(file), Compression::fast()));
        Ok(PageCacheWriter { path, unfinished, file, pages: 0, maker: process_id() })
    }

    pub(super) fn add(&mut self, page: &str) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.pages += 1;
        writeln!(file, "{}\n{page}", page.len()).map_err(|cause| unwritten(&self.unfinished, &cause))
    }

    /// All pages are there: gives the file its name.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        writeln!(file, "end {}", self.pages)
            .and_then(|()| file.finish())
            .and_then(|mut file| file.flush())
            .and_then(|()| fs::rename(&self.unfinished, &self.path))
            .map_err(|cause| unwritten(&self.path, &cause))
    }
}

impl Drop for PageCacheWriter {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            if self.maker == process_id() {
                // Without it the folder only keeps a file that nobody looks at.
                let _ = fs::remove_file(&self.unfinished);
            } else {
                // The parent's: nothing of it may be written here.
                std::mem::forget(file);
            }
        }
    }
}

fn unwritten(path: &Path, cause: &io::Error) -> Error {
    Error::io(format!("the checkpoint cannot be written: {}", path.display()), cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::endpoint;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("bge-checkpoint-{:x}", fastrand::u64(..)));
            prepare(&path).expect("a folder");
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn stored(path: &Path) -> Option<Vec<String>> {
        let mut stored = CachedPages::open(path)?;
        let mut pages = Vec::new();
        while let Some(page) = stored.page().expect("a whole file") {
            pages.push(page);
        }
        Some(pages)
    }

    #[test]
    fn pages_come_back_as_they_were_and_only_when_all_are_there() {
        let folder = Folder::new();
        let path = folder.0.join("a.gz");
        let pages = ["{\"a\": \"李\\n\"}\n", "", "12\nend 1\n"];
        let mut storing = PageCacheWriter::begin(path.clone()).expect("a file");
        for page in pages {
            storing.add(page).expect("written");
        }
        assert!(stored(&path).is_none(), "it has its name too early");
        storing.finish().expect("named");
        assert_eq!(stored(&path).expect("whole"), pages);

        let whole = fs::read(&path).expect("a file");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("written");
            assert!(stored(&path).is_none(), "{length} of {} bytes", whole.len());
        }
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x10;
        fs::write(&path, changed).expect("written");
        assert!(stored(&path).is_none(), "a changed bit");
    }

    #[test]
    fn what_was_not_finished_leaves_nothing() {
        let folder = Folder::new();
        let mut storing = PageCacheWriter::begin(folder.0.join("a.gz")).expect("a file");
        storing.add("{}").expect("written");
        drop(storing);
        assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 0);
    }

    #[test]
    fn another_request_has_another_place() {
        let folder = Path::new("f");
        let endpoint = endpoint::find("get_taxon_abundance").expect("in the table");
        let at = |address: &str, args: &str| {
            place(folder, address, endpoint, &Args::parse(args).expect(args), "E-F1/..")
        };
        let first = at("https://a.example/", r#"{"limit": 5, "taxon_ids": "BT1"}"#);
        assert_eq!(
            first,
            at("https://a.example/", r#"{"taxon_ids": "BT1", "limit": 5, "$": {"timeout": 3}}"#)
        );
        assert_ne!(first, at("https://b.example/", r#"{"limit": 5, "taxon_ids": "BT1"}"#));
        assert_ne!(first, at("https://a.example/", r#"{"limit": 6, "taxon_ids": "BT1"}"#));
        assert_eq!(first.parent(), Some(folder));
    }
}
