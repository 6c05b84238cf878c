//! The pages of finished requests, kept in a folder: a run that was ended takes them up again. And a place on disk for
//! what does not fit into memory.
//!
//! `checkpoint_dir` holds a folder for each owner (address, account, call), and in it a few packs: each run adds one of its
//! own when it has something to keep, and reads all of them. Nothing in any folder is ever taken away. What cannot be kept
//! is logged, and the run goes on without.

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sha2::{Digest, Sha256};

use super::pack::{Key, Pack, PackWriter, Record};
use crate::{
    disk::{owner::Owner, private},
    error::{Error, Result, Status},
    log::Level,
    platform::{args::Args, endpoint::Endpoint, session::Session},
    sys,
};

const ENDING: &str = "pages";

/// By what the pages of one request are known again: the call and all of its arguments.
pub(super) fn key(endpoint: &Endpoint, args: &Args) -> Key {
    let mut names: Vec<&str> = args.names().collect();
    names.sort_unstable();
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(endpoint.name);
    for name in names {
        add(name);
        add(args.get(name).unwrap_or_default());
    }
    let digest = hash.finalize();
    std::array::from_fn(|index| digest[index])
}

/// Packs that pages are added to and read from.
pub(super) struct PageCache {
    keeps: Option<Keeps>,
    writing: Mutex<Writing>,
    /// The same as `Writing::Never`, for those who must not wait for the disk.
    is_over: AtomicBool,
    session: Session,
}

/// The folder of an owner, and what was in it.
struct Keeps {
    folder: PathBuf,
    digest: String,
    /// How often the client had become another account when the folder was opened.
    changes: u64,
    /// Opened when a page of theirs is read: a folder may have any number of them.
    packs: Vec<PathBuf>,
    ends: HashMap<Key, (u32, u64)>,
}

enum Writing {
    NotYet,
    Pack(Box<PackWriter>),
    /// It could not be written, or nobody wants to any more.
    Never,
}

impl PageCache {
    /// Nothing is kept; there is only room for what does not fit into memory.
    pub(super) fn unnamed(session: &Session) -> Self {
        Self::with(None, Writing::NotYet, session)
    }

    fn with(keeps: Option<Keeps>, writing: Writing, session: &Session) -> Self {
        let is_over = AtomicBool::new(matches!(writing, Writing::Never));
        PageCache { keeps, writing: Mutex::new(writing), is_over, session: session.clone() }
    }

    /// What `folder` holds of this client's pages of the call.
    pub(super) fn open(session: &Session, endpoint: &Endpoint, folder: &Path) -> Result<Self> {
        let changes = session.account_changes();
        let owner = Owner {
            address: session.transport().options().endpoint.to_string(),
            account: session.account(),
            call: endpoint.name.to_owned(),
            arguments: Vec::new(),
        };
        let digest = owner.digest();
        let own = folder.join(format!("{}.{digest}", endpoint.name));
        let mut writing = Writing::NotYet;
        if let Err(cause) = private::folder(&own).and_then(|()| is_ours(&own)) {
            if !is_full(&cause) {
                let what = format!("the checkpoint folder cannot be used: {}", folder.display());
                return Err(Error::io(what, &cause));
            }
            let message = || format!("nothing is kept in {}: {cause}", folder.display());
            session.transport().log().write(Level::Error, message);
            writing = Writing::Never;
        }
        let mut keeps = Keeps { folder: own, digest, changes, packs: Vec::new(), ends: HashMap::new() };
        keeps.read();
        Ok(Self::with(Some(keeps), writing, session))
    }

    /// Whether finished pages stay after the run.
    pub(super) fn keeps(&self) -> bool {
        self.keeps.is_some()
    }

