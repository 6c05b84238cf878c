//! The object store: signed uploads, verified downloads. Knows the platform by what it needs of it (`StoreAccess`), and
//! no credentials but the store's own.
//!
//! An upload: `upload_options` reads the arguments, `content` opens what is sent, `slot` and `grant` have the store's credentials,
//! `put` or `part_upload` sends through `store`, which signs (`sign`, `address`) and repeats. A download: `origin` has
//! the URL, `download` plans, `pieces` fetches, `receive` writes them into a `part_file`, `download_state` keeps the account.
//! What is encrypted goes through `crypt`, whose keys `kms` wraps and unwraps.

mod address;
mod content;
mod crc64;
mod crypt;
mod download;
mod download_state;
mod folder;
mod grant;
mod kms;
mod meter;
mod multipart;
mod origin;
mod part_file;
mod part_upload;
mod pieces;
mod put;
mod reader;
mod receive;
mod refusal;
mod sign;
mod slot;
mod source;
mod store;
mod unfinished;
mod upload_options;
mod upload_state;
mod writer;

use std::{fmt, path::Path, sync::Arc};

pub(crate) use content::Content;
pub use reader::Reader;
pub use writer::Writer;

use self::{
    content::{OpenFile, content_of},
    grant::Claim,
    meter::Meter,
    origin::{Addresses, Origin},
    put::{Uploaded, put},
    slot::Grants,
    store::Store,
    upload_options::{SWITCHES, UploadOptions, check_all, check_filename, whole},
    upload_state::UploadState,
};
use crate::{
    context::{Context, blocking},
    disk::owner::Owner,
    error::{Error, Result, Status},
    platform::{
        args::Args,
        endpoint::{self, Endpoint},
        store_access::StoreAccess,
    },
    transport::Transport,
};

/// One client's way to the object store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Objects {
    transport: Transport,
    access: Arc<dyn StoreAccess>,
    grants: Grants,
    addresses: Addresses,
}

impl Objects {
    pub(crate) fn new(transport: Transport, access: Arc<dyn StoreAccess>) -> Self {
        Objects { transport, access, grants: Grants::new(), addresses: Addresses::new() }
    }

    /// Carries a transfer out by name.
    pub(crate) async fn carry_out(
        &self,
        context: Context,
        endpoint: &'static Endpoint,
        args: &Args,
    ) -> Result<String> {
        let context = context.switched(&args.switches(&SWITCHES)?);
        match endpoint.name {
            "upload" => Err(Error::argument("upload", "takes bytes, which are not JSON: call its function")
                .with_hint("upload_file takes a path")),
            "upload_file" => upload_file(self, context, endpoint, args).await,
            "download" => download(self, context, endpoint, args).await,
            "download_file" => download_file(self, context, endpoint, args).await,
            "upload_dir" => {
                let (options, store) = many(self, context, endpoint, args)?;
                folder::upload_dir(&store, &options, args).await
            }
            "batch_upload" => {
                let (options, store) = many(self, context, endpoint, args)?;
                folder::batch_upload(&store, &options, args).await
            }
            _ => Err(Error::new(Status::Internal, "the transfer is not in the table")),
        }
    }

    /// Uploads what is not a file.
    pub(crate) async fn upload(
        &self,
        context: Context,
        filename: &str,
        content: Arc<dyn Content>,
        args: Args,
    ) -> Result<String> {
        let context = context.switched(&args.switches(&SWITCHES)?);
        check_all(row("upload")?, &args.clone().with("filename", filename)?)?;
        let options = UploadOptions::read(&args)?;
        check_filename("filename", filename)?;
        let source = Source { claim: Claim::new(filename), content, state: None };
        send(&Store::new(self, context, &options), &options, source).await
    }

    /// An object of moderate size, whole, in memory: no more of it than an answer may have.
    pub(crate) async fn fetch(&self, context: &Context, object: &str) -> Result<bytes::Bytes> {
        /// The thread that reads ends with whoever waits for it.
        struct Ending(Arc<Reader>);
        impl Drop for Ending {
            fn drop(&mut self) {
                self.0.cancel();
            }
        }
        let reader = Arc::new(self.reader(object, "{}")?);
        let (_ending, most) = (Ending(reader.clone()), context.limits.answer);
        let read = blocking(move || {
            let (mut content, mut piece) = (bytes::BytesMut::new(), vec![0; 1 << 18]);
            loop {
                match reader.read(&mut piece)? {
                    0 => return Ok(content.freeze()),
                    count => content.extend_from_slice(&piece[..count]),
                }
                if content.len() as u64 > most {
                    let what = format!("the object is longer than {most} bytes");
                    return Err(Error::new(Status::Protocol, what).with_hint("\"max_answer\" allows more"));
                }
            }
        });
        context.bounded(read).await
    }

    /// Whether the key service gives a data key under this master key.
    pub(crate) async fn try_key(&self, context: &Context, cmk_id: &str) -> Result<()> {
        kms::KeyService::new(self, context, self.grants.slot(&upload_options::Region::default()))
            .data_key(cmk_id)
            .await
            .map(drop)
    }

    /// What a `checkpoint_dir` holds of uploads that were not finished.
    pub(crate) async fn unfinished_uploads(&self, context: Context, args: &Args) -> Result<String> {
        let context = context.switched(&args.switches(&SWITCHES)?);
        unfinished::unfinished_uploads(self, context, args).await
    }

