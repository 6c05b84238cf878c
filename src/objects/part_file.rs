//! What a download writes to: a file beside its target, locked while it is written, renamed when it is good, and a
//! journal of what is in it.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{
    crc64::Running,
    download_state::{DownloadState, Facts, Line, Stretch},
    sign::hex,
};
use crate::{
    disk::{
        journal::{Journal, peek},
        lock::{self, Held},
        owner::Owner,
        private,
        replace::{resolved, sync_folder},
    },
    error::{Error, Result},
    sys::{self, process_id},
    transport::{CHUNK, Transport},
};

const PART: &str = ".bge-part";
const STATE: &str = ".bge-part.state";

/// Names up to so many bytes are kept whole in those of part file and journal.
const LONGEST_WHOLE: usize = 100;

/// A file that is being downloaded. Dropped before it is good, it goes away unless it is worth resuming.
pub(super) struct PartFile {
    file: Held,
    /// The final name.
    target: PathBuf,
    part: PathBuf,
    state: PathBuf,
    owner: Owner,
    transport: Transport,
    /// What stands there is of use to a later download.
    keep: AtomicBool,
    journal: Mutex<Option<Journal>>,
    maker: u32,
}

impl PartFile {
    /// Opens or makes the part file of `target`.
    pub(super) fn open(target: &Path, owner: Owner, transport: &Transport) -> Result<Arc<Self>> {
        let unwritable =
            |cause: &io::Error| Error::io(format!("{} cannot be written", target.display()), cause);
        // A link stays a link: what it leads to is replaced.
        replaceable(target).map_err(|cause| unwritable(&cause))?;
        let target = resolved(target).map_err(|cause| unwritable(&cause))?;
        let Some(name) = target.file_name() else {
            return Err(Error::argument("path", "must name a file, or an existing folder"));
        };
        let (part, state) =
            (target.with_file_name(beside(name, PART)), target.with_file_name(beside(name, STATE)));
        let file = hold(&part, transport).map_err(|cause| unwritable(&cause))?;
        let keep = AtomicBool::new(matches!(peek::<Line>(&state), Ok(Some(_))));
        Ok(Arc::new(PartFile {
            file,
            target,
            part,
            state,
            owner,
            transport: transport.clone(),
            keep,
            journal: Mutex::new(None),
            maker: process_id(),
        }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.part
    }

    fn journal(&self) -> MutexGuard<'_, Option<Journal>> {
        self.journal.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What an earlier download of the same left, as far as it still stands on the disk.
    pub(super) fn earlier(&self) -> Option<DownloadState> {
        let (owner, lines) = peek(&self.state).ok().flatten()?;
        let mut state = DownloadState::replayed(lines).filter(|_| owner == self.owner)?;
        for (start, stretch) in state.stretches() {
            let is_there = self.checksum(start, stretch.end).is_ok_and(|now| now == stretch.on_disk());
            if !is_there {
                state.forget(start);
            }
        }
        let state = state.joined();
        (!state.is_empty()).then_some(state)
    }

    /// Goes on with the journal of what `earlier` gave.
    pub(super) fn resume(&self) {
        match Journal::open::<Line>(&self.state, &self.owner) {
            Ok((journal, _)) => *self.journal() = Some(journal),
            Err(cause) => self.unrecorded(&cause),
        }
    }

    /// Begins anew; with facts to go by, a journal too.
    pub(super) fn begin(&self, facts: Option<&Facts>) -> Result<()> {
        self.clear()?;
        let Some(facts) = facts else { return Ok(()) };
        let begun = Journal::open::<Line>(&self.state, &self.owner).and_then(|(mut journal, _)| {
            journal.clear(&self.owner)?;
            journal.append(&Line::Begun(facts.clone()))?;
            Ok(journal)
        });
        match begun {
            Ok(journal) => *self.journal() = Some(journal),
            Err(cause) => self.unrecorded(&cause),
        }
        Ok(())
    }

    /// Keeps what a later download needs to go on.
    pub(super) fn note(&self, start: u64, stretch: &Stretch) {
        let mut journal = self.journal();
        let Some(open) = &mut *journal else { return };
        match open.append(&Line::Stretch(start, stretch.clone())) {
            Ok(()) => self.keep.store(true, Ordering::Relaxed),
            Err(cause) => {
                *journal = None;
                self.unrecorded(&cause);
            }
        }
    }

    /// A record that cannot be written harms no download.
    fn unrecorded(&self, cause: &io::Error) {
        let (state, target) = (self.state.display(), self.target.display());
        self.transport.log().warn(format!(
            "{state} cannot be written ({cause}): {target} is downloaded all the same, and not resumed from here"
        ));
    }

    /// Forgets what is there.
    pub(super) fn clear(&self) -> Result<()> {
        self.keep.store(false, Ordering::Relaxed);
        *self.journal() = None;
        let _ = fs::remove_file(&self.state);
        self.file.file().set_len(0).map_err(|cause| self.unwritable(&cause))
    }

    /// Whether an object of this size will fit, as far as the file system says.
    pub(super) fn check_room(&self, size: u64) -> Result<()> {
        let metadata = self.file.file().metadata().map_err(|cause| self.unwritable(&cause))?;
        let there = metadata.blocks().saturating_mul(512);
        let Some(room) = sys::room_for(self.file.file()) else { return Ok(()) };
        if size <= room.longest && size.saturating_sub(there) <= room.free {
            return Ok(());
        }
        let what = format!("it has {size} bytes, and there is room for {}", room.longest.min(room.free));
        Err(self.unwritable(&io::Error::new(io::ErrorKind::StorageFull, what)))
    }

    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.file().write_all_at(bytes, offset)
    }

    /// Hands over a stretch as it stands on the disk, piece by piece.
    pub(super) fn read(&self, start: u64, end: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut piece = vec![0; CHUNK];
        let mut at = start;
        while at < end {
            let size = (end - at).min(CHUNK as u64) as usize;
            let part = &mut piece[..size];
            self.file.file().read_exact_at(part, at)?;
            take(part);
            at += size as u64;
        }
        Ok(())
    }

    fn checksum(&self, start: u64, end: u64) -> io::Result<u64> {
        let mut crc = Running::new();
        self.read(start, end, |piece| crc.write(piece))?;
        Ok(crc.sum())
    }

    /// Everything is there and good: it gets its final name, and the rights of what had it before.
    pub(super) fn finish(&self, size: u64) -> Result<()> {
        let file = self.file.file();
        let put = || {
            file.set_len(size)?;
            let mode = match replaceable(&self.target)? {
                Some(before) => {
                    // Only root may give a file away; for all others it is their own already.
                    let _ = std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()));
                    before.mode() & 0o777
                }
                None => 0o666 & !sys::umask(),
            };
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_all()?;
            self.rename()
        };
        put().map_err(|cause| self.unwritable(&cause))?;
        self.keep.store(true, Ordering::Relaxed);
        sync_folder(&self.target);
        Ok(())
    }

    /// The journal goes first: whoever is killed between the two leaves a part that the next download takes over, never
    /// a journal beside a finished file, which nobody would ask for again.
    fn rename(&self) -> io::Result<()> {
        *self.journal() = None;
        let record = private::read_own(&self.state, u64::MAX - 1).ok().flatten();
        let _ = fs::remove_file(&self.state);
        let renamed = fs::rename(&self.part, &self.target);
        if let (Err(_), Some(record)) = (&renamed, record) {
            let _ = private::create_new(&self.state).and_then(|mut file| file.write_all(&record));
        }
        renamed
    }

    pub(super) fn unwritable(&self, cause: &io::Error) -> Error {
        let error = Error::io(format!("{} cannot be written", self.target.display()), cause);
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                error.with_hint("the disk is full: nothing stands under the final name")
            }
            _ => error,
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // In a forked child the file is the parent's.
        if self.maker == process_id() && !self.keep.load(Ordering::Relaxed) {
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(&self.state);
        }
    }
}