    /// Whether pages can be put on disk, as far as is known.
    pub(super) fn is_writable(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// The pages of a finished request, if all of them are whole.
    pub(super) fn find(&self, key: Key) -> Option<CachedPages> {
        let keeps = self.keeps.as_ref()?;
        let (pack, at) = keeps.ends.get(&key)?;
        let path = keeps.packs.get(*pack as usize)?;
        let gone = || io::Error::new(io::ErrorKind::NotFound, "their file is not there any more");
        let opened = Pack::open(path, &keeps.digest).and_then(|pack| pack.ok_or_else(gone));
        match opened.and_then(|pack| Ok((pack.pages(&key, *at)?, pack))) {
            Ok((places, pack)) => Some(CachedPages { pack, key, places: places.into() }),
            Err(cause) => {
                self.log(Level::Info, || format!("kept pages are damaged and fetched again: {cause}"));
                None
            }
        }
    }

    /// Adds a page; `None` where it cannot be kept.
    pub(super) fn add(&self, key: &Key, json: &str) -> Option<StoredPage> {
        let record = Record::page(key, json).ok()?;
        let (pack, at) = self.write(|writer| Ok((writer.pack(), writer.add(&record)?)))?;
        Some(StoredPage { pack, key: *key, at })
    }

    /// All pages of a request are there. They are kept for the account that the folder is opened for only: a client's
    /// token may have been swapped meanwhile.
    pub(super) fn end(&self, key: &Key, pages: &[StoredPage]) {
        let opened_for = self.keeps.as_ref().map(|keeps| keeps.changes);
        if opened_for.is_some_and(|changes| changes != self.session.account_changes()) {
            return self.log(Level::Info, || "pages of another token's account are not kept".to_owned());
        }
        let places: Vec<u64> = pages.iter().map(|page| page.at).collect();
        self.write(|writer| writer.end(key, &places));
    }

    /// Nothing more is added: what was is found quickly by the next run.
    pub(super) fn close(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner) = Writing::Never;
    }

    fn write<T>(&self, work: impl FnOnce(&mut PackWriter) -> io::Result<T>) -> Option<T> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match &mut *writing {
            Writing::Never => return None,
            Writing::Pack(writer) => work(writer),
            Writing::NotYet => self.begin().and_then(|mut writer| {
                let done = work(&mut writer);
                *writing = Writing::Pack(Box::new(writer));
                done
            }),
        };
        outcome
            .map_err(|cause| {
                self.log(Level::Error, || format!("pages are no longer kept on disk: {cause}"));
                // What was written stays readable as long as somebody has it.
                self.is_over.store(true, Ordering::Relaxed);
                *writing = Writing::Never;
            })
            .ok()
    }

    fn log(&self, level: Level, message: impl FnOnce() -> String) {
        self.session.transport().log().write(level, message);
    }

    fn begin(&self) -> io::Result<PackWriter> {
        match &self.keeps {
            None => PackWriter::unnamed(&std::env::temp_dir()),
            Some(keeps) => {
                let name = format!("{:016x}.{ENDING}", fastrand::u64(..));
                PackWriter::create(&keeps.folder.join(name), &keeps.digest)
            }
        }
    }
}

impl Keeps {
    fn read(&mut self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        paths.sort();
        for path in paths {
            // Somebody else's, or of another form: not used, and not touched.
            let Ok(Some(pack)) = Pack::open(&path, &self.digest) else { continue };
            let ends = pack.ends();
            if ends.is_empty() {
                continue;
            }
            let number = self.packs.len() as u32;
            self.packs.push(path);
            self.ends.extend(ends.into_iter().map(|(key, at)| (key, (number, at))));
        }
    }
}

/// A folder of this user's, and no link to another one.
fn is_ours(folder: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(folder)?;
    if about.is_dir() && about.uid() == sys::user_id() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the folder in it belongs to another user, or is a link",
    ))
}

/// No room is no reason to end what goes on without.
fn is_full(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// A page on disk.
#[derive(Clone)]
pub(super) struct StoredPage {
    pack: Pack,
    key: Key,
    at: u64,
}

impl StoredPage {
    pub(super) fn read(&self) -> Result<String> {
        self.pack.page(&self.key, self.at).map_err(|cause| changed(&cause))
    }
}

/// The pages of a finished request, one after the other.
pub(super) struct CachedPages {
    pack: Pack,
    key: Key,
    places: VecDeque<u64>,
}

impl CachedPages {
    /// The next page; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(String, StoredPage)>> {
        let Some(at) = self.places.pop_front() else { return Ok(None) };
        let stored = StoredPage { pack: self.pack.clone(), key: self.key, at };
        Ok(Some((stored.read()?, stored)))
    }

    pub(super) fn is_ended(&self) -> bool {
        self.places.is_empty()
    }
}

