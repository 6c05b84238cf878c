//! Redirects are followed for GET only, at most 5.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as Task, Poll},
    time::Instant,
};

use reqwest::header::HeaderMap;
use tokio::task::JoinHandle;
use url::Url;

use super::{
    Answer, Request, Streamed, Transport, blocking,
    hop::{Hop, protocol},
    request_id, streaming,
};
use crate::{
    context::{Context, Sender},
    error::{Error, Result, Status},
    log::{Event, Level},
};

const MOST: usize = 5;

impl Transport {
    fn log_request(&self, context: &Context, hop: &Hop<'_>) -> Instant {
        self.log().record(Level::Debug, || {
            let (method, url) = named(hop);
            let line = format!("{method} {url}");
            let facts = vec![("method", method.into()), ("url", url.into())];
            (line, Event { name: "request", tag: context.tag.as_deref(), facts })
        });
        Instant::now()
    }

    /// What came of a request. Where there was no answer, the error is logged by whoever ends or repeats the call.
    fn log_answer(&self, context: &Context, hop: &Hop<'_>, sent: Instant, answer: Option<(u16, &HeaderMap)>) {
        self.log().record(Level::Debug, || {
            let (method, url) = named(hop);
            let seconds = sent.elapsed().as_secs_f64();
            let mut facts =
                vec![("method", method.into()), ("url", url.into()), ("duration", seconds.into())];
            let line = match answer {
                Some((status, headers)) => {
                    facts.push(("http_status", status.into()));
                    facts.push(("request_id", request_id(headers).into()));
                    format!("answered {status}")
                }
                None => "not answered".to_owned(),
            };
            (line, Event { name: "answer", tag: context.tag.as_deref(), facts })
        });
    }

    pub(super) async fn follow(&self, context: &Context, request: &Request, url: Url) -> Result<Answer> {
        if context.sender == Sender::Streaming {
            return self.follow_streamed(context, request, url).await?.collect().await;
        }
        if !blocking::can_carry(context, request, self.options().timeout) {
            return self.follow_beside(context, request, url).await;
        }
        let mut hop = Hop::first(context, request, url, self.network()?)?;
        for _ in 0..=MOST {
            let sent = self.log_request(context, &hop);
            let answer = blocking::send(self.blocking()?, &hop, context);
            let outcome = answer.as_ref().ok().map(|answer| (answer.status, &answer.headers));
            self.log_answer(context, &hop, sent, outcome);
            // The blocking client hears of it only now.
            context.cancel.check()?;
            let answer = answer.map_err(|error| hop.blamed(error))?;
            match hop.next(answer.status, &answer.headers)? {
                Some(next) => hop = next,
                None => return Ok(answer),
            }
        }
        Err(protocol("more than 5 redirects in a row"))
    }

    /// For a caller who waits on a thread: what the blocking client could not end in time goes on the runtime, and ends
    /// when nobody waits for it any more.
    async fn follow_beside(&self, context: &Context, request: &Request, url: Url) -> Result<Answer> {
        let (this, mut context, request) = (self.clone(), context.clone(), request.clone());
        context.sender = Sender::Streaming;
        let work = async move { this.follow_streamed(&context, &request, url).await?.collect().await };
        Beside(self.spawn(work)?).await
    }

    pub(super) async fn follow_streamed(
        &self,
        context: &Context,
        request: &Request,
        url: Url,
    ) -> Result<Streamed> {
        let mut hop = Hop::first(context, request, url, self.network()?)?;
        for _ in 0..=MOST {
            let sent = self.log_request(context, &hop);
            let streamed = streaming::open(&self.streaming_for(request)?, &hop, context).await;
            let outcome = streamed.as_ref().ok().map(|streamed| (streamed.status, &streamed.headers));
            self.log_answer(context, &hop, sent, outcome);
            let streamed = streamed.map_err(|error| hop.blamed(error))?;
            match hop.next(streamed.status, &streamed.headers)? {
                Some(next) => hop = next,
                None => return Ok(streamed),
            }
        }
        Err(protocol("more than 5 redirects in a row"))
    }
}

/// A request's method and address. The query stays out of the log: it holds ids, signatures, whatever the caller gave.
fn named(hop: &Hop<'_>) -> (String, String) {
    (hop.request.method.to_string(), format!("{}{}", super::origin(&hop.url), hop.url.path()))
}

/// A task that ends with whoever waits for it.
struct Beside<T>(JoinHandle<Result<T>>);

impl<T> Future for Beside<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.0).poll(task).map(|outcome| {
            outcome.unwrap_or_else(|cause| {
                Err(Error::new(Status::Internal, "a request's task broke off").with_cause(cause))
            })
        })
    }
}

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
