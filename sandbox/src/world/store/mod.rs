//! The object store's content: objects, open multipart uploads, temporary credentials, a clock of its own.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub mod blob;
pub mod crc64;
pub mod credentials;
pub mod digest;
pub mod object;
pub mod options;
pub mod upload;

use crate::world::clock;
use crate::world::lock::lock;
use blob::Arena;
use credentials::{Credential, Credentials, Scope, StsCredentials};
use digest::{Received, receive_bytes};
use object::{Object, default_type};
use options::Options;
use upload::{Part, Upload};

/// Bodies up to this size stay in memory.
const INLINE: usize = 1 << 20;
/// The same when the user named a folder for the data.
const INLINE_WITH_FOLDER: usize = 64 << 10;

pub struct StoreConfig {
    /// The folder whose disk takes the bodies, created if missing; the system's temporary folder
    /// when `None`. Nothing stays there once the process has ended.
    pub data_dir: Option<PathBuf>,
    pub bucket: String,
    /// Without `oss-`, such as `cn-shenzhen`.
    pub region: String,
    /// Keys, tokens and ids follow from it.
    pub seed: u64,
}

/// One bucket and everybody who may use it.
pub struct Store {
    bucket: String,
    region: String,
    seed: u64,
    inline_limit: usize,
    arena: Arc<Arena>,
    /// Counts whatever needs a name of its own.
    names: AtomicU64,
    reads: AtomicU64,
    options: Mutex<Options>,
    credentials: Mutex<Credentials>,
    uploads: Mutex<HashMap<String, Upload>>,
    objects: Mutex<BTreeMap<String, Arc<Object>>>,
}

