//! What a later call needs to go on with an upload: no secret, written atomically.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    content::{Identity, OpenFile},
    download::on_disk,
    multipart::{Part, Parts},
    sign::hex,
    upload_options::Region,
};
use crate::error::{Error, Result};

const VERSION: u32 = 1;

/// An upload that can be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadRecord {
    version: u32,
    path: PathBuf,
    filename: String,
    identity: Identity,
    pub bucket: String,
    pub endpoint: String,
    pub key: String,
    pub upload_id: String,
    pub part_size: u64,
    pub parts: Parts,
}

/// Where the state of one upload is kept.
#[derive(Clone)]
pub(super) struct UploadState(Arc<Shared>);

struct Shared {
    place: PathBuf,
    path: PathBuf,
    filename: String,
    identity: Identity,
    state: Mutex<Option<UploadRecord>>,
}

impl UploadState {
    /// The checkpoint of a file that is uploaded under this name; what an earlier call left is read.
    pub(super) fn open(
        folder: &Path,
        platform: &str,
        region: &Region,
        filename: &str,
        file: &OpenFile,
    ) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|cause| unwritable(folder, &cause))?;
        let mut hash = Sha256::new();
        for piece in [
            platform.as_bytes(),
            file.path.as_os_str().as_encoded_bytes(),
            filename.as_bytes(),
            region.region_id.as_deref().unwrap_or_default().as_bytes(),
            &[u8::from(region.internal)],
        ] {
            hash.update((piece.len() as u64).to_le_bytes());
            hash.update(piece);
        }
        let name = hex(&hash.finalize()).chars().take(40).collect::<String>();
        let place = folder.join(format!("{name}.bge-upload.json"));
        let shared = Shared {
            state: Mutex::new(read(&place, filename, file)),
            place,
            path: file.path.clone(),
            filename: filename.to_owned(),
            identity: file.identity,
        };
        Ok(UploadState(Arc::new(shared)))
    }

    fn state(&self) -> MutexGuard<'_, Option<UploadRecord>> {
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What an earlier call left, if it was of the same file.
    pub(super) fn earlier(&self) -> Option<UploadRecord> {
        self.state().clone()
    }

    /// Begins the record of a new upload.
    pub(super) async fn begin(
        &self,
        (bucket, endpoint): (&str, &str),
        key: &str,
        upload_id: &str,
        part_size: u64,
    ) -> Result<()> {
        *self.state() = Some(UploadRecord {
            version: VERSION,
            path: self.0.path.clone(),
            filename: self.0.filename.clone(),
            identity: self.0.identity,
            bucket: bucket.to_owned(),
            endpoint: endpoint.to_owned(),
            key: key.to_owned(),
            upload_id: upload_id.to_owned(),
            part_size,
            parts: Parts::new(),
        });
        self.save().await
    }

    /// Records a part that the store has confirmed.
    pub(super) async fn note(&self, number: u64, part: &Part) -> Result<()> {
        if let Some(state) = &mut *self.state() {
            state.parts.insert(number, part.clone());
        }
        self.save().await
    }

    async fn save(&self) -> Result<()> {
        let this = self.clone();
        on_disk(move || {
            // Held while it is written, so that the last one written is the newest.
            let state = this.state();
            let Some(state) = &*state else { return Ok(()) };
            let json = serde_json::to_vec(state).map_err(|cause| unwritable(&this.0.place, &cause.into()))?;
            write(&this.0.place, &json).map_err(|cause| unwritable(&this.0.place, &cause))
        })
        .await
    }

    /// The upload is over.
    pub(super) async fn remove(&self) {
        let this = self.clone();
        let _ = on_disk(move || {
            *this.state() = None;
            let _ = fs::remove_file(&this.0.place);
            Ok(())
        })
        .await;
    }
}

fn unwritable(path: &Path, cause: &io::Error) -> Error {
    Error::io(format!("checkpoint_dir: {} cannot be written", path.display()), cause)
}

fn read(place: &Path, filename: &str, file: &OpenFile) -> Option<UploadRecord> {
    let state: UploadRecord = serde_json::from_slice(&fs::read(place).ok()?).ok()?;
    let same = state.version == VERSION
        && state.filename == filename
        && state.path == file.path
        && state.identity == file.identity
        && state.part_size > 0;
    same.then_some(state)
}

fn write(place: &Path, json: &[u8]) -> io::Result<()> {
    let fresh = place.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(json)?;
    file.sync_data()?;
    fs::rename(&fresh, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn a_changed_file_starts_anew() {
        let folder = Folder(std::env::temp_dir().join(format!("bge-checkpoint-{}", fastrand::u64(..))));
        fs::create_dir(&folder.0).expect("a folder");
        let path = folder.0.join("reads.fq");
        fs::write(&path, b"ACGT").expect("a file");
        let open = || {
            let file = OpenFile::open(&path).expect("the file");
            UploadState::open(&folder.0.join("c"), "http://p", &Region::default(), "reads.fq", &file)
                .expect("a checkpoint")
        };
        let part = Part { size: 4, crc64: u64::MAX, etag: "\"E\"".into() };
        let checkpoint = open();
        assert_eq!(checkpoint.earlier(), None);
        checkpoint.begin(("b", "http://s"), "d/reads.fq", "U", 102_400).await.expect("written");
        checkpoint.note(1, &part).await.expect("written");

        let earlier = open().earlier().expect("a state");
        assert_eq!((earlier.upload_id.as_str(), earlier.parts.get(&1)), ("U", Some(&part)));
        fs::write(&path, b"ACGTA").expect("a file");
        assert_eq!(open().earlier(), None);
        checkpoint.remove().await;
        assert_eq!(fs::read_dir(folder.0.join("c")).expect("the folder").count(), 0);
    }
}
