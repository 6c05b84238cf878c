//! What a request carries. Whatever streams can be opened anew for each attempt.

use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::{Progress, failure::local};
use crate::error::{Error, Result};

/// Bytes read from disk and handed to the connection at a time.
pub(crate) const CHUNK: usize = 256 * 1024;

/// The pieces of a body, as they come.
pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What a request carries.
#[derive(Clone)]
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// `multipart/form-data` with one file.
    Multipart {
        fields: Vec<(String, String)>,
        file: FilePart,
    },
    Stream(StreamBody),
}

/// A body of known length, opened anew for each attempt.
#[derive(Clone)]
pub(crate) struct StreamBody {
    pub length: u64,
    pub open: Arc<dyn Fn() -> ByteStream + Send + Sync>,
}

/// A file as a part of a multipart body.
#[derive(Clone)]
pub(crate) struct FilePart {
    /// The part's name.
    pub name: String,
    pub path: PathBuf,
    pub filename: String,
    pub length: u64,
}

impl FilePart {
    pub(super) fn open(&self, progress: Arc<Progress>) -> Result<ByteStream> {
        let file = File::open(&self.path).map_err(|cause| {
            Error::io(format!("{} cannot be read: {}", self.name, self.path.display()), &cause)
        })?;
        progress.expect(self.length);
        Ok(read_in_pieces(Arc::new(file), self.length, move |done| progress.reach(done)))
    }
}

/// The first `length` bytes of a file; a file that has become shorter is an error, never a shorter body.
fn read_in_pieces(file: Arc<File>, length: u64, progress: impl Fn(u64) + Send + 'static) -> ByteStream {
    Box::pin(stream::try_unfold((0, progress), move |(at, progress)| {
        let file = file.clone();
        async move {
            if at == length {
                return Ok(None);
            }
            let size = (length - at).min(CHUNK as u64) as usize;
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; size];
                file.read_exact_at(&mut piece, at).map(|()| piece)
            });
            let piece = read.await.map_err(io::Error::other)?.map_err(local)?;
            let now = at + piece.len() as u64;
            progress(now);
            Ok(Some((Bytes::from(piece), (now, progress))))
        }
    }))
}
