//! One request to one address, and the next one where the answer redirects. What is secret never leaves the first host.

use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, LOCATION},
};
use url::Url;

use super::{Request, Target};
use crate::{
    context::Context,
    error::{Error, Result, Status},
};

/// One request to one address.
pub(super) struct Hop<'a> {
    pub url: Url,
    pub headers: HeaderMap,
    pub request: &'a Request,
}

impl<'a> Hop<'a> {
    pub(super) fn first(context: &Context, request: &'a Request, url: Url) -> Self {
        let mut headers = request.headers.clone();
        // The caller's own headers are for the platform, not for the store or whoever keeps a file.
        if matches!(request.target, Target::Platform(_)) {
            headers.extend(context.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Hop { url, headers, request }
    }

    /// Names the address, where nothing came of connecting to it.
    pub(super) fn blamed(&self, error: Error) -> Error {
        if error.is_unsent() { error.at(&super::origin(&self.url)) } else { error }
    }

    /// The next hop, when the answer says that there is one.
    pub(super) fn next(&self, status: u16, answer: &HeaderMap) -> Result<Option<Hop<'a>>> {
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

pub(super) fn protocol(what: &str) -> Error {
    Error::new(Status::Protocol, what)
}
