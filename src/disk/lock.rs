//! A lock on an open file, between processes.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::Path,
};

use super::private;
use crate::sys::{NotForChildren, process_id};

/// The outcome of asking for a lock.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is ours until it is dropped.
    Ours(Lock),
    /// Another process, or another part of this one, has it.
    Busy(File),
    /// This file system has no locks: go on without, and say so in the log.
    Unsupported(File),
}

/// A locked file. It is this process's only: a forked child has neither the lock nor the file.
#[derive(Debug)]
pub(crate) struct Lock {
    // Dropped before the file: once that is closed, its number may be another file's.
    _own: NotForChildren,
    file: File,
    maker: u32,
}

impl Lock {
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud: somebody may hold the same open file all the same, and closing ours would not free it.
        if self.maker == process_id() {
            let _ = self.file.unlock();
        }
    }
}

/// An open file of ours, locked where its file system has locks.
#[derive(Debug)]
pub(crate) enum Held {
    Locked(Lock),
    Bare(File),
}

impl Held {
    pub(crate) fn file(&self) -> &File {
        match self {
            Held::Locked(lock) => lock.file(),
            Held::Bare(file) => file,
        }
    }
}

/// Opens or makes a file of this user's and asks for its lock, without waiting for it; `None` while somebody else has it.
/// What lost its name before it was locked is not the file that others will find there: then once more.
pub(crate) fn hold(path: &Path) -> io::Result<Option<Held>> {
    for _ in 0..64 {
        match take(private::open_or_create(path)?)? {
            Taken::Ours(lock) if is_named(path, lock.file())? => return Ok(Some(Held::Locked(lock))),
            Taken::Ours(_) => {}
            Taken::Busy(_) => return Ok(None),
            Taken::Unsupported(file) => return Ok(Some(Held::Bare(file))),
        }
    }
    Err(io::Error::other("it appears and goes away again"))
}

fn is_named(path: &Path, file: &File) -> io::Result<bool> {
    let (here, there) = (file.metadata()?, fs::symlink_metadata(path));
    Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())))
}

/// Asks for the lock, without waiting for it.
pub(crate) fn take(file: File) -> io::Result<Taken> {
    // Before it is locked: no child may be born with the lock.
    let own = NotForChildren::new(&file);
    match file.try_lock() {
        Ok(()) => Ok(Taken::Ours(Lock { _own: own, file, maker: process_id() })),
        Err(TryLockError::WouldBlock) => Ok(Taken::Busy(file)),
        Err(TryLockError::Error(cause)) if is_unsupported(&cause) => Ok(Taken::Unsupported(file)),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

/// What Lustre and NFS answer where locks are turned off.
fn is_unsupported(cause: &io::Error) -> bool {
    cause.kind() == ErrorKind::Unsupported
        || matches!(cause.raw_os_error(), Some(libc::ENOSYS | libc::ENOLCK | libc::EOPNOTSUPP | libc::EINVAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{private, scratch::Scratch};

    #[test]
    fn one_at_a_time() {
        let folder = Scratch::new();
        let open = || private::open_or_create(&folder.path("lock")).expect("a file");
        let Taken::Ours(first) = take(open()).expect("asked") else { panic!("it is free") };
        let inherited = first.file().try_clone().expect("as a forked child has it");
        assert!(matches!(take(open()).expect("asked"), Taken::Busy(_)));
        drop(first);
        assert!(matches!(take(open()).expect("asked"), Taken::Ours(_)));
        drop(inherited);
    }

    #[test]
    fn a_file_system_without_locks_is_told_apart() {
        for code in [libc::ENOSYS, libc::ENOLCK, libc::EOPNOTSUPP] {
            assert!(is_unsupported(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(!is_unsupported(&io::Error::from_raw_os_error(libc::EIO)));
    }
}
