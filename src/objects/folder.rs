//! Many files in one call: one token, one bounded pool of connections, one result for each file.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    download::on_disk,
    meter::Meter,
    open_file,
    put::Uploaded,
    send_one,
    store::Store,
    upload_options::{UploadOptions, check_filename},
};
use crate::{
    error::{Error, Result, Status},
    options,
    platform::args::Args,
};

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
    let entries = on_disk(move || {
        let mut entries = Vec::new();
        let folder = PathBuf::from(&path);
        let listed = fs::read_dir(&folder)
            .map_err(|cause| Error::io(format!("{} cannot be read as a folder", folder.display()), &cause))?;
        list(listed, "", recursive.then_some(separator.as_str()), &mut entries);
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
    let entries = on_disk(move || {
        for entry in &mut entries {
            entry.size = fs::metadata(&entry.path).map_or(0, |metadata| metadata.len());
        }
        Ok(entries)
    })
    .await?;
    upload_all(store, options, entries).await
}

/// Adds the files of one folder; with a separator those of its sub-folders too, their names joined by it.
fn list(folder: fs::ReadDir, before: &str, separator: Option<&str>, entries: &mut Vec<Entry>) {
    for entry in folder {
        let entry = match entry {
            Ok(entry) => entry,
            Err(cause) => {
                let trouble = Some(Error::io("the folder could not be read to its end", &cause));
                entries.push(Entry { path: before.to_owned(), filename: String::new(), size: 0, trouble });
                continue;
            }
        };
        let (path, name) = (entry.path(), entry.file_name());
        let filename = format!("{before}{}", name.to_string_lossy());
        let trouble = |what: &str| {
            Some(Error::io(
                format!("{} was not uploaded", path.display()),
                &io::Error::other(what.to_owned()),
            ))
        };
        let mut add = |size, trouble| {
            let path = path.to_string_lossy().into_owned();
            entries.push(Entry { path, filename: filename.clone(), size, trouble });
        };
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(cause) => {
                add(0, trouble(&cause.to_string()));
                continue;
            }
        };
        let kind = metadata.file_type();
        if kind.is_dir() {
            let Some(separator) = separator else { continue };
            match fs::read_dir(&path) {
                Ok(inner) => list(inner, &format!("{filename}{separator}"), Some(separator), entries),
                Err(cause) => add(0, trouble(&cause.to_string())),
            }
        } else if kind.is_symlink() {
            add(0, trouble("it is a symbolic link, and links are not followed"));
        } else if !kind.is_file() {
            add(0, trouble("it is no regular file"));
        } else if path.to_str().is_none() {
            add(0, trouble("its name is not UTF-8"));
        } else {
            add(metadata.len(), None);
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
    let names: Vec<String> = good().map(|entry| entry.filename.clone()).collect();
    let meter = Meter::new(store.context.progress.clone(), good().map(|entry| entry.size).sum());
    if !names.is_empty() {
        store.claim(&names).await?;
    }
    let (meter, all) = (&meter, entries.as_slice());
    let mut done: Vec<(usize, Result<Uploaded>)> = stream::iter(0..all.len())
        .map(|place| async move {
            let outcome = match all.get(place) {
                Some(Entry { trouble: Some(error), .. }) => Err(error.clone()),
                Some(entry) => one(store, options, entry, meter).await,
                None => Err(Error::new(Status::Internal, "no such file")),
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
    meter: &std::sync::Arc<Meter>,
) -> Result<Uploaded> {
    let (filename, file, state) =
        open_file(store, options, entry.path.clone(), Some(entry.filename.clone())).await?;
    let content: std::sync::Arc<dyn super::Content> = std::sync::Arc::new(file);
    send_one(store, options, &filename, &content, state.as_ref(), meter).await
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
