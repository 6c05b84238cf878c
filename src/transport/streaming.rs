//! The sender of whatever has a deadline, can be cancelled or streams a body: reqwest's async client, on the client's own
//! runtime. Dropping what it returns closes the connection.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use reqwest::{
    Client, Request, Response,
    header::{CONTENT_LENGTH, HeaderMap},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Answer, Body, failure, hop::Hop, limits, tunnel::Through};
use crate::{
    context::Context,
    error::{Error, Result, Status},
};

/// How long a proxy is asked why it made no connection.
pub(super) const ASKING: Duration = Duration::from_secs(5);
/// A body in memory that is longer than this is sent in pieces, so that its progress is seen.
const IN_ONE_PIECE: usize = 64 << 10;

/// When something last moved, and how much was sent that the other side may be busy with.
#[derive(Clone)]
struct Pulse(Arc<Beats>);

struct Beats {
    born: Instant,
    last: AtomicU64,
    sent: AtomicU64,
    is_answered: AtomicBool,
    timeout: Duration,
}

impl Pulse {
    fn new(timeout: Duration) -> Self {
        let (last, sent) = (AtomicU64::new(0), AtomicU64::new(0));
        let is_answered = AtomicBool::new(false);
        Pulse(Arc::new(Beats { born: Instant::now(), last, sent, is_answered, timeout }))
    }

    fn beat(&self) {
        self.0.last.store(self.0.born.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn sent(&self, bytes: usize) {
        self.0.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        self.beat();
    }

    /// The other side answers: it is through with what it was sent.
    fn answered(&self) {
        self.0.sent.store(0, Ordering::Relaxed);
        self.0.is_answered.store(true, Ordering::Relaxed);
        self.beat();
    }

    /// Ends when nothing has moved for too long.
    async fn silent(&self) -> Error {
        loop {
            let allowed = limits::silence(self.0.timeout, self.0.sent.load(Ordering::Relaxed));
            let last = Duration::from_millis(self.0.last.load(Ordering::Relaxed));
            let left = last.saturating_add(allowed).saturating_sub(self.0.born.elapsed());
            if left.is_zero() {
                return match self.0.is_answered.load(Ordering::Relaxed) {
                    true => failure::silent(allowed),
                    false => failure::unanswered(allowed),
                };
            }
            tokio::time::sleep(left).await;
        }
    }

    async fn of<T>(&self, work: impl Future<Output = reqwest::Result<T>>) -> Result<reqwest::Result<T>> {
        tokio::select! {
            biased;
            outcome = work => Ok(outcome),
            error = self.silent() => Err(error),
        }
    }
}

/// An answer whose body is still to come. It holds its connection's permit until it is dropped.
pub(crate) struct Streamed {
    pub status: u16,
    pub headers: HeaderMap,
    response: Response,
    /// What was looked at already.
    peeked: Option<Bytes>,
    pulse: Pulse,
    context: Context,
    through: Option<Through>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Where its permit went while nobody reads.
    resting: Option<Arc<Semaphore>>,
}

impl Streamed {
    /// The next piece of the body; `None` at its end. The time between two pieces that nobody asks for is the reader's.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if let Some(peeked) = self.peeked.take() {
            return Ok(Some(peeked));
        }
        self.pulse.beat();
        let chunk = self.context.bounded(self.pulse.of(self.response.chunk())).await?;
        chunk.map_err(failure::of)
    }

    /// The first piece of the body, which stays to be read.
    pub(crate) async fn peek(&mut self) -> Result<&[u8]> {
        self.peeked = self.chunk().await?;
        Ok(self.peeked.as_deref().unwrap_or_default())
    }

    /// Nobody reads it for a while: its permit is for others meanwhile.
    pub(crate) fn rest(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.resting = Some(permit.semaphore().clone());
        }
    }

    /// Waits for a permit to be read again.
    pub(crate) async fn resume(&mut self) -> Result<()> {
        if let Some(connections) = self.resting.take() {
            let waiting = async {
                connections.acquire_owned().await.map_err(|_| Error::closed("the client is closed"))
            };
            self.permit = Some(self.context.bounded(waiting).await?);
        }
        Ok(())
    }

    /// The body's length, where the server says it.
    pub(crate) fn length(&self) -> Option<u64> {
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
    }

    pub(crate) async fn collect(mut self) -> Result<Answer> {
        let status = self.status;
        let most = limits::Most::of(&self.context, status);
        most.check_promise(self.length())?;
        let mut body = BytesMut::with_capacity(most.at_once(self.length()));
        let begun = Instant::now();
        while let Some(chunk) = self.chunk().await.map_err(|error| error.with_http(status, None))? {
            body.extend_from_slice(&chunk);
            if most.is_enough(&mut body, begun.elapsed(), &self.context)? {
                break;
            }
        }
        Ok(Answer { status, headers: self.headers, body: body.freeze(), through: self.through })
    }
}

