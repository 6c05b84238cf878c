//! Many files in one call: one token, one bounded pool of connections, one result for each file.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Source,
    grant::Claim,
    meter::Meter,
    open_file,
    put::Uploaded,
    send_one,
    store::Store,
    upload_options::{UploadOptions, check_filename},
};
use crate::{
    context::blocking,
    error::{Error, Result, Status},
    log::Level,
    options,
    platform::args::Args,
    transport::Transport,
};

/// The store takes no longer names, in bytes.
const LONGEST_NAME: usize = 1023;

/// A file to upload, or why it cannot be.
struct Entry {
    path: String,
    filename: String,
    size: u64,
    trouble: Option<Error>,
}

/// The files of a folder.
pub(super) async fn upload_dir(store: &Store, options: &UploadOptions, args: &Args) -> Result<String> {
    let path = args.text("path")?.unwrap_or_default();
    if path.is_empty() || path.contains('\0') {
        return Err(Error::argument("path", "must be the path of a folder"));
    }
    let recursive = args.get("recursive") == Some("true");
    let separator = args.text("separator")?.unwrap_or_else(|| "_".to_owned());
    if separator.contains(['/', '\0']) {
        return Err(Error::argument("separator", "must not hold \"/\": names in the store have none"));
    }
    let follows = args.get("follow_links") == Some("true");
    let transport = store.transport().clone();
    let entries = blocking(move || {
        let folder = PathBuf::from(&path);
        let unreadable =
            |cause: &io::Error| Error::io(format!("{} cannot be read as a folder", folder.display()), cause);
        let listed = fs::read_dir(&folder).map_err(|cause| unreadable(&cause))?;
        let root = fs::canonicalize(&folder).map_err(|cause| unreadable(&cause))?;
        let within = vec![place(&root).map_err(|cause| unreadable(&cause))?];
        let mut walk = Walk {
            root,
            separator: recursive.then_some(separator),
            follows,
            transport,
            within,
            entries: Vec::new(),
        };
        walk.walk(&folder, listed);
        let mut entries = walk.entries;
        entries.sort_by(|one, other| (&one.filename, &one.path).cmp(&(&other.filename, &other.path)));
        Ok(entries)
    })
    .await?;
    upload_all(store, options, entries).await
}

/// Files that are named one by one.
pub(super) async fn batch_upload(store: &Store, options: &UploadOptions, args: &Args) -> Result<String> {
    #[derive(Deserialize)]
    struct Named {
        path: String,
        filename: Option<String>,
    }
    const KNOWN: [&str; 2] = ["path", "filename"];
    let wrong = || Error::argument("files", "must be an array of objects of path and filename, both strings");
    let values: Vec<Value> = serde_json::from_str(args.get("files").unwrap_or("[]")).map_err(|_| wrong())?;
    let mut entries = Vec::new();
    for value in values {
        let object = value.as_object().ok_or_else(wrong)?;
        if let Some(name) = object.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(options::unknown("member of files", name, &KNOWN));
        }
        let named: Named = serde_json::from_value(value).map_err(|_| wrong())?;
        if named.path.is_empty() || named.path.contains('\0') {
            return Err(Error::argument("files", "has an entry whose path is none"));
        }
        let own = || Path::new(&named.path).file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let filename = named.filename.clone().or_else(own).unwrap_or_default();
        check_filename("files: filename", &filename)?;
        entries.push(Entry { path: named.path, filename, size: 0, trouble: None });
    }
    let entries = blocking(move || {
        for entry in &mut entries {
            entry.size = fs::metadata(&entry.path).map_or(0, |metadata| metadata.len());
        }
        Ok(entries)
    })
    .await?;
    upload_all(store, options, entries).await
}

/// A walk through a folder.
struct Walk {
    /// The folder itself, without links.
    root: PathBuf,
    /// What joins the names of sub-folders and files; without it sub-folders are left out.
    separator: Option<String>,
    follows: bool,
    transport: Transport,
    /// The folders that it is in just now, from the outermost on.
    within: Vec<(u64, u64)>,
    entries: Vec<Entry>,
}

/// A folder that the walk is in: the names in it that are still to be looked at. They are read at once, so that no more
/// than one folder is open at a time.
struct Listing {
    folder: PathBuf,
    names: std::vec::IntoIter<io::Result<OsString>>,
    /// How the names of what is in it begin in the store.
    before: String,
}

