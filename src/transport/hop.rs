//! One request to one address, and the next one where the answer redirects. What is secret never leaves the first host.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{percent_decode_str, percent_encode_byte};
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION},
};
use url::Url;

use super::{
    Request, Target,
    failure::retry_after,
    proxy::{Proxies, Proxy},
    tls::Trust,
    tunnel::{ProxyAnswer, Through},
};
use crate::{
    context::Context,
    error::{Error, Result, Status},
};

/// One request to one address.
pub(super) struct Hop<'a> {
    pub url: Url,
    pub headers: HeaderMap,
    pub request: &'a Request,
    pub network: Network<'a>,
    is_first: bool,
}

/// What lies between here and there.
#[derive(Clone, Copy)]
pub(super) struct Network<'a> {
    pub proxies: &'a Proxies,
    pub trust: &'a Trust,
}

impl<'a> Hop<'a> {
    pub(super) fn first(
        context: &Context,
        request: &'a Request,
        url: Url,
        network: Network<'a>,
    ) -> Result<Self> {
        let mut headers = request.headers.clone();
        // The caller's own headers are for the platform, not for the store or whoever keeps a file.
        if matches!(request.target, Target::Platform(_)) {
            headers.extend(context.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Hop { url, headers, request, network, is_first: true }.ready()
    }

    /// A user and a password in the address become a header.
    fn ready(mut self) -> Result<Self> {
        if self.url.scheme() == "https" {
            self.network.trust.check()?;
        }
        if self.url.username().is_empty() && self.url.password().is_none() {
            return Ok(self);
        }
        if self.headers.contains_key(AUTHORIZATION) {
            return Err(protocol("an address with a user and a password, where a token is sent already"));
        }
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let who =
            [&decoded(self.url.username())[..], b":", &decoded(self.url.password().unwrap_or_default())]
                .concat();
        let basic = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(who)));
        let mut basic =
            basic.map_err(|_| protocol("an address with a user that cannot stand in a header"))?;
        basic.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, basic);
        let _ = (self.url.set_username(""), self.url.set_password(None));
        Ok(self)
    }

    /// The proxy on the way.
    pub(super) fn proxy(&self) -> Option<&'a Proxy> {
        self.network.proxies.on_the_way(&self.url)
    }

    /// Names the address, where nothing came of connecting to it.
    pub(super) fn blamed(&self, error: Error) -> Error {
        if !error.is_unsent() {
            return error;
        }
        let proxy = self.proxy().map(ToString::to_string);
        let error = match proxy {
            // It says so itself.
            Some(proxy) if error.message().contains(&proxy) => error,
            Some(proxy) => error.at(&format!("{}, by {proxy}", super::origin(&self.url))),
            None => error.at(&super::origin(&self.url)),
        };
        // Somebody had the first hop's request.
        if self.is_first { error } else { error.sent() }
    }

    /// A proxy that does not carry what it was given; or which one carried it, where the failure may be its own.
    pub(super) fn check(&self, status: u16, answer: &HeaderMap) -> Result<Option<Through>> {
        let Some(proxy) = self.proxy().filter(|proxy| proxy.speaks_http()) else { return Ok(None) };
        match status {
            407 => {
                let schemes = answer.get_all("proxy-authenticate").iter();
                let schemes: Vec<String> =
                    schemes.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
                let error = proxy.wants(&schemes);
                Err(if self.is_first { error.unsent() } else { error })
            }
            // Inside a tunnel nobody else answers.
            400.. if self.url.scheme() == "http" => match ProxyAnswer::of(status, answer) {
                Some(said) => {
                    let error = proxy.refused(&self.url, &said).with_http(status, None);
                    let error = error.with_retry_after(retry_after(answer));
                    Err(if self.is_first && said.is_unsent() { error } else { error.sent() })
                }
                None => Ok(matches!(status, 502..=504).then(|| Through::new(proxy))),
            },
            _ => Ok(None),
        }
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
        let url = self
            .url
            .join(&ascii(location.as_bytes()))
            .ok()
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
        let next = Hop { url, headers, request: self.request, network: self.network, is_first: false };
        next.ready().map(Some).map_err(|error| error.with_http(status, None))
    }
}

/// A header may hold any bytes, an address ASCII only: the others stand in it percent-encoded, whatever they mean.
fn ascii(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for byte in location {
        match byte {
            0..=0x7f => text.push(char::from(*byte)),
            _ => text.push_str(percent_encode_byte(*byte)),
        }
    }
    text
}

pub(super) fn protocol(what: &str) -> Error {
    Error::new(Status::Protocol, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_of_any_bytes_becomes_an_address() {
        let url = Url::parse("http://h/a/b").expect("an address");
        for (location, wanted) in [
            ("/文 件.txt?n=样".as_bytes(), "http://h/%E6%96%87%20%E4%BB%B6.txt?n=%E6%A0%B7"),
            (b"/\xce\xc4", "http://h/%CE%C4"),
            (b"c%20d", "http://h/a/c%20d"),
        ] {
            assert_eq!(url.join(&ascii(location)).expect("an address").as_str(), wanted);
        }
    }
}