/// One hop, as far as the answer's headers.
pub(super) async fn open(client: &Client, hop: &Hop<'_>, context: &Context) -> Result<Streamed> {
    let pulse = Pulse::new(context.timeout);
    let request = request(client, hop, context, &pulse)?;
    let response = match pulse.of(client.execute(request)).await? {
        Ok(response) => response,
        Err(cause) => match hop.proxy() {
            Some(proxy) if failure::is_refused_tunnel(&cause) => {
                let (proxy, url, tls) = (proxy.clone(), hop.url.clone(), hop.network.trust.config.clone());
                let patience = ASKING.min(context.timeout);
                let asked = tokio::task::spawn_blocking(move || {
                    proxy.refused(&url, &proxy.ask(&url, &tls, patience))
                });
                return Err(asked.await.unwrap_or_else(|cause| {
                    Error::new(Status::Internal, "a proxy could not be asked").with_cause(cause)
                }));
            }
            _ => return Err(failure::of_send(cause, &hop.network.trust.description)),
        },
    };
    pulse.answered();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let through = hop.check(status, &headers)?;
    Ok(Streamed {
        status,
        headers,
        response,
        peeked: None,
        pulse,
        context: context.clone(),
        through,
        permit: None,
        resting: None,
    })
}

fn request(client: &Client, hop: &Hop<'_>, context: &Context, pulse: &Pulse) -> Result<Request> {
    let mut request = Request::new(hop.request.method.clone(), hop.url.clone());
    *request.headers_mut() = hop.headers.clone();
    let seen = |stream: super::ByteStream| {
        let pulse = pulse.clone();
        reqwest::Body::wrap_stream(stream.inspect(move |piece| {
            if let Ok(piece) = piece {
                pulse.sent(piece.len());
            }
        }))
    };
    match &hop.request.body {
        Body::Empty => {}
        Body::Bytes(bytes) if bytes.len() <= IN_ONE_PIECE => {
            pulse.sent(bytes.len());
            *request.body_mut() = Some(bytes.clone().into());
        }
        Body::Bytes(bytes) => {
            request.headers_mut().insert(CONTENT_LENGTH, bytes.len().into());
            *request.body_mut() = Some(seen(pieces(bytes.clone())));
        }
        Body::Stream(stream) => {
            request.headers_mut().insert(CONTENT_LENGTH, stream.length.into());
            *request.body_mut() = Some(seen((stream.open)()));
        }
        Body::Multipart { fields, file } => {
            let opened = file.open(context.progress.clone())?;
            let part = reqwest::multipart::Part::stream_with_length(seen(opened), file.length)
                .file_name(escaped(&file.filename, ""))
                .mime_str("application/zip")
                .map_err(failure::of)?;
            let mut form = reqwest::multipart::Form::new().percent_encode_noop();
            for (name, value) in fields {
                form = form.text(escaped(name, "\""), value.clone());
            }
            let form = form.part(escaped(&file.name, "\""), part);
            let built = client.post(hop.url.clone()).headers(hop.headers.clone()).multipart(form).build();
            request = built.map_err(failure::of)?;
        }
    }
    Ok(request)
}

fn pieces(bytes: Bytes) -> super::ByteStream {
    Box::pin(stream::unfold(bytes, |mut rest| async move {
        let piece = rest.split_to(rest.len().min(IN_ONE_PIECE));
        (!piece.is_empty()).then_some((Ok(piece), rest))
    }))
}

/// A name in the header of a form's part, as browsers write it: controls, and what else would end it, are
/// percent-encoded.
fn escaped(name: &str, ends: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            _ if c.is_ascii_control() || ends.contains(c) => text.push_str(&format!("%{:02X}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_its_header() {
        assert_eq!(escaped("a\"; filename=\"x\r\nEvil: 1", "\""), "a%22; filename=%22x%0D%0AEvil: 1");
        assert_eq!(escaped("样本 \"1\".zip\n", ""), "样本 \"1\".zip%0A");
    }

    #[tokio::test]
    async fn a_long_body_goes_in_pieces() {
        let body = Bytes::from(vec![7; IN_ONE_PIECE * 2 + 1]);
        let lengths: Vec<usize> =
            pieces(body).map(|piece| piece.map_or(0, |piece| piece.len())).collect().await;
        assert_eq!(lengths, [IN_ONE_PIECE, IN_ONE_PIECE, 1]);
    }

    #[tokio::test]
    async fn silence_counts_from_the_last_move() {
        let pulse = Pulse::new(Duration::from_millis(60));
        let moves = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(30)).await;
                pulse.beat();
            }
        };
        let begun = Instant::now();
        let (error, ()) = tokio::join!(pulse.silent(), moves);
        assert_eq!(error.status(), Status::Timeout);
        assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    }
}
