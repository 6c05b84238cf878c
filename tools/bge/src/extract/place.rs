//! Where a file goes: under a name of its own until it is whole, then in the place of what a link leads to.
//!
//! An unfinished file is locked by whoever writes it. One that nobody has locked is a dead run's, and is taken away.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::failure::Failure;

/// Short, so that it fits wherever the final name does.
const PREFIX: &str = ".bge-extract-";
const SUFFIX: &str = ".part";
/// The longest name that common file systems take, in bytes.
const LONGEST: usize = 255;

/// The unfinished files of this process, each for as long as it has its own name.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process, from any thread, without leaving what it has not finished.
pub fn end_process(exit: u8) -> ! {
    // Held to the end: no file begins or gets its name any more.
    let all = unfinished();
    all.iter().for_each(|path| drop(fs::remove_file(path)));
    std::process::exit(exit.into())
}

/// A file that is being written.
#[derive(Debug)]
pub struct Place {
    pub file: File,
    /// Its name until it is whole; `None` where it is written in place: standard output, a device, a pipe.
    unfinished: Option<PathBuf>,
}

impl Place {
    /// Begins a file that will be at `target`, or beside it. What is wrong with it is said now.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let failed = |cause: io::Error| unwritten(target, &cause);
        if target == Path::new("-") {
            let stdout = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned().map_err(failed)?;
            return Ok(Place { file: stdout.into(), unfinished: None });
        }
        check_name(target)?;
        let target = resolved(target)?;
        if let Ok(about) = fs::metadata(&target) {
            let kind = about.file_type();
            if kind.is_dir() {
                return Err(Failure::input(format!("{} is a folder", target.display())));
            }
            if kind.is_char_device() || kind.is_fifo() || kind.is_block_device() {
                let file = OpenOptions::new().write(true).open(&target).map_err(failed)?;
                return Ok(Place { file, unfinished: None });
            }
            if !kind.is_file() {
                return Err(Failure::input(format!("{} is no file that can be replaced", target.display())));
            }
        }
        let folder = folder_of(&target);
        sweep(folder);
        for _ in 0..64 {
            let name = format!("{PREFIX}{:016x}{SUFFIX}", random());
            let path = folder.join(name);
            let mut all = unfinished();
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .custom_flags(libc::O_NOFOLLOW)
                .open(&path);
            let file = match opened {
                Ok(file) => {
                    all.insert(path.clone());
                    file
                }
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(cause) => return Err(failed(cause)),
            };
            drop(all);
            // A file system without locks keeps what dead runs leave.
            let is_locked = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
            // Somebody may have taken it for a dead run's before it was locked.
            let place = Place { file, unfinished: Some(path) };
            if is_locked && place.file.metadata().map_err(failed)?.nlink() > 0 {
                return Ok(place);
            }
        }
        Err(Failure::other(format!("{}: no free name for an unfinished file", folder.display())))
    }

    /// Whether the file gets a name when it is whole.
    pub fn is_named(&self) -> bool {
        self.unfinished.is_some()
    }

    /// The file is whole: puts it at `target`, in the folder where it was begun.
    pub fn finish(mut self, target: &Path) -> Result<(), Failure> {
        let failed = |cause: io::Error| unwritten(target, &cause);
        let Some(unfinished) = self.unfinished.take() else { return Ok(()) };
        let target = resolved(target)?;
        let done = || {
            if let Ok(before) = fs::metadata(&target) {
                let mode = fs::Permissions::from_mode(before.permissions().mode() & 0o7777);
                self.file.set_permissions(mode)?;
            }
            self.file.sync_all()?;
            let mut all = self::unfinished();
            fs::rename(&unfinished, &target)?;
            all.remove(&unfinished);
            drop(all);
            // Not every file system can be asked for that.
            let _ = File::open(folder_of(&target)).and_then(|folder| folder.sync_all());
            Ok(())
        };
        done().map_err(|cause| {
            let _ = forget(&unfinished);
            failed(cause)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(unfinished) = self.unfinished.take() {
            // It was never anybody's file.
            let _ = forget(&unfinished);
        }
    }
}

/// Takes an unfinished file away.
fn forget(path: &Path) -> io::Result<()> {
    let mut all = unfinished();
    all.remove(path);
    fs::remove_file(path)
}

/// A file without a name, for what is put aside while `target` is made: beside it, where there is room for as much.
pub fn scratch(target: &Path) -> Result<File, Failure> {
    let is_file = target != Path::new("-") && fs::metadata(target).map_or(true, |about| about.is_file());
    let folder = if is_file { folder_of(&resolved(target)?).to_owned() } else { std::env::temp_dir() };
    let mut place = Place::begin(&folder.join("scratch"))?;
    let named = place.unfinished.take();
    let gone = named.map_or(Ok(()), |named| forget(&named));
    gone.map_err(|cause| unwritten(&folder, &cause))?;
    place.file.try_clone().map_err(|cause| unwritten(&folder, &cause))
}

/// A name beside `target`: `t.parquet` becomes `t.partial.parquet`, and `t.vcf.gz` `t.partial.vcf.gz`. Cut where it would
/// be too long.
pub fn partial(target: &Path) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let dot = |text: &str| text.rfind('.').filter(|at| *at > 0);
    let at = dot(plain).or_else(|| dot(&name)).unwrap_or(name.len());
    let (stem, ending) = name.split_at(at);
    beside(target, stem, &format!(".partial{ending}"))
}

