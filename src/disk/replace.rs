//! A file appears under its name whole, or the old one stays.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::private;

/// The name that a new content has until it is whole. Short, so that it fits wherever the final name does.
const PREFIX: &str = ".bge-";
const SUFFIX: &str = ".tmp";

/// A content that is being written beside the file that it will replace. Dropped before `commit`, it goes away.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    is_done: bool,
}

impl Replacement {
    /// Begins a new content of `target`. What a link leads to is replaced, not the link.
    pub(crate) fn begin(target: &Path) -> io::Result<Self> {
        let target = resolved(target)?;
        let folder = folder_of(&target);
        for _ in 0..64 {
            let temporary = folder.join(format!("{PREFIX}{:016x}{SUFFIX}", fastrand::u64(..)));
            match private::create_new(&temporary) {
                Ok(file) => return Ok(Replacement { file, temporary, target, is_done: false }),
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Err(io::Error::other("no free name for a temporary file"))
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the content in its place: on disk first, with the mode of what it replaces, and then under the name.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        if let Ok(before) = fs::metadata(&self.target) {
            self.file.set_permissions(fs::Permissions::from_mode(before.permissions().mode() & 0o7777))?;
        }
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        self.is_done = true;
        sync_folder(&self.target);
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Replaces a file by these bytes. A new one is readable by its owner only.
pub(crate) fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut replacement = Replacement::begin(target)?;
    replacement.file().write_all(bytes)?;
    replacement.commit()
}

/// What a chain of links leads to, though it need not be there yet.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its links go in a circle"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new name is on the disk when its folder is; not every file system can be asked for that.
pub(crate) fn sync_folder(path: &Path) {
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::disk::scratch::Scratch;

    #[test]
    fn the_old_content_stays_until_the_new_one_is_whole() {
        let folder = Scratch::new();
        let path = folder.path(&"样".repeat(85));
        write(&path, b"old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        let mut replacement = Replacement::begin(&path).expect("begun");
        replacement.file().write_all(b"ne").expect("written");
        drop(replacement);
        assert_eq!(fs::read(&path).expect("a file"), b"old");
        write(&path, b"new").expect("replaced");
        assert_eq!(fs::read(&path).expect("a file"), b"new");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path("")).expect("a folder").count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = Scratch::new();
        let (real, link, next) = (folder.path("real"), folder.path("link"), folder.path("next"));
        symlink("real", &link).expect("a link");
        symlink("link", &next).expect("a link");
        write(&next, b"content").expect("written through");
        assert!(fs::symlink_metadata(&next).expect("there").is_symlink());
        assert_eq!(fs::read(&real).expect("a file"), b"content");
        symlink("circle", folder.path("circle")).expect("a link");
        assert!(write(&folder.path("circle"), b"").is_err());
    }
}
