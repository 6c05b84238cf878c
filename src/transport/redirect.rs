//! Redirects are followed for GET only, at most 5.

use url::Url;

use super::{
    Answer, Request, Streamed, Transport, blocking,
    hop::{Hop, protocol},
    streaming,
};
use crate::{
    context::{Context, Sender},
    error::Result,
    log::Level,
};

const MOST: usize = 5;

impl Transport {
    fn log_request(&self, hop: &Hop<'_>) {
        // The query stays out of the log: it holds ids, signatures, whatever the caller gave.
        self.log().write(Level::Debug, || {
            format!("{} {}{}", hop.request.method, super::origin(&hop.url), hop.url.path())
        });
    }

    pub(super) async fn follow(&self, context: &Context, request: &Request, url: Url) -> Result<Answer> {
        let mut hop = Hop::first(context, request, url);
        for _ in 0..=MOST {
            self.log_request(&hop);
            let answer = match context.sender {
                Sender::Blocking if !request.body.streams() => {
                    blocking::send(self.blocking()?, &hop, context.attempt()?)
                }
                _ => match streaming::open(self.streaming_for(request)?, &hop, context).await {
                    Ok(streamed) => streamed.collect().await,
                    Err(error) => Err(error),
                },
            };
            let answer = answer.map_err(|error| hop.blamed(error))?;
            self.log().write(Level::Debug, || format!("answered {}", answer.status));
            match hop.next(answer.status, &answer.headers)? {
                Some(next) => hop = next,
                None => return Ok(answer),
            }
        }
        Err(protocol("more than 5 redirects in a row"))
    }

    pub(super) async fn follow_streamed(
        &self,
        context: &Context,
        request: &Request,
        url: Url,
    ) -> Result<Streamed> {
        let mut hop = Hop::first(context, request, url);
        for _ in 0..=MOST {
            self.log_request(&hop);
            let streamed = streaming::open(self.streaming_for(request)?, &hop, context).await;
            let streamed = streamed.map_err(|error| hop.blamed(error))?;
            self.log().write(Level::Debug, || format!("answered {}", streamed.status));
            match hop.next(streamed.status, &streamed.headers)? {
                Some(next) => hop = next,
                None => return Ok(streamed),
            }
        }
        Err(protocol("more than 5 redirects in a row"))
    }
}