/// The index of a file: `t.vcf.gz.tbi`.
pub fn index(target: &Path, ending: &str) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    beside(target, &name, ending)
}

/// The list that belongs to `target`: `t.parquet.failed.txt`.
pub fn list(target: &Path, what: &str) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    beside(target, &name, &format!(".{what}.txt"))
}

fn beside(target: &Path, stem: &str, ending: &str) -> PathBuf {
    let mut stem = stem.to_owned();
    while stem.len() + ending.len() > LONGEST {
        stem.pop();
    }
    target.with_file_name(format!("{stem}{ending}"))
}

/// Puts something small at `target`, whole or not at all.
pub fn write(target: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut place = Place::begin(target)?;
    io::Write::write_all(&mut place.file, content.as_ref()).map_err(|cause| unwritten(target, &cause))?;
    place.finish(target)
}

/// Takes a file away, if it is there.
pub fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(Failure::io(&format!("{} cannot be removed", path.display()), &cause))
        }
        _ => Ok(()),
    }
}

pub fn unwritten(path: &Path, cause: &io::Error) -> Failure {
    Failure::io(&format!("{} cannot be written", path.display()), cause)
}

fn check_name(target: &Path) -> Result<(), Failure> {
    let text = target.as_os_str().as_encoded_bytes();
    match target.file_name() {
        None => Err(Failure::input("--output must be the name of a file")),
        Some(_) if text.ends_with(b"/") => Err(Failure::input("--output ends in /: it names a folder")),
        Some(name) if name.len() > LONGEST => Err(Failure::input("--output: the name is too long")),
        Some(_) => Ok(()),
    }
}

/// What a chain of links leads to, though it need not be there yet.
fn resolved(path: &Path) -> Result<PathBuf, Failure> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(Failure::input(format!("{}: its links go in a circle", path.display())))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Takes away what dead runs left unfinished in this folder.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| {
            name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).is_some_and(|digits| {
                digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        });
        if !is_ours {
            continue;
        }
        let path = entry.path();
        let opened = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(&path);
        // Whoever still writes it has it locked, suspended or not.
        if let Ok(file) = opened
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

pub fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test ends at what is not as it should be")]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_keep_their_endings() {
        assert_eq!(partial(Path::new("a/t.parquet")), Path::new("a/t.partial.parquet"));
        assert_eq!(partial(Path::new("t")), Path::new("t.partial"));
        assert_eq!(partial(Path::new("a.b/t.x.vcf.gz")), Path::new("a.b/t.x.partial.vcf.gz"));
        assert_eq!(partial(Path::new("t.gz")), Path::new("t.partial.gz"));
        assert_eq!(partial(Path::new(".hidden")), Path::new(".hidden.partial"));
        assert_eq!(list(Path::new("a/t.csv"), "failed"), Path::new("a/t.csv.failed.txt"));
        let long = "样".repeat(80) + ".parquet";
        for name in [partial(Path::new(&long)), list(Path::new(&long), "failed")] {
            let text = name.to_str().expect("UTF-8").to_owned();
            assert!(text.len() <= LONGEST && text.starts_with("样样"), "{text}");
        }
        assert!(partial(Path::new(&long)).to_str().expect("UTF-8").ends_with(".partial.parquet"));
    }
}
