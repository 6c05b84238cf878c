//! Files and folders that nobody else may read, made and opened so that a planted link leads nowhere.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use crate::sys;

/// Of a file that only its owner reads.
pub(crate) const MODE: u32 = 0o600;

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK).mode(MODE);
    options
}

/// Makes a file that is not there yet: readable by its owner only, and never through a link.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    options().read(true).write(true).create_new(true).open(path)
}

/// Opens a file that this user made earlier, to read and write it. `None` where there is none.
pub(crate) fn open_own(path: &Path) -> io::Result<Option<File>> {
    own(options().read(true).write(true).open(path))
}

/// Opens a file of this user's, or makes it.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    // Between the two steps it may appear or go away: then once more.
    for _ in 0..16 {
        if let Some(file) = open_own(path)? {
            return Ok(file);
        }
        match create_new(path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
    Err(io::Error::other("it appears and goes away again"))
}

/// What a file of this user's holds, at most `most` bytes; more is an error. `None` where there is none.
pub(crate) fn read_own(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = own(options().read(true).open(path))? else { return Ok(None) };
    if file.metadata()?.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(Some(bytes)) }
}

fn too_large() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it is larger than such a file can be")
}

/// Only a regular file of this user's or root's is what it claims to be.
fn own(opened: io::Result<File>) -> io::Result<Option<File>> {
    let file = match opened {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) if cause.raw_os_error() == Some(libc::ELOOP) => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link"));
        }
        Err(cause) => return Err(cause),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    if !sys::is_trusted(metadata.uid()) {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    Ok(Some(file))
}

/// Makes a folder and those above it, readable by this user only, unless it is there.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if fs::metadata(path)?.is_dir() {
        Ok(())
    } else {
        Err(io::Error::new(ErrorKind::NotADirectory, "it is no folder"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::disk::scratch::Scratch;

    #[test]
    fn a_planted_link_leads_nowhere() {
        let folder = Scratch::new();
        let (victim, link) = (folder.path("victim"), folder.path("link"));
        fs::write(&victim, "precious").expect("a file");
        symlink(&victim, &link).expect("a link");
        assert_eq!(create_new(&link).expect_err("a link").kind(), ErrorKind::AlreadyExists);
        for outcome in [open_own(&link), open_or_create(&link).map(Some)] {
            assert_eq!(outcome.expect_err("a link").kind(), ErrorKind::InvalidInput);
        }
        assert!(read_own(&link, 100).is_err());
        assert_eq!(fs::read_to_string(&victim).expect("a file"), "precious");
    }

    #[test]
    fn what_is_made_is_readable_by_its_owner_only() {
        let folder = Scratch::new();
        let path = folder.path("state");
        assert!(open_own(&path).expect("nothing").is_none());
        let file = open_or_create(&path).expect("made");
        assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(open_own(&path).expect("a file").is_some());
        assert_eq!(create_new(&path).expect_err("there").kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn reading_is_bounded_and_of_regular_files() {
        let folder = Scratch::new();
        let path = folder.path("state");
        assert_eq!(read_own(&path, 3).expect("nothing"), None);
        fs::write(&path, "abc").expect("a file");
        assert_eq!(read_own(&path, 3).expect("a file").as_deref(), Some(&b"abc"[..]));
        assert_eq!(read_own(&path, 2).expect_err("too large").kind(), ErrorKind::InvalidData);
        assert!(read_own(Path::new("/dev/null"), 3).is_err());
        assert!(read_own(&folder.path(""), 3).is_err());
    }
}
