//! A file appears under its name whole, or the old one stays.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Seek, Write},
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use super::private;
use crate::sys;

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
        Self::begin_as(target, PREFIX)
    }

    fn begin_as(target: &Path, prefix: &str) -> io::Result<Self> {
        let target = resolved(target)?;
        let folder = folder_of(&target);
        for _ in 0..64 {
            let temporary = folder.join(format!("{prefix}{:016x}{SUFFIX}", fastrand::u64(..)));
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
    pub(crate) fn commit(self) -> io::Result<()> {
        if let Ok(before) = fs::metadata(&self.target) {
            self.file.set_permissions(fs::Permissions::from_mode(before.permissions().mode() & 0o7777))?;
        }
        self.commit_private()
    }

    /// The same, but readable by its owner only, whatever it replaces.
    fn commit_private(mut self) -> io::Result<()> {
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

/// The same, but readable by its owner only, whatever it replaces.
pub(crate) fn write_private(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut replacement = Replacement::begin(target)?;
    replacement.file().write_all(bytes)?;
    replacement.commit_private()
}

/// The names of contents that room was made for. Those of dead processes go away after so long.
const RESERVED: &str = ".bge-room-";
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// Room for a small private content, made sure of before the content is known: what was paid for can be written. Dropped
/// before `fill`, it leaves the file as it was.
#[derive(Debug)]
pub(crate) struct Reserved {
    place: Place,
    target: PathBuf,
}

#[derive(Debug)]
enum Place {
    Beside(Replacement),
    /// Where the file cannot be replaced, since it is mounted or its folder cannot be written.
    Itself(File),
}

impl Reserved {
    /// Makes room for at most `room` bytes.
    pub(crate) fn begin(target: &Path, room: u64) -> io::Result<Self> {
        let target = resolved(target)?;
        let beside = match sys::is_mount_point(&target) {
            true => Err(ErrorKind::ResourceBusy.into()),
            false => Self::beside(&target, room),
        };
        let place = beside.or_else(|cause| Self::itself(&target, room)?.ok_or(cause))?;
        Ok(Reserved { place, target })
    }

    fn beside(target: &Path, room: u64) -> io::Result<Place> {
        sweep(folder_of(target));
        let mut replacement = Replacement::begin_as(target, RESERVED)?;
        io::copy(&mut io::Read::take(io::repeat(b' '), room), replacement.file())?;
        replacement.file().sync_all()?;
        Ok(Place::Beside(replacement))
    }

    /// Spaces behind a text are part of no text. `None` where there is no file.
    fn itself(target: &Path, room: u64) -> io::Result<Option<Place>> {
        let Some(mut file) = private::open_own(target)? else { return Ok(None) };
        let now = file.seek(io::SeekFrom::End(0))?;
        io::copy(&mut io::Read::take(io::repeat(b' '), room.saturating_sub(now)), &mut file)?;
        file.sync_all()?;
        Ok(Some(Place::Itself(file)))
    }

    /// Puts the content in its place.
    pub(crate) fn fill(self, bytes: &[u8]) -> io::Result<()> {
        let mut replacement = match self.place {
            Place::Itself(file) => return overwrite(&file, bytes),
            Place::Beside(replacement) => replacement,
        };
        let file = replacement.file();
        file.write_all_at(bytes, 0)?;
        file.set_len(bytes.len() as u64)?;
        replacement.commit_private().or_else(|cause| match private::open_own(&self.target) {
            // Some refuse that it is replaced, and not that it is written.
            Ok(Some(file)) => overwrite(&file, bytes),
            _ => Err(cause),
        })
    }
}

/// Whoever reads meanwhile sees the old text or the new one, with spaces behind it.
fn overwrite(file: &File, bytes: &[u8]) -> io::Result<()> {
    let mut padded = bytes.to_vec();
    padded.resize(padded.len().max(file.metadata()?.len() as usize), b' ');
    file.write_all_at(&padded, 0)?;
    file.set_len(bytes.len() as u64)?;
    let _ = file.set_permissions(fs::Permissions::from_mode(private::MODE));
    file.sync_all()
}

/// Takes away what dead processes left of their room.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_room = name
            .to_str()
            .and_then(|name| name.strip_prefix(RESERVED)?.strip_suffix(SUFFIX))
            .is_some_and(|middle| middle.len() == 16 && middle.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(metadata) = is_room.then(|| fs::symlink_metadata(entry.path()).ok()).flatten() else {
            continue;
        };
        let is_old = metadata.modified().ok().and_then(|then| then.elapsed().ok()) > Some(FORGOTTEN);
        if is_old && metadata.is_file() && metadata.uid() == sys::user_id() {
            let _ = fs::remove_file(entry.path());
        }
    }
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
    fn room_is_made_before_the_content_is_known() {
        let folder = Scratch::new();
        let (path, link) = (folder.path("token"), folder.path("link"));
        Reserved::begin(&path, 100).expect("room").fill(b"first").expect("filled");
        assert_eq!(fs::read(&path).expect("a file"), b"first");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        symlink("token", &link).expect("a link");
        drop(Reserved::begin(&link, 100).expect("room"));
        assert_eq!(fs::read(&path).expect("a file"), b"first", "nothing was filled");
        Reserved::begin(&link, 4).expect("room").fill(b"longer than asked for").expect("filled");
        assert_eq!(fs::read(&path).expect("a file"), b"longer than asked for");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path("")).expect("a folder").count(), 2);
    }

    #[test]
    fn what_cannot_be_replaced_is_written_in_place() {
        let folder = Scratch::new();
        let path = folder.path("token");
        fs::write(&path, r#"{"old": "and longer than the new"}"#).expect("a file");
        let inode = fs::metadata(&path).expect("a file").ino();
        let Ok(Some(place)) = Reserved::itself(&path, 200) else { panic!("it is there") };
        let meanwhile = fs::read_to_string(&path).expect("a file");
        assert_eq!((meanwhile.len(), meanwhile.trim_end()), (200, r#"{"old": "and longer than the new"}"#));
        Reserved { place, target: path.clone() }.fill(b"{}").expect("filled");
        assert_eq!(fs::read(&path).expect("a file"), b"{}");
        assert_eq!(fs::metadata(&path).expect("a file").ino(), inode);
        assert!(Reserved::itself(&folder.path("none"), 10).expect("no failure").is_none());
    }

    #[test]
    fn room_of_dead_processes_is_swept_and_nothing_else() {
        let folder = Scratch::new();
        let old = std::time::SystemTime::now() - Duration::from_secs(7200);
        let names = [
            (".bge-room-0123456789abcdef.tmp", true, false),
            (".bge-room-0123456789abcdee.tmp", false, true),
            (".bge-room-0123456789abcdef.tmp.txt", true, true),
            (".bge-room-mine.tmp", true, true),
            (".bge-0123456789abcdef.tmp", true, true),
        ];
        for (name, is_old, _) in names {
            let file = File::create(folder.path(name)).expect("a file");
            file.set_modified(if is_old { old } else { std::time::SystemTime::now() }).expect("a time");
        }
        drop(Reserved::begin(&folder.path("token"), 10).expect("room"));
        for (name, _, stays) in names {
            assert_eq!(folder.path(name).exists(), stays, "{name}");
        }
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
