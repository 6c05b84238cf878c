//! The body of a request to the object store, measured on its way through.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use sha2::{Digest, Sha256};

use super::log::Entry;
use crate::wire::request::KEPT_BODY;

/// Passes a body on unchanged, and tells the request log its size, SHA-256 and, if it is short text, its content.
pub struct RecordedBody {
    inner: Body,
    entry: Arc<Entry>,
    size: u64,
    hash: Option<Sha256>,
    kept: Vec<u8>,
    complete: bool,
}

impl RecordedBody {
    pub fn new(inner: Body, entry: Arc<Entry>, full: bool) -> RecordedBody {
        let complete = inner.is_end_stream();
        RecordedBody { inner, entry, size: 0, hash: full.then(Sha256::new), kept: Vec::new(), complete }
    }
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.size += data.len() as u64;
                    if let Some(hash) = &mut self.hash {
                        hash.update(data);
                        if self.size <= KEPT_BODY as u64 {
                            self.kept.extend_from_slice(data);
                        }
                    }
                }
                self.complete = self.inner.is_end_stream();
            }
            Poll::Ready(None) => self.complete = true,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let sha256 = self.hash.take().filter(|_| self.complete).map(|hash| hex::encode(hash.finalize()));
        let whole = self.size > 0 && self.size == self.kept.len() as u64;
        let text = whole.then(|| String::from_utf8(std::mem::take(&mut self.kept)).ok()).flatten();
        self.entry.set_body(self.size, sha256, text, self.complete);
    }
}