/// What a file of this name would replace. Devices, pipes, sockets and folders are not replaced, and what is mounted on
/// the name cannot be.
fn replaceable(target: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(target) {
        Ok(metadata) if metadata.is_file() && sys::is_mount_point(target) => {
            let what = "it is mounted there by itself, and cannot be replaced: mount its folder instead";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, what))
        }
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(metadata) if metadata.is_dir() => {
            Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"))
        }
        Ok(_) => Err(io::Error::other("it is no regular file, and nothing else is replaced")),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// A name beside another one, never longer than that or than every file system allows.
fn beside(name: &std::ffi::OsStr, end: &str) -> OsString {
    let mut beside = name.to_owned();
    if name.len() > LONGEST_WHOLE {
        let digest = hex(&Sha256::digest(name.as_encoded_bytes()));
        let text = name.to_string_lossy();
        let mut start: String = text.chars().take(15).collect();
        start.push_str(&format!("~{}", digest.get(..20).unwrap_or_default()));
        beside = start.into();
    }
    beside.push(end);
    beside
}

/// Opens the file so that nobody else writes it. One that was just given up may be in use for a moment more.
fn hold(part: &Path, transport: &Transport) -> io::Result<Held> {
    for _ in 0..100 {
        let Some(held) = lock::hold(part)? else {
            std::thread::sleep(Duration::from_millis(3));
            continue;
        };
        if held.file().metadata()?.nlink() > 1 {
            return Err(io::Error::other(format!("{} has another name", part.display())));
        }
        if let Held::Bare(_) = held {
            let path = part.display();
            transport.log().warn(format!("{path} cannot be locked here: nobody else must download to it"));
        }
        return Ok(held);
    }
    Err(io::Error::other("another download is writing it"))
}

