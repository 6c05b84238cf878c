//! A file through which restarts and other processes share a renewed token. It belongs to one line of tokens, and says
//! to which: `belongs_to` stands beside the token's own members.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::value::RawValue;

use super::{
    account::{Line, fingerprint},
    token::{Token, trimmed},
};
use crate::{
    disk::{
        lock::{self, Taken},
        private,
        replace::{self, Reserved},
    },
    error::{Error, Result},
    json, sys,
};

const BELONGS_TO: &str = "belongs_to";
/// No token is longer.
const MOST: u64 = 1 << 20;
/// As much as a renewed token may need, beside what the present one has.
const ROOM: u64 = 16 << 10;
/// A file that is written in place may be met half-written: it is read again so often, after a moment each.
const LOOKS: u32 = 6;
const MOMENT: Duration = Duration::from_millis(20);

pub(crate) struct TokenStore {
    path: PathBuf,
}

/// What the file holds. Files of other programs, and of older versions, do not say whose they are.
pub(crate) struct Stored {
    pub token: Token,
    pub line: Option<Line>,
}

impl TokenStore {
    pub(crate) fn new(path: PathBuf) -> Self {
        TokenStore { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn failed(&self, what: &str, cause: &io::Error) -> Error {
        Error::io(format!("token_file cannot be {what}: {}", self.path.display()), cause)
    }

    /// The token in the file; `None` where there is no file yet, or an empty one.
    pub(crate) fn read(&self) -> Result<Option<Stored>> {
        let failed = |cause| self.failed("read", &cause);
        let path = self.target().map_err(failed)?;
        for look in 0..LOOKS {
            if look > 0 {
                thread::sleep(MOMENT);
            }
            let Some(bytes) = private::read_own(&path, MOST).map_err(failed)? else { return Ok(None) };
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let text = trimmed(&text);
            if text.is_empty() {
                return Ok(None);
            }
            if let Some(stored) = parsed(text) {
                return Ok(Some(stored));
            }
        }
        Err(Error::argument("token_file", format!("holds no token: {}", self.path.display()))
            .with_hint("remove it, or name another file"))
    }

    /// Makes sure that a renewed token can be written, before anything is spent for it.
    pub(crate) fn reserve(&self) -> Result<Reserved> {
        let reserved = self.target().and_then(|target| {
            let now = fs::metadata(&target).map_or(0, |metadata| metadata.len().min(MOST));
            Reserved::begin(&target, now + ROOM)
        });
        reserved.map_err(|cause| self.failed("written", &cause))
    }

    /// Writes the token into what was reserved; the file is readable by its owner only.
    pub(crate) fn fill(&self, reserved: Reserved, token: &Token, line: &Line) -> Result<()> {
        let written = text(token, line).and_then(|text| reserved.fill(text.as_bytes()));
        written.map_err(|cause| self.failed("written", &cause))
    }

    pub(crate) fn write(&self, token: &Token, line: &Line) -> Result<()> {
        self.fill(self.reserve()?, token, line)
    }

    /// Asks for the lock that whoever renews holds: on a file beside the token's, or on itself where no other file can
    /// be shared (it alone is mounted here, or the folder cannot be written).
    pub(crate) fn lock(&self) -> io::Result<Taken> {
        let target = self.target()?;
        let beside = match sys::is_mount_point(&target) {
            true => Err(io::ErrorKind::Unsupported.into()),
            false => private::open_or_create(&lock_of(&target)),
        };
        let file = beside.or_else(|cause| private::open_own(&target)?.ok_or(cause))?;
        lock::take(file)
    }

    /// The file itself, behind links of the user's own. A link in a folder that others can write to may be planted.
    fn target(&self) -> io::Result<PathBuf> {
        let mut path = self.path.clone();
        for _ in 0..40 {
            let Ok(metadata) = fs::symlink_metadata(&path) else { break };
            if !metadata.is_symlink() {
                break;
            }
            if !sys::is_trusted(metadata.uid()) {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is another user's link"));
            }
            let next = fs::read_link(&path)?;
            path = path.parent().unwrap_or(Path::new("/")).join(next);
        }
        replace::resolved(&path)
    }
}

/// The lock's name, which fits wherever the file's own does.
fn lock_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    if name.len() > 255 {
        name = format!(".bge-{}.lock", fingerprint(&name.to_string_lossy())).into();
    }
    target.with_file_name(name)
}

fn text(token: &Token, line: &Line) -> io::Result<String> {
    let belongs_to = serde_json::to_string(line)?;
    let open = token.json().trim_end().strip_suffix('}').unwrap_or_default().trim_end();
    Ok(format!("{open},\"{BELONGS_TO}\":{belongs_to}}}\n"))
}

fn parsed(text: &str) -> Option<Stored> {
    let members = json::members(text)?;
    let (belongs_to, own): (Vec<_>, Vec<_>) = members.into_iter().partition(|(name, _)| name == BELONGS_TO);
    let line = match belongs_to.last() {
        Some((_, raw)) => Some(serde_json::from_str::<Line>(raw.get()).ok()?),
        None => None,
    };
    let own: Vec<(&str, &RawValue)> = own.iter().map(|(name, raw)| (name.as_str(), *raw)).collect();
    Some(Stored { token: Token::from_json(&json::object(&own))?, line })
}