fn changed(cause: &io::Error) -> Error {
    Error::new(Status::Integrity, "kept pages changed while they were read").with_cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{
            renew::{Credentials, TokenOrigin},
            token::Token,
        },
        disk::scratch::Scratch,
        log::Logger,
        options,
        platform::endpoint,
        transport::Transport,
    };

    #[test]
    fn what_comes_after_a_swap_is_not_kept_for_the_first_account() {
        let options = options::client("{}").expect("options");
        let log = std::sync::Arc::new(Logger::new(options.log, options.log_format, None).expect("a log"));
        let transport = Transport::new(options, log).expect("a transport");
        let token = |name: &str| Token::checked("token", name).expect("a token");
        let session = |name: &str| {
            let credentials = Credentials::new(TokenOrigin::Fixed(token(name)), &transport);
            Session::new(transport.clone(), credentials.expect("credentials"))
        };
        let folder = Scratch::new();
        let endpoint = endpoint::find("get_taxon_abundance").expect("in the table");
        let key = |name: &str| {
            key(endpoint, &Args::parse(&format!(r#"{{"biosample_id": "{name}"}}"#)).expect("arguments"))
        };
        let swapped = session("first");
        let cache = PageCache::open(&swapped, endpoint, &folder.path("")).expect("a folder");
        let keep = |name: &str| {
            let page = cache.add(&key(name), "{}").expect("room");
            cache.end(&key(name), &[page]);
        };
        keep("A");
        swapped.credentials().replace(&transport, Some("second")).expect("another token");
        keep("B");
        swapped.credentials().replace(&transport, Some("first")).expect("the first one");
        keep("C");
        let again = PageCache::open(&session("first"), endpoint, &folder.path("")).expect("a folder");
        let found = ["A", "B", "C"].map(|name| again.find(key(name)).is_some());
        assert_eq!(found, [true, false, false]);
    }

    #[test]
    fn another_request_has_another_key() {
        let endpoint = endpoint::find("get_taxon_abundance").expect("in the table");
        let key = |args: &str| key(endpoint, &Args::parse(args).expect(args));
        let first = key(r#"{"limit": 5, "taxon_ids": "BT1"}"#);
        assert_eq!(first, key(r#"{"taxon_ids": "BT1", "limit": 5, "$": {"timeout": 3}}"#));
        assert_ne!(first, key(r#"{"limit": 6, "taxon_ids": "BT1"}"#));
        assert_ne!(first, key(r#"{"limit": 5, "taxon_ids": "BT2"}"#));
        assert_ne!(key(r#"{"a": "1", "b": "2"}"#), key(r#"{"a": "12", "b": ""}"#));
    }

    #[test]
    fn packs_of_any_number_of_runs_are_not_held_open() {
        let options = options::client("{}").expect("options");
        let log = std::sync::Arc::new(Logger::new(options.log, options.log_format, None).expect("a log"));
        let transport = Transport::new(options, log).expect("a transport");
        let token = Token::checked("token", "t").expect("a token");
        let credentials = Credentials::new(TokenOrigin::Fixed(token), &transport).expect("credentials");
        let session = Session::new(transport, credentials);
        let folder = Scratch::new();
        let endpoint = endpoint::find("get_taxon_abundance").expect("in the table");
        let key = |run: usize| {
            key(endpoint, &Args::parse(&format!(r#"{{"biosample_id": "{run}"}}"#)).expect("arguments"))
        };
        for run in 0..50 {
            let cache = PageCache::open(&session, endpoint, &folder.path("")).expect("a folder");
            let page = cache.add(&key(run), &format!("[{run}]")).expect("room");
            cache.end(&key(run), &[page]);
        }
        let open = || {
            let links = fs::read_dir("/proc/self/fd").expect("of Linux").flatten();
            let links = links.filter_map(|link| fs::read_link(link.path()).ok());
            links.filter(|to| to.starts_with(folder.path(""))).count()
        };
        let cache = PageCache::open(&session, endpoint, &folder.path("")).expect("a folder");
        assert_eq!(open(), 0);
        for run in 0..50 {
            let mut found = cache.find(key(run)).expect("kept");
            assert_eq!(found.next().expect("a page").expect("one").0, format!("[{run}]"));
            assert!(found.is_ended() && open() < 3);
        }
        assert_eq!(open(), 0);
    }
}