/// Where a download goes: into an existing folder under the name at the end of `source`.
pub(super) fn target(path: &str, source: &str) -> Result<PathBuf> {
    if path.is_empty() || path.contains('\0') {
        return Err(Error::argument("path", "must name a file, or an existing folder"));
    }
    let is_folders = path.ends_with('/');
    let path = Path::new(path);
    if !path.is_dir() {
        if is_folders {
            let what = format!("names a folder that does not exist: {}", path.display());
            return Err(Error::argument("path", what).with_hint("make it first; nothing was fetched"));
        }
        return Ok(path.to_owned());
    }
    let name: String =
        source.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c }).collect();
    if name.is_empty() || name == "." || name == ".." {
        return Err(Error::argument("path", "must name a file here: the source's own name cannot be used"));
    }
    Ok(path.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_stay_in_their_folder() {
        let folder = std::env::temp_dir();
        let folder = folder.to_str().expect("UTF-8");
        let named = |source: &str| target(folder, source).map(|path| path.file_name().map(ToOwned::to_owned));
        assert_eq!(named("a b.txt").expect("a name").as_deref(), Some("a b.txt".as_ref()));
        assert_eq!(named("../x\\y\n").expect("a name").as_deref(), Some(".._x_y_".as_ref()));
        for source in ["", ".", ".."] {
            assert_eq!(named(source).expect_err(source).status(), crate::Status::Argument);
        }
    }

    #[test]
    fn names_beside_are_no_longer_than_the_name() {
        assert_eq!(beside("a.bam".as_ref(), PART), "a.bam.bge-part");
        for name in ["样".repeat(85), "a".repeat(101), "😀".repeat(63)] {
            let (part, state) = (beside(name.as_ref(), PART), beside(name.as_ref(), STATE));
            assert!(part.len() <= name.len() && state.len() <= name.len(), "{part:?} {state:?}");
            assert_ne!(part, state);
        }
        assert_ne!(beside("a".repeat(120).as_ref(), PART), beside("a".repeat(121).as_ref(), PART));
    }
}