impl Store {
    /// Fails when the folder for the data cannot be used.
    pub fn new(config: StoreConfig) -> std::io::Result<Arc<Store>> {
        Ok(Arc::new(Store {
            arena: Arena::new(config.data_dir.as_deref())?,
            inline_limit: match config.data_dir {
                Some(_) => INLINE_WITH_FOLDER,
                None => INLINE,
            },
            bucket: config.bucket,
            region: config.region,
            seed: config.seed,
            names: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            options: Mutex::default(),
            credentials: Mutex::new(Credentials::new(config.seed)),
            uploads: Mutex::default(),
            objects: Mutex::default(),
        }))
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// Credentials for objects `destination/name`, where the name holds no further slash.
    pub fn issue_sts(&self, destination: &str, lifetime: Duration) -> StsCredentials {
        let scope = Scope::Destination(destination.to_owned());
        let issued = lock(&self.credentials).issue(scope, Some(lifetime));
        let now = self.now();
        StsCredentials {
            access_key_id: issued.id.clone(),
            access_key_secret: issued.secret.clone(),
            security_token: issued.token.clone(),
            expires_at: now.checked_add(lifetime).unwrap_or(now),
        }
    }

    /// The credential behind presigned URLs.
    pub fn presigning(&self) -> Arc<Credential> {
        let counted = self.options().presign_uses.is_some();
        lock(&self.credentials).presigning(counted)
    }

    /// Ends every STS credential issued so far: SecurityTokenExpired from now on.
    pub fn expire_all_sts(&self) {
        lock(&self.credentials).revoke_all(false);
    }

    /// Ends one STS credential; `false` when there is none of this key id.
    pub fn expire_sts(&self, access_key_id: &str) -> bool {
        let found = lock(&self.credentials).find(access_key_id);
        found.inspect(|credential| credential.revoke()).is_some()
    }

    /// Ends every presigned URL given out so far: AccessDenied, "Request has expired."
    pub fn expire_presigned(&self) {
        lock(&self.credentials).revoke_all(true);
    }

    pub fn exists(&self, object: &str) -> bool {
        self.object(object).is_some()
    }

    /// Stores an object, or replaces one: readers that have begun still get the former content.
    pub fn put_internal(&self, object: &str, bytes: Vec<u8>) {
        let stored = Object::whole(receive_bytes(bytes, true), HeaderMap::new(), self.now());
        lock(&self.objects).insert(object.to_owned(), Arc::new(stored));
    }

    /// The same for an object of pieces, which others may have, too: nothing is copied.
    pub fn put_pieces(&self, object: &str, pieces: &[&Received]) {
        let part = |received: &&Received| Part {
            blob: Arc::clone(&received.blob),
            digest: received.digest,
            crc64: received.crc64,
            crc64_stated: true,
            modified: self.now(),
        };
        let mut headers = HeaderMap::new();
        default_type(&mut headers);
        let parts: Vec<_> = pieces.iter().map(part).collect();
        let joined = upload::join(&parts.iter().collect::<Vec<_>>(), headers, false, self.now());
        self.insert(object, joined, false);
    }

    pub fn size(&self, object: &str) -> Option<u64> {
        self.object(object).map(|object| object.size)
    }

    /// Cuts an object down to its first bytes, which makes it another one; `false` when there is none, or not so many.
    pub fn cut(&self, object: &str, bytes: u64) -> std::io::Result<bool> {
        let Some(whole) = self.object(object).filter(|whole| whole.size >= bytes) else { return Ok(false) };
        let kept = receive_bytes(whole.first(bytes)?, true);
        let cut = Object::whole(kept, whole.headers.clone(), self.now());
        self.insert(object, cut, false);
        Ok(true)
    }

    /// The ETag that an object has for one reader.
    pub fn etag_for_reader(&self, object: &Object) -> String {
        let second = self.options().alternate_etags && self.reads.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        if second { object.etag.chars().rev().collect() } else { object.etag.clone() }
    }

    /// Changes behaviour; members that are not named stay as they are.
    ///
    /// Lasting: `refuse_v1`, `refuse_v4`, `no_crc`, `no_part_crc`, `wrong_crc`, `no_range`,
    /// `standard_ranges`, `alternate_etags`, `no_length`, `no_md5`, `deny_list_parts` (true or false), `clock_skew` (seconds),
    /// `complete_then_fail` (true, or how many times), `sts_uses`, `presign_uses` (requests, or
    /// null). At once: `lose_uploads`, `expire_sts`, `expire_presigned`, `reset` (true).
    pub fn set_options(&self, options: &Value) -> Result<(), String> {
        let mut current = lock(&self.options);
        let change = current.change(options)?;
        *current = change.options;
        drop(current);
        if change.lose_uploads {
            lock(&self.uploads).clear();
        }
        if change.expire_sts {
            self.expire_all_sts();
        }
        if change.expire_presigned {
            self.expire_presigned();
        }
        Ok(())
    }

    /// The lasting options as they stand.
    pub fn options_json(&self) -> Value {
        json!(self.options())
    }

    /// Multipart uploads that are still open: `[{upload_id, name, initiated, parts: [{part_number,
    /// size, etag, crc64}]}]`.
    pub fn uploads_json(&self) -> Value {
        let uploads = lock(&self.uploads);
        let mut listed: Vec<_> = uploads.iter().collect();
        listed.sort_by_key(|(id, upload)| (upload.key.clone(), upload.initiated, (*id).clone()));
        listed
            .into_iter()
            .map(|(id, upload)| {
                let parts: Vec<_> = upload.parts.iter().map(|(number, part)| part.json(*number)).collect();
                json!({
                    "upload_id": id,
                    "name": upload.key,
                    "initiated": clock::xml(upload.initiated),
                    "parts": parts,
                })
            })
            .collect()
    }

    /// All objects by name: `[{name, size, etag, crc64, content_type, meta, kind,
    /// last_modified}]`; crc64 is a decimal string, or null when parts had none.
    pub fn objects_json(&self) -> Value {
        lock(&self.objects).iter().map(|(name, object)| object.json(name)).collect()
    }

    /// The time by the store's clock, which may be made to differ from everyone else's.
    pub fn now(&self) -> SystemTime {
        clock::shift(SystemTime::now(), self.options().clock_skew)
    }

    pub fn options(&self) -> Options {
        *lock(&self.options)
    }

    pub fn credentials(&self) -> MutexGuard<'_, Credentials> {
        lock(&self.credentials)
    }

    pub fn arena(&self) -> Arc<Arena> {
        Arc::clone(&self.arena)
    }

    pub fn inline_limit(&self) -> usize {
        self.inline_limit
    }

    pub fn object(&self, key: &str) -> Option<Arc<Object>> {
        lock(&self.objects).get(key).cloned()
    }

    /// Keeps an object under its name, unless overwriting is forbidden and the name is taken: then it answers `None`.
    pub fn insert(&self, key: &str, object: Object, forbid_overwrite: bool) -> Option<Arc<Object>> {
        let mut objects = lock(&self.objects);
        if forbid_overwrite && objects.contains_key(key) {
            return None;
        }
        let object = Arc::new(object);
        objects.insert(key.to_owned(), Arc::clone(&object));
        Some(object)
    }

    pub fn remove(&self, key: &str) {
        lock(&self.objects).remove(key);
    }

    pub fn uploads(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        lock(&self.uploads)
    }

    /// Whether this completion is one that shall look like a failure.
    pub fn take_complete_failure(&self) -> bool {
        let mut options = lock(&self.options);
        let fails = options.complete_then_fail > 0;
        if fails && options.complete_then_fail < u64::MAX {
            options.complete_then_fail -= 1;
        }
        fails
    }

    /// Upper-case hexadecimal digits that follow from the seed and never repeat.
    pub fn new_id(&self, purpose: &str, length: usize) -> String {
        let count = self.names.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(format!("{}/{purpose}/{count}", self.seed));
        let mut id = hex::encode_upper(digest);
        id.truncate(length);
        id
    }
}