    /// Whose a state on the disk is.
    fn owner(&self, call: &str, arguments: Vec<(String, String)>) -> Owner {
        let address = self.transport.options().endpoint.to_string();
        Owner { address, account: self.access.account(), call: call.to_owned(), arguments }
    }

    /// A reader of an object; nothing is sent before its first read.
    pub(crate) fn reader(&self, object_name: &str, args_json: &str) -> Result<Reader> {
        Reader::open(self, object_name, args_json)
    }

    /// A writer of an object; nothing is sent before its first write.
    pub(crate) fn writer(&self, filename: &str, args_json: &str) -> Result<Writer> {
        Writer::open(self, filename, args_json)
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

fn many(
    objects: &Objects,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<(UploadOptions, Store)> {
    check_all(endpoint, args)?;
    let options = UploadOptions::read(args)?;
    let store = Store::new(objects, context, &options);
    Ok((options, store))
}

fn row(name: &str) -> Result<&'static Endpoint> {
    endpoint::find(name).ok_or_else(|| Error::new(Status::Internal, "the call is not in the table"))
}

async fn upload_file(
    objects: &Objects,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    check_all(endpoint, args)?;
    let options = UploadOptions::read(args)?;
    let path = args.text("path")?.unwrap_or_default();
    let filename = args.text("filename")?;
    let store = Store::new(objects, context, &options);
    let source = open_file(&store, &options, path, filename).await?;
    send(&store, &options, source).await
}

/// What is uploaded, and as what.
struct Source {
    claim: Arc<Claim>,
    content: Arc<dyn Content>,
    state: Option<UploadState>,
}

/// A file, the name that it gets in the store, and its state if there is to be one.
async fn open_file(
    store: &Store,
    options: &UploadOptions,
    path: String,
    filename: Option<String>,
) -> Result<Source> {
    if let Some(filename) = &filename {
        check_filename("filename", filename)?;
    }
    if path.is_empty() || path.contains('\0') {
        return Err(Error::argument("path", "must be the path of a file"));
    }
    let (options, objects) = (options.clone(), store.objects().clone());
    blocking(move || {
        let file = OpenFile::open(Path::new(&path))?;
        let filename = match filename {
            Some(filename) => filename,
            None => {
                Path::new(&path).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
            }
        };
        check_filename("filename", &filename)?;
        let state = match &options.checkpoint_dir {
            Some(folder) if options.in_parts(file.length()) => {
                let owner =
                    objects.owner("upload", upload_state::known_by(&file, &filename, &options.of_state()));
                UploadState::open(folder, owner, &objects.transport)?
            }
            _ => None,
        };
        Ok(Source { claim: Claim::new(&filename), content: content_of(file)?, state })
    })
    .await
}

async fn send(store: &Store, options: &UploadOptions, source: Source) -> Result<String> {
    let meter = Meter::new(store.context.progress.clone(), source.content.length());
    if source.is_resumed() {
        store.adopt(&source.claim).await?;
    } else {
        store.claim(std::slice::from_ref(&source.claim)).await?;
    }
    let uploaded = send_one(store, options, &source, &meter).await?;
    Ok(uploaded.to_json())
}

async fn send_one(
    store: &Store,
    options: &UploadOptions,
    source: &Source,
    meter: &Arc<Meter>,
) -> Result<Uploaded> {
    let gauge = meter.gauge();
    let Source { claim, content, state } = source;
    if options.in_parts(content.length()) {
        part_upload::upload(store, options, claim, content, state.as_ref(), &gauge).await
    } else {
        put(store, options.cmk_id.as_deref(), claim, content, &gauge).await
    }
}

impl Source {
    /// An earlier call has begun it, under this name.
    fn is_resumed(&self) -> bool {
        self.state.as_ref().and_then(UploadState::earlier).is_some()
    }
}

async fn download(
    objects: &Objects,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    check_all(endpoint, args)?;
    let object = args.text("object_name")?.unwrap_or_default();
    let path = args.text("path")?.unwrap_or_default();
    let last = object.rsplit('/').next().unwrap_or_default();
    let target = part_file::target(&path, last)?;
    let mut arguments = vec![("object_name".to_owned(), object.clone())];
    arguments.extend(args.text("region")?.map(|region| ("region".to_owned(), region)));
    arguments.push(("decrypt".to_owned(), decrypts(args).to_string()));
    let owner = objects.owner("download", arguments);
    let origin = Origin::object(objects, context, &object, url_args(args, &object)?);
    download::download(&origin, target, owner, (connections(args)?, decrypts(args))).await
}

/// Encrypted objects are decrypted unless the caller wants them as they are stored.
fn decrypts(args: &Args) -> bool {
    args.get("decrypt") != Some("false")
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
    objects: &Objects,
    context: Context,
    endpoint: &'static Endpoint,
    args: &Args,
) -> Result<String> {
    check_all(endpoint, args)?;
    let path = args.text("path")?.unwrap_or_default();
    let origin = Origin::url(objects, context, &args.text("url")?.unwrap_or_default())?;
    let last = origin.object.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    let target = part_file::target(&path, &last)?;
    // Nobody's account: whoever has the address has the object.
    let arguments =
        vec![("url".to_owned(), origin.object.clone()), ("decrypt".to_owned(), decrypts(args).to_string())];
    let call = "download_file".to_owned();
    let owner = Owner { address: String::new(), account: String::new(), call, arguments };
    download::download(&origin, target, owner, (connections(args)?, decrypts(args))).await
}
