//! The object store: signed uploads, verified downloads.
//!
//! An upload: `settings` reads the arguments, `source` opens what is sent, `token` has the credentials, `put` or
//! `multipart` sends through `store`, which signs (`sign`, `address`) and repeats. A download: `origin` has the URL,
//! `download` plans the pieces, `pour` writes them into a `part_file`, `ledger` keeps the account.

mod address;
mod cancel;
mod checkpoint;
mod crc64;
mod download;
mod folder;
mod ledger;
mod meter;
mod multipart;
mod origin;
mod part_file;
mod parts;
mod pour;
mod put;
mod reader;
mod refusal;
mod settings;
mod sign;
mod source;
mod store;
mod token;
mod writer;

use std::{path::Path, sync::Arc};

pub use reader::Reader;
pub(crate) use source::Content;
pub(crate) use token::Vault;
pub use writer::Writer;

use self::{
    checkpoint::Checkpoint,
    download::on_disk,
    meter::Meter,
    origin::Origin,
    put::{Uploaded, put},
    settings::{SWITCHES, Settings, check_all, check_filename, whole},
    source::OpenFile,
    store::Store,
};
use crate::{
    args::Args,
    client::Client,
    endpoint::{self, Endpoint},
    error::{Error, Result, Status},
    op::Operation,
    transport::{Sender, Terms},
};

impl Client {
    /// Uploads bytes in memory; `args_json` is that of the call `upload`.
    pub fn upload(&self, filename: &str, data: impl Into<Vec<u8>>, args_json: &str) -> Result<String> {
        let args = Args::parse(args_json).map_err(|error| error.with_call("upload"))?;
        self.upload_content(filename, Arc::new(bytes::Bytes::from(data.into())), args)
    }

    pub(crate) fn upload_content(
        &self,
        filename: &str,
        content: Arc<dyn Content>,
        args: Args,
    ) -> Result<String> {
        let terms = self.transport.terms(Sender::Streaming);
        self.told("upload", self.transport.wait(upload(self, terms, filename, content, args)))
    }

    /// The same in the background; `on_end` is told when the operation has ended and reads the content no more.
    pub(crate) fn start_upload(
        &self,
        filename: &str,
        content: Arc<dyn Content>,
        args: Args,
        on_end: impl Fn(bool) + Send + Sync + 'static,
    ) -> Result<Operation> {
        let (this, filename) = (self.clone(), filename.to_owned());
        let work = move |terms| async move {
            let outcome = upload(&this, terms, &filename, content, args).await;
            this.told("upload", outcome)
        };
        Operation::start_with(&self.transport, work, Some(Box::new(on_end)))
    }
}

/// Carries a transfer out by name.
pub(crate) async fn dispatch(
    client: &Client,
    terms: Terms,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    let terms = terms.switched(&args.switches(&SWITCHES)?);
    match endpoint.name {
        "upload" => Err(Error::argument("upload", "takes bytes, which are not JSON: call its function")
            .with_hint("upload_file takes a path")),
        "upload_file" => upload_file(client, terms, endpoint, args).await,
        "download" => download(client, terms, endpoint, args).await,
        "download_file" => download_file(client, terms, endpoint, args).await,
        "upload_dir" => {
            let (settings, store) = many(client, terms, endpoint, args)?;
            folder::upload_dir(&store, &settings, args).await
        }
        "batch_upload" => {
            let (settings, store) = many(client, terms, endpoint, args)?;
            folder::batch_upload(&store, &settings, args).await
        }
        _ => Err(Error::new(Status::Internal, "the transfer is not in the table")),
    }
}

async fn upload(
    client: &Client,
    terms: Terms,
    filename: &str,
    content: Arc<dyn Content>,
    args: Args,
) -> Result<String> {
    let terms = terms.switched(&args.switches(&SWITCHES)?);
    check_all(row("upload")?, &args.clone().with("filename", filename)?)?;
    let settings = Settings::read(&args)?;
    check_filename("filename", filename)?;
    send(&Store::new(client, terms, &settings), &settings, filename, content, None).await
}

