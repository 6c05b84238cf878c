//! The sender of whatever can be cancelled or streams a body: reqwest's async client, on the client's own runtime.
//! Dropping what it returns closes the connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::{
    Client, Request, Response,
    header::{CONTENT_LENGTH, HeaderMap},
};

use super::{Answer, Body, failure, hop::Hop};
use crate::context::Context;
use crate::error::{Error, Result, Status};

fn late() -> Error {
    Error::new(Status::Timeout, "the deadline passed")
}

/// A body up to this length gets its memory in one piece, where its length is known.
const MOST_AT_ONCE: u64 = 4 << 20;

/// How long an attempt may take.
#[derive(Clone)]
enum Limit {
    /// All of it, by this time.
    By { at: Instant, is_deadline: bool },
    /// Never silent for longer than this, and by the deadline if there is one.
    Silence { longest: Duration, deadline: Option<Instant>, pulse: Arc<Pulse> },
}

/// When something last moved.
struct Pulse {
    born: Instant,
    last: AtomicU64,
}

impl Pulse {
    fn beat(&self) {
        self.last.store(self.born.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.born + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

impl Limit {
    /// Ends when the time is up.
    async fn passed(&self) -> Error {
        match self {
            Limit::By { at, is_deadline } => {
                tokio::time::sleep_until((*at).into()).await;
                if *is_deadline { late() } else { failure::timed_out() }
            }
            Limit::Silence { longest, deadline, pulse } => loop {
                let quiet = pulse.last() + *longest;
                let until = deadline.map_or(quiet, |deadline| deadline.min(quiet));
                tokio::time::sleep_until(until.into()).await;
                if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                    return late();
                }
                if pulse.last() + *longest <= Instant::now() {
                    let what = format!("nothing moved for {} s", longest.as_secs_f64());
                    return Error::new(Status::Timeout, what);
                }
            },
        }
    }

    async fn of<T>(&self, work: impl Future<Output = reqwest::Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            outcome = work => {
                if let Limit::Silence { pulse, .. } = self {
                    pulse.beat();
                }
                outcome.map_err(failure::of)
            }
            error = self.passed() => Err(error),
        }
    }
}

/// An answer whose body is still to come.
pub(crate) struct Streamed {
    pub status: u16,
    pub headers: HeaderMap,
    response: Response,
    limit: Limit,
    transferred: bool,
}

impl Streamed {
    /// The next piece of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.limit.of(self.response.chunk()).await
    }

    /// The body's length, where the server says it.
    pub(crate) fn length(&self) -> Option<u64> {
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
    }

    /// From here on only silence counts, not the time that the whole body takes.
    pub(crate) fn paced(mut self, context: &Context) -> Self {
        if !self.transferred {
            self.limit = silence(context);
            self.transferred = true;
        }
        self
    }

    /// The time between two reads is the reader's own.
    pub(crate) fn resume(&self) {
        if let Limit::Silence { pulse, .. } = &self.limit {
            pulse.beat();
        }
    }

    pub(crate) async fn collect(mut self) -> Result<Answer> {
        // A server may promise anything: what is set aside at once is bounded.
        let promised = self.length().unwrap_or(0).min(MOST_AT_ONCE) as usize;
        let mut body = BytesMut::with_capacity(promised);
        let status = self.status;
        while let Some(chunk) = self.chunk().await.map_err(|error| error.with_http(status, None))? {
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers: self.headers, body: body.freeze() })
    }
}

fn silence(context: &Context) -> Limit {
    let pulse = Arc::new(Pulse { born: Instant::now(), last: AtomicU64::new(0) });
    Limit::Silence { longest: context.timeout, deadline: context.deadline, pulse }
}

pub(super) async fn open(client: &Client, hop: &Hop<'_>, context: &Context) -> Result<Streamed> {
    let streams = hop.request.body.streams();
    let limit = if streams {
        context.attempt()?;
        silence(context)
    } else {
        let left = context.attempt()?;
        Limit::By { at: Instant::now() + left, is_deadline: left < context.timeout }
    };
    let mut request = Request::new(hop.request.method.clone(), hop.url.clone());
    *request.headers_mut() = hop.headers.clone();
    let beat = |stream: super::ByteStream| {
        let limit = limit.clone();
        stream.map(move |chunk| {
            if let Limit::Silence { pulse, .. } = &limit {
                pulse.beat();
            }
            chunk
        })
    };
    match &hop.request.body {
        Body::Empty => {}
        Body::Bytes(bytes) => *request.body_mut() = Some(bytes.clone().into()),
        Body::Stream(stream) => {
            request.headers_mut().insert(CONTENT_LENGTH, stream.length.into());
            *request.body_mut() = Some(reqwest::Body::wrap_stream(beat((stream.open)())));
        }
        Body::Multipart { fields, file } => {
            let opened = file.open(context.progress.clone())?;
            let part = reqwest::multipart::Part::stream_with_length(
                reqwest::Body::wrap_stream(beat(opened)),
                file.length,
            )
            .file_name(file.filename.clone())
            .mime_str("application/zip")
            .map_err(failure::of)?;
            let mut form = reqwest::multipart::Form::new().percent_encode_noop();
            for (name, value) in fields {
                form = form.text(name.clone(), value.clone());
            }
            let form = form.part(file.name.clone(), part);
            let built = client.post(hop.url.clone()).headers(hop.headers.clone()).multipart(form).build();
            request = built.map_err(failure::of)?;
        }
    }
    let response = limit.of(client.execute(request)).await?;
    Ok(Streamed {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        response,
        limit,
        transferred: streams,
    })
}
