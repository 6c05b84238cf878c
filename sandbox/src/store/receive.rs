//! Taking in a body: stored, measured and hashed as it arrives.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::error::{OssError, OssResult};
use super::request::OssRequest;
use crate::world::store::Store;
use crate::world::store::blob::{Arena, Blob, Stored};
use crate::world::store::digest::{Hashes, Received};

/// The largest object or part that one request may bring.
pub(super) const MAX_BODY: u64 = 5 << 30;
/// Chunks on their way from the network to the hashing thread.
const IN_FLIGHT: usize = 8;
/// What is left of a refused request's body is read up to here, so that the answer arrives.
const MAX_DRAIN: u64 = 256 << 20;

/// Reads the whole body of a request and checks its length and Content-MD5.
pub(super) async fn receive(
    store: &Store,
    request: &OssRequest,
    body: &mut Option<Body>,
) -> OssResult<Received> {
    let length = stated_length(request)?;
    let digest = stated_digest(request)?;
    let mut body = body.take().unwrap_or_default();
    let with_md5 = digest.is_some() || !store.options().no_md5;
    let mut hashes = Hashes::new(with_md5);
    let mut gathered = BytesMut::new();
    let received = loop {
        match next_chunk(&mut body).await? {
            None => break hashes.finish(Blob::Memory(gathered.freeze())),
            Some(chunk) if gathered.len() + chunk.len() <= store.inline_limit() => {
                hashes.update(&chunk);
                gathered.extend_from_slice(&chunk);
            }
            Some(chunk) => {
                break spill(store, hashes, gathered.freeze(), chunk, &mut body).await?;
            }
        }
    };
    if length.is_some_and(|length| length != received.blob.size()) {
        return Err(incomplete());
    }
    match digest {
        Some(stated) if stated != received.digest => Err(OssError::bad_request(
            "InvalidDigest",
            "The Content-MD5 you specified did not match what we received.",
        )
        .with("Content-MD5", STANDARD.encode(stated))),
        _ => Ok(received),
    }
}

/// Hands the chunks of a long body to a thread that may block on the disk.
async fn spill(
    store: &Store,
    hashes: Hashes,
    gathered: Bytes,
    chunk: Bytes,
    body: &mut Body,
) -> OssResult<Received> {
    let (to_disk, chunks) = mpsc::channel(IN_FLIGHT);
    let arena = store.arena();
    let mut size = (gathered.len() + chunk.len()) as u64;
    let writer = tokio::task::spawn_blocking(move || write(arena, hashes, gathered, chunk, chunks));
    while let Some(chunk) = next_chunk(body).await? {
        size += chunk.len() as u64;
        if size > MAX_BODY {
            return Err(too_large());
        }
        if to_disk.send(chunk).await.is_err() {
            break; // The writer has failed; it says why below.
        }
    }
    drop(to_disk);
    match writer.await {
        Ok(Ok(received)) => Ok(received),
        Ok(Err(error)) => Err(OssError::disk(error)),
        Err(error) => Err(OssError::internal(&error.to_string())),
    }
}

fn write(
    arena: Arc<Arena>,
    mut hashes: Hashes,
    gathered: Bytes,
    first: Bytes,
    mut chunks: mpsc::Receiver<Bytes>,
) -> std::io::Result<Received> {
    let mut stored = Stored::new(arena);
    stored.append(&gathered)?;
    drop(gathered);
    let mut next = Some(first);
    while let Some(chunk) = next {
        hashes.update(&chunk);
        stored.append(&chunk)?;
        next = chunks.blocking_recv();
    }
    Ok(hashes.finish(Blob::Stored(stored)))
}

async fn next_chunk(body: &mut Body) -> OssResult<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| incomplete())?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// The whole of a short body, such as the list of parts to complete.
pub(super) async fn receive_text(body: &mut Option<Body>, limit: usize) -> OssResult<Bytes> {
    let mut body = body.take().unwrap_or_default();
    let mut text = BytesMut::new();
    while let Some(chunk) = next_chunk(&mut body).await? {
        if text.len() + chunk.len() > limit {
            return Err(too_large());
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text.freeze())
}

/// Reads on after a refusal: a client that is still sending would otherwise meet a reset
/// connection rather than the answer.
pub(super) fn drain(mut body: Body) {
    tokio::spawn(async move {
        let mut size = 0;
        while let Ok(Some(chunk)) = next_chunk(&mut body).await {
            size += chunk.len() as u64;
            if size > MAX_DRAIN {
                break;
            }
        }
    });
}

fn stated_length(request: &OssRequest) -> OssResult<Option<u64>> {
    match request.header("content-length") {
        Some(text) => match text.parse() {
            Ok(length) if length > MAX_BODY => Err(too_large()),
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(OssError::argument("Content-Length", text, "The Content-Length is not a number.")),
        },
        None if request.header("transfer-encoding").is_some() => Ok(None),
        None => Err(OssError::new(
            http::StatusCode::LENGTH_REQUIRED,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        )),
    }
}

fn stated_digest(request: &OssRequest) -> OssResult<Option<[u8; 16]>> {
    let Some(text) = request.header("content-md5") else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(text).unwrap_or_default();
    match <[u8; 16]>::try_from(bytes) {
        Ok(digest) => Ok(Some(digest)),
        Err(_) => Err(OssError::bad_request("InvalidDigest", "The Content-MD5 you specified is not valid.")
            .with("Content-MD5", text)),
    }
}

fn too_large() -> OssError {
    OssError::bad_request("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
        .with("MaxSizeAllowed", MAX_BODY.to_string())
}

fn incomplete() -> OssError {
    OssError::bad_request("IncompleteBody", "The request body ended before the stated length.")
}