fn many(
    client: &Client,
    terms: Terms,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<(Settings, Store)> {
    check_all(endpoint, args)?;
    let settings = Settings::read(args)?;
    let store = Store::new(client, terms, &settings);
    Ok((settings, store))
}

fn row(name: &str) -> Result<&'static Endpoint> {
    endpoint::find(name).ok_or_else(|| Error::new(Status::Internal, "the call is not in the table"))
}

async fn upload_file(
    client: &Client,
    terms: Terms,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    check_all(endpoint, args)?;
    let settings = Settings::read(args)?;
    let path = args.text("path")?.unwrap_or_default();
    let filename = args.text("filename")?;
    let store = Store::new(client, terms, &settings);
    let (filename, file, checkpoint) = open_file(&store, &settings, path, filename).await?;
    send(&store, &settings, &filename, Arc::new(file), checkpoint.as_ref()).await
}

/// The name that a file gets in the store, the file, and its checkpoint if there is to be one.
async fn open_file(
    store: &Store,
    settings: &Settings,
    path: String,
    filename: Option<String>,
) -> Result<(String, OpenFile, Option<Checkpoint>)> {
    if let Some(filename) = &filename {
        check_filename("filename", filename)?;
    }
    if path.is_empty() || path.contains('\0') {
        return Err(Error::argument("path", "must be the path of a file"));
    }
    let (settings, platform) = (settings.clone(), store.client.transport.options().endpoint.to_string());
    on_disk(move || {
        let file = OpenFile::open(Path::new(&path))?;
        let filename = match filename {
            Some(filename) => filename,
            None => {
                Path::new(&path).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
            }
        };
        check_filename("filename", &filename)?;
        let checkpoint = match &settings.checkpoint_dir {
            Some(folder) if settings.in_parts(file.length()) => {
                Some(Checkpoint::open(folder, &platform, &settings.region, &filename, &file)?)
            }
            _ => None,
        };
        Ok((filename, file, checkpoint))
    })
    .await
}

async fn send(
    store: &Store,
    settings: &Settings,
    filename: &str,
    content: Arc<dyn Content>,
    checkpoint: Option<&Checkpoint>,
) -> Result<String> {
    let meter = Meter::new(store.terms.progress.clone(), content.length());
    // What is resumed has its name already.
    if checkpoint.and_then(Checkpoint::earlier).is_none() {
        store.claim(&[filename.to_owned()]).await?;
    }
    let uploaded = send_one(store, settings, filename, &content, checkpoint, &meter).await?;
    Ok(uploaded.to_json())
}

async fn send_one(
    store: &Store,
    settings: &Settings,
    filename: &str,
    content: &Arc<dyn Content>,
    checkpoint: Option<&Checkpoint>,
    meter: &Arc<Meter>,
) -> Result<Uploaded> {
    let gauge = meter.gauge();
    if settings.in_parts(content.length()) {
        parts::upload(store, settings, filename, content, checkpoint, &gauge).await
    } else {
        put(store, filename, content, &gauge).await
    }
}

async fn download(client: &Client, terms: Terms, endpoint: &'static Endpoint, args: &Args) -> Result<String> {
    check_all(endpoint, args)?;
    let object = args.text("object_name")?.unwrap_or_default();
    let path = args.text("path")?.unwrap_or_default();
    let last = object.rsplit('/').next().unwrap_or_default();
    let target = part_file::target(&path, last)?;
    let origin = Origin::object(client, terms, &object, url_args(args, &object)?);
    download::download(&origin, target, connections(args)?).await
}

/// What `get_download_url` is asked with.
fn url_args(args: &Args, object: &str) -> Result<Args> {
    let mut asking = Args::default().with("object_name", object)?;
    for name in ["region", "expiration_time"] {
        if let Some(raw) = args.get(name) {
            asking = asking.with_json(name, raw)?;
        }
    }
    Ok(asking)
}

fn connections(args: &Args) -> Result<usize> {
    Ok(whole(args, "multipart_num_threads")?.unwrap_or(4).clamp(1, 1024) as usize)
}

async fn download_file(
    client: &Client,
    terms: Terms,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    check_all(endpoint, args)?;
    let path = args.text("path")?.unwrap_or_default();
    let origin = Origin::url(client, terms, &args.text("url")?.unwrap_or_default())?;
    let last = origin.object.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    let target = part_file::target(&path, &last)?;
    download::download(&origin, target, connections(args)?).await
}
