//! What a download writes to: `<path>.bge-part`, locked while it is written, renamed when it is good.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::crc64::Running;
use crate::{
    error::{Error, Result},
    transport::CHUNK,
};

/// A file that is being downloaded. Dropped before it is good, it goes away unless it is worth resuming.
pub(super) struct PartFile {
    file: File,
    /// The final name.
    target: PathBuf,
    part: PathBuf,
    state: PathBuf,
    keep: AtomicBool,
    /// One state is written at a time, so that the last one is the newest.
    turn: Mutex<()>,
}

impl PartFile {
    /// Opens or makes the part file of `target`.
    pub(super) fn open(target: &Path) -> Result<Arc<Self>> {
        let unwritable =
            |cause: &io::Error| Error::io(format!("{} cannot be written", target.display()), cause);
        let Some(name) = target.file_name() else {
            return Err(Error::argument("path", "must name a file, or an existing folder"));
        };
        // A link stays a link: what it leads to is replaced.
        let target = match fs::symlink_metadata(target) {
            Ok(metadata) if metadata.is_symlink() => {
                fs::canonicalize(target).map_err(|cause| unwritable(&cause))?
            }
            _ => target.to_owned(),
        };
        let beside = |end: &str| {
            let mut beside = target.file_name().unwrap_or(name).to_owned();
            beside.push(end);
            target.with_file_name(beside)
        };
        let (part, state) = (beside(".bge-part"), beside(".bge-part.json"));
        let file = lock(&part).map_err(|cause| unwritable(&cause))?;
        Ok(Arc::new(PartFile {
            file,
            target,
            part,
            state,
            keep: AtomicBool::new(false),
            turn: Mutex::new(()),
        }))
    }

    /// The state that an earlier download left.
    pub(super) fn read_state(&self) -> Option<String> {
        fs::read_to_string(&self.state).ok()
    }

    /// Keeps what a later download needs to go on.
    pub(super) fn write_state(&self, json: impl FnOnce() -> String) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut fresh = self.state.clone().into_os_string();
        fresh.push(".new");
        fs::write(&fresh, json())
            .and_then(|()| fs::rename(&fresh, &self.state))
            .map_err(|cause| self.unwritable(&cause))?;
        self.keep.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets what is there.
    pub(super) fn clear(&self) -> Result<()> {
        self.keep.store(false, Ordering::Relaxed);
        let _ = fs::remove_file(&self.state);
        self.file.set_len(0).map_err(|cause| self.unwritable(&cause))
    }

    pub(super) fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// The checksum of a stretch as it stands on the disk.
    pub(super) fn checksum(&self, start: u64, end: u64) -> io::Result<u64> {
        let mut crc = Running::new();
        let mut piece = vec![0; CHUNK];
        let mut at = start;
        while at < end {
            let size = (end - at).min(CHUNK as u64) as usize;
            let part = &mut piece[..size];
            self.file.read_exact_at(part, at)?;
            crc.write(part);
            at += size as u64;
        }
        Ok(crc.sum())
    }

    /// Everything is there and good: it gets its final name.
    pub(super) fn finish(&self, size: u64) -> Result<()> {
        self.file
            .set_len(size)
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.part, &self.target))
            .map_err(|cause| self.unwritable(&cause))?;
        self.keep.store(true, Ordering::Relaxed);
        let _ = fs::remove_file(&self.state);
        // The new name is on the disk when its folder is; not every file system can be asked for that.
        if let Some(folder) = self.target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
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
        if !self.keep.load(Ordering::Relaxed) {
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(&self.state);
        }
    }
}

/// Opens the file so that nobody else writes it. One that was just given up may be in use for a moment more.
fn lock(part: &Path) -> io::Result<File> {
    for _ in 0..100 {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(part)?;
        match file.try_lock() {
            Ok(()) => {
                // Its last owner may have removed it before it let go.
                let (here, there) = (file.metadata()?, fs::metadata(part));
                if there.is_ok_and(|there| (there.ino(), there.dev()) == (here.ino(), here.dev())) {
                    return Ok(file);
                }
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(3)),
            // Some file systems have no locks.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(io::Error::other("another download is writing it"))
}

/// Where a download goes: into an existing folder under the name at the end of `source`.
pub(super) fn target(path: &str, source: &str) -> Result<PathBuf> {
    if path.is_empty() || path.contains('\0') {
        return Err(Error::argument("path", "must name a file, or an existing folder"));
    }
    let path = Path::new(path);
    if !path.is_dir() {
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
}
