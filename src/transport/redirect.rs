//! Redirects are followed for GET only, at most 5; what is secret never leaves the first host.

use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, LOCATION},
};
use url::Url;

use super::{Answer, Request, Sender, Streamed, Terms, Transport, blocking, streaming};
use crate::{
    error::{Error, Result, Status},
    log::Level,
};

const MOST: usize = 5;

/// One request to one address.
pub(super) struct Hop<'a> {
    pub url: Url,
    pub headers: HeaderMap,
    pub request: &'a Request,
}

impl<'a> Hop<'a> {
    fn first(terms: &Terms, request: &'a Request, url: Url) -> Self {
        let mut headers = request.headers.clone();
        headers.extend(terms.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        Hop { url, headers, request }
    }

    /// Names the address, where nothing came of connecting to it.
    fn blamed(&self, error: Error) -> Error {
        if error.is_unsent() { error.at(&super::origin(&self.url)) } else { error }
    }

    /// The next hop, when the answer says that there is one.
    fn next(&self, status: u16, answer: &HeaderMap) -> Result<Option<Hop<'a>>> {
        let moved = matches!(
            StatusCode::from_u16(status),
            Ok(StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT)
        );
        let Some(location) = answer.get(LOCATION).filter(|_| moved && self.request.method == Method::GET)
        else {
            return Ok(None);
        };
        let url = location
            .to_str()
            .ok()
            .and_then(|text| self.url.join(text).ok())
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
                protocol("a redirect leads to no http or https address").with_http(status, None)
            })?;
        let mut headers = self.headers.clone();
        if url.origin() != self.url.origin() {
            headers.remove(AUTHORIZATION);
            for (name, value) in &self.headers {
                if value.is_sensitive() {
                    headers.remove(name);
                }
            }
        }
        Ok(Some(Hop { url, headers, request: self.request }))
    }
}

fn protocol(what: &str) -> Error {
    Error::new(Status::Protocol, what)
}

impl Transport {
    fn tell(&self, hop: &Hop<'_>) {
        // The query stays out of the log: it holds ids, signatures, whatever the caller gave.
        self.log().write(Level::Debug, || {
            format!("{} {}{}", hop.request.method, super::origin(&hop.url), hop.url.path())
        });
    }

    pub(super) async fn follow(&self, terms: &Terms, request: &Request, url: Url) -> Result<Answer> {
        let mut hop = Hop::first(terms, request, url);
        for _ in 0..=MOST {
            self.tell(&hop);
            let answer = match terms.sender {
                Sender::Blocking if !request.body.streams() => {
                    blocking::send(self.blocking()?, &hop, terms.attempt()?)
                }
                _ => match streaming::open(self.streaming_for(request)?, &hop, terms).await {
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
        terms: &Terms,
        request: &Request,
        url: Url,
    ) -> Result<Streamed> {
        let mut hop = Hop::first(terms, request, url);
        for _ in 0..=MOST {
            self.tell(&hop);
            let streamed = streaming::open(self.streaming_for(request)?, &hop, terms).await;
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
