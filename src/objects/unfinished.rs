//! What a `checkpoint_dir` holds of uploads that were begun and never finished: shown, or given up on the store too.

use std::{fs, path::PathBuf};

use serde_json::{Value, json, value::RawValue};

use super::{
    Objects,
    grant::Claim,
    multipart::Multipart,
    store::Store,
    upload_options::{Region, UploadOptions, check_names},
    upload_state::{Left, UploadRecord, left_at, left_in},
};
use crate::{
    context::{Context, blocking},
    disk::lock,
    error::{Error, Result, Status},
    platform::args::Args,
};

/// The unfinished uploads in a folder, as a JSON array; with `discard` they are aborted on the store and forgotten.
pub(super) async fn unfinished_uploads(objects: &Objects, context: Context, args: &Args) -> Result<String> {
    check_names(args, vec!["checkpoint_dir", "discard"])?;
    let folder = args.text("checkpoint_dir")?.filter(|folder| !folder.is_empty() && !folder.contains('\0'));
    let folder = PathBuf::from(
        folder.ok_or_else(|| Error::argument("checkpoint_dir", "is required: the path of a folder"))?,
    );
    let discards = match args.get("discard") {
        None | Some("false" | "null") => false,
        Some("true") => true,
        Some(_) => return Err(Error::argument("discard", "must be true or false")),
    };
    let left = blocking(move || {
        left_in(&folder)
            .map_err(|cause| Error::io(format!("{} cannot be read as a folder", folder.display()), &cause))
    })
    .await?;
    let (mut listed, mut failures) = (Vec::new(), Vec::new());
    for left in left {
        let mut entry = shown(objects, &left);
        if discards {
            match discard(objects, &context, left).await {
                Ok(()) => entry["discarded"] = true.into(),
                Err(error) => {
                    entry["error"] = serde_json::from_str(&error.to_json()).unwrap_or(Value::Null);
                    failures.push(error);
                }
            }
        }
        listed.push(entry);
    }
    let Some(first) = failures.first() else { return Ok(Value::Array(listed).to_string()) };
    let what = format!("{} of {} unfinished uploads could not be discarded", failures.len(), listed.len());
    let error = Error::new(first.status(), what)
        .with_cause(first.message())
        .with_hint("\"files\" of the error's JSON has each upload")
        .with_retryable(failures.iter().all(Error::retryable));
    Err(match RawValue::from_string(Value::Array(listed).to_string()) {
        Ok(files) => error.with_files(files),
        Err(_) => error,
    })
}

fn argument<'a>(left: &'a Left, name: &str) -> Option<&'a str> {
    left.owner.arguments.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn is_ours(objects: &Objects, left: &Left) -> bool {
    let ours = objects.owner(&left.owner.call, left.owner.arguments.clone());
    ours == left.owner && left.owner.call == "upload"
}

fn shown(objects: &Objects, left: &Left) -> Value {
    let mut entry = json!({
        "path": argument(left, "path"),
        "filename": argument(left, "filename"),
        "own": is_ours(objects, left),
    });
    if let Some(record) = &left.record {
        entry["object_name"] = record.key.as_str().into();
        entry["size"] = record.size.into();
        entry["parts"] = record.parts.len().into();
        entry["sent"] = record.parts.values().fold(0u64, |sum, part| sum.saturating_add(part.size)).into();
    }
    entry
}

async fn discard(objects: &Objects, context: &Context, left: Left) -> Result<()> {
    if !is_ours(objects, &left) {
        return Err(Error::new(Status::Auth, "the upload is another account's, or another platform's")
            .with_hint("discard it with a client of the account that began it"));
    }
    // Whoever sends it has the lock. With the lock nobody else goes on with it, and what stands there stays so.
    let place = left.place.clone();
    let (_held, left) = blocking(move || {
        let held = lock::hold(&place)
            .map_err(|cause| Error::io(format!("{} cannot be opened", place.display()), &cause))?;
        let held = held.ok_or_else(|| {
            Error::new(Status::Io, "the upload is under way: another call sends it just now")
        })?;
        Ok((held, left_at(&place).unwrap_or(Left { record: None, ..left })))
    })
    .await?;
    if let Some(record) = left.record.as_ref().filter(|_| is_ours(objects, &left)) {
        abort(objects, context, &left, record).await?;
    }
    blocking(move || {
        fs::remove_file(&left.place)
            .map_err(|cause| Error::io(format!("{} cannot be removed", left.place.display()), &cause))
    })
    .await
}

async fn abort(objects: &Objects, context: &Context, left: &Left, record: &UploadRecord) -> Result<()> {
    let mut options = UploadOptions::read(&Args::default())?;
    options.region = Region {
        region_id: argument(left, "region_id").map(str::to_owned),
        internal: argument(left, "internal") == Some("true"),
    };
    let store = Store::new(objects, context.clone(), &options);
    let claim = Claim::new(argument(left, "filename").unwrap_or_default());
    store.adopt(&claim).await?;
    let grant = store.grant(&claim).await?;
    if record.bucket != grant.bucket.name || record.endpoint != grant.bucket.endpoint.as_str() {
        return Err(Error::new(Status::Storage, "the upload was begun on another store"));
    }
    let upload = Multipart::known(&store, &claim, record.key.clone(), record.upload_id.clone());
    upload.keep();
    upload.abort().await
}