impl Listing {
    fn of(folder: &Path, listed: fs::ReadDir, before: String) -> Self {
        let names: Vec<_> = listed.map(|entry| entry.map(|entry| entry.file_name())).collect();
        Listing { folder: folder.to_owned(), names: names.into_iter(), before }
    }
}

/// Where a symbolic link leads.
enum Link {
    Nowhere,
    /// To itself, or to a folder that holds it.
    Circle,
    Within(PathBuf, fs::Metadata),
    Outside(PathBuf, fs::Metadata),
    Unknown(io::Error),
}

/// By what a folder is known.
fn place(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Walk {
    /// All that is in a folder, and in those below it. They may lie deeper than a thread's stack would reach.
    fn walk(&mut self, folder: &Path, listed: fs::ReadDir) {
        let mut open = vec![Listing::of(folder, listed, String::new())];
        while let Some(level) = open.last_mut() {
            match level.names.next() {
                Some(Ok(name)) => {
                    let inner = self.look_at(&level.folder.join(&name), &name, &level.before);
                    open.extend(inner);
                }
                Some(Err(cause)) => {
                    let trouble = Some(Error::io("the folder could not be read to its end", &cause));
                    let path = level.before.clone();
                    self.entries.push(Entry { path, filename: String::new(), size: 0, trouble });
                }
                None => {
                    open.pop();
                    self.within.pop();
                }
            }
        }
    }

    /// Takes what is there; a folder is given back, to be walked through.
    fn look_at(&mut self, path: &Path, name: &OsStr, before: &str) -> Option<Listing> {
        let filename = format!("{before}{}", name.to_string_lossy());
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => self.follow(path),
            metadata => metadata.map_err(|cause| cause.to_string()),
        };
        let taken = metadata.and_then(|metadata| match &self.separator {
            None if metadata.is_dir() => Ok(None),
            Some(separator) if metadata.is_dir() => {
                let inner = format!("{filename}{separator}");
                self.enter(path, &metadata, inner).map(Some)
            }
            _ if !metadata.is_file() => Err("it is no regular file".to_owned()),
            _ => match path.to_str() {
                Some(path) => {
                    let (path, filename, size) = (path.to_owned(), filename.clone(), metadata.len());
                    self.entries.push(Entry { path, filename, size, trouble: None });
                    Ok(None)
                }
                None => Err("its name is not UTF-8, and names in the store are".to_owned()),
            },
        });
        taken.unwrap_or_else(|why| {
            self.leave_out(path, filename, &why);
            None
        })
    }

    /// Opens a folder below; `before` is how the names of what is in it begin.
    fn enter(
        &mut self,
        path: &Path,
        metadata: &fs::Metadata,
        before: String,
    ) -> std::result::Result<Listing, String> {
        let place = (metadata.dev(), metadata.ino());
        if self.within.contains(&place) {
            return Err("it leads in a circle".to_owned());
        }
        if before.len() >= LONGEST_NAME {
            return Err(format!("no name of what is in it fits the store, which takes {LONGEST_NAME} bytes"));
        }
        let listed = fs::read_dir(path).map_err(|cause| cause.to_string())?;
        self.within.push(place);
        Ok(Listing::of(path, listed, before))
    }

    fn leave_out(&mut self, path: &Path, filename: String, why: &str) {
        let what = format!("{} was not uploaded", path.display());
        let trouble = Some(Error::io(what, &io::Error::other(why.to_owned())));
        let path = path.to_string_lossy().into_owned();
        self.entries.push(Entry { path, filename, size: 0, trouble });
    }

    /// What a link leads to, or why it is not followed.
    fn follow(&self, path: &Path) -> std::result::Result<fs::Metadata, String> {
        let link = self.link(path);
        let leads = match &link {
            Link::Nowhere => "that leads to nothing".to_owned(),
            Link::Circle => "that leads in a circle".to_owned(),
            Link::Within(to, _) => format!("to {}", to.display()),
            Link::Outside(to, _) => format!("that leads out of the folder, to {}", to.display()),
            Link::Unknown(cause) => format!("that cannot be followed: {cause}"),
        };
        match link {
            Link::Within(_, metadata) if self.follows => Ok(metadata),
            Link::Outside(_, metadata) if self.follows => {
                self.transport
                    .log()
                    .write(Level::Info, || format!("{} is a symbolic link {leads}", path.display()));
                Ok(metadata)
            }
            Link::Within(..) | Link::Outside(..) => {
                Err(format!("it is a symbolic link {leads}; follow_links was not asked for"))
            }
            Link::Nowhere | Link::Circle | Link::Unknown(_) => Err(format!("it is a symbolic link {leads}")),
        }
    }

    fn link(&self, path: &Path) -> Link {
        let to = match fs::canonicalize(path) {
            Ok(to) => to,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Link::Nowhere,
            Err(cause) if cause.raw_os_error() == Some(libc::ELOOP) => return Link::Circle,
            Err(cause) => return Link::Unknown(cause),
        };
        match fs::metadata(&to) {
            Ok(metadata)
                if metadata.is_dir()
                    && (self.root.starts_with(&to)
                        || self.within.contains(&(metadata.dev(), metadata.ino()))) =>
            {
                Link::Circle
            }
            Ok(metadata) if to.starts_with(&self.root) => Link::Within(to, metadata),
            Ok(metadata) => Link::Outside(to, metadata),
            Err(cause) => Link::Unknown(cause),
        }
    }
}

async fn upload_all(store: &Store, options: &UploadOptions, entries: Vec<Entry>) -> Result<String> {
    let good = || entries.iter().filter(|entry| entry.trouble.is_none());
    let mut taken: HashMap<&str, &str> = HashMap::new();
    for entry in good() {
        check_filename("filename", &entry.filename)?;
        if let Some(other) = taken.insert(&entry.filename, &entry.path) {
            let what = format!("would get the same name in the store: {}", entry.filename);
            return Err(Error::argument(&format!("{other} and {}", entry.path), what));
        }
    }
    let claims: Vec<Arc<Claim>> = entries.iter().map(|entry| Claim::new(&entry.filename)).collect();
    let claimed: Vec<Arc<Claim>> = entries
        .iter()
        .zip(&claims)
        .filter(|(entry, _)| entry.trouble.is_none())
        .map(|(_, claim)| claim.clone())
        .collect();
    let total = good().fold(0, |sum: u64, entry| sum.saturating_add(entry.size));
    let meter = Meter::new(store.context.progress.clone(), total);
    if !claimed.is_empty() {
        store.claim(&claimed).await?;
    }
    let (meter, all, claims) = (&meter, entries.as_slice(), claims.as_slice());
    let mut done: Vec<(usize, Result<Uploaded>)> = stream::iter(0..all.len())
        .map(|place| async move {
            let outcome = match (all.get(place), claims.get(place)) {
                (Some(Entry { trouble: Some(error), .. }), _) => Err(error.clone()),
                (Some(entry), Some(claim)) => one(store, options, entry, claim.clone(), meter).await,
                _ => Err(Error::new(Status::Internal, "no such file")),
            };
            (place, outcome)
        })
        .buffer_unordered(options.connections)
        .collect()
        .await;
    done.sort_by_key(|(place, _)| *place);
    report(&entries, done.into_iter().map(|(_, outcome)| outcome).collect())
}

async fn one(
    store: &Store,
    options: &UploadOptions,
    entry: &Entry,
    claim: Arc<Claim>,
    meter: &Arc<Meter>,
) -> Result<Uploaded> {
    let opened = open_file(store, options, entry.path.clone(), Some(entry.filename.clone())).await?;
    send_one(store, options, &Source { claim, ..opened }, meter).await
}

fn report(entries: &[Entry], outcomes: Vec<Result<Uploaded>>) -> Result<String> {
    let failures: Vec<&Error> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let Some(first) = failures.first() else {
        let done: Vec<String> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).map(Uploaded::to_json).collect();
        return Ok(format!("[{}]", done.join(",")));
    };
    let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_default();
    let files: Vec<Value> = entries
        .iter()
        .zip(&outcomes)
        .map(|(entry, outcome)| match outcome {
            Ok(done) => {
                json!({"path": entry.path, "filename": entry.filename, "result": parsed(done.to_json())})
            }
            Err(error) => {
                json!({"path": entry.path, "filename": entry.filename, "error": parsed(error.to_json())})
            }
        })
        .collect();
    let what = format!("{} of {} files could not be uploaded", failures.len(), outcomes.len());
    let error = Error::new(first.status(), what)
        .with_cause(first.message())
        .with_hint("\"files\" of the error's JSON has each file's result")
        .with_retryable(failures.iter().all(|failure| failure.retryable()));
    Err(match RawValue::from_string(Value::Array(files).to_string()) {
        Ok(files) => error.with_files(files),
        Err(cause) => Error::new(Status::Internal, "the files' results are no JSON").with_cause(cause),
    })
}
